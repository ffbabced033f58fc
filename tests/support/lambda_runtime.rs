//! A replacement for Lambda's Runtime API, and the function that polls it.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::Value;
use tokio::{
    runtime::Runtime,
    sync::{Notify, mpsc},
};

/// The outcome of an invocation.
#[derive(Debug)]
pub enum Outcome {
    Response(Value),
    /// `errorType` and `errorMessage`.
    Error(String, String),
}

#[derive(Default)]
struct Events {
    /// Events with the milliseconds until their deadline.
    queue: Mutex<VecDeque<(String, u64)>>,
    added: Notify,
    polled: Notify,
}

struct Shared {
    events: Events,
    outcomes: mpsc::UnboundedSender<Outcome>,
}

/// A running function. It ends when dropped.
pub struct Function {
    child: Child,
    log: Option<JoinHandle<Vec<String>>>,
    runtime: Runtime,
    shared: Arc<Shared>,
    outcomes: mpsc::UnboundedReceiver<Outcome>,
}

impl Function {
    /// Starts `bootstrap` with Lambda's own variables and these settings, and waits for its first request of an event.
    pub fn start(settings: &[(&str, &str)]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let (sender, outcomes) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared { events: Events::default(), outcomes: sender });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            // Lambda's own limit
            .layer(DefaultBodyLimit::max(6_291_556))
            .with_state(Arc::clone(&shared));
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        runtime.spawn(async move { axum::serve(listener, router).await });
        let mut child = Command::new(env!("CARGO_BIN_EXE_bootstrap"))
            .env_clear()
            .envs([
                ("AWS_LAMBDA_RUNTIME_API", address.as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", "pictures"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWS_LAMBDA_LOG_GROUP_NAME", "group"),
                ("AWS_LAMBDA_LOG_STREAM_NAME", "stream"),
                ("HLSNAP_ALLOW_PRIVATE", "true"),
            ])
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the function starts");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let log = std::thread::spawn(move || stdout.lines().map_while(Result::ok).collect());
        let function = Self { child, log: Some(log), runtime, shared, outcomes };
        function.within_20_s(async { function.shared.events.polled.notified().await });
        function
    }

    /// Invokes it with a deadline of 30 s.
    pub fn invoke(&mut self, event: &Value) -> Outcome {
        self.invoke_within(event, 30_000)
    }

    /// Invokes it with a deadline in milliseconds.
    pub fn invoke_within(&mut self, event: &Value, milliseconds: u64) -> Outcome {
        self.shared.events.queue.lock().expect("events").push_back((event.to_string(), milliseconds));
        self.shared.events.added.notify_one();
        self.runtime
            .block_on(async { tokio::time::timeout(Duration::from_millis(milliseconds + 10_000), self.outcomes.recv()).await })
            .expect("the function answers")
            .expect("the Runtime API runs")
    }

    /// Invokes it and expects a response.
    #[track_caller]
    pub fn answer(&mut self, event: &Value) -> Value {
        match self.invoke(event) {
            Outcome::Response(response) => response,
            Outcome::Error(kind, message) => panic!("{kind}: {message}"),
        }
    }

    /// Invokes it and expects an error of this kind with a message of one line.
    #[track_caller]
    pub fn fails(&mut self, event: &Value, kind: &str) -> String {
        match self.invoke(event) {
            Outcome::Response(response) => panic!("no error: {response}"),
            Outcome::Error(actual, message) => {
                assert_eq!((actual.as_str(), message.lines().count()), (kind, 1), "{message}");
                message
            }
        }
    }

    /// Peak memory so far, in KiB.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
        line.trim().trim_end_matches("kB").trim().parse().expect("a number")
    }

    /// Ends it and returns its log, one JSON object a line.
    pub fn end(mut self) -> Vec<Value> {
        self.stop();
        let lines = self.log.take().expect("still running").join().expect("the log");
        lines.iter().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
    }

    fn stop(&mut self) {
        // It may have ended already
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn within_20_s(&self, event: impl Future<Output = ()>) {
        let result = self.runtime.block_on(async { tokio::time::timeout(Duration::from_secs(20), event).await });
        result.expect("the function requests an event");
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    shared.events.polled.notify_one();
    loop {
        let next = shared.events.queue.lock().expect("events").pop_front();
        if let Some((event, milliseconds)) = next {
            let deadline = SystemTime::now() + Duration::from_millis(milliseconds);
            let since_1970 = deadline.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_millis();
            let headers = [
                ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
                ("lambda-runtime-deadline-ms", since_1970.to_string()),
                ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:123456789012:function:pictures".to_owned()),
                ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1".to_owned()),
            ];
            return (headers, event).into_response();
        }
        shared.events.added.notified().await;
    }
}

async fn response(State(shared): State<Arc<Shared>>, Path(_): Path<String>, body: Bytes) -> StatusCode {
    let response = serde_json::from_slice(&body).expect("JSON");
    shared.outcomes.send(Outcome::Response(response)).map_or(StatusCode::GONE, |()| StatusCode::ACCEPTED)
}

async fn error(State(shared): State<Arc<Shared>>, Path(_): Path<String>, body: Bytes) -> StatusCode {
    let error: Value = serde_json::from_slice(&body).expect("JSON");
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    let outcome = Outcome::Error(text("errorType"), text("errorMessage"));
    shared.outcomes.send(outcome).map_or(StatusCode::GONE, |()| StatusCode::ACCEPTED)
}
