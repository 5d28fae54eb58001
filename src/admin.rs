//! Health and metrics over HTTP.
//!
//! `/livez` answers as long as the process turns; `/readyz` once the first list of every watch has come, or of one that stands by the lease
//! has been seen, while none is blind and the CRDs are this version's; `/metrics` counts.

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
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(move || async move { readiness(health.complaint()) }))
        .route("/metrics", get(move || async move { ([(header::CONTENT_TYPE, CONTENT_TYPE)], metrics.render()) }))
}

fn readiness(complaint: Option<String>) -> (StatusCode, String) {
    complaint.map_or((StatusCode::OK, "ok\n".to_owned()), |complaint| (StatusCode::SERVICE_UNAVAILABLE, complaint + "\n"))
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
    fn readiness_says_what_is_in_the_way() {
        assert_eq!(readiness(None), (StatusCode::OK, "ok\n".to_owned()));
        assert_eq!(readiness(Some("waiting".to_owned())), (StatusCode::SERVICE_UNAVAILABLE, "waiting\n".to_owned()));
    }
}
