//! Metrics for CloudWatch in its Embedded Metric Format: one line of JSON per invocation.

use chrono::Utc;
use lambda_runtime::Context;
use serde_json::{Value, json};

use crate::frontends::report_facts::PictureCost;

const NAMESPACE: &str = "hlsnap";
/// CloudWatch accepts at most this many values of one metric in one line.
const MAX_VALUES: usize = 100;

/// The metrics of one invocation.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    pictures: u64,
    failures: u64,
    requests: u64,
    bytes_received: u64,
    /// The time of each picture, in milliseconds.
    durations: Vec<f64>,
}

impl Metrics {
    pub fn count_picture(&mut self, spent: PictureCost) {
        self.pictures += 1;
        self.requests += spent.requests;
        self.bytes_received += spent.bytes_received;
        self.durations.push(spent.milliseconds);
    }

    pub fn count_failure(&mut self) {
        self.failures += 1;
    }

    /// Adds the metrics of a part of the invocation.
    pub fn add(&mut self, other: Self) {
        self.pictures += other.pictures;
        self.failures += other.failures;
        self.requests += other.requests;
        self.bytes_received += other.bytes_received;
        self.durations.extend(other.durations);
    }

    /// Writes the line to stdout, which is the function's log.
    pub fn write(self, context: &Context) {
        if self.pictures + self.failures > 0 {
            println!("{}", self.line(context));
        }
    }

    fn line(mut self, context: &Context) -> Value {
        self.durations.truncate(MAX_VALUES);
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
