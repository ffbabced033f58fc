//! The origin of `script/fleet` follows its scripts, and hlsnap takes pictures from it.

#[path = "fleet/channel.rs"]
mod channel;
#[path = "fleet/server.rs"]
mod server;

use std::{net::Ipv4Addr, sync::Arc};

use channel::{Clips, Script};
use chrono::{DateTime, Utc};
use hlsnap::chrono;
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Runtime};

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).expect("a date")
}

/// Two clips of 23 segments, with bytes that are no media.
fn clips() -> Clips {
    let segments = |byte: u8| (0..23).map(|n| vec![byte, n].into()).collect();
    [("moving", 1), ("black", 2)].map(|(name, byte)| ((name.to_owned(), "low".to_owned()), segments(byte))).into()
}

fn script(shows: &Value, faults: &Value) -> Script {
    serde_json::from_value(json!({"id": "c1", "shows": shows, "faults": faults})).expect("a script")
}

fn moving(faults: &Value) -> Script {
    script(&json!([{"clip": "moving"}]), faults)
}

/// Media Sequence Number, Discontinuity Sequence Number, and the files of a playlist.
fn window(script: &Script, seconds: f64) -> (u64, u64, Vec<String>) {
    let text = script.playlist("low", seconds, start(), &clips());
    let number = |tag: &str| text.lines().find_map(|line| line.strip_prefix(tag)).expect("the tag").parse().expect("a number");
    let files = text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    (number("#EXT-X-MEDIA-SEQUENCE:"), number("#EXT-X-DISCONTINUITY-SEQUENCE:"), files)
}

#[test]
fn a_window_moves_with_time_and_shows_what_its_script_says() {
    let script = script(&json!([{"clip": "moving"}, {"at": 60, "clip": "black"}]), &json!([]));
    assert_eq!(window(&script, 30.5).0, 1010);
    assert_eq!(window(&script, 33.9).0, 1011);
    assert_eq!(window(&script, 30.5).2, ["low-1010.ts", "low-1011.ts", "low-1012.ts", "low-1013.ts", "low-1014.ts"]);
    let clip = |number: i64| script.segment(number, "low", &clips()).expect("a segment")[0];
    assert_eq!([clip(1029), clip(1030)], [1, 2]);
}

#[test]
fn a_discontinuity_is_counted_once_it_has_left() {
    let script = moving(&json!([]));
    let mut discontinuities = 0;
    for round in 0..100 {
        let seconds = f64::from(round) * 2.0;
        let text = script.playlist("low", seconds, start(), &clips());
        let (first, counted, _) = window(&script, seconds);
        let listed = text.matches("#EXT-X-DISCONTINUITY\n").count() as u64;
        // The clip of 23 segments restarts at every multiple of 23
        let before = |number: u64| (995..number).filter(|number| number % 23 == 0).count() as u64;
        assert_eq!((counted, counted + listed), (before(first), before(first + 5)), "at {seconds} s");
        discontinuities += listed;
    }
    assert!(discontinuities > 0);
}

#[test]
fn encoders_stop_end_and_restart() {
    let stopped = moving(&json!([{"kind": "stop", "at": 30, "until": 50}]));
    assert_eq!([window(&stopped, 30.0).0, window(&stopped, 49.0).0, window(&stopped, 50.0).0], [1010, 1010, 1020]);
    let ended = moving(&json!([{"kind": "end", "at": 30}]));
    assert!(ended.playlist("low", 40.0, start(), &clips()).ends_with("low-1014.ts\n#EXT-X-ENDLIST\n"));
    let restarted = moving(&json!([{"kind": "restart", "at": 30}]));
    assert_eq!(window(&restarted, 34.0), (0, 0, vec!["low-1015.ts".to_owned(), "low-1016.ts".to_owned()]));
    assert!(restarted.playlist("low", 34.0, start(), &clips()).contains("#EXT-X-DISCONTINUITY\n"));
    let silently = moving(&json!([{"kind": "restart_silently", "at": 30}]));
    assert!(!silently.playlist("low", 34.0, start(), &clips()).contains("#EXT-X-DISCONTINUITY\n"));
    let dates = moving(&json!([{"kind": "dates", "at": 30}]));
    let last = |seconds: f64| dates.playlist("low", seconds, start(), &clips()).lines().rev().nth(2).expect("a date").to_owned();
    assert_eq!(last(44.0), last(60.0));
}

#[test]
fn hlsnap_takes_pictures_and_the_origin_counts_requests() {
    // A clip of the fixtures
    let folder = tempfile::tempdir().expect("a folder");
    let clip = folder.path().join("film");
    std::fs::create_dir(&clip).expect("a folder");
    for n in 0..3 {
        std::fs::copy(crate::origin::fixtures_folder().join(format!("ladder-ts/v2-{n}.ts")), clip.join(format!("low-{n}.ts")))
            .expect("a copy");
    }
    let scripts = json!([
        {"id": "good", "shows": [{"clip": "film"}]},
        {"id": "gone", "shows": [{"clip": "film"}], "faults": [{"kind": "not_found", "at": 0}]},
        {"id": "refused", "shows": [{"clip": "film"}], "faults": [{"kind": "refuse", "at": 0}]},
    ]);
    let clips = server::read_clips(folder.path()).expect("the clips");
    let fleet = Arc::new(server::Fleet::new(serde_json::from_value(scripts).expect("scripts"), clips));
    assert!(fleet.start_date() <= Utc::now());
    let runtime = Runtime::new().expect("a runtime");
    let (port, ports) = runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let ports = server::serve_refusing(&fleet).await.expect("ports");
        tokio::spawn(server::serve(fleet.clone(), listener));
        (port, ports)
    });
    let snap =
        |port: u16, id: &str| crate::support::hlsnap(&[&format!("http://127.0.0.1:{port}/{id}/low.m3u8"), "-o", "picture.jpg", "--json"]);
    let run = snap(port, "good");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let log: Value = serde_json::from_str(&fleet.log()).expect("JSON");
    let good = &log["channels"]["good"];
    assert_eq!((good["playlists"].as_array().map(Vec::len), good["segments"].as_u64() >= Some(1)), (Some(1), true), "{good}");
    assert_eq!(snap(port, "gone").code, 12);
    assert_eq!(snap(ports["refused"], "refused").code, 11);
}
