//! A stand-in for Lambda's Runtime API, and the function that asks it for events.

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

/// What the function said of one event.
#[derive(Debug)]
pub enum Said {
    Answer(Value),
    /// `errorType` and `errorMessage`.
    Failure(String, String),
}

#[derive(Default)]
struct Events {
    /// Each with the milliseconds that the function is given for it.
    waiting: Mutex<VecDeque<(String, u64)>>,
    came: Notify,
    asked: Notify,
}

struct Shared {
    events: Events,
    said: mpsc::UnboundedSender<Said>,
}

/// A running function. It ends when this is dropped.
pub struct Function {
    child: Child,
    log: Option<JoinHandle<Vec<String>>>,
    runtime: Runtime,
    shared: Arc<Shared>,
    said: mpsc::UnboundedReceiver<Said>,
}

impl Function {
    /// Starts `bootstrap` with the settings beside what Lambda itself sets, and waits until it asks for its first event.
    pub fn start(settings: &[(&str, &str)]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let (sender, said) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared { events: Events::default(), said: sender });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(answered))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(failed))
            // As much as Lambda takes
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
        let function = Self { child, log: Some(log), runtime, shared, said };
        function.wait(async { function.shared.events.asked.notified().await });
        function
    }

    /// Invokes it, with half a minute to answer.
    pub fn invoke(&mut self, event: &Value) -> Said {
        self.invoke_within(event, 30_000)
    }

    /// Invokes it with so many milliseconds to answer.
    pub fn invoke_within(&mut self, event: &Value, milliseconds: u64) -> Said {
        self.shared.events.waiting.lock().expect("events").push_back((event.to_string(), milliseconds));
        self.shared.events.came.notify_one();
        self.runtime
            .block_on(async { tokio::time::timeout(Duration::from_millis(milliseconds + 10_000), self.said.recv()).await })
            .expect("the function answers")
            .expect("the stand-in is there")
    }

    /// Invokes it, and expects an answer.
    #[track_caller]
    pub fn answer(&mut self, event: &Value) -> Value {
        match self.invoke(event) {
            Said::Answer(answer) => answer,
            Said::Failure(kind, message) => panic!("{kind}: {message}"),
        }
    }

    /// Invokes it, and expects a failure of this kind.
    #[track_caller]
    pub fn fails(&mut self, event: &Value, kind: &str) -> String {
        match self.invoke(event) {
            Said::Answer(answer) => panic!("no failure: {answer}"),
            Said::Failure(told, message) => {
                assert_eq!((told.as_str(), message.lines().count()), (kind, 1), "{message}");
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

    /// Ends it; the lines that it logged, each one JSON object.
    pub fn end(mut self) -> Vec<Value> {
        self.stop();
        let lines = self.log.take().expect("not ended yet").join().expect("the log");
        lines.iter().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
    }

    fn stop(&mut self) {
        // It may have ended by itself
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn wait(&self, what: impl Future<Output = ()>) {
        let waited = self.runtime.block_on(async { tokio::time::timeout(Duration::from_secs(20), what).await });
        waited.expect("the function asks for an event");
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    shared.events.asked.notify_one();
    loop {
        let waiting = shared.events.waiting.lock().expect("events").pop_front();
        if let Some((event, milliseconds)) = waiting {
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
        shared.events.came.notified().await;
    }
}

async fn answered(State(shared): State<Arc<Shared>>, Path(_): Path<String>, body: Bytes) -> StatusCode {
    let answer = serde_json::from_slice(&body).expect("JSON");
    shared.said.send(Said::Answer(answer)).map_or(StatusCode::GONE, |()| StatusCode::ACCEPTED)
}

async fn failed(State(shared): State<Arc<Shared>>, Path(_): Path<String>, body: Bytes) -> StatusCode {
    let told: Value = serde_json::from_slice(&body).expect("JSON");
    let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
    let said = Said::Failure(text("errorType"), text("errorMessage"));
    shared.said.send(said).map_or(StatusCode::GONE, |()| StatusCode::ACCEPTED)
}
