//! A server that says byte by byte what it is told to, for what no sound server would say.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

/// It listens as long as the test runs.
pub struct Raw {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

/// A request whose answer is to be written.
pub struct Asked {
    /// The how manyeth request it is, from 0.
    pub number: usize,
    pub path: String,
    pub range: Option<String>,
    pub stream: TcpStream,
}

impl Raw {
    /// `answer` is called for each connection, after its request has been read.
    pub fn start(answer: impl Fn(Asked) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (asked, answer) = (Arc::new(AtomicUsize::new(0)), Arc::new(answer));
        let count = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (count, answer) = (Arc::clone(&count), Arc::clone(&answer));
                std::thread::spawn(move || {
                    if let Some((path, range)) = head(&stream) {
                        answer(Asked { number: count.fetch_add(1, SeqCst), path, range, stream });
                    }
                });
            }
        });
        Self { address, asked }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn asked(&self) -> usize {
        self.asked.load(SeqCst)
    }
}

impl Asked {
    /// Writes; the other side may have gone.
    pub fn say(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// A whole answer.
    pub fn answer(&mut self, headers: &str, body: &[u8]) {
        self.say(format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n", body.len()));
        self.say(body);
    }

    /// Ends the connection by a reset.
    pub fn reset(self) {
        std::thread::sleep(Duration::from_millis(50));
        socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).expect("set");
    }
}

fn head(stream: &TcpStream) -> Option<(String, Option<String>)> {
    let lines = BufReader::new(stream.try_clone().ok()?).lines().map_while(Result::ok);
    let lines: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let range = lines.iter().find_map(|line| line.to_ascii_lowercase().strip_prefix("range: ").map(str::to_owned));
    Some((lines.first()?.split(' ').nth(1)?.to_owned(), range))
}
