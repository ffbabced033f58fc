//! The HTTP side of the fleet's origin: cheap answers from memory, faults by script, and a log of requests.

use std::{
    collections::HashMap,
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, Request, Response, StatusCode, header},
};
use chrono::{DateTime, Utc};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use super::channel::{Clips, FaultKind, Script, etag};

/// Ends of names.
const SEGMENT: &str = ".ts";
const PLAYLIST: &str = ".m3u8";

/// Bandwidth and resolution of the sizes, the smallest first.
const SIZES: [(&str, u32, &str); 2] = [("low", 200_000, "320x180"), ("high", 550_000, "640x360")];

/// The requests of a channel.
#[derive(Default)]
struct Log {
    /// Seconds of the requests for a Media Playlist.
    playlists: Mutex<Vec<f64>>,
    master: AtomicU64,
    not_modified: AtomicU64,
    segments: AtomicU64,
    bytes: AtomicU64,
}

pub struct Fleet {
    channels: HashMap<String, (Script, Log)>,
    clips: Clips,
    start: (Instant, DateTime<Utc>),
}

/// Reads `FOLDER/CLIP/SIZE-N.ts`.
pub fn read_clips(folder: &Path) -> io::Result<Clips> {
    let mut clips = Clips::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        for (size, _, _) in SIZES {
            let files = (0..).map(|n| path.join(format!("{size}-{n}.ts"))).take_while(|file| file.exists());
            let segments = files.map(std::fs::read).collect::<io::Result<Vec<_>>>()?;
            if !segments.is_empty() {
                clips.insert((name.clone(), size.to_owned()), segments.into_iter().map(Bytes::from).collect());
            }
        }
    }
    Ok(clips)
}

impl Fleet {
    pub fn new(scripts: Vec<Script>, clips: Clips) -> Self {
        let channels = scripts.into_iter().map(|script| (script.id.clone(), (script, Log::default()))).collect();
        Self { channels, clips, start: (Instant::now(), Utc::now()) }
    }

    /// The date of second 0.
    pub fn start_date(&self) -> DateTime<Utc> {
        self.start.1
    }

    fn seconds(&self) -> f64 {
        self.start.0.elapsed().as_secs_f64()
    }

    /// `None` ends the connection without an answer.
    async fn answer(&self, path: &str, headers: &HeaderMap) -> Option<Response<Body>> {
        if path == "/log.json" {
            return Some(respond(StatusCode::OK, "application/json", self.log().into()));
        }
        let seconds = self.seconds();
        let (id, file) = path.trim_start_matches('/').split_once('/')?;
        let Some((script, log)) = self.channels.get(id) else { return Some(respond(StatusCode::NOT_FOUND, "text/plain", Bytes::new())) };
        let is_segment = file.strip_suffix(SEGMENT).is_some();
        count(log, file, seconds);
        if script.has(FaultKind::Reset, seconds) || script.has(FaultKind::Refuse, seconds) {
            return None;
        }
        if script.has(FaultKind::Hang, seconds) {
            tokio::time::sleep(Duration::from_secs(3600)).await;
        }
        if script.has(FaultKind::ServerError, seconds) {
            return Some(respond(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", "broken".into()));
        }
        if script.has(FaultKind::NotFound, seconds) || (is_segment && script.has(FaultKind::SegmentsNotFound, seconds)) {
            return Some(respond(StatusCode::NOT_FOUND, "text/plain", "gone".into()));
        }
        if is_segment && script.has(FaultKind::Garbage, seconds) {
            return Some(respond(StatusCode::OK, "video/mp2t", vec![0x55; 20_000].into()));
        }
        Some(self.file(script, log, file, headers).unwrap_or_else(|| respond(StatusCode::NOT_FOUND, "text/plain", Bytes::new())))
    }

    fn file(&self, script: &Script, log: &Log, file: &str, headers: &HeaderMap) -> Option<Response<Body>> {
        if file == "master.m3u8" {
            let text = SIZES.map(|(size, bandwidth, resolution)| {
                let codecs = "avc1.4d401e,mp4a.40.2";
                format!(
                    "#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},RESOLUTION={resolution},FRAME-RATE=25.000,CODECS=\"{codecs}\"\n{size}.m3u8\n"
                )
            });
            return Some(Self::text(log, format!("#EXTM3U\n#EXT-X-VERSION:3\n{}", text.concat()), headers));
        }
        if let Some(size) = file.strip_suffix(PLAYLIST).filter(|size| SIZES.iter().any(|(known, _, _)| known == size)) {
            return Some(Self::text(log, script.playlist(size, self.seconds(), self.start.1, &self.clips), headers));
        }
        let (size, number) = file.strip_suffix(SEGMENT)?.split_once('-')?;
        let body = script.segment(number.parse().ok()?, size, &self.clips)?;
        let response = with_range(&body, headers);
        log.bytes.fetch_add(response.headers()[header::CONTENT_LENGTH].to_str().ok()?.parse().ok()?, Ordering::Relaxed);
        Some(response)
    }

    fn text(log: &Log, text: String, headers: &HeaderMap) -> Response<Body> {
        let tag = etag(&text);
        let is_same = headers.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == tag.as_bytes());
        let mut response = if is_same {
            log.not_modified.fetch_add(1, Ordering::Relaxed);
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else {
            respond(StatusCode::OK, "application/vnd.apple.mpegurl", text.into())
        };
        response.headers_mut().insert(header::ETAG, tag.parse().expect("a header"));
        response
    }

    /// The requests until now, as JSON.
    pub fn log(&self) -> String {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let channels = self.channels.iter().map(|(id, (_, log))| {
            let counts = json!({"playlists": *log.playlists.lock().expect("the log"), "master": get(&log.master),
                "not_modified": get(&log.not_modified), "segments": get(&log.segments), "bytes": get(&log.bytes)});
            (id.clone(), counts)
        });
        json!({"seconds": self.seconds(), "channels": channels.collect::<serde_json::Map<_, _>>()}).to_string()
    }
}

fn count(log: &Log, file: &str, seconds: f64) {
    match file {
        "master.m3u8" => log.master.fetch_add(1, Ordering::Relaxed),
        file if file.strip_suffix(PLAYLIST).is_some() => {
            log.playlists.lock().expect("the log").push(seconds);
            0
        }
        _ => log.segments.fetch_add(1, Ordering::Relaxed),
    };
}

fn respond(status: StatusCode, media_type: &str, body: Bytes) -> Response<Body> {
    let response = Response::builder().status(status).header(header::CONTENT_TYPE, media_type).header(header::CONTENT_LENGTH, body.len());
    response.body(Body::from(body)).expect("a response")
}

/// A segment, or the requested range of it.
fn with_range(body: &Bytes, headers: &HeaderMap) -> Response<Body> {
    let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok()?.strip_prefix("bytes=")?.split_once('-'));
    let parsed = range.and_then(|(first, last)| {
        let last = if last.is_empty() { body.len() - 1 } else { last.parse::<usize>().ok()?.min(body.len() - 1) };
        Some((first.parse::<usize>().ok()?, last))
    });
    match parsed {
        Some((first, last)) if first <= last => {
            let mut response = respond(StatusCode::PARTIAL_CONTENT, "video/mp2t", body.slice(first..=last));
            let range = format!("bytes {first}-{last}/{}", body.len());
            response.headers_mut().insert(header::CONTENT_RANGE, range.parse().expect("a header"));
            response
        }
        Some(_) => respond(StatusCode::RANGE_NOT_SATISFIABLE, "text/plain", Bytes::new()),
        None => respond(StatusCode::OK, "video/mp2t", body.clone()),
    }
}

/// Answers the requests of one connection.
async fn serve_connection(fleet: Arc<Fleet>, stream: TcpStream) {
    // Small answers should not wait for more data
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let fleet = fleet.clone();
        async move { fleet.answer(request.uri().path(), request.headers()).await.ok_or_else(|| io::Error::other("reset")) }
    });
    // Ends with the client's connection, or with a fault
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Serves all channels until the process ends.
pub async fn serve(fleet: Arc<Fleet>, listener: TcpListener) -> Infallible {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(serve_connection(fleet.clone(), stream))),
            // Too many open files: wait until connections end
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Binds a port for each channel that refuses connections at times, and closes it then. Returns the ports.
pub async fn serve_refusing(fleet: &Arc<Fleet>) -> io::Result<HashMap<String, u16>> {
    let mut ports = HashMap::new();
    let refusing = fleet.channels.iter().filter(|(_, (script, _))| script.faults.iter().any(|fault| fault.kind == FaultKind::Refuse));
    for (id, _) in refusing {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        ports.insert(id.clone(), address.port());
        tokio::spawn(open_and_close(fleet.clone(), id.clone(), address, listener));
    }
    Ok(ports)
}

async fn open_and_close(fleet: Arc<Fleet>, id: String, address: SocketAddr, listener: TcpListener) {
    let Some((script, _)) = fleet.channels.get(&id) else { return };
    let mut listener = Some(listener);
    loop {
        let is_closed = script.has(FaultKind::Refuse, fleet.seconds());
        if is_closed {
            listener = None;
        } else if listener.is_none() {
            listener = TcpListener::bind(address).await.ok();
        }
        let tick = tokio::time::sleep(Duration::from_millis(100));
        match &listener {
            None => tick.await,
            Some(open) => tokio::select! {
                () = tick => {}
                Ok((stream, _)) = open.accept() => drop(tokio::spawn(serve_connection(fleet.clone(), stream))),
            },
        }
    }
}
