//! Health and metrics over HTTP.
//!
//! `/livez` answers as long as the process turns; `/readyz` once the first list of every watch has come and none has gone blind;
//! `/metrics` counts.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::controller::health::Health;
use crate::metrics::{CONTENT_TYPE, Metrics};

/// The routes.
pub fn router(metrics: Arc<Metrics>, health: Arc<Health>) -> Router {
    let watches = Arc::clone(&health);
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(move || async move { readiness(&health.missing(), &health.blind()) }))
        .route("/metrics", get(move || async move { ([(header::CONTENT_TYPE, CONTENT_TYPE)], metrics.render(&watches.ages())) }))
}

fn readiness(missing: &[String], blind: &[String]) -> (StatusCode, String) {
    let no = |why: &str, watches: &[String]| (StatusCode::SERVICE_UNAVAILABLE, format!("{why} {}\n", watches.join(", ")));
    match (missing, blind) {
        ([], []) => (StatusCode::OK, "ok\n".to_owned()),
        ([], blind) => no("the API server has not answered for a minute about", blind),
        (missing, _) => no("waiting for the first list of", missing),
    }
}

/// Serves until the process ends.
///
/// # Errors
/// The address cannot be listened on.
pub async fn serve(listen: SocketAddr, router: Router) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_names_what_is_missing() {
        assert_eq!(readiness(&[], &[]).0, StatusCode::OK);
        let blind = readiness(&[], &["orgconnections".to_owned()]);
        assert_eq!(
            blind,
            (StatusCode::SERVICE_UNAVAILABLE, "the API server has not answered for a minute about orgconnections\n".to_owned())
        );
        let (status, text) = readiness(&["datadogorgs".to_owned()], &[]);
        assert_eq!((status, text.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "waiting for the first list of datadogorgs\n"));
    }
}
