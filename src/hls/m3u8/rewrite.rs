//! Rewrites a playlist's text line by line into the form that m3u8-rs reads correctly; [`super`] lists why. Unknown tags are left out.

use std::{borrow::Cow, collections::BTreeSet, fmt::Write as _};

use url::Url;

use super::{
    super::{
        attributes::{Attributes, decimal_digits, seconds},
        charset::Text,
        date,
        media::UNREADABLE_DATE,
        multivariant::RenditionType,
        variables::{VariableScope, Variables},
    },
    playlist_kind::{SeenTags, not_hls},
    private_names::{IMAGES, NO_BANDWIDTH, PREFIX},
};
use crate::{
    error::{Error, ErrorKind},
    request::{Limits, RAISE_PLAYLIST_BYTES},
};

/// A playlist for m3u8-rs, and what was read on the way.
pub(super) struct RewrittenPlaylist {
    pub is_multivariant: bool,
    pub text: String,
    /// EXT-X-DEFINE.
    pub variables: Variables,
    /// EXT-X-VERSION.
    pub version: Option<u64>,
    /// EXT-X-INDEPENDENT-SEGMENTS.
    pub independent_segments: bool,
    /// Flaws of the text itself, one sentence each, sorted.
    pub text_flaws: Vec<&'static str>,
}

/// Rewrites a playlist. `url` is its own, and `imported` are the variables of its Multivariant Playlist.
///
/// Fails with `bad_playlist` if the text is not HLS, and with `too_large` beyond `limits`.
pub(super) fn rewrite(bytes: &[u8], url: &Url, imported: &Variables, limits: &Limits) -> Result<RewrittenPlaylist, Error> {
    let Text { bytes: text, flaws } = Text::of(bytes);
    if text.starts_with(b"<") {
        return Err(not_hls(&text));
    }
    let mut rewriter = Rewriter {
        text: String::with_capacity(text.len() + 64),
        seen: SeenTags::default(),
        entries: 0,
        pending_variant: None,
        has_duration: false,
        variables: VariableScope::new(imported, url),
        version: None,
        independent_segments: false,
        text_flaws: flaws.into_iter().collect(),
    };
    rewriter.put("#EXTM3U");
    // CR LF ends one line, not two
    let lines = text.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty());
    for (number, line) in lines.enumerate() {
        if number >= limits.max_playlist_lines {
            return Err(too_many("lines", limits.max_playlist_lines));
        }
        if line.len() > limits.max_line_bytes {
            return Err(too_many("bytes in one line", limits.max_line_bytes));
        }
        rewriter.rewrite_line(line)?;
        if rewriter.entries > limits.max_playlist_entries {
            return Err(too_many("entries", limits.max_playlist_entries));
        }
    }
    rewriter.seen.check(rewriter.entries, &text)?;
    Ok(rewriter.finish())
}

fn too_many(what: &str, limit: usize) -> Error {
    Error::new(ErrorKind::TooLarge, format!("the playlist has more than {limit} {what}")).with_hint(RAISE_PLAYLIST_BYTES)
}

struct Rewriter<'a> {
    text: String,
    seen: SeenTags,
    /// Counted against `max_playlist_entries`.
    entries: usize,
    /// EXT-X-STREAM-INF before its URI.
    pending_variant: Option<String>,
    /// An EXTINF with a duration came after the last URI.
    has_duration: bool,
    variables: VariableScope<'a>,
    version: Option<u64>,
    independent_segments: bool,
    text_flaws: BTreeSet<&'static str>,
}

impl Rewriter<'_> {
    fn rewrite_line(&mut self, line: &[u8]) -> Result<(), Error> {
        let line = decode_line(line);
        if matches!(&line, Cow::Owned(_)) {
            self.text_flaws.insert("the text is not all UTF-8, or contains NUL bytes");
        }
        let line = line.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{feff}');
        if line.is_empty() {
            return Ok(());
        }
        let line = &*self.variables.substitute(line)?;
        if line.contains("{$") {
            self.text_flaws.insert("a variable is used but not defined");
        }
        match line.strip_prefix('#') {
            None => self.uri(line),
            Some(tags) if tags.starts_with("EXT") => self.joined_tags(tags),
            // A comment, or a tag in lower case
            Some(text) => self.tag_or_comment(text),
        }
        Ok(())
    }

    /// Some packagers lose the line break after a tag.
    fn joined_tags(&mut self, tags: &str) {
        let mut tags = tags.split("#EXT");
        self.tag_or_comment(tags.next().unwrap_or_default());
        for tag in tags {
            self.text_flaws.insert("a line break is missing between two tags");
            self.tag_or_comment(&format!("EXT{tag}"));
        }
    }

    fn tag_or_comment(&mut self, text: &str) {
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        let written = name.trim_ascii_end();
        let name = written.to_ascii_uppercase();
        if name != written && name.starts_with("EXT") {
            self.text_flaws.insert("tags are not all upper case");
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
        if let Some(variant) = self.pending_variant.take() {
            self.put(&variant);
        } else if has_duration {
            self.seen.segment = true;
        } else if self.seen.is_multivariant() {
            // m3u8-rs would replace the URI of the previous Variant
            self.text_flaws.insert("a URI in the Multivariant Playlist has no EXT-X-STREAM-INF");
            return;
        }
        self.entries += 1;
        self.put(uri);
    }

    fn extinf(&mut self, value: &str) {
        let text = value.split(',').next().unwrap_or_default();
        let duration = seconds(text);
        self.seen.note_extinf(value, duration);
        self.has_duration = duration > 0.0;
        self.pass("EXTINF", text);
    }

    /// Tags of both kinds of playlist, and of Multivariant Playlists.
    fn tag(&mut self, name: &str, value: &str) {
        match name {
            "EXT-X-DEFINE" => self.variables.define(&Attributes::of(value)),
            "EXT-X-VERSION" => self.version = decimal_digits(value),
            "EXT-X-INDEPENDENT-SEGMENTS" => self.independent_segments = true,
            "EXT-X-START" | "EXT-X-CONTENT-STEERING" => self.pass(name, value),
            // In either kind of playlist each key tag counts as the other
            "EXT-X-SESSION-KEY" => self.pass("EXT-X-KEY", value),
            "EXT-X-STREAM-INF" => {
                self.seen.multivariant = true;
                self.pending_variant = Some(format!("#{name}:{}", variant_attributes(&Attributes::of(value))));
            }
            "EXT-X-I-FRAME-STREAM-INF" => self.i_frame_variant(value, ""),
            "EXT-X-IMAGE-STREAM-INF" => self.i_frame_variant(value, &format!(",{IMAGES}=\"YES\"")),
            "EXT-X-MEDIA" => {
                if RenditionType::of(&Attributes::of(value)).is_some() {
                    self.seen.multivariant = true;
                    self.entries += 1;
                    self.pass(name, value);
                }
            }
            _ => self.media_tag(name, value),
        }
    }

    fn i_frame_variant(&mut self, value: &str, images: &str) {
        let list = Attributes::of(value);
        if let Some(uri) = list.get("URI") {
            self.seen.multivariant = true;
            self.entries += 1;
            self.put(&format!("#EXT-X-I-FRAME-STREAM-INF:{}{images},URI={}", variant_attributes(&list), quoted(uri)));
        }
    }

    /// Tags of Media Playlists.
    fn media_tag(&mut self, name: &str, value: &str) {
        match name {
            "EXT-X-TARGETDURATION" => {
                self.seen.target_duration = true;
                self.put(&format!("#{name}:{}", seconds(value).ceil()));
            }
            "EXT-X-MEDIA-SEQUENCE" | "EXT-X-DISCONTINUITY-SEQUENCE" => {
                if let Some(number) = decimal_digits(value) {
                    self.put(&format!("#{name}:{number}"));
                }
            }
            "EXT-X-PROGRAM-DATE-TIME" => match date::parse(value) {
                Some(date) => self.put(&format!("#{name}:{}", date.to_rfc3339())),
                None => self.text_flaws.extend([UNREADABLE_DATE]),
            },
            "EXT-X-PLAYLIST-TYPE" => self.put(&format!("#{name}:{}", value.to_ascii_uppercase())),
            "EXT-X-DISCONTINUITY" | "EXT-X-ENDLIST" | "EXT-X-I-FRAMES-ONLY" => self.put(&format!("#{name}")),
            // Roku's image playlists: each segment is a picture, as good as a key frame
            "EXT-X-IMAGES-ONLY" => self.put("#EXT-X-I-FRAMES-ONLY"),
            "EXT-X-PART" | "EXT-X-DATERANGE" => {
                self.entries += 1;
                self.pass(name, value);
            }
            "EXT-X-BITRATE"
            | "EXT-X-BYTERANGE"
            | "EXT-X-GAP"
            | "EXT-X-KEY"
            | "EXT-X-MAP"
            | "EXT-X-PART-INF"
            | "EXT-X-PRELOAD-HINT"
            | "EXT-X-RENDITION-REPORT"
            | "EXT-X-SERVER-CONTROL"
            | "EXT-X-SKIP"
            | "EXT-X-TILES" => self.pass(name, value),
            _ => return,
        }
        self.seen.media = true;
    }

    /// Writes a renamed tag, which m3u8-rs returns unread.
    fn pass(&mut self, name: &str, value: &str) {
        let _ = writeln!(self.text, "#EXT-{PREFIX}{name}:{value}");
    }

    fn put(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn finish(mut self) -> RewrittenPlaylist {
        if !self.seen.m3u {
            self.text_flaws.insert("#EXTM3U is missing");
        }
        let is_multivariant = self.seen.is_multivariant();
        if !is_multivariant {
            self.put("edge");
        }
        RewrittenPlaylist {
            is_multivariant,
            text: self.text,
            variables: self.variables.into_own(),
            version: self.version,
            independent_segments: self.independent_segments,
            text_flaws: self.text_flaws.into_iter().collect(),
        }
    }
}

/// A line as text without NUL bytes. In a line that is not UTF-8, bytes of a tag are Latin-1, and bytes of a URI are percent-encoded.
fn decode_line(line: &[u8]) -> Cow<'_, str> {
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

/// The attributes of a Variant that hlsnap uses, in the types that m3u8-rs expects.
fn variant_attributes(list: &Attributes<'_>) -> String {
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
    for name in ["CODECS", "SUPPLEMENTAL-CODECS", "AUDIO", "VIDEO", "NAME", "VIDEO-RANGE", "SCORE", "PATHWAY-ID", "STABLE-VARIANT-ID"] {
        if let Some(value) = list.get(name) {
            let _ = write!(line, ",{name}={}", quoted(value));
        }
    }
    line
}

/// A quoted string that m3u8-rs accepts: without inner quotes, and not empty. The blank is removed when the Variant is built.
fn quoted(value: &str) -> String {
    let inside = value.replace('"', "");
    if inside.is_empty() { "\" \"".to_owned() } else { format!("\"{inside}\"") }
}
