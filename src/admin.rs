//! Health and metrics over HTTP.
//!
//! `/livez` answers as long as the process turns; `/readyz` once the first list of every watch has come; `/metrics` counts.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::controller::watch::Health;
use crate::metrics::{CONTENT_TYPE, Metrics};

/// The routes.
pub fn router(metrics: Arc<Metrics>, health: Arc<Health>) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(move || async move { readiness(&health.missing()) }))
        .route("/metrics", get(move || async move { ([(header::CONTENT_TYPE, CONTENT_TYPE)], metrics.render()) }))
}

fn readiness(missing: &[String]) -> (StatusCode, String) {
    if missing.is_empty() {
        (StatusCode::OK, "ok\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, format!("waiting for the first list of {}\n", missing.join(", ")))
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
        assert_eq!(readiness(&[]).0, StatusCode::OK);
        let (status, text) = readiness(&["datadogorgs".to_owned()]);
        assert_eq!((status, text.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "waiting for the first list of datadogorgs\n"));
    }
}
