//! A server that sends exactly the bytes that a test gives it, for answers that no valid server would send.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

/// It listens until the test ends.
pub struct RawServer {
    address: SocketAddr,
    request_count: Arc<AtomicUsize>,
}

/// A request that waits for its answer.
pub struct RawRequest {
    /// The number of requests before it.
    pub number: usize,
    pub path: String,
    pub range: Option<String>,
    pub stream: TcpStream,
}

impl RawServer {
    /// Calls `answer` for each connection, with its first request.
    pub fn start(answer: impl Fn(RawRequest) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (request_count, answer) = (Arc::new(AtomicUsize::new(0)), Arc::new(answer));
        let count = Arc::clone(&request_count);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (count, answer) = (Arc::clone(&count), Arc::clone(&answer));
                std::thread::spawn(move || {
                    if let Some((path, range)) = read_head(&stream) {
                        answer(RawRequest { number: count.fetch_add(1, SeqCst), path, range, stream });
                    }
                });
            }
        });
        Self { address, request_count }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn request_count(&self) -> usize {
        self.request_count.load(SeqCst)
    }
}

impl RawRequest {
    /// Sends bytes. The client may have closed the connection.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Sends a complete 200.
    pub fn answer(&mut self, headers: &str, body: &[u8]) {
        self.send(format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n", body.len()));
        self.send(body);
    }

    /// Resets the connection.
    pub fn reset(self) {
        std::thread::sleep(Duration::from_millis(50));
        socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).expect("set");
    }
}

/// The path and the `Range` of a request.
fn read_head(stream: &TcpStream) -> Option<(String, Option<String>)> {
    let lines = BufReader::new(stream.try_clone().ok()?).lines().map_while(Result::ok);
    let lines: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let range = lines.iter().find_map(|line| line.to_ascii_lowercase().strip_prefix("range: ").map(str::to_owned));
    Some((lines.first()?.split(' ').nth(1)?.to_owned(), range))
}
