//! A wall with a server but without a watch: the tests supply the findings of rounds.

#![allow(clippy::indexing_slicing, reason = "a wrong test should fail loudly")]

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, http::Uri, routing::get};
use futures_util::future::BoxFuture;
use hlsnap::{
    Client, Error, ErrorKind, NetworkPolicy, SnapshotRequest,
    chrono::{DateTime, TimeDelta, Utc},
    internals::{
        request::Options,
        wall::{
            Board, Channel, ChannelState, LargePicture, LargePictures, PictureSample, PlaylistSample, Sample, SampleFailure, Sound,
            Transition, WallAccess, router,
        },
    },
    report::Verdict,
    snapshot,
};
use tokio::{net::TcpListener, runtime::Runtime};

use super::scenes::{plain, scene};
use crate::origin::Origin;

pub const EVERY: Duration = Duration::from_secs(10);
const NAMES: [&str; 10] =
    ["Arena Sport", "City News", "Docu World", "Kids Club", "Retro Movies", "Radio View", "Parliament", "Weather", "Opera", "Regional"];
const GROUPS: [&str; 5] = ["News", "Sport", "Movies", "Regional", "Music"];

/// A server on a free port. It ends when dropped.
pub struct WallServer {
    pub board: Arc<Board>,
    pub feeder: Arc<Feeder>,
    pub large: Arc<Large>,
    pub url: String,
    runtime: Option<Runtime>,
}

/// Gives a large picture after a moment, and counts.
pub struct Large {
    pub taken: AtomicUsize,
    picture: Vec<u8>,
}

/// Supplies the findings of rounds.
pub struct Feeder {
    board: Arc<Board>,
    verdict: Verdict,
    scenes: Vec<bytes::Bytes>,
    black: bytes::Bytes,
    fingerprint: hlsnap::ReferencePicture,
    rounds: AtomicUsize,
    is_busy: AtomicBool,
}

impl LargePictures for Large {
    fn take(&self, id: &str, width: u32) -> BoxFuture<'static, Result<LargePicture, Error>> {
        self.taken.fetch_add(1, Ordering::SeqCst);
        let picture = LargePicture { bytes: self.picture.clone().into(), media_type: "image/jpeg" };
        let fails = id == "c0003" || width != 1280;
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            if fails { Err(Error::new(ErrorKind::Timeout, "the origin did not answer in time")) } else { Ok(picture) }
        })
    }
}

/// A list of channels; the id of the last one is a URL with a secret.
pub fn channels(count: usize) -> Vec<Channel> {
    let channel = |number: usize| {
        let last = number == count;
        let url = format!("https://user:hunter2@live.example.com/{number}/master.m3u8?token=hunter2");
        let mut options = Options::default();
        options.url = Some(url.clone());
        Channel {
            line: number as u64,
            id: if last { url } else { format!("c{number:04}") },
            name: (!last).then(|| format!("{} {}", NAMES[number % 10], number / 10 + 1)),
            group: Some(GROUPS[number % 5].to_owned()),
            options,
            ..Channel::default()
        }
    };
    (1..=count).map(channel).collect()
}

impl Feeder {
    /// Its verdicts are those of a real picture.
    fn new(board: Arc<Board>, runtime: &Runtime) -> Self {
        let origin = Origin::start();
        let client = Client::new(&NetworkPolicy::default()).expect("a client");
        let request = SnapshotRequest::builder(origin.url("/ladder-ts/master.m3u8")).width(320).build().expect("a request");
        let snapshot = runtime.block_on(snapshot(&request, &client)).expect("a snapshot");
        Self {
            board,
            verdict: snapshot.report.verdict,
            scenes: (0..24).map(|number| scene(number).into()).collect(),
            black: plain([0, 0, 0]).into(),
            fingerprint: hlsnap::reference_picture(&snapshot.picture).expect("a picture"),
            rounds: AtomicUsize::new(0),
            is_busy: AtomicBool::new(false),
        }
    }

    /// The findings of a round in a state, `ago` before now.
    pub fn sample(&self, state: ChannelState, ago: TimeDelta) -> Sample {
        let round = self.rounds.fetch_add(1, Ordering::SeqCst);
        let time = Utc::now() - ago;
        let mut verdict = self.verdict.clone();
        let is_black = state == ChannelState::Black;
        verdict.black = is_black;
        verdict.mean_luma = if is_black { 0.01 } else { 0.35 + 0.2 * ((round % 60) as f64 / 10.0).sin() };
        let color = if is_black { "#000000" } else { ["#6c7f93", "#8f7a66", "#4f6b5c"][round % 3] };
        color.clone_into(&mut verdict.dominant_color);
        let file = if is_black { self.black.clone() } else { self.scenes[round % self.scenes.len()].clone() };
        let failure = SampleFailure { kind: ErrorKind::HttpStatus, message: "the origin answered 404 Not Found".to_owned() };
        let picture = PictureSample {
            file,
            media_type: "image/jpeg",
            size: (320, 180),
            verdict,
            fingerprint: self.fingerprint.clone(),
            coded_hash: Some(round as u64),
            bits_per_pixel_second: Some(0.083),
            sound: if state == ChannelState::Silent { Sound::Missing } else { Sound::Present },
            media_sequence_number: Some(41_700 + round as u64),
            program_date_time: Some(time - TimeDelta::milliseconds(6400)),
            codec: "h264",
        };
        let playlist = PlaylistSample {
            media_sequence: 41_694 + round as u64,
            discontinuity_sequence: 0,
            next: (41_701 + round as u64, 0),
            target_duration: 4.0,
            has_ended: false,
            duration: 24.0,
            end_date: Some(time),
            violations: if state == ChannelState::Stale {
                vec!["the Media Sequence Number went back from 120 to 7".to_owned()]
            } else {
                vec![]
            },
        };
        let is_down = state == ChannelState::Down;
        Sample {
            time,
            seconds: round as f64,
            playlist: (!is_down).then_some(playlist),
            picture: (!is_down).then_some(picture),
            failure: is_down.then_some(failure),
            requests: 2,
            bytes: 48_000,
        }
    }

    /// A round that finds a state.
    pub fn round(&self, id: &str, state: ChannelState) {
        self.board.update(id, &self.sample(state, TimeDelta::zero()), state, None);
    }

    /// A round some time ago that changes the state.
    pub fn change(&self, id: &str, from: ChannelState, to: ChannelState, ago: TimeDelta) {
        self.change_since(id, from, to, ago, TimeDelta::zero());
    }

    /// The same for a state that began `before` the round.
    fn change_since(&self, id: &str, from: ChannelState, to: ChannelState, ago: TimeDelta, before: TimeDelta) {
        let sample = self.sample(to, ago);
        let message = (to != ChannelState::Ok).then(|| reason(to).to_owned());
        let transition = Transition { from, to, since: sample.time - before, kind: None, message };
        self.board.update(id, &sample, to, Some(&transition));
    }

    /// An hour of rounds, with some trouble in it.
    pub fn hour(&self, id: &str) {
        for minute in (1..60).rev() {
            let state = if (20..26).contains(&minute) { ChannelState::Black } else { ChannelState::Ok };
            for part in (0..6).rev() {
                let ago = TimeDelta::seconds(minute * 60 + part * 10);
                match (minute, part) {
                    (25, 5) => self.change(id, ChannelState::Ok, state, ago),
                    (19, 5) => self.change(id, ChannelState::Black, state, ago),
                    _ => self.board.update(id, &self.sample(state, ago), state, None),
                }
            }
        }
    }

    /// The first rounds of a list: every state occurs, and most are ok.
    pub fn first_rounds(&self, channels: &[Channel]) {
        use ChannelState::{Black, Down, Flat, Frozen, Ok, Silent, Stale};
        for (index, channel) in (0_i64..).zip(channels) {
            let state = match index {
                2 => Down,
                40 | 77 => Black,
                5 | 123 | 301 => Frozen,
                6 => Stale,
                207 => Flat,
                9 => Silent,
                _ => Ok,
            };
            self.round(&channel.id, Ok);
            if state != Ok {
                let before = TimeDelta::seconds(40 + 7 * index);
                self.change_since(&channel.id, Ok, state, TimeDelta::zero(), before);
            }
        }
    }

    /// Rounds for all channels in turn, `per_second` a second, until [`stop`](Self::stop).
    async fn rounds(self: Arc<Self>, per_second: u32) {
        self.is_busy.store(true, Ordering::SeqCst);
        let (mut ticks, mut next) = (tokio::time::interval(Duration::from_millis(50)), 0);
        let views = self.board.channels().0;
        let ids: Vec<String> = views.iter().filter_map(|view| self.board.channel_id(&view.id)).collect();
        while self.is_busy.load(Ordering::SeqCst) {
            ticks.tick().await;
            for _ in 0..per_second / 20 {
                let state = views[next].state.unwrap_or(ChannelState::Ok);
                self.round(&ids[next], state);
                next = (next + 1) % ids.len();
            }
        }
    }

    fn stop(&self) {
        self.is_busy.store(false, Ordering::SeqCst);
    }
}

fn reason(state: ChannelState) -> &'static str {
    match state {
        ChannelState::Black => "the picture has been black for 10 s",
        ChannelState::Frozen => "the picture has not changed for 20 s",
        ChannelState::Flat => "the picture has had a single color for 10 s",
        ChannelState::Silent => "the segments have no audio",
        ChannelState::Stale => "the playlist has not advanced for 3 target durations",
        _ => "the origin answered 404 Not Found, 3 times in a row",
    }
}

fn state_named(name: &str) -> ChannelState {
    match name {
        "black" => ChannelState::Black,
        "frozen" => ChannelState::Frozen,
        "down" => ChannelState::Down,
        _ => ChannelState::Ok,
    }
}

/// The routes for the browser's script: a change of state, rounds, the end of all streams.
fn controls(board: Arc<Board>, feeder: Arc<Feeder>) -> Router {
    let [for_change, for_rounds] = [Arc::clone(&feeder), feeder];
    let pairs = |uri: &Uri| -> HashMap<String, String> {
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect()
    };
    let change = move |uri: Uri| async move {
        let query = pairs(&uri);
        let (from, to) = (state_named(&query["from"]), state_named(&query["to"]));
        for_change.change(&query["id"], from, to, TimeDelta::zero());
    };
    let rounds = move |uri: Uri| async move {
        match pairs(&uri)["per_second"].parse() {
            Ok(0) | Err(_) => for_rounds.stop(),
            Ok(rate) => drop(tokio::spawn(Arc::clone(&for_rounds).rounds(rate))),
        }
    };
    Router::new()
        .route("/test/change", get(change))
        .route("/test/rounds", get(rounds))
        .route("/test/drop", get(move || async move { board.close(false) }))
}

impl WallServer {
    pub fn start(channels: &[Channel], token: Option<&str>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let board = Board::new(channels, EVERY);
        let feeder = Arc::new(Feeder::new(Arc::clone(&board), &runtime));
        let large = Arc::new(Large { taken: AtomicUsize::new(0), picture: scene(7) });
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        let access = WallAccess::new(address, None, token.map(str::to_owned)).expect("access");
        let more = controls(Arc::clone(&board), Arc::clone(&feeder));
        let router = router(Arc::clone(&board), access, Arc::clone(&large) as Arc<dyn LargePictures>, more);
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { board, feeder, large, url: format!("http://{address}"), runtime: Some(runtime) }
    }

    pub fn get(&self, path: &str, headers: &[(&'static str, &str)]) -> crate::support::http_server::Answer {
        self.block_on(crate::support::http_server::get(format!("{}{path}", self.url), headers))
    }

    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.as_ref().expect("it runs").block_on(future)
    }
}

impl Drop for WallServer {
    fn drop(&mut self) {
        self.feeder.stop();
        self.board.close(true);
        self.runtime.take().expect("it runs").shutdown_background();
    }
}

/// A date of a view.
pub fn date(value: &serde_json::Value) -> DateTime<Utc> {
    value.as_str().expect("a date").parse().expect("RFC 3339")
}
