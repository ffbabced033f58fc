//! The request: [`SnapshotRequest`] and its parts, validated when parsed, and the table of [`Options`] that every frontend reads.

mod builder;
mod checks;
mod keys;
mod network_policy;
#[cfg(feature = "frontends")]
pub mod options;
mod picture;
mod position;

pub use builder::SnapshotRequestBuilder;
pub use checks::{Checks, Crop, Finding, ReferencePicture, ToneMap};
pub use keys::DecryptionKeys;
pub use network_policy::{HostPattern, NetworkPolicy};
#[cfg(feature = "frontends")]
pub use options::Options;
pub use picture::{Encoding, Fit, Format, Size, VariantChoice, parse_bytes};
pub use position::{Position, Precision, parse_duration};

use std::{fmt, path::PathBuf, time::Duration};

use url::Url;

use crate::error::Error;

/// One picture of one stream.
#[derive(Debug, Clone)]
pub struct SnapshotRequest {
    /// The playlist.
    pub(crate) source: Source,
    /// The moment; `None` takes the newest frame of a live stream and the start of a recording.
    pub(crate) at: Option<Position>,
    /// `None` takes [`Precision::Exact`] if `at` is a time, else [`Precision::KeyFrame`].
    pub(crate) precision: Option<Precision>,
    /// The Variant of a Multivariant Playlist.
    pub(crate) variant: VariantChoice,
    /// How much video to search for a key frame that is neither black nor a single colour.
    pub(crate) skip_black: Option<Duration>,
    /// Compare this many key frames and take the sharpest and best exposed.
    pub(crate) best: Option<usize>,
    /// The size of the picture.
    pub(crate) size: Size,
    /// How HDR is converted.
    pub(crate) tone_map: ToneMap,
    /// The encoding of the picture.
    pub(crate) encoding: Encoding,
    /// The checks of the picture's content.
    pub(crate) checks: Checks,
    /// The headers of HTTP requests.
    pub(crate) headers: RequestHeaders,
    /// Keys to use instead of fetching any.
    pub(crate) keys: DecryptionKeys,
    /// The limits of time, bytes and everything else.
    pub(crate) limits: Limits,
}

impl SnapshotRequest {
    /// A request for the default picture of `source`.
    pub(crate) fn new(source: Source) -> Self {
        Self {
            source,
            at: None,
            precision: None,
            variant: VariantChoice::Auto,
            skip_black: None,
            best: None,
            size: Size::default(),
            tone_map: ToneMap::default(),
            encoding: Encoding::default(),
            checks: Checks::default(),
            headers: RequestHeaders::default(),
            keys: DecryptionKeys::default(),
            limits: Limits::default(),
        }
    }
}

/// The playlist's source.
#[derive(Debug, Clone)]
pub enum Source {
    /// `http:` or `https:`.
    Url(Url),
    /// A local file. Its segments may be local too, below its folder.
    File(PathBuf),
    /// The text of a playlist.
    Text {
        /// The bytes of the playlist.
        text: Vec<u8>,
        /// The URL that its URIs are relative to.
        base: Url,
    },
}

impl Source {
    /// Parses `http(s)://…`, `file://…`, a path, and livestreamer's `hls://`, `hlsvariant://` and `httpstream://`, followed by a URL
    /// with or without its scheme and by parameters after blanks. Fails with `usage`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let rest = ["hls://", "hlsvariant://", "httpstream://"].into_iter().find_map(|scheme| text.strip_prefix(scheme));
        let text = match rest {
            Some(rest) => {
                let rest = without_parameters(rest)?;
                if rest.contains("://") { rest.to_owned() } else { format!("http://{rest}") }
            }
            None => text.to_owned(),
        };
        let invalid = |message: String| Error::usage(message, "give an http:// or https:// URL, a path, or - for stdin");
        if text.is_empty() {
            return Err(invalid("the URL is empty".into()));
        }
        let Some((scheme, _)) = text.split_once("://") else {
            return Ok(Self::File(PathBuf::from(text)));
        };
        // The message leaves out the text, which may hold a password
        let url = Url::parse(&text).map_err(|e| invalid(format!("the URL cannot be read: {e}")))?;
        match url.scheme() {
            "http" | "https" => Ok(Self::Url(url)),
            "file" => url.to_file_path().map(Self::File).map_err(|()| invalid("the file: URL names no local path".into())),
            _ => Err(invalid(format!("the scheme {scheme}:// is not supported"))),
        }
    }
}

/// The URL of a livestreamer spelling, without its parameters. `name_key=`, which says what a Variant's name means, is accepted and
/// ignored: a [`VariantChoice`] shows what it means by its form. Messages leave out values, which may be secret.
fn without_parameters(text: &str) -> Result<&str, Error> {
    let mut words = text.split_ascii_whitespace();
    let url = words.next().unwrap_or_default();
    for word in words {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let value = value.trim_matches(['"', '\'']);
        if name != "name_key" {
            let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(32).collect();
            return Err(Error::usage(
                format!("the parameter {name:?} after the URL is not known"),
                "give options instead, such as --variant, --header or --cookie; a blank in a URL is %20",
            ));
        }
        if !matches!(value, "name" | "pixels" | "bitrate") {
            return Err(Error::usage("name_key is none of name, pixels and bitrate", "name the Variant by --variant"));
        }
    }
    Ok(url)
}

impl SnapshotRequest {
    /// Whether to take the frame shown at the moment rather than the key frame before it.
    pub fn is_exact(&self) -> bool {
        self.precision.map_or_else(|| self.at.is_some_and(|at| at.is_time()), |precision| precision == Precision::Exact)
    }
}

/// The headers of HTTP requests, as curl's options set them.
#[derive(Clone, Default)]
pub struct RequestHeaders {
    /// Header names and values for the playlist's own origin.
    pub custom: Vec<(String, String)>,
    /// Whether `custom`, `cookie` and `referer` go to every origin.
    pub send_everywhere: bool,
    /// `User-Agent`; `None` sends hlsnap's own.
    pub user_agent: Option<String>,
    /// `Referer`.
    pub referer: Option<String>,
    /// `Cookie`: `name=value; name=value`.
    pub cookie: Option<String>,
}

impl fmt::Debug for RequestHeaders {
    /// Names only: values may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.custom.iter().map(|(name, _)| name).collect();
        f.debug_struct("RequestHeaders").field("custom", &names).finish_non_exhaustive()
    }
}

/// The most that one picture may cost. Each limit has its own message; exceeding a time is `timeout`, anything else is `too_large`.
/// The defaults fit a Lambda function with 256 MB. Frontends limit how many pictures are made at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The whole job's deadline.
    pub timeout: Duration,
    /// The longest wait for the start of a response, or for its next bytes.
    pub idle_timeout: Duration,
    /// Retries of transient failures.
    pub retries: u32,
    /// Requests in total: playlists, keys, segments, redirects, reloads and retries.
    pub max_requests: u64,
    /// Redirects of one request.
    pub max_redirects: usize,
    /// Bytes of all bodies, after decompression.
    pub max_bytes: u64,
    /// Bytes of one response that is not a playlist.
    pub max_segment_bytes: u64,
    /// Bytes of a Media Initialization Section.
    pub max_init_bytes: u64,
    /// Bytes of one playlist, after decompression.
    pub max_playlist_bytes: u64,
    /// Lines of one playlist, empty ones not counted.
    pub max_playlist_lines: usize,
    /// Bytes of one line, which also limits an attribute.
    pub max_line_bytes: usize,
    /// Variants, Renditions, segments or Parts of one playlist.
    pub max_playlist_entries: usize,
    /// Multivariant Playlists that refer to each other.
    pub max_playlist_depth: usize,
    /// Reloads of a live playlist.
    pub max_reloads: usize,
    /// Segments opened for one picture.
    pub max_segments: usize,
    /// How far before the wanted moment the search for a random access point may go. Bytes and the deadline limit it too.
    pub max_look_back: Duration,
    /// Keys fetched for one picture.
    pub keys: usize,
    /// Pixels of a coded frame.
    pub max_coded_pixels: u64,
    /// Frames decoded in one search: a frame may depend on all those before it.
    pub max_frames: usize,
    /// Pixels of the finished picture.
    pub max_pixels: u64,
}

/// The hint for a playlist that exceeds a limit.
pub const RAISE_PLAYLIST_BYTES: &str = "check that it is a playlist, and raise --max-playlist-bytes if it is";

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(10),
            retries: 2,
            max_requests: 200,
            max_redirects: 10,
            max_bytes: 64 << 20,
            max_segment_bytes: 48 << 20,
            max_init_bytes: 16 << 20,
            max_playlist_bytes: 16 << 20,
            max_playlist_lines: 1_000_000,
            max_line_bytes: 1 << 20,
            max_playlist_entries: 500_000,
            max_playlist_depth: 3,
            max_reloads: 50,
            max_segments: 12,
            max_look_back: Duration::from_secs(600),
            keys: 32,
            // Level 6.2 of H.264 and HEVC: 8192 x 4352
            max_coded_pixels: 35_651_584,
            max_frames: 10_000,
            max_pixels: 35_651_584,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn sources_have_livestreamer_spellings_too() {
        let url = |text: &str| match Source::parse(text) {
            Ok(Source::Url(url)) => url.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(url("hlsvariant://host/path"), "http://host/path");
        assert_eq!(url("hls://https://host/path"), "https://host/path");
        assert_eq!(url("httpstream://host/x.ts"), "http://host/x.ts");
        assert_eq!(url("hlsvariant://http://host/path name_key=bitrate"), "http://host/path");
        assert_eq!(url("hls://host/path?a=b  name_key=\"pixels\""), "http://host/path?a=b");
        assert!(matches!(Source::parse("folder/index.m3u8"), Ok(Source::File(_))));
        assert!(matches!(Source::parse("a name_key=bitrate"), Ok(Source::File(_))), "a path may hold blanks");
        assert!(matches!(Source::parse("file:///folder/index.m3u8"), Ok(Source::File(_))));
        for text in ["", "ftp://host/x", "http://", "hls://", "hls://h/x start_offset=5", "hls://h/x name_key=colour", "hls://h/x y"] {
            assert_eq!(Source::parse(text).map_err(|e| e.kind()).err(), Some(ErrorKind::Usage), "{text}");
        }
    }
}
