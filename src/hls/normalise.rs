//! Brings a playlist's text into the form that m3u8-rs 6.0.1 reads rightly.
//!
//! Lines are sorted out one by one: known tags are written anew with the attributes and values that m3u8-rs takes, everything else is
//! left out. What m3u8-rs cannot carry goes into tags of our own, which it hands on, in their order, with the next segment (or with the
//! Multivariant Playlist): [`own`]. EXTINF's title, which is of no use to a picture, carries the duration with all its digits, where m3u8-rs
//! has 32-bit floats. Each trap that this avoids has its test in `tests/traps.rs`.

use std::{borrow::Cow, collections::BTreeSet, fmt::Write as _};

use url::Url;

use super::{
    attributes::Attributes,
    charset::Text,
    date, private_tags,
    values::{byte_range, digits, quoted, seconds, variant},
    variables::{VariableScope, Variables},
};
use crate::{
    error::{Error, ErrorKind},
    request::{Limits, RAISE_PLAYLIST_BYTES},
};

/// The bandwidth of a Variant that does not tell one, which m3u8-rs would drop.
pub(super) const NO_BANDWIDTH: u64 = 0;
/// An attribute of our own: the I-frame Variant is of whole pictures (EXT-X-IMAGE-STREAM-INF).
pub(super) const IMAGES: &str = "X-HLSNAP-IMAGES";
/// Noted in the report too, for the picture's date is missing.
pub(super) const UNREADABLE_DATE: &str = "an EXT-X-PROGRAM-DATE-TIME cannot be read";

/// What lists of channels say of a channel in its EXTINF.
const CHANNEL_ATTRIBUTES: [&str; 3] = [" tvg-", " group-title=", " catchup"];

/// A playlist ready for m3u8-rs.
pub(super) struct NormalisedPlaylist {
    pub is_multivariant: bool,
    pub lines: String,
    /// What EXT-X-DEFINE names.
    pub variables: Variables,
    /// EXT-X-VERSION.
    pub version: Option<u64>,
    /// EXT-X-INDEPENDENT-SEGMENTS.
    pub independent_segments: bool,
    /// What is wrong with the text as such, for people.
    pub oddities: Vec<&'static str>,
}

/// Fails with `bad_playlist` where the text is no HLS, and with `too_large` beyond `limits`. `url` is the playlist's own, and
/// `imported` are the variables of its Multivariant Playlist.
pub(super) fn normalise(bytes: &[u8], url: &Url, imported: &Variables, limits: &Limits) -> Result<NormalisedPlaylist, Error> {
    let Text { bytes: text, oddities } = Text::of(bytes);
    let text = &*text;
    let lines = String::with_capacity(text.len() + 64);
    let mut writer = Writer {
        lines,
        seen: Seen::default(),
        entries: 0,
        variant: None,
        has_duration: false,
        scope: VariableScope::new(imported, url),
        version: None,
        independent_segments: false,
        oddities: oddities.into_iter().collect(),
    };
    writer.lines.push_str("#EXTM3U\n");
    if text.starts_with(b"<") {
        return Err(not_hls(text));
    }
    // CR LF ends one line, not two
    let lines = text.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty());
    for (number, line) in lines.enumerate() {
        if number >= limits.max_playlist_lines {
            return Err(too_many("lines", limits.max_playlist_lines));
        }
        if line.len() > limits.max_line_bytes {
            return Err(too_many("bytes in one line", limits.max_line_bytes));
        }
        let read = text_of(line);
        if matches!(&read, Cow::Owned(_)) {
            writer.oddities.insert("the text is not all UTF-8, or has NUL bytes in it");
        }
        let line = read.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{feff}');
        if line.is_empty() {
            continue;
        }
        writer.line(line)?;
        if writer.entries > limits.max_playlist_entries {
            return Err(too_many("entries", limits.max_playlist_entries));
        }
    }
    writer.seen.check(writer.entries, text)?;
    Ok(writer.done())
}

fn too_many(what: &str, most: usize) -> Error {
    Error::new(ErrorKind::TooLarge, format!("the playlist has more than {most} {what}")).with_hint(RAISE_PLAYLIST_BYTES)
}

fn not_hls(text: &[u8]) -> Error {
    let what = match text {
        [] => "the answer is empty",
        [b'<', ..] => "it is an HTML or XML page, not a playlist",
        [b'{' | b'[', ..] => "it is JSON, not a playlist",
        _ => "it is neither a playlist nor media: #EXTM3U is missing",
    };
    Error::new(ErrorKind::BadPlaylist, what).with_hint("check that the URL is the playlist's own, and that no login stands before it")
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
    target_duration: bool,
    /// A URI after an EXTINF with a duration, and with no EXT-X-STREAM-INF between them.
    segment: bool,
    /// EXTINF with the attributes of a list of channels.
    channel: bool,
}

impl Seen {
    /// Tags of a Media Playlist stray into Multivariant Playlists: only a segment makes the one of the other. Lists of channels put EXTINF
    /// before EXT-X-STREAM-INF as well.
    fn is_multivariant(&self) -> bool {
        self.multivariant && !self.segment
    }

    fn check(&self, entries: usize, text: &[u8]) -> Result<(), Error> {
        if !(self.m3u || self.hls || self.media) {
            return Err(not_hls(text));
        }
        if !self.media && !self.multivariant && entries == 0 {
            return Err(Error::new(ErrorKind::BadPlaylist, "the playlist is empty: it has neither segments nor Variants")
                .with_hint("the stream may not be on the air"));
        }
        if !self.multivariant && !self.duration && !self.target_duration && (self.channel || (!self.hls && self.media && entries > 1)) {
            return Err(Error::new(ErrorKind::BadPlaylist, "it is a list of channels (plain M3U, as for IPTV), not an HLS playlist")
                .with_hint("give the URL of one of its channels"));
        }
        Ok(())
    }
}

struct Writer<'a> {
    lines: String,
    seen: Seen,
    entries: usize,
    /// An EXT-X-STREAM-INF that waits for its URI.
    variant: Option<String>,
    /// An EXTINF with a duration that waits for its URI.
    has_duration: bool,
    scope: VariableScope<'a>,
    version: Option<u64>,
    independent_segments: bool,
    oddities: BTreeSet<&'static str>,
}

impl Writer<'_> {
    fn done(mut self) -> NormalisedPlaylist {
        if !self.seen.m3u {
            self.oddities.insert("#EXTM3U is missing");
        }
        let is_multivariant = self.seen.is_multivariant();
        if !is_multivariant {
            self.put(&format!("#EXT-{}\n#EXTINF:0,0\nedge", private_tags::EDGE));
        }
        NormalisedPlaylist {
            is_multivariant,
            lines: self.lines,
            variables: self.scope.into_own(),
            version: self.version,
            independent_segments: self.independent_segments,
            oddities: self.oddities.into_iter().collect(),
        }
    }

    fn line(&mut self, line: &str) -> Result<(), Error> {
        let line = &*self.scope.fill(line)?;
        if line.contains("{$") {
            self.oddities.insert("a variable is referred to, but not defined");
        }
        match line.strip_prefix('#') {
            None => self.uri(line),
            // Some packagers lose the line break after a tag
            Some(tags) if tags.starts_with("EXT") => {
                for (index, tag) in tags.split("#EXT").enumerate() {
                    if index == 0 {
                        self.named(tag);
                    } else {
                        self.oddities.insert("a line break is missing between two tags");
                        self.named(&format!("EXT{tag}"));
                    }
                }
            }
            Some(tag) => self.named(tag),
        }
        Ok(())
    }

    fn named(&mut self, tag: &str) {
        let (name, value) = tag.split_once(':').unwrap_or((tag, ""));
        let name = name.trim_ascii_end();
        let name: Cow<'_, str> =
            if name.bytes().any(|byte| byte.is_ascii_lowercase()) { name.to_ascii_uppercase().into() } else { name.into() };
        if matches!(name, Cow::Owned(_)) && name.starts_with("EXT") {
            self.oddities.insert("tags are not all in upper case");
        }
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
        let has_duration = std::mem::take(&mut self.has_duration);
        if let Some(variant) = self.variant.take() {
            self.put(&variant);
        } else if has_duration {
            self.seen.segment = true;
        } else if self.seen.is_multivariant() {
            // It belongs to no Variant; m3u8-rs would give it to the one before
            self.oddities.insert("a URI in the Multivariant Playlist has no EXT-X-STREAM-INF");
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
            "EXT-X-DEFINE" => self.scope.define(&Attributes::of(value)),
            "EXT-X-VERSION" => self.version = digits(value),
            "EXT-X-STREAM-INF" => {
                self.seen.multivariant = true;
                self.variant = Some(format!("#{name}:{}", variant(&Attributes::of(value))));
            }
            "EXT-X-I-FRAME-STREAM-INF" | "EXT-X-IMAGE-STREAM-INF" => self.i_frame_variant(value, name == "EXT-X-IMAGE-STREAM-INF"),
            "EXT-X-MEDIA" => self.rendition(value),
            "EXT-X-START" => {
                let list = Attributes::of(value);
                if let Some(offset) = list.float("TIME-OFFSET") {
                    let precise = if list.is_yes("PRECISE") { "YES" } else { "NO" };
                    self.put(&format!("#{name}:TIME-OFFSET={offset},PRECISE={precise}"));
                }
            }
            "EXT-X-INDEPENDENT-SEGMENTS" => self.independent_segments = true,
            "EXT-X-SESSION-KEY" => self.put(&format!("#EXT-{}:{value}", private_tags::KEY)),
            "EXT-X-CONTENT-STEERING" => self.put(&format!("#EXT-{}:{value}", private_tags::STEERING)),
            _ => self.media_tag(name, value),
        }
    }

    fn i_frame_variant(&mut self, value: &str, images: bool) {
        let list = Attributes::of(value);
        if let Some(uri) = list.get("URI") {
            self.seen.multivariant = true;
            self.entries += 1;
            let images = if images { format!(",{IMAGES}=\"YES\"") } else { String::new() };
            self.put(&format!("#EXT-X-I-FRAME-STREAM-INF:{}{images},URI={}", variant(&list), quoted(uri)));
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
        self.has_duration = duration > 0.0;
        self.seen.channel |= CHANNEL_ATTRIBUTES.iter().any(|name| value.contains(name));
        let _ = writeln!(self.lines, "#EXTINF:{duration},{duration}");
    }

    fn media_tag(&mut self, name: &str, value: &str) {
        let as_it_is = |tag: &str| format!("#EXT-{tag}:{value}");
        let line = match name {
            "EXT-X-TARGETDURATION" => {
                self.seen.target_duration = true;
                Some(format!("#{name}:{}", seconds(value).ceil()))
            }
            "EXT-X-MEDIA-SEQUENCE" | "EXT-X-DISCONTINUITY-SEQUENCE" | "EXT-X-BITRATE" => {
                digits(value).map(|number| format!("#{name}:{number}"))
            }
            "EXT-X-BYTERANGE" => byte_range(value).map(|range| format!("#{name}:{range}")),
            "EXT-X-MAP" => {
                let list = Attributes::of(value);
                let range = list.get("BYTERANGE").and_then(byte_range).map(|range| format!(",BYTERANGE=\"{range}\""));
                list.get("URI").map(|uri| format!("#{name}:URI={}{}\n#EXT-{}", quoted(uri), range.unwrap_or_default(), private_tags::INIT))
            }
            "EXT-X-KEY" => Some(as_it_is(private_tags::KEY)),
            "EXT-X-SKIP" => {
                Attributes::of(value).integer("SKIPPED-SEGMENTS").map(|count| format!("#EXT-{}:{count}", private_tags::SKIPPED))
            }
            "EXT-X-PROGRAM-DATE-TIME" => {
                let date = date::parse(value);
                self.oddities.extend(date.is_none().then_some(UNREADABLE_DATE));
                date.map(|date| format!("#{name}:{}", date.to_rfc3339()))
            }
            "EXT-X-PLAYLIST-TYPE" => Some(format!("#{name}:{}", value.to_ascii_uppercase())),
            "EXT-X-DISCONTINUITY" | "EXT-X-GAP" | "EXT-X-ENDLIST" | "EXT-X-I-FRAMES-ONLY" => Some(format!("#{name}")),
            // Of Roku's, with EXT-X-TILES: the segments are pictures, each as good as a key frame
            "EXT-X-IMAGES-ONLY" => Some("#EXT-X-I-FRAMES-ONLY".to_owned()),
            "EXT-X-TILES" => Some(as_it_is(private_tags::TILES)),
            "EXT-X-PART" => {
                self.entries += 1;
                Some(as_it_is(private_tags::PART))
            }
            "EXT-X-PART-INF" => Some(as_it_is(private_tags::PART_INF)),
            "EXT-X-SERVER-CONTROL" => Some(as_it_is(private_tags::SERVER_CONTROL)),
            "EXT-X-PRELOAD-HINT" => Some(as_it_is(private_tags::PRELOAD_HINT)),
            "EXT-X-RENDITION-REPORT" => Some(as_it_is(private_tags::RENDITION_REPORT)),
            "EXT-X-DATERANGE" => {
                self.entries += 1;
                Some(as_it_is(private_tags::DATERANGE))
            }
            // Of no use to a picture
            _ => return,
        };
        self.seen.media = true;
        if let Some(line) = line {
            self.put(&line);
        }
    }
}
