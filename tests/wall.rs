//! The wall and the try page of `serve`: their servers, and in a headless Chromium their pages.

#[path = "wall/scenes.rs"]
mod scenes;
#[path = "wall/wall_server.rs"]
mod wall_server;

use std::{process::Command, sync::atomic::Ordering};

use crate::origin::Origin;
use crate::support::http_server::Server;
use hlsnap::{chrono::TimeDelta, internals::wall::ChannelState};
use serde_json::Value;
use wall_server::{WallServer, channels, date};

fn small_wall() -> WallServer {
    let channels = channels(6);
    let server = WallServer::start(&channels, None);
    server.feeder.first_rounds(&channels);
    server
}

#[test]
fn channels_have_all_facts_and_no_secret() {
    let server = small_wall();
    let answer = server.get("/channels.json", &[]);
    let list = answer.json();
    assert!(!String::from_utf8_lossy(&answer.body).contains("hunter2"), "{list}");
    assert_eq!((list["every_seconds"].as_f64(), list["channels"].as_array().map(Vec::len)), (Some(10.0), Some(6)));
    let [fine, down] = [0, 2].map(|index| &list["channels"][index]);
    assert_eq!((fine["id"].as_str(), fine["name"].as_str(), fine["group"].as_str()), (Some("c0001"), Some("City News 1"), Some("Sport")));
    assert_eq!((fine["state"].as_str(), fine["url"].as_str()), (Some("ok"), Some("https://live.example.com/1/master.m3u8?...")));
    assert_eq!((fine["facts"]["codec"].as_str(), fine["facts"]["sound"].as_str()), (Some("h264"), Some("present")));
    assert!(date(&fine["since"]) <= date(&fine["picture_time"]) && fine["verdict"]["hash"].as_str().is_some_and(|hash| hash.len() == 16));
    assert_eq!((down["state"].as_str(), down["kind"].as_str()), (Some("down"), Some("http_status")));
    assert!(down["picture"].is_string(), "the last picture stays: {down}");
    for name in ["content-security-policy", "referrer-policy", "x-content-type-options"] {
        assert_ne!(answer.header(name), "", "{name}");
    }
    // The public id of a channel whose id is a URL works too
    let id = list["channels"][5]["id"].as_str().expect("an id").to_owned();
    assert_eq!(server.get(&format!("/channels/{id}.json"), &[]).json()["name"], "https://live.example.com/6/master.m3u8?...");
    server.get("/channels/none.json", &[]).fails(404, "not_found");
    server.get("/none", &[]).fails(404, "not_found");
}

#[test]
fn a_channel_has_the_history_of_an_hour() {
    let server = WallServer::start(&channels(3), None);
    server.feeder.hour("c0002");
    let history = server.get("/channels/c0002.json", &[]).json()["history"].clone();
    assert_eq!(history["points"].as_array().map(Vec::len), Some(354));
    let changes: Vec<_> =
        history["changes"].as_array().expect("changes").iter().map(|change| change["to"].as_str().expect("text")).collect();
    assert_eq!(changes, ["black", "ok"]);
}

#[test]
fn a_picture_is_cached_until_the_next_round() {
    let server = small_wall();
    let path = || format!("/{}", server.get("/channels/c0001.json", &[]).json()["picture"].as_str().expect("a path"));
    let first = path();
    let answer = server.get(&first, &[]);
    assert_eq!((answer.header("content-type"), answer.picture().width()), ("image/jpeg", 320));
    assert!(answer.header("cache-control").contains("max-age=600"), "{:?}", answer.headers);
    assert_eq!(server.get(&first, &[("if-none-match", answer.header("etag"))]).status, 304);
    server.feeder.round("c0001", ChannelState::Ok);
    assert_ne!(path(), first);
    let newer = server.get(&first, &[("if-none-match", answer.header("etag"))]);
    assert_eq!((newer.status, newer.header("cache-control")), (200, "private, no-cache"));
    server.get("/pictures/none.jpg", &[]).fails(404, "not_found");
}

#[test]
fn viewers_of_one_channel_share_a_large_picture() {
    let server = small_wall();
    let url = |id: &str| format!("{}/pictures/{id}/large.jpg", server.url);
    let answers = server.block_on(async {
        let get = |id| crate::support::http_server::get(url(id), &[]);
        futures_util::future::join_all([get("c0001"), get("c0001"), get("c0002"), get("c0001")]).await
    });
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.header("content-type") == "image/jpeg"));
    assert_eq!(server.large.taken.load(Ordering::SeqCst), 2);
    server.get("/pictures/c0003/large.jpg", &[]).fails(504, "timeout");
    server.get("/pictures/none/large.jpg", &[]).fails(404, "not_found");
}

/// Reads events until one has this name; gives its id and its data.
async fn next_event(stream: &mut reqwest::Response, text: &mut String, name: &str) -> (String, Value) {
    loop {
        while let Some((event, rest)) = text.split_once("\n\n").map(|(event, rest)| (event.to_owned(), rest.to_owned())) {
            *text = rest;
            let field = |field: &str| event.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default().trim().to_owned();
            if field("event:") == name {
                return (field("id:"), serde_json::from_str(&field("data:")).expect("JSON"));
            }
        }
        let chunk = stream.chunk().await.expect("a stream").expect("it goes on");
        text.push_str(std::str::from_utf8(&chunk).expect("text"));
    }
}

#[test]
fn a_client_that_returns_gets_the_changes_that_it_missed() {
    let server = small_wall();
    let first = server.get("/channels.json", &[]).json()["event_id"].as_str().expect("an id").to_owned();
    let open = |after: &str| {
        let url = format!("{}/events?after={after}", server.url);
        async { reqwest::get(url).await.expect("a stream") }
    };
    server.block_on(async {
        let (mut stream, mut text) = (open(&first).await, String::new());
        server.feeder.change("c0001", ChannelState::Ok, ChannelState::Frozen, TimeDelta::zero());
        let (_, event) = next_event(&mut stream, &mut text, "state").await;
        assert_eq!((event["channel"].as_str(), event["from"].as_str(), event["to"].as_str()), (Some("c0001"), Some("ok"), Some("frozen")));
        let (last, views) = next_event(&mut stream, &mut text, "channels").await;
        assert_eq!(views.as_array().map(Vec::len), Some(1), "{views}");
        drop(stream);

        server.feeder.change("c0002", ChannelState::Ok, ChannelState::Black, TimeDelta::zero());
        let (mut stream, mut text) = (open(&last).await, String::new());
        assert_eq!(next_event(&mut stream, &mut text, "state").await.1["channel"], "c0002");
        let (_, views) = next_event(&mut stream, &mut text, "channels").await;
        assert_eq!((views.as_array().map(Vec::len), views[0]["state"].as_str()), (Some(1), Some("black")));

        // Another start of the program has other ids
        let (mut stream, mut text) = (open("0-5").await, String::new());
        next_event(&mut stream, &mut text, "reset").await;
        server.board.replace_channels(&channels(3));
        next_event(&mut stream, &mut text, "reset").await;
    });
    let list = server.get("/channels.json", &[]).json();
    assert_eq!((list["channels"].as_array().map(Vec::len), list["channels"][0]["state"].as_str()), (Some(3), Some("frozen")));
}

#[test]
fn a_token_opens_the_wall_and_leaves_the_address_bar() {
    let list = channels(2);
    let server = WallServer::start(&list, Some("a long token"));
    server.get("/channels.json", &[]).fails(403, "not_allowed");
    server.get("/pictures/c0001.jpg", &[]).fails(403, "not_allowed");
    assert_eq!(server.get("/healthz", &[]).status, 200);
    assert_eq!(server.get("/channels.json", &[("authorization", "Bearer a long token")]).status, 200);
    let sign_in = server.get("/", &[]);
    assert!(sign_in.status == 403 && String::from_utf8_lossy(&sign_in.body).contains("name=\"token\""), "{sign_in:?}");
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let answer = server.block_on(client.get(format!("{}/?token=a+long+token", server.url)).send()).expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.headers()["location"].to_str().ok()), (303, Some("./")));
    let cookie = answer.headers()["set-cookie"].to_str().expect("text").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && !cookie.contains("token="), "{cookie}");
    assert_eq!(server.get("/channels.json", &[("cookie", &cookie)]).status, 200);
}

#[test]
fn the_pages_work_in_a_browser() {
    let list = channels(1000);
    let wall = WallServer::start(&list, None);
    wall.feeder.hour("c0001");
    wall.feeder.first_rounds(&list);
    let origin = Origin::start();
    let open = Server::start(&["--allow-any", "--allow-private"], &[]);
    let signed = Server::start(&["--allow-private"], &[("HLSNAP_KEY", "key")]);
    let out = concat!(env!("CARGO_TARGET_TMPDIR"), "/pages");
    let stream = origin.url("/ladder-ts/master.m3u8");
    let output = Command::new("script/players")
        .args(["--pages", &wall.url, &open.url(""), &signed.url(""), &stream, out])
        .output()
        .expect("script/players runs");
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}");
    assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
}
