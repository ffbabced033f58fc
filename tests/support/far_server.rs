//! An HTTPS server that answers late, as one far away does, and serves the TS ladder from several connections.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::tls_server::self_signed;
use crate::origin::{fixture, null_packets};

/// The round-trip time of a far server: more than any on loopback.
const ROUND_TRIP: Duration = Duration::from_millis(40);

/// What the server does with ranges of segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ranges {
    /// Announces and serves them.
    Announced,
    /// Serves them without announcing it.
    Served,
    /// Announces them, and sends the whole segment.
    Ignored,
    /// Serves those from the first byte on, and does this with the others.
    Faulty(Fault),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Answers 503.
    Unavailable,
    /// Closes the connection in the middle of the body.
    CutOff,
    /// Never answers.
    Hang,
    /// Answers with another `ETag`, and other bytes.
    OtherVersion,
}

/// A request for a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FarRequest {
    /// The number of its connection.
    pub connection: usize,
    pub path: String,
    /// The first and the last byte of the requested range.
    pub range: Option<(usize, usize)>,
}

/// It listens until the test ends.
pub struct FarServer {
    port: u16,
    certificate: tempfile::NamedTempFile,
    log: Arc<Mutex<Vec<FarRequest>>>,
}

impl FarServer {
    /// TLS takes two round trips, an answer one.
    pub fn start(round_trip: Duration, ranges: Ranges) -> Self {
        let (configuration, certificate) = self_signed(|_| ());
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let log = Arc::new(Mutex::new(Vec::new()));
        let requests = Arc::clone(&log);
        std::thread::spawn(move || {
            for (connection, stream) in listener.incoming().map_while(Result::ok).enumerate() {
                let (configuration, log) = (Arc::clone(&configuration), Arc::clone(&requests));
                std::thread::spawn(move || {
                    std::thread::sleep(2 * round_trip);
                    serve(stream, configuration, (connection, round_trip), ranges, &log);
                });
            }
        });
        Self { port, certificate, log }
    }

    /// A server that is far away.
    pub fn far(ranges: Ranges) -> Self {
        Self::start(ROUND_TRIP, ranges)
    }

    /// The URL of the Multivariant Playlist.
    pub fn url(&self) -> String {
        format!("https://localhost:{}/ladder-ts/master.m3u8", self.port)
    }

    /// The file of its certificate, for `--cacert`.
    pub fn certificate(&self) -> &str {
        Path::to_str(self.certificate.path()).expect("UTF-8")
    }

    /// The requests for segments.
    pub fn segment_requests(&self) -> Vec<FarRequest> {
        let log = self.log.lock().expect("the log");
        log.iter().filter(|request| Path::new(&request.path).extension().is_some_and(|extension| extension == "ts")).cloned().collect()
    }
}

/// The first segment of the large Variant, whose key frame ends about 60 KB after its start: null packets are inside of it.
pub fn padded_segment() -> Vec<u8> {
    let segment = fixture("ladder-ts/v0-0.ts");
    [&segment[..188 * 6], &null_packets(300), &segment[188 * 6..]].concat()
}

fn serve(
    stream: TcpStream,
    configuration: Arc<ServerConfig>,
    (connection, round_trip): (usize, Duration),
    ranges: Ranges,
    log: &Mutex<Vec<FarRequest>>,
) {
    let tls = ServerConnection::new(configuration).expect("a connection");
    let mut reader = BufReader::new(StreamOwned::new(tls, stream));
    while let Some(request) = read_request(&mut reader, connection) {
        log.lock().expect("the log").push(request.clone());
        std::thread::sleep(round_trip);
        let Some(answer) = answer(&request, ranges) else { return std::thread::sleep(Duration::from_secs(20)) };
        if reader.get_mut().write_all(&answer).and_then(|()| reader.get_mut().flush()).is_err() || ranges == Ranges::Faulty(Fault::CutOff) {
            return;
        }
    }
}

fn read_request(reader: &mut impl BufRead, connection: usize) -> Option<FarRequest> {
    let lines: Vec<_> = reader.lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let path = lines.first()?.split(' ').nth(1)?.to_owned();
    let range = lines.iter().find_map(|line| line.to_ascii_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
    let range = range.and_then(|range| range.split_once('-').map(|(first, last)| (first.parse().ok(), last.parse().ok())));
    Some(FarRequest { connection, path, range: range.and_then(|(first, last)| first.zip(last)) })
}

/// The bytes of an answer; `None` hangs.
fn answer(request: &FarRequest, ranges: Ranges) -> Option<Vec<u8>> {
    let is_segment = request.path.ends_with("/v0-0.ts");
    let body = if is_segment { padded_segment() } else { fixture(request.path.trim_start_matches('/')) };
    let announced = if ranges == Ranges::Served { "" } else { "Accept-Ranges: bytes\r\n" };
    let whole = || format!("HTTP/1.1 200 OK\r\n{announced}ETag: \"1\"\r\nContent-Length: {}\r\n\r\n", body.len());
    let Some((first, last)) = request.range.filter(|_| ranges != Ranges::Ignored) else {
        return Some([whole().as_bytes(), &body].concat());
    };
    if first >= body.len() {
        return Some(b"HTTP/1.1 416 X\r\nContent-Length: 0\r\n\r\n".to_vec());
    }
    let part = &body[first..(last + 1).min(body.len())];
    let end = first + part.len() - 1;
    let head = |tag| {
        format!(
            "HTTP/1.1 206 X\r\nETag: \"{tag}\"\r\nContent-Range: bytes {first}-{end}/{}\r\nContent-Length: {}\r\n\r\n",
            body.len(),
            part.len()
        )
    };
    match ranges {
        Ranges::Faulty(fault) if first > 0 && request.connection > 0 => match fault {
            Fault::Unavailable => Some(b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n".to_vec()),
            Fault::CutOff => Some([head(1).as_bytes(), &part[..part.len() / 2]].concat()),
            Fault::Hang => None,
            Fault::OtherVersion => Some([head(2).as_bytes(), &vec![0; part.len()]].concat()),
        },
        _ => Some([head(1).as_bytes(), part].concat()),
    }
}
