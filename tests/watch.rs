//! `hlsnap watch`: channels that break and recover, what a round costs, files, the list, the wall and webhooks. The origin's live window
//! slides over the ladder in real time, a segment every two seconds.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, channel},
    },
    thread,
    time::Duration,
};

use crate::origin::{LiveWindow, Origin, Rule};
use crate::support::{file_names, frame_number, hlsnap_with, start_hlsnap, wait_for};
use serde_json::Value;
use tempfile::TempDir;

/// A running watch. Dropping it ends the process.
struct Watch {
    child: Child,
    events: Receiver<Value>,
    errors: Arc<Mutex<Vec<String>>>,
    folder: TempDir,
}

impl Watch {
    /// Watches a list, which is written to `channels` first.
    fn start(list: &str, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("channels"), list).expect("written");
        Self::start_in(folder, options)
    }

    fn start_in(folder: TempDir, options: &[&str]) -> Self {
        let mut child = start_hlsnap(&[&["watch", "channels"], options].concat(), folder.path(), Stdio::piped());
        let (sender, events) = channel();
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
                let _ = sender.send(event);
            }
        });
        let errors = Arc::<Mutex<Vec<String>>>::default();
        let (lines, stderr) = (Arc::clone(&errors), BufReader::new(child.stderr.take().expect("a pipe")));
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                lines.lock().expect("unpoisoned").push(line);
            }
        });
        Self { child, events, errors, folder }
    }

    /// The next event.
    #[track_caller]
    fn event(&self) -> Value {
        let event = self.events.recv_timeout(Duration::from_secs(20));
        event.unwrap_or_else(|_| panic!("no event came: {:?}", self.errors.lock().expect("unpoisoned")))
    }

    /// The next event as channel, state before and state after.
    #[track_caller]
    fn change(&self) -> (String, String, String) {
        let event = self.event();
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        (text("channel"), text("from"), text("to"))
    }

    fn has_error(&self, part: &str) -> bool {
        self.errors.lock().expect("unpoisoned").iter().any(|line| line.contains(part))
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn signal(&self, name: &str) {
        send_signal(&self.child, name);
    }

    /// The address of the wall.
    fn wall(&self) -> String {
        let address = || {
            let errors = self.errors.lock().expect("unpoisoned");
            errors.iter().find_map(|line| Some(line.split_once("http://")?.1.trim_end_matches('/').to_owned()))
        };
        wait_for(|| address().is_some());
        address().expect("announced")
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn send_signal(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(status.expect("kill runs").success());
}

/// An origin whose live window slides.
fn live_origin() -> Origin {
    let origin = Origin::start();
    origin.set_live_window(LiveWindow::real_time());
    origin
}

/// The body of an HTTP answer.
fn get(address: &str, path: &str) -> (u16, Vec<u8>) {
    let mut stream = TcpStream::connect(address).expect("connected");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("answered");
    let head = answer.windows(4).position(|end| end == b"\r\n\r\n").expect("a head");
    let body = answer.split_off(head + 4);
    let status = String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.expect("a status"), body)
}

fn changes(channel: &str, from: &str, to: &str) -> (String, String, String) {
    (channel.to_owned(), from.to_owned(), to.to_owned())
}

const FAST: [&str; 2] = ["--every", "0.5s"];

#[test]
fn a_round_costs_a_reload_and_a_key_frame_and_the_playlists_are_opened_once() {
    let origin = live_origin();
    let list = format!("{{\"id\": \"a\", \"url\": \"{}\"}}\n", origin.url("/live/master.m3u8"));
    let watch = Watch::start(&list, &["--every", "2s", "-o", "{id}-{msn}.png"]);
    wait_for(|| file_names(watch.folder.path()).len() > 4);
    drop(watch);
    let paths = origin.paths();
    let count = |part: &str| paths.iter().filter(|path| path.contains(part)).count();
    assert_eq!(count("master.m3u8"), 1, "{paths:?}");
    let (reloads, segments) = (count("/live/v") - count(".ts"), count(".ts"));
    assert!(segments >= 4 && reloads <= segments + 1, "{reloads} reloads, {segments} segments: {paths:?}");
}

#[test]
fn pictures_are_the_newest_key_frames_under_the_names_of_their_channels() {
    let origin = live_origin();
    let list = format!("#EXTM3U\n#EXTINF:-1 tvg-id=\"news\",News: 24/7\n{}\n", origin.url("/live/v0.m3u8"));
    let watch = Watch::start(&list, &["--every", "1s", "-o", "{id} {name}.png", "--width", "320"]);
    let name = "news News--24-7.png";
    wait_for(|| !file_names(watch.folder.path()).iter().all(|name| name == "channels"));
    assert_eq!(file_names(watch.folder.path()), ["channels", name]);
    let picture = image::open(watch.path(name)).expect("a picture");
    assert_eq!(picture.width(), 320);
    // The first frame of one of the three segments
    assert!([0, 50, 100].contains(&frame_number(&picture)), "{}", frame_number(&picture));
}

#[test]
fn a_channel_that_fails_is_down_and_comes_back() {
    let origin = live_origin();
    let (good, bad) = (origin.url("/live/v0.m3u8"), origin.url("/live/v1.m3u8?token=secret"));
    let watch = Watch::start(
        &format!("{good}\n{{\"id\": \"b\", \"name\": \"B\", \"url\": \"{bad}\"}}\n"),
        &[&FAST[..], &["--down-after", "2"]].concat(),
    );
    wait_for(|| origin.count("/live/v1.m3u8") >= 2);
    origin.rule("/live/v1.m3u8", Rule::Status(404, None));
    let event = watch.event();
    assert_eq!((&event["channel"], &event["name"], &event["from"], &event["to"]), (&"b".into(), &"B".into(), &"ok".into(), &"down".into()));
    assert_eq!(event["kind"], "http_status");
    let message = event["message"].as_str().expect("a message");
    assert!(message.contains("404") && !message.contains("secret"), "{message}");
    for time in ["time", "since"] {
        chrono::DateTime::parse_from_rfc3339(event[time].as_str().expect("a time")).expect("RFC 3339");
    }
    origin.rule("/live/v1.m3u8", Rule::File);
    assert_eq!(watch.change(), changes("b", "down", "ok"));
}

#[test]
fn a_playlist_that_does_not_advance_is_stale_and_a_hanging_segment_does_not_delay_other_channels() {
    let origin = Origin::start();
    let [good, hanging] = ["/live/v0.m3u8", "/live/v1.m3u8"].map(|path| origin.url(path));
    let list = format!("{{\"id\": \"a\", \"url\": \"{good}\"}}\n{{\"id\": \"b\", \"url\": \"{hanging}\"}}\n");
    origin.rule("/live/v1.m3u8", Rule::StallInHeaders);
    let watch = Watch::start(&list, &[&FAST[..], &["--stale-after", "2s", "--down-after", "1"]].concat());
    let mut seen = vec![watch.change(), watch.change()];
    seen.sort();
    assert_eq!(seen, [changes("a", "ok", "stale"), changes("b", "ok", "down")]);
    origin.set_live_window(LiveWindow::real_time());
    assert_eq!(watch.change(), changes("a", "stale", "ok"));
}

#[test]
fn a_list_is_read_again_on_a_signal_and_a_wrong_list_changes_nothing() {
    let origin = live_origin();
    let line = |path: &str| format!("{{\"id\": \"{path}\", \"url\": \"{}\"}}\n", origin.url(path));
    let [a, b, c] = ["/live/v0.m3u8", "/live/v1.m3u8", "/live/master.m3u8"];
    let watch = Watch::start(&line(a), &[&FAST[..], &["-v", "--width", "640"]].concat());
    wait_for(|| origin.count(a) > 1);
    std::fs::write(watch.path("channels"), line(a) + "{\"id\": \"b\"").expect("written");
    watch.signal("HUP");
    wait_for(|| watch.has_error("the old one stays"));
    std::fs::write(watch.path("channels"), line(b) + &line(c)).expect("written");
    watch.signal("HUP");
    wait_for(|| watch.has_error("2 channels are new, 0 changed, 1 are gone"));
    let before = origin.count(a);
    wait_for(|| origin.count(b) > 3 && origin.count(c) > 0);
    // The Multivariant Playlist's best Variant may be the same playlist
    let reloads_of_c = origin.count(a) - before;
    std::fs::write(watch.path("channels"), line(b)).expect("written");
    watch.signal("HUP");
    wait_for(|| watch.has_error("0 channels are new, 0 changed, 1 are gone"));
    let (left, others) = (origin.count(a), origin.count(b));
    wait_for(|| origin.count(b) > others + 2);
    assert!(origin.count(a) <= left + 1, "a channel that left the list is watched no more; {reloads_of_c} reloads before");
}

#[test]
fn the_wall_shows_states_pictures_and_metrics() {
    let origin = live_origin();
    let list = format!(
        "[defaults]\nvariant = \"worst\"\n\n[[channel]]\nid = \"a\"\nname = \"First\"\nurl = \"{0}\"\n\n[[channel]]\nid = \"b\"\nurl = \"{0}x\"\n",
        origin.url("/live/v0.m3u8")
    );
    let watch = Watch::start(&list, &[&FAST[..], &["--listen", "127.0.0.1:0", "--down-after", "2"]].concat());
    let wall = watch.wall();
    assert_eq!(watch.change(), changes("b", "ok", "down"));
    let board = || serde_json::from_slice::<Value>(&get(&wall, "/channels.json").1).expect("JSON");
    wait_for(|| board()["channels"][0]["picture"].is_string());
    let channels = board()["channels"].clone();
    assert_eq!((&channels[0]["name"], &channels[0]["state"], &channels[1]["state"]), (&"First".into(), &"ok".into(), &"down".into()));
    let (status, picture) = get(&wall, &format!("/{}", channels[0]["picture"].as_str().expect("a URL")));
    assert_eq!((status, image::guess_format(&picture).ok()), (200, Some(image::ImageFormat::Jpeg)));
    let (status, large) = get(&wall, "/pictures/a/large.jpg");
    let size = |bytes: &[u8]| image::load_from_memory(bytes).expect("a picture").width();
    assert!(status == 200 && size(&large) > size(&picture), "{} and {} pixels", size(&large), size(&picture));
    let metrics = String::from_utf8(get(&wall, "/metrics").1).expect("text");
    for line in [
        r#"hlsnap_channel_up{channel="a",name="First",group=""} 1"#,
        r#"hlsnap_channel_up{channel="b",name="b",group=""} 0"#,
        r#"hlsnap_channel_state{channel="b",name="b",group="",state="down"} 1"#,
        "hlsnap_watch_channels 2",
    ] {
        assert!(metrics.lines().any(|shown| shown == line), "{line} is missing: {metrics}");
    }
    assert!(metrics.contains("hlsnap_watch_lateness_seconds_count"));
}

#[test]
fn events_are_posted_and_a_signal_ends_the_watch_after_their_delivery() {
    let origin = live_origin();
    let receiver = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/hook", receiver.local_addr().expect("an address"));
    let posted = thread::spawn(move || {
        let mut stream = BufReader::new(receiver.accept().expect("a connection").0);
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).expect("a line");
            if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = text.trim().parse().expect("a number");
            }
            if line.trim().is_empty() {
                break;
            }
            head.push_str(&line.to_ascii_lowercase());
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).expect("the body");
        // The watch gets the signal before it gets its answer
        thread::sleep(Duration::from_millis(500));
        stream.get_mut().write_all(b"HTTP/1.1 204 No Content\r\n\r\n").expect("answered");
        (head, body)
    });
    let list = format!("{{\"id\": \"b\", \"url\": \"{}\"}}\n", origin.url("/nothing.m3u8"));
    let options = ["--down-after", "1", "--webhook", &url, "--webhook-key", "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"];
    let mut watch = Watch::start(&list, &[&FAST[..], &options].concat());
    let event = watch.event();
    watch.signal("TERM");
    let status = watch.child.wait().expect("it ends");
    assert!(status.success(), "{status}");
    let (head, body) = posted.join().expect("posted");
    assert_eq!(serde_json::from_slice::<Value>(&body).expect("JSON"), event);
    for header in ["webhook-id: ", "webhook-timestamp: ", "webhook-signature: v1,"] {
        assert!(head.contains(header), "{header} is missing: {head}");
    }
    assert!(!watch.has_error("not delivered"));
}

#[test]
fn a_kill_leaves_complete_pictures_and_a_new_watch_finds_the_states_again() {
    let origin = live_origin();
    let list = format!(
        "{{\"id\": \"a\", \"url\": \"{}\"}}\n{{\"id\": \"b\", \"url\": \"{}\"}}\n",
        origin.url("/live/v0.m3u8"),
        origin.url("/nothing.m3u8")
    );
    let options = [&["--every", "0.1s"][..], &["--down-after", "2", "-o", "{id}.png", "--variant", "best", "--width", "1280"]].concat();
    let mut folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("channels"), list).expect("written");
    for _ in 0..5 {
        let mut watch = Watch::start_in(folder, &options);
        assert_eq!(watch.change(), changes("b", "ok", "down"));
        wait_for(|| watch.path("a.png").exists());
        watch.signal("KILL");
        watch.child.wait().expect("it ends");
        image::open(watch.path("a.png")).expect("a whole picture");
        folder = std::mem::replace(&mut watch.folder, tempfile::tempdir().expect("a folder"));
    }
}

#[test]
fn a_new_watch_goes_on_from_the_kept_states_and_reports_only_changes() {
    let origin = live_origin();
    let url = origin.url("/live/v0.m3u8?token=secret");
    origin.rule("/live/v0.m3u8", Rule::Status(404, None));
    let options = [&FAST[..], &["--down-after", "2", "--state", "states.json"]].concat();
    let mut watch = Watch::start(&format!("{url}\n"), &options);
    let down = watch.event();
    assert_eq!((&down["from"], &down["to"]), (&"ok".into(), &"down".into()));
    wait_for(|| watch.path("states.json").exists());
    watch.signal("KILL");
    watch.child.wait().expect("it ends");
    let kept = std::fs::read_to_string(watch.path("states.json")).expect("states");
    assert!(kept.contains("down") && !kept.contains("secret"), "{kept}");
    let folder = std::mem::replace(&mut watch.folder, tempfile::tempdir().expect("a folder"));
    drop(watch);

    let watch = Watch::start_in(folder, &options);
    let failures = origin.count("/live/v0.m3u8");
    wait_for(|| origin.count("/live/v0.m3u8") >= failures + 3);
    origin.rule("/live/v0.m3u8", Rule::File);
    let up = watch.event();
    assert_eq!((&up["from"], &up["to"]), (&"down".into(), &"ok".into()), "it was down all the time: {up}");
    std::fs::write(watch.path("states.json"), "nonsense").expect("written");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("channels"), &url).expect("written");
    let run = hlsnap_with(&["watch", "channels", "--state", "channels"], b"", folder);
    assert!(run.code == 2 && run.last_line().contains("--state channels is not a file of states"), "{}", run.stderr);
}

#[test]
fn in_the_sandbox_the_list_stays_readable_and_the_outputs_writable() {
    let origin = live_origin();
    let line = |id: &str| format!("{{\"id\": \"{id}\", \"url\": \"{}\"}}\n", origin.url("/live/v0.m3u8"));
    let watch = Watch::start(
        &line("a"),
        &[&FAST[..], &["-v", "--sandbox", "-o", "{id}.jpg", "--state", "states.json", "--listen", "127.0.0.1:0"]].concat(),
    );
    wait_for(|| watch.path("a.jpg").exists());
    assert_eq!(get(&watch.wall(), "/healthz").0, 200);
    std::fs::write(watch.path("channels"), line("b")).expect("written");
    watch.signal("HUP");
    wait_for(|| watch.path("b.jpg").exists());
    assert!(watch.has_error("sandbox: ") && !watch.has_error("cannot be"));
}

#[test]
fn mistakes_are_one_line_before_anything_is_watched() {
    let run = |list: &str, options: &[&str]| {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("channels"), list).expect("written");
        hlsnap_with(&[&["watch", "channels"], options].concat(), b"", folder)
    };
    let url = "http://127.0.0.1:9/x.m3u8\n";
    for (list, options, part) in [
        ("", &[][..], "no channel"),
        ("not a url\n", &[], "line 1"),
        ("{\"id\": \"a\", \"url\": \"http://h/x\"}\n{\"id\": \"a\", \"url\": \"http://h/y\"}\n", &[], "line 2"),
        (url, &["-o", "{nope}.jpg"], "{nope}"),
        (url, &["--webhook", "ftp://x/"], "--webhook"),
        (url, &["--shard", "3/2"], "3/2"),
        (url, &["--listen", "0.0.0.0:0"], "--token"),
        (url, &["--every", "0s"], "--every"),
    ] {
        let run = run(list, options);
        assert_eq!(run.code, 2, "{options:?}: {}", run.stderr);
        assert!(run.last_line().contains(part) && run.stderr.lines().count() == 1, "{options:?}: {}", run.stderr);
    }
    assert!(Path::new(env!("CARGO_BIN_EXE_hlsnap")).exists());
}
