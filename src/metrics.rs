//! What is counted, in OpenMetrics text. No label holds an object's name: series must not grow with the objects.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::datadog::Observation;

/// The content type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    call: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Pass {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Watch {
    watch: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

/// The process's metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    latency: Histogram,
    passes: Family<Pass, Counter>,
    watch_age: Family<Watch, Gauge<f64, AtomicU64>>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("crossorg");
        let requests = Family::<Request, Counter>::default();
        registry.register("datadog_requests", "Requests to the Datadog API", requests.clone());
        let latency = Histogram::new(exponential_buckets(0.01, 2.0, 11));
        registry.register("datadog_request_seconds", "Time from a request to the last byte of its answer", latency.clone());
        let passes = Family::<Pass, Counter>::default();
        registry.register("passes", "Passes over OrgConnection objects by what they came to", passes.clone());
        let watch_age = Family::<Watch, Gauge<f64, AtomicU64>>::default();
        registry.register(
            "watch_age_seconds",
            "Time since the API server answered a watch last; it is renewed every 30 s",
            watch_age.clone(),
        );
        let build = Family::<Build, Gauge<u64, AtomicU64>>::default();
        build.get_or_create(&Build { version: env!("CARGO_PKG_VERSION") }).set(1);
        registry.register("build_info", "The version that is running", build);
        Self { registry, requests, latency, passes, watch_age }
    }
}

impl Metrics {
    /// One request was answered, or was not.
    pub fn observe(&self, observation: &Observation) {
        let request = Request { call: observation.call, result: observation.result };
        self.requests.get_or_create(&request).inc();
        self.latency.observe(observation.elapsed.max(Duration::ZERO).as_secs_f64());
    }

    /// One pass ended.
    pub fn pass(&self, outcome: &'static str) {
        self.passes.get_or_create(&Pass { outcome }).inc();
    }

    /// All of them as text; `watches` says how long ago each watch was answered.
    pub fn render(&self, watches: &[(String, Duration)]) -> String {
        for (watch, age) in watches {
            self.watch_age.get_or_create(&Watch { watch: watch.clone() }).set(age.as_secs_f64());
        }
        let mut text = String::new();
        // Writing to a string cannot fail.
        encode(&mut text, &self.registry).ok();
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_starts_with_the_products_name() {
        let metrics = Metrics::default();
        metrics.pass("quiet");
        let text = metrics.render(&[("datadogorgs".to_owned(), Duration::from_secs(3))]);
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            assert!(line.starts_with("crossorg_"), "{line}");
        }
        assert!(text.contains("crossorg_passes_total{outcome=\"quiet\"} 1"), "{text}");
        assert!(text.contains("crossorg_watch_age_seconds{watch=\"datadogorgs\"} 3"), "{text}");
        assert!(text.contains(concat!("crossorg_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1")), "{text}");
    }
}
