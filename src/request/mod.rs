//! What is asked for: [`SnapshotRequest`] and its parts, parsed once and valid ever after.

mod checks;
mod keys;
mod network_policy;
mod options;
mod picture;
mod position;

pub use checks::{Checks, Crop, Finding, ReferencePicture, ToneMap};
pub use keys::DecryptionKeys;
pub use network_policy::{HostPattern, NetworkPolicy};
pub use options::{Options, flag};
pub use picture::{Encoding, Fit, Format, Size, VariantChoice, parse_bytes};
pub use position::{Position, Precision, parse_duration};

use std::{fmt, path::PathBuf, time::Duration};

use url::Url;

use crate::error::{Error, ErrorKind};

/// One picture out of one stream.
#[derive(Debug, Clone)]
pub struct SnapshotRequest {
    /// Where the playlist is.
    pub source: Source,
    /// The moment; `None` is the newest of a live stream and the start of a recording.
    pub at: Option<Position>,
    /// `None`: [`Precision::Exact`] when a time was given, else [`Precision::KeyFrame`].
    pub precision: Option<Precision>,
    /// Which Variant of a Multivariant Playlist.
    pub variant: VariantChoice,
    /// How far to go on while the picture is black or of one colour.
    pub skip_black: Option<Duration>,
    /// Of so many key frames the most telling one is taken.
    pub best: Option<usize>,
    /// The size of the picture.
    pub size: Size,
    /// What is done with HDR.
    pub tone_map: ToneMap,
    /// The encoding of the picture.
    pub encoding: Encoding,
    /// What is looked for in the picture.
    pub checks: Checks,
    /// How origins are asked.
    pub headers: RequestHeaders,
    /// Keys that are used instead of fetching any.
    pub keys: DecryptionKeys,
    /// What may be spent.
    pub limits: Limits,
}

impl SnapshotRequest {
    /// A request for the default picture of `source`.
    pub fn new(source: Source) -> Self {
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

/// Where the playlist comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// `http:` or `https:`.
    Url(Url),
    /// A local file; segments may be local too, below its folder.
    File(PathBuf),
    /// A playlist's text, with the URL that its URIs are relative to.
    Text {
        /// The bytes of the playlist.
        text: Vec<u8>,
        /// What its URIs are relative to.
        base: Url,
    },
}

impl Source {
    /// Reads `http(s)://…`, `file://…`, a path, and livestreamer's `hls://`, `hlsvariant://` and `httpstream://`, whose rest is a URL
    /// with or without its scheme, and parameters after blanks.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let old = ["hls://", "hlsvariant://", "httpstream://"].into_iter().find_map(|scheme| text.strip_prefix(scheme));
        let spelled = match old {
            Some(rest) => {
                let rest = without_parameters(rest)?;
                if rest.contains("://") { rest.to_owned() } else { format!("http://{rest}") }
            }
            None => text.to_owned(),
        };
        let bad = |why: String| Error::new(ErrorKind::Usage, why).with_hint("give an http:// or https:// URL, a path, or - for stdin");
        if spelled.is_empty() {
            return Err(bad("the URL is empty".into()));
        }
        let Some((scheme, _)) = spelled.split_once("://") else {
            return Ok(Self::File(PathBuf::from(spelled)));
        };
        // The text is not shown: it may hold a password.
        let url = Url::parse(&spelled).map_err(|e| bad(format!("the URL cannot be read: {e}")))?;
        match url.scheme() {
            "http" | "https" => Ok(Self::Url(url)),
            "file" => url.to_file_path().map(Self::File).map_err(|()| bad("the file: URL names no local path".into())),
            _ => Err(bad(format!("the scheme {scheme}:// is not supported"))),
        }
    }
}

/// The URL of an old spelling. Of its parameters, `name_key=` says by which of its attributes a Variant is named; `--variant` knows all
/// three by their form, so it need not be kept. Values are not shown: they may be secret.
fn without_parameters(text: &str) -> Result<&str, Error> {
    let mut words = text.split_ascii_whitespace();
    let url = words.next().unwrap_or_default();
    for word in words {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let value = value.trim_matches(['"', '\'']);
        if name != "name_key" {
            let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(32).collect();
            return Err(Error::new(ErrorKind::Usage, format!("the parameter {name:?} after the URL is not known"))
                .with_hint("give options instead, such as --variant, --header or --cookie; a blank in a URL is %20"));
        }
        if !matches!(value, "name" | "pixels" | "bitrate") {
            return Err(
                Error::new(ErrorKind::Usage, "name_key is none of name, pixels and bitrate").with_hint("name the Variant by --variant")
            );
        }
    }
    Ok(url)
}

impl SnapshotRequest {
    /// Whether the very frame at the moment is wanted, and not the key frame before it: where nothing was said, where the moment is a time.
    pub fn is_exact(&self) -> bool {
        self.precision.map_or_else(|| self.at.is_some_and(|at| at.is_time()), |precision| precision == Precision::Exact)
    }
}

/// What origins are told, in curl's terms.
#[derive(Clone, Default)]
pub struct RequestHeaders {
    /// Header names and values, sent to the playlist's own origin.
    pub headers: Vec<(String, String)>,
    /// Whether `headers`, `cookie` and `referer` go to every origin.
    pub header_everywhere: bool,
    /// `User-Agent`, instead of our own.
    pub user_agent: Option<String>,
    /// `Referer`.
    pub referer: Option<String>,
    /// `Cookie`: `name=value; name=value`.
    pub cookie: Option<String>,
}

impl fmt::Debug for RequestHeaders {
    /// Names only: values are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Access").field("headers", &names).finish_non_exhaustive()
    }
}

/// What one picture may cost, and how much of anything an origin may make us take: each limit has a message of its own, and all but the
/// times are `too_large`. They suit a function with 256 MB. How many pictures are taken at once is the faces' to bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The whole job's deadline.
    pub timeout: Duration,
    /// The longest wait for an answer to begin, or for its next bytes.
    pub idle_timeout: Duration,
    /// Further tries for answers that are worth one.
    pub retries: u32,
    /// Requests in all: playlists, keys, segments, redirects, reloads and further tries.
    pub max_requests: u64,
    /// Redirects of one request.
    pub max_redirects: usize,
    /// The most that is downloaded, in bytes of bodies after decompression.
    pub max_bytes: u64,
    /// Bytes of one answer that is no playlist.
    pub max_segment_bytes: u64,
    /// Bytes of a Media Initialization Section.
    pub max_init_bytes: u64,
    /// Bytes of one playlist, after decompression.
    pub max_playlist_bytes: u64,
    /// Lines of one playlist that are not empty.
    pub max_playlist_lines: usize,
    /// Bytes of one line, and so of an attribute.
    pub max_line_bytes: usize,
    /// Variants, Renditions, segments or parts of one playlist.
    pub max_playlist_entries: usize,
    /// Multivariant Playlists that name each other.
    pub max_playlist_depth: usize,
    /// How often a live playlist is loaded again.
    pub max_reloads: usize,
    /// Segments that are opened for one picture.
    pub max_segments: usize,
    /// How far before the wanted moment a search for a random access point may go. Bytes and the deadline bound it too.
    pub max_look_back: Duration,
    /// Keys that are fetched for one picture.
    pub keys: usize,
    /// Pixels of a coded frame.
    pub max_coded_pixels: u64,
    /// Frames that are decoded in one search, where one may need all those before it.
    pub max_frames: usize,
    /// Pixels of the picture that is made.
    pub max_pixels: u64,
}

/// What to do about a playlist that is too large.
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

    #[test]
    fn sources_with_old_spellings() {
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
