//! What is asked for: [`SnapshotRequest`] and its parts, parsed once and valid ever after.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use chrono::{DateTime, Utc};
use url::Url;

use crate::error::{Error, ErrorKind};

/// One picture out of one stream.
#[derive(Debug, Clone)]
pub struct SnapshotRequest {
    /// Where the playlist is.
    pub source: Source,
    /// The moment; `None` is the newest of a live stream and the start of a recording.
    pub at: Option<At>,
    /// `None`: [`Precision::Exact`] when a time was given, else [`Precision::KeyFrame`].
    pub precision: Option<Precision>,
    /// Which Variant of a Multivariant Playlist.
    pub variant: VariantChoice,
    /// The size of the picture.
    pub size: Size,
    /// The encoding of the picture.
    pub encoding: Encoding,
    /// How origins are asked.
    pub access: Access,
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
            size: Size::default(),
            encoding: Encoding::default(),
            access: Access::default(),
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
    /// with or without its scheme.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let old = ["hls://", "hlsvariant://", "httpstream://"].into_iter().find_map(|scheme| text.strip_prefix(scheme));
        let spelled = match old {
            Some(rest) if rest.contains("://") => rest.to_owned(),
            Some(rest) => format!("http://{rest}"),
            None => text.to_owned(),
        };
        let bad = |why: String| Error::new(ErrorKind::Usage, why).hint("give an http:// or https:// URL, a path, or - for stdin");
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

/// The moment of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum At {
    /// The newest picture there is.
    Live,
    /// The first picture there is.
    Start,
    /// So long after the start of the playlist's first segment.
    FromStart(Duration),
    /// So long before the end of a recording, or before the live edge.
    FromEnd(Duration),
    /// Hundredths of the way from start to end: 0 to 100.
    Percent(f64),
    /// A moment of the day, by `EXT-X-PROGRAM-DATE-TIME`.
    ProgramDateTime(DateTime<Utc>),
}

impl At {
    /// Whether a time was given, so that the very frame is expected.
    pub fn is_time(&self) -> bool {
        !matches!(self, Self::Live | Self::Start)
    }
}

impl FromStr for At {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || {
            Error::new(ErrorKind::Usage, format!("--at {text:?} is not a moment"))
                .hint("use live, start, 90, 1:30, 01:02:03.5, 1m30s, -10s, 50% or 2026-01-31T12:00:00Z")
        };
        match text {
            "live" => return Ok(Self::Live),
            "start" => return Ok(Self::Start),
            _ => {}
        }
        if let Some(number) = text.strip_suffix('%') {
            let percent: f64 = number.parse().map_err(|_| bad())?;
            return if (0.0..=100.0).contains(&percent) { Ok(Self::Percent(percent)) } else { Err(bad()) };
        }
        if let Ok(date) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::ProgramDateTime(date.to_utc()));
        }
        match text.strip_prefix('-') {
            Some(back) => parse_duration(back).map(Self::FromEnd).ok_or_else(bad),
            None => parse_duration(text).map(Self::FromStart).ok_or_else(bad),
        }
    }
}

/// `90`, `1.5`, `1:30`, `01:02:03.5`, `1h2m3.5s`, `90s`; `None` where it is none of these or longer than ten years.
pub fn parse_duration(text: &str) -> Option<Duration> {
    const LONGEST: f64 = 10.0 * 366.0 * 86_400.0;
    let number = |digits: &str| -> Option<f64> {
        let plain = digits.starts_with(|c: char| c.is_ascii_digit()) && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
        if plain { digits.parse().ok() } else { None }
    };
    let seconds = if text.contains(':') {
        let parts: Vec<f64> = text.split(':').map(number).collect::<Option<_>>()?;
        let below_sixty = parts.iter().skip(1).all(|part| *part < 60.0);
        let whole = parts.iter().rev().skip(1).all(|part| part.fract() == 0.0);
        (parts.len() <= 3 && below_sixty && whole).then(|| parts.iter().fold(0.0, |sum, part| sum * 60.0 + part))?
    } else if text.ends_with(|c: char| c.is_ascii_digit()) {
        number(text)?
    } else {
        let mut rest = text;
        let mut sum = 0.0;
        for (unit, length) in [("h", 3600.0), ("m", 60.0), ("s", 1.0)] {
            if let Some((digits, after)) = rest.split_once(unit) {
                sum += number(digits)? * length;
                rest = after;
            }
        }
        rest.is_empty().then_some(sum)?
    };
    (seconds <= LONGEST && !text.is_empty()).then(|| Duration::from_secs_f64(seconds))
}

/// How near to the moment the frame must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// The key frame at or before the moment: the fewest bytes.
    KeyFrame,
    /// The very frame shown at the moment: the last one with pts at or before it.
    Exact,
}

/// Which Variant of a Multivariant Playlist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VariantChoice {
    /// The best, or, where a size is asked for, the smallest that is at least that large.
    Auto,
    /// The largest picture, then the highest bit rate.
    Best,
    /// The smallest picture, then the lowest bit rate.
    Worst,
    /// This many lines: `720p`.
    Lines(u32),
    /// The best with at most this many lines: `<=720p`.
    AtMostLines(u32),
    /// The smallest with at least this many lines: `>=720p`.
    AtLeastLines(u32),
    /// The best with at most this many bits a second: `<=2M`.
    AtMostBandwidth(u64),
    /// The place in the playlist, from 0: `#2`.
    Index(usize),
    /// Its `NAME`, or that of its video Rendition.
    Name(String),
}

impl FromStr for VariantChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || {
            Error::new(ErrorKind::Usage, format!("--variant {text:?} is not a choice"))
                .hint("use auto, best, worst, 720p, <=720p, >=720p, <=2M, #2 or a NAME")
        };
        let lines = |text: &str| text.strip_suffix('p').and_then(|number| number.parse::<u32>().ok());
        match text {
            "" => return Err(bad()),
            "auto" => return Ok(Self::Auto),
            "best" => return Ok(Self::Best),
            "worst" => return Ok(Self::Worst),
            _ => {}
        }
        if let Some(most) = text.strip_prefix("<=") {
            return lines(most).map(Self::AtMostLines).or_else(|| parse_rate(most).map(Self::AtMostBandwidth)).ok_or_else(bad);
        }
        if let Some(least) = text.strip_prefix(">=") {
            return lines(least).map(Self::AtLeastLines).ok_or_else(bad);
        }
        if let Some(index) = text.strip_prefix('#') {
            return index.parse().map(Self::Index).map_err(|_| bad());
        }
        Ok(lines(text).map_or_else(|| Self::Name(text.to_owned()), Self::Lines))
    }
}

/// Bits a second: `800k`, `2M`, `1.5M`, `2000000`.
fn parse_rate(text: &str) -> Option<u64> {
    scaled(text, 1000.0)
}

/// Bytes: `300000`, `300k`, `64M`, `1G`, in powers of 1024 as `curl` and `dd` have them.
pub fn parse_bytes(text: &str) -> Option<u64> {
    scaled(text, 1024.0)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be positive and below 2^53")]
fn scaled(text: &str, step: f64) -> Option<u64> {
    let power = match text.chars().last()? {
        'k' | 'K' => 1,
        'm' | 'M' => 2,
        'g' | 'G' => 3,
        _ => 0,
    };
    let digits = if power > 0 { text.get(..text.len() - 1)? } else { text };
    let value = digits.parse::<f64>().ok()? * step.powi(power);
    (digits.starts_with(|c: char| c.is_ascii_digit()) && value >= 1.0 && value < 2f64.powi(53)).then_some(value as u64)
}

/// The size of the picture. With neither side given: the display size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Pixels across.
    pub width: Option<u32>,
    /// Pixels down.
    pub height: Option<u32>,
    /// What happens where both are given and the shape differs.
    pub fit: Fit,
    /// Whether a small picture may be made larger.
    pub enlarge: bool,
}

impl Size {
    /// The largest side that can be asked for, as JPEG has it.
    pub const LARGEST_SIDE: u32 = 65_500;
}

/// What happens where width and height are given and the picture's shape is another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fit {
    /// The whole picture inside the box.
    #[default]
    Contain,
    /// The box is filled, what sticks out is cut off evenly.
    Cover,
    /// The picture is stretched to the box.
    Fill,
    /// The whole picture inside the box, with black around it.
    Pad,
}

impl FromStr for Fit {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "contain" => Ok(Self::Contain),
            "cover" => Ok(Self::Cover),
            "fill" => Ok(Self::Fill),
            "pad" => Ok(Self::Pad),
            _ => Err(Error::new(ErrorKind::Usage, format!("--fit {text:?} is not known")).hint("use contain, cover, fill or pad")),
        }
    }
}

/// How the picture is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding {
    /// The file format.
    pub format: Format,
    /// 1 to 100 on libjpeg's scale. PNG and WebP are lossless and ignore it.
    pub quality: u8,
}

impl Default for Encoding {
    fn default() -> Self {
        Self { format: Format::Jpeg, quality: 85 }
    }
}

/// A picture's file format.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// JFIF, 4:2:0.
    #[default]
    Jpeg,
    /// 8 bits, RGB.
    Png,
    /// Lossless.
    WebP,
}

impl Format {
    /// The name in options and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::WebP => "webp",
        }
    }

    /// The usual ending of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::WebP => "webp",
        }
    }

    /// By a file's ending, in any case.
    pub fn from_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" | "jpe" | "jfif" => Some(Self::Jpeg),
            "png" => Some(Self::Png),
            "webp" => Some(Self::WebP),
            _ => None,
        }
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::from_extension(text)
            .ok_or_else(|| Error::new(ErrorKind::Usage, format!("the format {text:?} is not known")).hint("use jpeg, png or webp"))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How origins are asked, in curl's terms.
#[derive(Clone)]
pub struct Access {
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
    /// A proxy's URL; `None` takes the usual environment variables.
    pub proxy: Option<String>,
    /// A PEM file with further root certificates.
    pub cacert: Option<PathBuf>,
    /// Whether certificates go unchecked.
    pub insecure: bool,
    /// Whether private, loopback and link-local addresses may be asked.
    pub allow_private: bool,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            headers: Vec::new(),
            header_everywhere: false,
            user_agent: None,
            referer: None,
            cookie: None,
            proxy: None,
            cacert: None,
            insecure: false,
            allow_private: true,
        }
    }
}

impl fmt::Debug for Access {
    /// Names only: values are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Access").field("headers", &names).field("allow_private", &self.allow_private).finish_non_exhaustive()
    }
}

/// What one picture may cost, and how much of anything an origin may make us take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The whole job's deadline.
    pub timeout: Duration,
    /// The most that is downloaded, in bytes of bodies after decompression.
    pub max_bytes: u64,
    /// Further tries for answers that are worth one.
    pub retries: u32,
    /// Bytes of one playlist.
    pub playlist_bytes: u64,
    /// Variants, Renditions or segments of one playlist.
    pub playlist_entries: usize,
    /// Redirects of one request.
    pub redirects: usize,
    /// Multivariant Playlists that name each other.
    pub playlist_depth: usize,
    /// Pixels of a coded frame, or of a picture.
    pub pixels: u64,
    /// Segments that are opened for one picture.
    pub segments: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(20),
            max_bytes: 64 << 20,
            retries: 2,
            playlist_bytes: 16 << 20,
            playlist_entries: 500_000,
            redirects: 10,
            playlist_depth: 3,
            pixels: 16_384 * 8_704,
            segments: 12,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<f64> {
        parse_duration(text).map(|duration| duration.as_secs_f64())
    }

    #[test]
    fn durations_in_every_spelling() {
        for (text, wanted) in [
            ("90", 90.0),
            ("1.5", 1.5),
            ("1:30", 90.0),
            ("01:02:03.5", 3723.5),
            ("1m30s", 90.0),
            ("90s", 90.0),
            ("1h", 3600.0),
            ("2h0.5s", 7200.5),
            ("0", 0.0),
        ] {
            assert_eq!(seconds(text), Some(wanted), "{text}");
        }
        for text in ["", "x", "1:", ":1", "1:60", "1.5:00", "1:2:3:4", "-1", "1e9", "s", "1s2m", "99999999999", "inf", "nan"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn moments_in_every_form() {
        let at = |text: &str| text.parse::<At>().ok();
        assert_eq!(at("live"), Some(At::Live));
        assert_eq!(at("start"), Some(At::Start));
        assert_eq!(at("1:30"), Some(At::FromStart(Duration::from_secs(90))));
        assert_eq!(at("-10s"), Some(At::FromEnd(Duration::from_secs(10))));
        assert_eq!(at("50%"), Some(At::Percent(50.0)));
        assert!(matches!(at("2026-01-31T12:00:00+01:00"), Some(At::ProgramDateTime(date)) if date.timestamp() == 1_769_857_200));
        for text in ["", "101%", "-1%", "NaN%", "--5", "now", "5%%", "2026-01-31"] {
            assert_eq!(at(text), None, "{text}");
        }
    }

    #[test]
    fn variants_in_every_form() {
        let choice = |text: &str| text.parse::<VariantChoice>().ok();
        assert_eq!(choice("720p"), Some(VariantChoice::Lines(720)));
        assert_eq!(choice("<=720p"), Some(VariantChoice::AtMostLines(720)));
        assert_eq!(choice(">=720p"), Some(VariantChoice::AtLeastLines(720)));
        assert_eq!(choice("<=2M"), Some(VariantChoice::AtMostBandwidth(2_000_000)));
        assert_eq!(choice("<=800k"), Some(VariantChoice::AtMostBandwidth(800_000)));
        assert_eq!(choice("#2"), Some(VariantChoice::Index(2)));
        assert_eq!(choice("source"), Some(VariantChoice::Name("source".into())));
        for text in ["", "<=", ">=2M", "#x", "<=-1"] {
            assert_eq!(choice(text), None, "{text}");
        }
    }

    #[test]
    fn sources_with_old_spellings() {
        let url = |text: &str| match Source::parse(text) {
            Ok(Source::Url(url)) => url.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(url("hlsvariant://host/path"), "http://host/path");
        assert_eq!(url("hls://https://host/path"), "https://host/path");
        assert_eq!(url("httpstream://host/x.ts"), "http://host/x.ts");
        assert!(matches!(Source::parse("folder/index.m3u8"), Ok(Source::File(_))));
        assert!(matches!(Source::parse("file:///folder/index.m3u8"), Ok(Source::File(_))));
        for text in ["", "ftp://host/x", "http://", "hls://"] {
            assert_eq!(Source::parse(text).map_err(|e| e.kind()).err(), Some(ErrorKind::Usage), "{text}");
        }
    }
}
