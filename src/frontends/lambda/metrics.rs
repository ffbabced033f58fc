//! What CloudWatch counts, in its Embedded Metric Format: one line of JSON for each invocation.

use axum::http::{HeaderMap, StatusCode};
use chrono::Utc;
use lambda_runtime::Context;
use serde_json::{Value, json};

use crate::{error::Error, report::Report};

const NAMESPACE: &str = "hlsnap";
/// CloudWatch takes so many values of one metric in one line.
const MOST_VALUES: usize = 100;

/// The figures of one invocation.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    pictures: u64,
    failures: u64,
    requests: u64,
    bytes_received: u64,
    /// Milliseconds that each picture took.
    durations: Vec<f64>,
}

impl Metrics {
    pub fn count(&mut self, done: Result<&Report, &Error>) {
        match done {
            Ok(report) => self.picture(report.cost.requests, report.cost.bytes_received, report.timing_ms.total),
            Err(_) => self.failures += 1,
        }
    }

    /// An answer of the HTTP face: a picture tells its cost in the headers.
    pub fn count_answer(&mut self, status: StatusCode, headers: &HeaderMap) {
        let figure = |name: &str| headers.get(name).and_then(|text| text.to_str().ok());
        let whole = |name: &str| figure(name).and_then(|text| text.parse().ok());
        match whole("x-hlsnap-requests") {
            Some(requests) => {
                let total = figure("x-hlsnap-total-ms").and_then(|text| text.parse().ok()).unwrap_or_default();
                self.picture(requests, whole("x-hlsnap-bytes-received").unwrap_or_default(), total);
            }
            None if status.is_client_error() || status.is_server_error() => self.failures += 1,
            None => {}
        }
    }

    fn picture(&mut self, requests: u64, bytes_received: u64, milliseconds: f64) {
        self.pictures += 1;
        self.requests += requests;
        self.bytes_received += bytes_received;
        self.durations.push(milliseconds);
    }

    pub fn add(&mut self, other: Self) {
        self.pictures += other.pictures;
        self.failures += other.failures;
        self.requests += other.requests;
        self.bytes_received += other.bytes_received;
        self.durations.extend(other.durations);
    }

    /// Writes the line to stdout, which Lambda keeps as the log.
    pub fn write(self, context: &Context) {
        if self.pictures + self.failures > 0 {
            println!("{}", self.line(context));
        }
    }

    fn line(mut self, context: &Context) -> Value {
        self.durations.truncate(MOST_VALUES);
        let mut metrics = vec![
            json!({"Name": "Pictures", "Unit": "Count"}),
            json!({"Name": "Failures", "Unit": "Count"}),
            json!({"Name": "Requests", "Unit": "Count"}),
            json!({"Name": "BytesReceived", "Unit": "Bytes"}),
        ];
        let mut line = json!({
            "FunctionName": context.env_config.function_name,
            "RequestId": context.request_id,
            "Pictures": self.pictures, "Failures": self.failures, "Requests": self.requests, "BytesReceived": self.bytes_received,
        });
        if let (false, Some(fields)) = (self.durations.is_empty(), line.as_object_mut()) {
            metrics.push(json!({"Name": "Duration", "Unit": "Milliseconds"}));
            fields.insert("Duration".to_owned(), self.durations.into());
        }
        if let Some(fields) = line.as_object_mut() {
            let directive = json!({"Namespace": NAMESPACE, "Dimensions": [["FunctionName"]], "Metrics": metrics});
            fields.insert("_aws".to_owned(), json!({"Timestamp": Utc::now().timestamp_millis(), "CloudWatchMetrics": [directive]}));
        }
        line
    }
}
