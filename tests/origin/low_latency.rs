//! A Low-Latency stream: parts of a third of a second, blocking reloads, preload hints, delta updates.

use std::{fmt::Write, time::Duration};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::{ReceivedRequest, Shared, fixture};

/// The stream at `/ll/`: a film of 24 frames a second that repeats, in parts of 8 frames.
#[derive(Debug, Clone)]
pub struct LowLatencyStream {
    init: Vec<u8>,
    /// The film's parts.
    film: Vec<Vec<u8>>,
    /// The number of parts published so far.
    published: u64,
    began: DateTime<Utc>,
}

const PART_FRAMES: u64 = 8;
const FRAME_RATE: u64 = 24;
/// Parts of a segment, which lasts 2 s.
const SEGMENT_PARTS: u64 = 6;
/// Segments in the playlist.
const WINDOW: u64 = 6;
/// The newest segments, whose parts are listed too.
const WITH_PARTS: u64 = 2;
/// The longest time to block a request: three target durations (RFC 8216bis, section 6.2.5.2).
const MAX_BLOCKING: Duration = Duration::from_secs(6);

impl Default for LowLatencyStream {
    fn default() -> Self {
        let bytes = fixture("low-latency/film.mp4");
        let mut boxes = Vec::new();
        let mut rest = bytes.as_slice();
        while let [a, b, c, d, name @ ..] = rest {
            let size = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
            boxes.push((name[..4].to_vec(), rest[..size].to_vec()));
            rest = &rest[size..];
        }
        let of = |names: [&str; 2]| -> Vec<Vec<u8>> {
            boxes.iter().filter(|(name, _)| names.iter().any(|wanted| wanted.as_bytes() == name)).map(|(_, bytes)| bytes.clone()).collect()
        };
        let init = of(["ftyp", "moov"]).concat();
        let film = of(["moof", "mdat"]).chunks(2).map(<[_]>::concat).collect();
        let noon = DateTime::parse_from_rfc3339("2026-01-31T12:00:00Z").expect("a date");
        Self { init, film, published: 33, began: noon.to_utc() }
    }
}

impl LowLatencyStream {
    /// The number of the newest frame, in decode order.
    pub fn newest_frame(&self) -> u64 {
        (self.published * PART_FRAMES - 1) % self.frames()
    }

    /// The part with this number, published or not.
    pub fn film_part(&self, number: u64) -> Vec<u8> {
        self.film[usize::try_from(number % self.film.len() as u64).unwrap()].clone()
    }

    fn frames(&self) -> u64 {
        self.film.len() as u64 * PART_FRAMES
    }

    fn date(&self, part: u64) -> String {
        let milliseconds = part * PART_FRAMES * 1000 / FRAME_RATE;
        (self.began + TimeDelta::milliseconds(milliseconds.cast_signed())).to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// The Media Playlist; a delta update leaves out all but the last three segments.
    fn playlist(&self, delta: bool) -> String {
        let edge = self.published / SEGMENT_PARTS;
        let oldest = edge.saturating_sub(WINDOW);
        let rounds = self.film.len() as u64 / SEGMENT_PARTS;
        let mut text = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n#EXT-X-PART-INF:PART-TARGET=0.334\n".to_owned();
        text.push_str("#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.0,CAN-SKIP-UNTIL=12.0\n");
        writeln!(text, "#EXT-X-MEDIA-SEQUENCE:{oldest}\n#EXT-X-DISCONTINUITY-SEQUENCE:{}", oldest / rounds).unwrap();
        let first = if delta { edge.saturating_sub(3).max(oldest) } else { oldest };
        if delta {
            writeln!(text, "#EXT-X-SKIP:SKIPPED-SEGMENTS={}", first - oldest).unwrap();
        } else {
            text.push_str("#EXT-X-MAP:URI=\"init.mp4\"\n");
        }
        for segment in first..=edge {
            if segment % rounds == 0 && segment > oldest {
                text.push_str("#EXT-X-DISCONTINUITY\n");
            }
            let parts = segment * SEGMENT_PARTS..((segment + 1) * SEGMENT_PARTS).min(self.published);
            if !parts.is_empty() {
                writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{}", self.date(parts.start)).unwrap();
            }
            for part in parts.filter(|_| segment + WITH_PARTS > edge) {
                let independent = if part % 2 == 0 { ",INDEPENDENT=YES" } else { "" };
                writeln!(text, "#EXT-X-PART:DURATION=0.33333,URI=\"part-{part}.mp4\"{independent}").unwrap();
            }
            if segment < edge {
                writeln!(text, "#EXTINF:2.000,\nsegment-{segment}.mp4").unwrap();
            }
        }
        writeln!(text, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"part-{}.mp4\"", self.published).unwrap();
        writeln!(text, "#EXT-X-RENDITION-REPORT:URI=\"other.m3u8\",LAST-MSN={edge},LAST-PART={}", self.published % SEGMENT_PARTS).unwrap();
        text
    }

    fn part(&self, number: u64) -> Option<Vec<u8>> {
        (number < self.published).then(|| self.film_part(number))
    }

    pub(super) fn file(&self, name: &str, query: Option<&str>) -> Option<Vec<u8>> {
        let number = |start: &str| name.strip_prefix(start)?.strip_suffix(".mp4")?.parse::<u64>().ok();
        match name {
            "index.m3u8" => Some(self.playlist(query.is_some_and(|query| query.contains("_HLS_skip"))).into_bytes()),
            "init.mp4" => Some(self.init.clone()),
            _ => match (number("part-"), number("segment-")) {
                (Some(part), _) => self.part(part),
                (_, Some(segment)) => (segment * SEGMENT_PARTS..(segment + 1) * SEGMENT_PARTS)
                    .map(|part| self.part(part))
                    .collect::<Option<Vec<_>>>()
                    .map(|parts| parts.concat()),
                _ => None,
            },
        }
    }

    /// The number of parts that a request waits for.
    fn parts_needed(&self, request: &ReceivedRequest) -> u64 {
        let name = request.path.trim_start_matches("/ll/");
        let parameter = |name: &str| {
            request.query.as_deref()?.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse::<u64>().ok())
        };
        if let Some(segment) = parameter("_HLS_msn").filter(|_| name == "index.m3u8") {
            return segment * SEGMENT_PARTS + parameter("_HLS_part").map_or(SEGMENT_PARTS, |part| part + 1);
        }
        let hinted = format!("part-{}.mp4", self.published);
        if name == hinted { self.published + 1 } else { 0 }
    }

    pub(super) fn advance(&mut self, parts: u64) {
        self.published += parts;
    }
}

/// Blocks a request until its part or playlist is published.
pub(super) async fn block_until_available(shared: &Shared, request: &ReceivedRequest) {
    if !request.path.starts_with("/ll/") {
        return;
    }
    let needed = shared.low_latency.lock().unwrap().parts_needed(request);
    let available = async {
        loop {
            let parts_added = shared.parts_added.notified();
            if shared.low_latency.lock().unwrap().published >= needed {
                return;
            }
            parts_added.await;
        }
    };
    // After the timeout, answer with what there is
    let _ = tokio::time::timeout(MAX_BLOCKING, available).await;
}
