//! Brings a playlist's text into the form that m3u8-rs 6.0.1 reads rightly.
//!
//! Lines are sorted out one by one: known tags are written anew with the attributes and values that m3u8-rs takes, everything else is
//! left out. What m3u8-rs cannot carry (exact durations, several keys at once) goes into tags of our own, which it hands on with
//! the next segment: [`DURATION`], [`KEY`]. Each trap that this avoids has its test below.

use std::{borrow::Cow, fmt::Write as _};

use super::{attributes::Attributes, date};
use crate::error::{Error, ErrorKind};

/// A segment's duration with all its digits; m3u8-rs has 32-bit floats.
pub(super) const DURATION: &str = "X-HLSNAP-DURATION";
/// An EXT-X-KEY as it stood; m3u8-rs keeps the last of several, and loses METHOD=NONE.
pub(super) const KEY: &str = "X-HLSNAP-KEY";
/// The bandwidth of a Variant that does not tell one, which m3u8-rs would drop.
pub(super) const NO_BANDWIDTH: u64 = 0;

/// A playlist ready for m3u8-rs.
pub(super) struct Normalised {
    pub is_multivariant: bool,
    pub lines: String,
}

/// Fails with `bad_playlist` where the text is no HLS, and with `too_large` beyond `most_entries` URIs.
pub(super) fn normalise(bytes: &[u8], most_entries: usize) -> Result<Normalised, Error> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut writer = Writer { lines: String::with_capacity(bytes.len() + 64), ..Writer::default() };
    writer.lines.push_str("#EXTM3U\n");
    for line in bytes.split(|byte| matches!(byte, b'\n' | b'\r')) {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        writer.line(&text_of(line));
        if writer.entries > most_entries {
            return Err(Error::new(ErrorKind::TooLarge, format!("the playlist has more than {most_entries} entries")));
        }
    }
    if !writer.is_hls {
        return Err(not_hls(bytes));
    }
    if !writer.has_media_tags && !writer.has_variants && writer.entries == 0 {
        return Err(Error::new(ErrorKind::BadPlaylist, "the playlist is empty: it has neither segments nor Variants")
            .hint("the stream may not be on the air"));
    }
    Ok(Normalised { is_multivariant: writer.has_variants && !writer.has_segments, lines: writer.lines })
}

fn not_hls(bytes: &[u8]) -> Error {
    let what = match bytes.trim_ascii_start() {
        [] => "the answer is empty",
        [b'<', ..] => "it is an HTML or XML page, not a playlist",
        [b'{' | b'[', ..] => "it is JSON, not a playlist",
        _ => "it is neither a playlist nor media: #EXTM3U is missing",
    };
    Error::new(ErrorKind::BadPlaylist, what).hint("check that the URL is the playlist's own, and that no login stands before it")
}

/// A line as text. NUL bytes are dropped; bytes that are no UTF-8 are Latin-1 in tags, and kept as they are in URIs.
fn text_of(line: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(line) {
        return if text.contains('\0') { text.replace('\0', "").into() } else { text.into() };
    }
    let is_tag = line.starts_with(b"#");
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

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "what has been seen so far, each by itself")]
struct Writer {
    lines: String,
    is_hls: bool,
    has_variants: bool,
    has_segments: bool,
    has_media_tags: bool,
    entries: usize,
    /// An EXT-X-STREAM-INF that waits for its URI.
    variant: Option<String>,
}

impl Writer {
    fn line(&mut self, line: &str) {
        let Some(tag) = line.strip_prefix('#') else {
            self.uri(line);
            return;
        };
        let (name, value) = tag.split_once(':').unwrap_or((tag, ""));
        let name = name.trim().to_ascii_uppercase();
        if name == "EXTM3U" || name.starts_with("EXTM3U ") {
            self.is_hls = true;
        } else if name.starts_with("EXT-X-") || name == "EXTINF" {
            self.is_hls = true;
            self.tag(&name, value.trim());
        }
    }

    fn uri(&mut self, uri: &str) {
        if let Some(variant) = self.variant.take() {
            self.put(&variant);
        } else if self.has_variants && !self.has_segments {
            // A URI that belongs to no Variant
            return;
        }
        self.entries += 1;
        self.put(uri);
    }

    fn put(&mut self, line: &str) {
        self.lines.push_str(line);
        self.lines.push('\n');
    }

    fn tag(&mut self, name: &str, value: &str) {
        match name {
            "EXT-X-STREAM-INF" => {
                self.has_variants = true;
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
            _ => self.media_tag(name, value),
        }
    }

    fn i_frame_variant(&mut self, value: &str) {
        let list = Attributes::of(value);
        if let Some(uri) = list.get("URI") {
            self.has_variants = true;
            self.entries += 1;
            self.put(&format!("#EXT-X-I-FRAME-STREAM-INF:{},URI=\"{uri}\"", variant(&list)));
        }
    }

    fn rendition(&mut self, value: &str) {
        let list = Attributes::of(value);
        let kind = list.get("TYPE").unwrap_or_default().to_ascii_uppercase();
        if !matches!(kind.as_str(), "AUDIO" | "VIDEO" | "SUBTITLES") {
            return;
        }
        self.has_variants = true;
        self.entries += 1;
        let mut line = format!("#EXT-X-MEDIA:TYPE={kind}");
        for name in ["GROUP-ID", "NAME"] {
            let _ = write!(line, ",{name}=\"{}\"", list.get(name).unwrap_or_default());
        }
        for name in ["URI", "LANGUAGE"] {
            if let Some(value) = list.get(name) {
                let _ = write!(line, ",{name}=\"{value}\"");
            }
        }
        let _ = write!(line, ",DEFAULT={}", if list.is_yes("DEFAULT") { "YES" } else { "NO" });
        self.put(&line);
    }

    fn media_tag(&mut self, name: &str, value: &str) {
        let line = match name {
            "EXTINF" => {
                self.has_segments = true;
                let duration = seconds(value.split(',').next().unwrap_or_default());
                Some(format!("#EXT-{DURATION}:{duration}\n#EXTINF:{duration},"))
            }
            "EXT-X-TARGETDURATION" => Some(format!("#{name}:{}", seconds(value).ceil())),
            "EXT-X-MEDIA-SEQUENCE" | "EXT-X-DISCONTINUITY-SEQUENCE" => digits(value).map(|number| format!("#{name}:{number}")),
            "EXT-X-BYTERANGE" => byte_range(value).map(|range| format!("#{name}:{range}")),
            "EXT-X-MAP" => {
                let list = Attributes::of(value);
                let range = list.get("BYTERANGE").and_then(byte_range).map_or(String::new(), |range| format!(",BYTERANGE=\"{range}\""));
                list.get("URI").map(|uri| format!("#{name}:URI=\"{uri}\"{range}"))
            }
            "EXT-X-KEY" => Some(format!("#EXT-{KEY}:{value}")),
            "EXT-X-PROGRAM-DATE-TIME" => date::parse(value).map(|date| format!("#{name}:{}", date.to_rfc3339())),
            "EXT-X-PLAYLIST-TYPE" => Some(format!("#{name}:{}", value.to_ascii_uppercase())),
            "EXT-X-BITRATE" => digits(value).map(|number| format!("#{name}:{number}")),
            "EXT-X-DISCONTINUITY" | "EXT-X-GAP" | "EXT-X-ENDLIST" | "EXT-X-I-FRAMES-ONLY" => Some(format!("#{name}")),
            // Not of use yet, or of none to a picture
            _ => return,
        };
        self.has_media_tags = true;
        if let Some(line) = line {
            self.put(&line);
        }
    }
}

/// The attributes of a Variant that m3u8-rs takes, each in the type that it wants; the others go through as they are.
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
    for name in ["CODECS", "AUDIO", "VIDEO", "NAME", "VIDEO-RANGE", "SUPPLEMENTAL-CODECS"] {
        if let Some(value) = list.get(name) {
            let _ = write!(line, ",{name}=\"{value}\"");
        }
    }
    line
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
    let number = |text: &str| text.trim().trim_matches('"').parse::<u64>().ok();
    let length = number(length)?;
    match offset {
        Some(offset) => Some(format!("{length}@{}", number(offset)?)),
        None => Some(length.to_string()),
    }
}
