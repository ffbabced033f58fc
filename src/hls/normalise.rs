//! Brings a playlist's text into the form that m3u8-rs 6.0.1 reads rightly.
//!
//! Lines are sorted out one by one: known tags are written anew with the attributes and values that m3u8-rs takes, everything else is
//! left out. What m3u8-rs cannot carry goes into tags of our own, which it hands on, in their order, with the next segment (or with the
//! Multivariant Playlist): [`KEY`], [`INIT`], [`SKIPPED`]. EXTINF's title, which is of no use to a picture, carries the duration with all its
//! digits, where m3u8-rs has 32-bit floats. Each trap that this avoids has its test in `tests/traps.rs`.

use std::{borrow::Cow, fmt::Write as _};

use super::{attributes::Attributes, date};
use crate::error::{Error, ErrorKind};

/// An EXT-X-KEY or EXT-X-SESSION-KEY as it stood; m3u8-rs keeps the last of several, and loses METHOD=NONE.
pub(super) const KEY: &str = "X-HLSNAP-KEY";
/// Here stood the segment's EXT-X-MAP; m3u8-rs does not tell whether a key stood before or after it.
pub(super) const INIT: &str = "X-HLSNAP-INIT";
/// So many segments are left out here (EXT-X-SKIP).
pub(super) const SKIPPED: &str = "X-HLSNAP-SKIPPED";
/// The bandwidth of a Variant that does not tell one, which m3u8-rs would drop.
pub(super) const NO_BANDWIDTH: u64 = 0;
/// U+FEFF in UTF-8.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// A playlist ready for m3u8-rs.
pub(super) struct Normalised {
    pub is_multivariant: bool,
    pub lines: String,
}

/// Fails with `bad_playlist` where the text is no HLS, and with `too_large` beyond `most_entries` URIs.
pub(super) fn normalise(bytes: &[u8], most_entries: usize) -> Result<Normalised, Error> {
    let text = bytes.strip_prefix(BOM).unwrap_or(bytes).trim_ascii_start();
    let mut writer = Writer { lines: String::with_capacity(text.len() + 64), ..Writer::default() };
    writer.lines.push_str("#EXTM3U\n");
    if text.starts_with(b"<") {
        return Err(not_hls(text));
    }
    for line in text.split(|byte| matches!(byte, b'\n' | b'\r')) {
        let line = text_of(line);
        let line = line.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{feff}');
        if line.is_empty() {
            continue;
        }
        writer.line(line);
        if writer.entries > most_entries {
            return Err(Error::new(ErrorKind::TooLarge, format!("the playlist has more than {most_entries} entries")));
        }
    }
    writer.seen.check(writer.entries, text)?;
    Ok(Normalised { is_multivariant: writer.seen.is_multivariant(), lines: writer.lines })
}

fn not_hls(text: &[u8]) -> Error {
    let what = match text {
        [] => "the answer is empty",
        [b'<', ..] => "it is an HTML or XML page, not a playlist",
        [b'{' | b'[', ..] => "it is JSON, not a playlist",
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "the text is in UTF-16, where a playlist is in UTF-8",
        _ => "it is neither a playlist nor media: #EXTM3U is missing",
    };
    Error::new(ErrorKind::BadPlaylist, what).hint("check that the URL is the playlist's own, and that no login stands before it")
}

/// A line as text. NUL bytes are dropped; bytes that are no UTF-8 are Latin-1 in tags, and kept as they are in URIs.
fn text_of(line: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(line) {
        return if text.contains('\0') { text.replace('\0', "").into() } else { text.into() };
    }
    let is_tag = line.trim_ascii_start().starts_with(b"#");
    let mut text = String::new();
    for byte in line.iter().filter(|byte| **byte != 0) {
        if byte.is_ascii() || is_tag {
            text.push(char::from(*byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text.into()
}

/// Which kinds of tag the text has.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one kind of tag, and any of them may stand together")]
struct Seen {
    m3u: bool,
    hls: bool,
    multivariant: bool,
    media: bool,
    /// EXTINF with a duration: names in lists of channels have -1.
    duration: bool,
}

impl Seen {
    /// Lists of channels put EXTINF before EXT-X-STREAM-INF as well: it alone makes no Media Playlist.
    fn is_multivariant(&self) -> bool {
        self.multivariant && !self.duration
    }

    fn check(&self, entries: usize, text: &[u8]) -> Result<(), Error> {
        if !(self.m3u || self.hls || self.media) {
            return Err(not_hls(text));
        }
        if !self.media && !self.multivariant && entries == 0 {
            return Err(Error::new(ErrorKind::BadPlaylist, "the playlist is empty: it has neither segments nor Variants")
                .hint("the stream may not be on the air"));
        }
        if !self.hls && self.media && !self.duration && entries > 1 {
            return Err(Error::new(ErrorKind::BadPlaylist, "it is a list of channels (plain M3U), not an HLS playlist")
                .hint("give the URL of one of its channels"));
        }
        Ok(())
    }
}

#[derive(Default)]
struct Writer {
    lines: String,
    seen: Seen,
    entries: usize,
    /// An EXT-X-STREAM-INF that waits for its URI.
    variant: Option<String>,
}

impl Writer {
    fn line(&mut self, line: &str) {
        match line.strip_prefix('#') {
            None => self.uri(line),
            // Some packagers lose the line break after a tag
            Some(tags) if tags.starts_with("EXT") => tags
                .split("#EXT")
                .enumerate()
                .for_each(|(index, tag)| if index == 0 { self.named(tag) } else { self.named(&format!("EXT{tag}")) }),
            Some(tag) => self.named(tag),
        }
    }

    fn named(&mut self, tag: &str) {
        let (name, value) = tag.split_once(':').unwrap_or((tag, ""));
        let name = name.trim_ascii_end();
        let name: Cow<'_, str> =
            if name.bytes().any(|byte| byte.is_ascii_lowercase()) { name.to_ascii_uppercase().into() } else { name.into() };
        if name == "EXTINF" {
            self.extinf(value);
        } else if name.starts_with("EXT-X-") {
            self.seen.hls = true;
            self.tag(&name, value.trim());
        } else if name == "EXTM3U" || name.starts_with("EXTM3U ") {
            self.seen.m3u = true;
        }
    }

    fn uri(&mut self, uri: &str) {
        if let Some(variant) = self.variant.take() {
            self.put(&variant);
        } else if self.seen.is_multivariant() {
            // It belongs to no Variant; m3u8-rs would give it to the one before
            return;
        }
        self.entries += 1;
        // m3u8-rs takes a comma at the beginning for EXTINF's
        self.lines.push_str(if uri.starts_with(',') { "./" } else { "" });
        self.put(uri);
    }

    fn put(&mut self, line: &str) {
        self.lines.push_str(line);
        self.lines.push('\n');
    }

    fn tag(&mut self, name: &str, value: &str) {
        match name {
            "EXT-X-STREAM-INF" => {
                self.seen.multivariant = true;
                self.variant = Some(format!("#{name}:{}", variant(&Attributes::of(value))));
            }
            "EXT-X-I-FRAME-STREAM-INF" => self.i_frame_variant(value),
            "EXT-X-MEDIA" => self.rendition(value),
            "EXT-X-START" => {
                let list = Attributes::of(value);
                if let Some(offset) = list.float("TIME-OFFSET") {
                    let precise = if list.is_yes("PRECISE") { "YES" } else { "NO" };
                    self.put(&format!("#{name}:TIME-OFFSET={offset},PRECISE={precise}"));
                }
            }
            "EXT-X-INDEPENDENT-SEGMENTS" => self.put("#EXT-X-INDEPENDENT-SEGMENTS"),
            "EXT-X-SESSION-KEY" => self.put(&format!("#EXT-{KEY}:{value}")),
            _ => self.media_tag(name, value),
        }
    }

    fn i_frame_variant(&mut self, value: &str) {
        let list = Attributes::of(value);
        if let Some(uri) = list.get("URI") {
            self.seen.multivariant = true;
            self.entries += 1;
            self.put(&format!("#EXT-X-I-FRAME-STREAM-INF:{},URI={}", variant(&list), quoted(uri)));
        }
    }

    fn rendition(&mut self, value: &str) {
        let list = Attributes::of(value);
        let kind = list.get("TYPE").unwrap_or_default().to_ascii_uppercase();
        if !matches!(kind.as_str(), "AUDIO" | "VIDEO" | "SUBTITLES") {
            return;
        }
        self.seen.multivariant = true;
        self.entries += 1;
        let mut line = format!("#EXT-X-MEDIA:TYPE={kind}");
        for name in ["GROUP-ID", "NAME"] {
            let _ = write!(line, ",{name}={}", quoted(list.get(name).unwrap_or_default()));
        }
        for name in ["URI", "LANGUAGE"] {
            if let Some(value) = list.get(name) {
                let _ = write!(line, ",{name}={}", quoted(value));
            }
        }
        let _ = write!(line, ",DEFAULT={}", if list.is_yes("DEFAULT") { "YES" } else { "NO" });
        self.put(&line);
    }

    fn extinf(&mut self, value: &str) {
        let duration = seconds(value.split(',').next().unwrap_or_default());
        self.seen.media = true;
        self.seen.duration |= duration > 0.0;
        let _ = writeln!(self.lines, "#EXTINF:{duration},{duration}");
    }

    fn media_tag(&mut self, name: &str, value: &str) {
        let line = match name {
            "EXT-X-TARGETDURATION" => {
                self.seen.duration = true;
                Some(format!("#{name}:{}", seconds(value).ceil()))
            }
            "EXT-X-MEDIA-SEQUENCE" | "EXT-X-DISCONTINUITY-SEQUENCE" | "EXT-X-BITRATE" => {
                digits(value).map(|number| format!("#{name}:{number}"))
            }
            "EXT-X-BYTERANGE" => byte_range(value).map(|range| format!("#{name}:{range}")),
            "EXT-X-MAP" => {
                let list = Attributes::of(value);
                let range = list.get("BYTERANGE").and_then(byte_range).map(|range| format!(",BYTERANGE=\"{range}\""));
                list.get("URI").map(|uri| format!("#{name}:URI={}{}\n#EXT-{INIT}", quoted(uri), range.unwrap_or_default()))
            }
            "EXT-X-KEY" => Some(format!("#EXT-{KEY}:{value}")),
            "EXT-X-SKIP" => Attributes::of(value).integer("SKIPPED-SEGMENTS").map(|count| format!("#EXT-{SKIPPED}:{count}")),
            "EXT-X-PROGRAM-DATE-TIME" => date::parse(value).map(|date| format!("#{name}:{}", date.to_rfc3339())),
            "EXT-X-PLAYLIST-TYPE" => Some(format!("#{name}:{}", value.to_ascii_uppercase())),
            "EXT-X-DISCONTINUITY" | "EXT-X-GAP" | "EXT-X-ENDLIST" | "EXT-X-I-FRAMES-ONLY" => Some(format!("#{name}")),
            // Parts are not read yet, but an edge that has nothing else is a Media Playlist
            "EXT-X-PART" | "EXT-X-PRELOAD-HINT" | "EXT-X-PART-INF" => None,
            // Of no use to a picture
            _ => return,
        };
        self.seen.media = true;
        if let Some(line) = line {
            self.put(&line);
        }
    }
}

/// The attributes of a Variant that are of use, each in the type that m3u8-rs wants: one that it cannot read drops the Variant.
fn variant(list: &Attributes<'_>) -> String {
    let mut line = format!("BANDWIDTH={}", list.integer("BANDWIDTH").unwrap_or(NO_BANDWIDTH));
    if let Some(average) = list.integer("AVERAGE-BANDWIDTH") {
        let _ = write!(line, ",AVERAGE-BANDWIDTH={average}");
    }
    if let Some((width, height)) = list.resolution("RESOLUTION") {
        let _ = write!(line, ",RESOLUTION={width}x{height}");
    }
    if let Some(rate) = list.float("FRAME-RATE") {
        let _ = write!(line, ",FRAME-RATE={rate}");
    }
    for name in ["CODECS", "AUDIO", "VIDEO", "NAME", "VIDEO-RANGE"] {
        if let Some(value) = list.get(name) {
            let _ = write!(line, ",{name}={}", quoted(value));
        }
    }
    line
}

/// A quoted string that m3u8-rs takes for one: without quotes inside, and not empty. The model drops the blank.
fn quoted(value: &str) -> String {
    let inside = value.replace('"', "");
    if inside.is_empty() { "\" \"".to_owned() } else { format!("\"{inside}\"") }
}

/// A duration of 0 to 10^8 seconds; what cannot be read is 0.
fn seconds(text: &str) -> f64 {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number = text.get(..end).and_then(|digits| digits.parse::<f64>().ok()).unwrap_or_default();
    if (0.0..1e8).contains(&number) { number } else { 0.0 }
}

fn digits(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

/// `length[@offset]`, with blanks or quotes around it.
fn byte_range(text: &str) -> Option<String> {
    let (length, offset) = text.split_once('@').map_or((text, None), |(length, offset)| (length, Some(offset)));
    let number = |text: &str| text.trim_matches(|c: char| c.is_whitespace() || c == '"').parse::<u64>().ok();
    let length = number(length)?;
    match offset {
        Some(offset) => Some(format!("{length}@{}", number(offset)?)),
        None => Some(length.to_string()),
    }
}
