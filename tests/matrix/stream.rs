//! The streams: what the origin serves for a cell, and where its fault is.

use std::fmt::Write;

use crate::{
    cell::{Cell, Kind, Place, Way},
    origin::{LowLatency, Origin, Rule, fixtures},
    support::sealing::padded,
};

/// Segments of each Media Playlist; they have 50 frames each, numbered from 0 on.
pub const SEGMENTS: u64 = 3;
/// The Media Sequence Number of the oldest segment of a live window.
pub const LIVE_OLDEST: u64 = 8;
/// The newest Low-Latency segment, which has the Parts 30 to 32.
pub const LOW_LATENCY_NEWEST: u64 = 5;
/// The Media Sequence Number of the one whole segment in an old live window; [`GONE`] more follow that are gone.
pub const OLD_WINDOW: u64 = 3;
const GONE: u64 = 3;

const IV: [u8; 16] = [0xa7; 16];
const SECRET: [u8; 16] = *b"0123456789abcdef";
const PLAYLIST: &str = "application/vnd.apple.mpegurl";

/// What the program is asked.
pub struct Asked {
    pub url: String,
    pub options: &'static [&'static str],
}

pub fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(fixtures().join(name)).expect("a fixture")
}

/// Lets the origin serve the stream of a cell with its fault.
pub fn serve(origin: &Origin, cell: Cell) -> Asked {
    if cell.kind == Kind::LowLatency {
        low_latency(origin, cell);
    } else {
        variant(origin, cell.kind, "a", "v0", cell.place == Place::Key);
    }
    variant(origin, cell.kind, "b", "v1", false);
    origin.put("/a-i.m3u8", i_frames(origin, cell.kind));
    origin.put("/master.m3u8", ladder(cell));
    if cell.place == Place::Reload {
        age(origin, cell);
    }
    for path in faulty(cell) {
        let rule = cell.fault.rule(cell.place.resource(), path, origin.file(path).len());
        match cell.place {
            Place::Reload => origin.rules(path, vec![old_window(origin, cell), rule]),
            _ => origin.rule(path, rule),
        };
    }
    let path = if cell.way == Way::Ladder { "/master.m3u8" } else { media_path(cell.kind) };
    let options: &[_] = match cell.place {
        Place::Middle => &["--at", "3", "--key-frame"],
        Place::HintedPart => &["--exact"],
        _ => &[],
    };
    Asked { url: origin.url(path), options }
}

fn media_path(kind: Kind) -> &'static str {
    if kind == Kind::LowLatency { "/ll/index.m3u8" } else { "/a.m3u8" }
}

/// The paths that have the fault.
fn faulty(cell: Cell) -> Vec<&'static str> {
    match (cell.place, cell.kind) {
        (Place::Multivariant, _) => vec!["/master.m3u8"],
        (Place::Media | Place::Reload, kind) => vec![media_path(kind)],
        (Place::IFramePlaylist, _) => vec!["/a-i.m3u8"],
        (Place::IFrameSegment, _) => vec!["/a-i-0.m4s"],
        (Place::Init, Kind::LowLatency) => vec!["/ll/init.mp4"],
        (Place::Init, _) => vec!["/a-init.mp4"],
        (Place::Key, Kind::LowLatency) => vec!["/key-5"],
        (Place::Key, kind) if kind.is_live() => vec!["/key-2"],
        (Place::Key, _) => vec!["/key-0"],
        (Place::Newest, Kind::LowLatency) => vec!["/ll/part-30.mp4", "/ll/part-31.mp4", "/ll/part-32.mp4"],
        (Place::Newest, Kind::Live) => vec!["/a-2.m4s"],
        (Place::Newest, Kind::LiveTransport) => vec!["/a-2.ts"],
        (Place::Newest, Kind::Recording) => vec!["/a-0.m4s"],
        (Place::Newest, Kind::RecordedTransport) => vec!["/a-0.ts"],
        (Place::Middle, Kind::LowLatency) => vec!["/ll/segment-1.mp4"],
        (Place::Middle, kind) => vec![if kind.is_transport() { "/a-1.ts" } else { "/a-1.m4s" }],
        (Place::Part, _) => vec!["/ll/part-32.mp4"],
        (Place::HintedPart, _) => vec!["/ll/part-33.mp4"],
    }
}

fn ending(kind: Kind) -> (&'static str, &'static str) {
    if kind.is_transport() { ("ladder-ts", "ts") } else { ("ladder-fmp4", "m4s") }
}

/// A Media Playlist, its init, segments and keys, made of one Variant of the fixtures.
fn variant(origin: &Origin, kind: Kind, name: &str, of: &str, is_sealed: bool) {
    let (folder, ending) = ending(kind);
    let first = if kind.is_live() { LIVE_OLDEST } else { 0 };
    let mut text = format!("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n");
    if !kind.is_transport() {
        writeln!(text, "#EXT-X-MAP:URI=\"{name}-init.mp4\"").expect("a string takes it");
        origin.put(&format!("/{name}-init.mp4"), fixture(&format!("{folder}/{of}-init.mp4")));
    }
    for number in 0..SEGMENTS {
        let mut bytes = fixture(&format!("{folder}/{of}-{number}.{ending}"));
        if is_sealed {
            text.push_str(&key_tag(number));
            origin.put(&format!("/key-{number}"), SECRET);
            bytes = padded(&SECRET, &IV, &bytes);
        }
        writeln!(text, "#EXTINF:2,\n{name}-{number}.{ending}").expect("a string takes it");
        origin.put(&format!("/{name}-{number}.{ending}"), bytes);
    }
    text.push_str(end(kind));
    origin.put(&format!("/{name}.m3u8"), text);
}

fn end(kind: Kind) -> &'static str {
    if kind.is_live() { "" } else { "#EXT-X-ENDLIST\n" }
}

fn key_tag(number: u64) -> String {
    let iv = u128::from_be_bytes(IV);
    format!("#EXT-X-KEY:METHOD=AES-128,URI=\"/key-{number}\",IV={iv:#034x}\n")
}

/// A Multivariant Playlist. Only the places that need it have an I-frame Playlist, since that is read first.
fn ladder(cell: Cell) -> String {
    let media = media_path(cell.kind);
    let mut text = format!(
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360\n{media}\n#EXT-X-STREAM-INF:BANDWIDTH=600000,RESOLUTION=426x240\n/b.m3u8\n"
    );
    if matches!(cell.place, Place::IFramePlaylist | Place::IFrameSegment) {
        text.push_str("#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,RESOLUTION=640x360,CODECS=\"avc1.64001e\",URI=\"/a-i.m3u8\"\n");
    }
    text
}

/// The I-frame Playlist of the better Variant, with resources of its own.
fn i_frames(origin: &Origin, kind: Kind) -> String {
    for number in 0..SEGMENTS {
        origin.put(&format!("/a-i-{number}.m4s"), fixture(&format!("ladder-fmp4/v0-{number}.m4s")));
    }
    origin.put("/a-i-init.mp4", fixture("ladder-fmp4/v0-init.mp4"));
    let text = String::from_utf8(fixture("ladder-fmp4/v0-i.m3u8")).expect("text");
    let text = text.replace("v0-", "a-i-");
    if kind.is_live() { text.replace("#EXT-X-ENDLIST", "").replace("#EXT-X-PLAYLIST-TYPE:VOD\n", "") } else { text }
}

/// The Low-Latency stream of the origin, with the hinted Part and, for a fault in a key, encrypted.
fn low_latency(origin: &Origin, cell: Cell) {
    let film = LowLatency::default();
    origin.put("/ll/part-33.mp4", film.film_part(33));
    if cell.place != Place::Key {
        return;
    }
    let text = String::from_utf8(origin.file("/ll/index.m3u8")).expect("text");
    let (older, newest) = text.split_once("segment-4.mp4\n").expect("segment 4");
    let older = older.replacen("init.mp4\"\n", &format!("init.mp4\"\n{}", key_tag(4)), 1);
    origin.put("/ll/index.m3u8", format!("{older}segment-4.mp4\n{}{newest}", key_tag(LOW_LATENCY_NEWEST)));
    for number in [4, LOW_LATENCY_NEWEST] {
        origin.put(&format!("/key-{number}"), SECRET);
    }
    for part in 24..=33 {
        origin.put(&format!("/ll/part-{part}.mp4"), padded(&SECRET, &IV, &film.film_part(part)));
    }
}

/// Makes what the first playlist lists old: all of it for a Variant that another one can replace, else all but one segment.
fn age(origin: &Origin, cell: Cell) {
    if cell.kind != Kind::LowLatency {
        return;
    }
    for part in 24..33 {
        origin.rule(&format!("/ll/part-{part}.mp4"), Rule::Status(404, None));
    }
    if cell.way == Way::Ladder {
        for segment in 0..LOW_LATENCY_NEWEST {
            origin.rule(&format!("/ll/segment-{segment}.mp4"), Rule::Status(404, None));
        }
    }
}

/// The playlist that comes before the reload.
fn old_window(origin: &Origin, cell: Cell) -> Rule {
    if cell.kind == Kind::LowLatency {
        let old = origin.file("/ll/index.m3u8");
        origin.advance_parts(6);
        return Rule::Body(old, PLAYLIST);
    }
    let (_, ending) = ending(cell.kind);
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:{OLD_WINDOW}\n#EXT-X-MAP:URI=\"a-init.mp4\"\n#EXTINF:1,\n"
    );
    let oldest = if cell.way == Way::Ladder { "gone" } else { "a-0" };
    writeln!(text, "{oldest}.{ending}").expect("a string takes it");
    for number in 1..=GONE {
        writeln!(text, "#EXTINF:1,\ngone-{number}.{ending}").expect("a string takes it");
    }
    Rule::Body(text.into(), PLAYLIST)
}
