//! A running `hlsnap serve`, and its answers.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
};

use reqwest::{Method, header::HeaderMap};
use serde_json::Value;

/// It ends when dropped.
pub struct Server {
    child: Child,
    url: String,
}

/// A complete answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Server {
    /// Starts it with these options and environment variables, on a free port.
    pub fn start(options: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::start_with(options, variables, Stdio::inherit())
    }

    /// The same, with another standard error.
    pub fn start_with(options: &[&str], variables: &[(&str, &str)], stderr: Stdio) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hlsnap"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(options)
            .env_clear()
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let url = line.strip_prefix("listening on ").unwrap_or_else(|| panic!("{line:?}")).trim().trim_end_matches('/').to_owned();
        Self { child, url }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// A field of `/proc/PID/status` (proc(5)).
    pub fn status(&self, name: &str) -> String {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("its status");
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).expect("the line");
        line.trim().to_owned()
    }

    pub fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[])
    }

    pub fn get_with(&self, path: &str, headers: &[(&'static str, &str)]) -> Answer {
        self.send(Method::GET, path, headers)
    }

    pub fn send(&self, method: Method, path: &str, headers: &[(&'static str, &str)]) -> Answer {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(send(method, self.url(path), headers))
    }

    /// Sends SIGTERM and waits for the end.
    pub fn terminate(&mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        Command::new("kill").arg(&id).status().expect("kill");
        self.child.wait().expect("it ends")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Requests a URL.
pub async fn get(url: String, headers: &[(&'static str, &str)]) -> Answer {
    send(Method::GET, url, headers).await
}

/// Sends a request.
async fn send(method: Method, url: String, headers: &[(&'static str, &str)]) -> Answer {
    // The client needs a TLS provider even for plain HTTP
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mut request = client.request(method, url);
    for (name, text) in headers {
        request = request.header(*name, *text);
    }
    let answer = request.send().await.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Answer { status, headers, body: answer.bytes().await.expect("a body").to_vec() }
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |text| text.to_str().expect("text"))
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {:?}", String::from_utf8_lossy(&self.body)))
    }

    pub fn picture(&self) -> image::DynamicImage {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        image::load_from_memory(&self.body).expect("a picture")
    }

    /// Asserts a problem document with this status and kind.
    #[track_caller]
    pub fn fails(&self, status: u16, kind: &str) -> Value {
        let problem = self.json();
        assert_eq!(
            (self.status, problem["kind"].as_str(), problem["status"].as_u64()),
            (status, Some(kind), Some(status.into())),
            "{problem}"
        );
        assert_eq!((self.header("content-type"), self.header("cache-control")), ("application/problem+json", "no-store"));
        problem
    }
}
