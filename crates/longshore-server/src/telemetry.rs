//! What the operator sees: logs on stderr, metrics under `/metrics`.
//!
//! | Metric | Labels | Means |
//! |---|---|---|
//! | `longshore_requests_total` | `service`, `operation`, `code` | answered requests; `code` is `ok` or the error's name |
//! | `longshore_request_duration_seconds` | `service`, `operation` | from the head of a request to its answer, parked polls included |
//! | `longshore_connections` | | open connections |

use std::io::IsTerminal;
use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// The S3 library logs whole requests, among them what is not for other eyes.
const DEFAULT_FILTER: &str = "info,s3s=off";

/// Recorders are one per process; servers that share a process share it.
static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

/// Sends logs to stderr, at the level that `LONGSHORE_LOG` says (`info` of all but the S3 library without it).
pub fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("LONGSHORE_LOG").unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let stderr_is_terminal = std::io::stderr().is_terminal();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(stderr_is_terminal)
        .with_writer(std::io::stderr);
    // A second call keeps the first subscriber.
    if subscriber.try_init().is_err() {
        tracing::debug!("logging was set up before");
    }
}

/// Starts to count; later calls change nothing.
pub(crate) fn count() {
    if METRICS.get().is_none() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_ok() {
            METRICS.get_or_init(|| handle);
        }
    }
}

/// All metrics in the text format of Prometheus.
pub(crate) fn metrics_text() -> String {
    METRICS.get().map(PrometheusHandle::render).unwrap_or_default()
}

/// Frees what metrics hold on to between two scrapes; to be called now and then.
pub(crate) fn upkeep() {
    if let Some(handle) = METRICS.get() {
        handle.run_upkeep();
    }
}

/// Notes one answered request. `operation` must come from a fixed list.
pub(crate) fn answered(service: &'static str, operation: &'static str, code: &str, elapsed: Duration) {
    metrics::counter!(
        "longshore_requests_total",
        "service" => service, "operation" => operation, "code" => code.to_owned()
    )
    .increment(1);
    metrics::histogram!("longshore_request_duration_seconds", "service" => service, "operation" => operation)
        .record(elapsed);
}

/// Notes that a connection was opened (`true`) or closed.
pub(crate) fn connection(is_open: bool) {
    let gauge = metrics::gauge!("longshore_connections");
    if is_open { gauge.increment(1.0) } else { gauge.decrement(1.0) }
}
