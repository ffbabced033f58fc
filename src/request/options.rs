//! The options by name, as every face spells them: command line, JSON events, query strings, environment.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{
    Checks, DecryptionKeys, Encoding, Finding, Fit, Format, Limits, Position, Precision, RequestHeaders, Size, SnapshotRequest, Source,
    ToneMap, VariantChoice, parse_bytes, parse_duration,
};
use crate::error::{Error, ErrorKind};

/// How far `skip_black` goes, and how many pictures `best` compares.
const USUAL_SKIP: Duration = Duration::from_secs(30);
const USUAL_BEST: usize = 5;
const LONGEST_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

/// What was asked for so far. What was not is left to [`SnapshotRequest`]'s defaults.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The playlist.
    pub url: Option<String>,
    /// Where the picture goes, with templates.
    pub output: Option<String>,
    /// Where the report goes besides.
    pub report_output: Option<String>,
    /// Whether what is there already stays.
    pub no_clobber: bool,
    /// What an object store is told about caching.
    pub cache_control: Option<String>,
    /// The format that was named; else the output's ending says.
    pub format: Option<Format>,
    at: Option<Position>,
    precision: Option<Precision>,
    variant: Option<VariantChoice>,
    skip_black: Option<Duration>,
    best: Option<usize>,
    size: Size,
    tone_map: ToneMap,
    encoding: Encoding,
    /// What is looked for in the picture.
    pub checks: Checks,
    access: RequestHeaders,
    keys: DecryptionKeys,
    timeout: Option<Duration>,
    max_bytes: Option<u64>,
    max_playlist_bytes: Option<u64>,
    retries: Option<u32>,
}

impl Options {
    /// The names that [`set`](Self::set) knows.
    pub const NAMES: [&str; 39] = [
        "url",
        "output",
        "report_output",
        "no_clobber",
        "cache_control",
        "format",
        "at",
        "key_frame",
        "exact",
        "skip_black",
        "best",
        "variant",
        "width",
        "height",
        "fit",
        "enlarge",
        "tone_map",
        "crop",
        "subsampling",
        "progressive",
        "max_size",
        "strip",
        "describe",
        "detect_bars",
        "compare",
        "fail_on",
        "quality",
        "lossless",
        "header",
        "headers",
        "header_everywhere",
        "user_agent",
        "referer",
        "cookie",
        "decryption_key",
        "timeout",
        "max_bytes",
        "max_playlist_bytes",
        "retries",
    ];

    /// Sets the option `name`, whose words may be joined by `-` or `_`. Fails with `usage`; values that may be secret are not shown.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), Error> {
        let name = name.replace('-', "_");
        let kept = || Some(text.to_owned());
        match name.as_str() {
            "url" => self.url = kept(),
            "output" => self.output = kept(),
            "report_output" => self.report_output = kept(),
            "no_clobber" => self.no_clobber = flag(&name, text)?,
            "cache_control" => self.cache_control = kept(),
            "format" => self.format = Some(text.parse()?),
            "at" => self.at = Some(text.parse()?),
            "key_frame" => self.precise(&name, text, Precision::KeyFrame)?,
            "exact" => self.precise(&name, text, Precision::Exact)?,
            "skip_black" => self.skip_black = with_a_usual(text, USUAL_SKIP, seconds)?,
            "best" => self.best = with_a_usual(text, USUAL_BEST, |text| number(&name, text, 1, 100))?,
            "variant" => self.variant = Some(text.parse()?),
            "width" => self.size.width = Some(number(&name, text, 1, Size::LARGEST_SIDE.into())?),
            "height" => self.size.height = Some(number(&name, text, 1, Size::LARGEST_SIDE.into())?),
            "fit" => self.size.fit = text.parse::<Fit>()?,
            "enlarge" => self.size.enlarge = flag(&name, text)?,
            "tone_map" => self.tone_map = text.parse()?,
            "crop" => self.size.crop = Some(text.parse()?),
            "quality" => self.encoding.quality = number(&name, text, 1, 100)?,
            "lossless" => self.encoding.lossless = flag(&name, text)?,
            "subsampling" => self.encoding.full_chroma = full_chroma(text)?,
            "progressive" => self.encoding.progressive = flag(&name, text)?,
            "max_size" => self.encoding.max_bytes = Some(bytes(&name, text)?),
            "strip" => self.encoding.strip = flag(&name, text)?,
            "describe" => self.encoding.describe = flag(&name, text)?,
            "detect_bars" => self.checks.detect_bars = flag(&name, text)?,
            "compare" => self.checks.previous = Some(text.parse()?),
            "fail_on" => self.checks.fail_on = Finding::list(text)?,
            "header" | "headers" => self.access.headers.push(header(text)?),
            "header_everywhere" => self.access.header_everywhere = flag(&name, text)?,
            "user_agent" => self.access.user_agent = kept(),
            "referer" => self.access.referer = kept(),
            "cookie" => self.access.cookie = kept(),
            "decryption_key" => self.keys.add(text)?,
            "timeout" => self.timeout = Some(timeout(text)?),
            "max_bytes" => self.max_bytes = Some(bytes(&name, text)?),
            "max_playlist_bytes" => self.max_playlist_bytes = Some(bytes(&name, text)?),
            "retries" => self.retries = Some(number(&name, text, 0, u32::MAX.into())?),
            _ => return Err(usage(format!("the option {name:?} is not known"), "use the names of the command line's options")),
        }
        Ok(())
    }

    /// Sets what a JSON object names: text, numbers, true and false; `header` as a list of `Name: value`, or as an object.
    pub fn set_all(&mut self, object: &Map<String, Value>) -> Result<(), Error> {
        for (name, value) in object {
            match value {
                Value::Null => {}
                Value::String(text) => self.set(name, text)?,
                Value::Number(_) | Value::Bool(_) => self.set(name, &value.to_string())?,
                Value::Array(list) if is_header(name) || is_key(name) => {
                    for line in list {
                        self.set(name, line.as_str().ok_or_else(|| usage(format!("{name} holds more than text"), LISTS))?)?;
                    }
                }
                Value::Object(fields) if is_header(name) => {
                    for (field, text) in fields {
                        let text = text.as_str().ok_or_else(|| usage(format!("{name} holds more than text"), HEADERS))?;
                        self.set(name, &format!("{field}: {text}"))?;
                    }
                }
                Value::Array(_) | Value::Object(_) => {
                    return Err(usage(format!("the option {name:?} holds a list or an object"), "give text or a number"));
                }
            }
        }
        Ok(())
    }

    /// Takes less where the operator allows less.
    pub fn limit(&mut self, most: &Limits) {
        self.timeout = Some(self.timeout.map_or(most.timeout, |asked| asked.min(most.timeout)));
        self.max_bytes = Some(self.max_bytes.map_or(most.max_bytes, |asked| asked.min(most.max_bytes)));
        let most_of_playlists = most.max_playlist_bytes;
        self.max_playlist_bytes = Some(self.max_playlist_bytes.map_or(most_of_playlists, |asked| asked.min(most_of_playlists)));
        self.retries = Some(self.retries.map_or(most.retries, |asked| asked.min(most.retries)));
    }

    /// Whether origins are told what is not everybody's.
    pub fn sends_secrets(&self) -> bool {
        !self.access.headers.is_empty() || self.access.cookie.is_some()
    }

    /// What may be spent.
    pub fn limits(&self) -> Limits {
        let usual = Limits::default();
        let playlist_bytes = self.max_playlist_bytes.unwrap_or(usual.max_playlist_bytes);
        // A larger playlist has more lines, and a larger data: URL a longer one
        let times = usize::try_from(playlist_bytes.div_ceil(usual.max_playlist_bytes)).unwrap_or(usize::MAX).max(1);
        Limits {
            timeout: self.timeout.unwrap_or(usual.timeout),
            max_bytes: self.max_bytes.unwrap_or(usual.max_bytes),
            // Who wants more in all may want it of one segment
            max_segment_bytes: self.max_bytes.unwrap_or_default().max(usual.max_segment_bytes),
            max_playlist_bytes: playlist_bytes,
            max_playlist_lines: usual.max_playlist_lines.saturating_mul(times),
            max_playlist_entries: usual.max_playlist_entries.saturating_mul(times),
            max_line_bytes: usual.max_line_bytes.saturating_mul(times),
            retries: self.retries.unwrap_or(usual.retries),
            ..usual
        }
    }

    /// Where the playlist is. Fails with `usage` where nothing was said.
    pub fn source(&self) -> Result<Source, Error> {
        Source::parse(self.url.as_deref().ok_or_else(|| usage("no url was given".to_owned(), "name the playlist's URL"))?)
    }

    /// The request. `by_output` is the format that the output's ending names.
    pub fn request(&self, source: Source, by_output: Option<Format>) -> SnapshotRequest {
        SnapshotRequest {
            at: self.at,
            precision: self.precision,
            variant: self.variant.clone().unwrap_or(VariantChoice::Auto),
            skip_black: self.skip_black,
            best: self.best,
            size: self.size,
            tone_map: self.tone_map,
            encoding: Encoding { format: self.format.or(by_output).unwrap_or_default(), ..self.encoding },
            checks: self.checks.clone(),
            headers: self.access.clone(),
            keys: self.keys.clone(),
            limits: self.limits(),
            ..SnapshotRequest::new(source)
        }
    }

    fn precise(&mut self, name: &str, text: &str, precision: Precision) -> Result<(), Error> {
        match (flag(name, text)?, self.precision) {
            (true, Some(other)) if other != precision => {
                Err(usage("key_frame and exact exclude each other".to_owned(), "give one of them"))
            }
            (true, _) => {
                self.precision = Some(precision);
                Ok(())
            }
            (false, _) => Ok(()),
        }
    }
}

const LISTS: &str = "give a list of text";
const HEADERS: &str = "give headers as a list of 'Name: value', or as an object";

fn is_key(name: &str) -> bool {
    matches!(name, "decryption_key" | "decryption-key")
}

fn is_header(name: &str) -> bool {
    matches!(name, "header" | "headers")
}

/// A switch: it is on by its name alone.
pub fn flag(name: &str, text: &str) -> Result<bool, Error> {
    match text.to_ascii_lowercase().as_str() {
        "" | "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(usage(format!("{name} {text:?} is neither true nor false"), "use true or false")),
    }
}

fn number<N: TryFrom<u64>>(name: &str, text: &str, least: u64, most: u64) -> Result<N, Error> {
    let within = text.parse().ok().filter(|number| (least..=most).contains(number)).and_then(|number| N::try_from(number).ok());
    within.ok_or_else(|| usage(format!("{name} {text:?} is no number from {least} to {most}"), "give a whole number"))
}

/// An option whose value may be left out: then it is the usual one, and nothing where it is switched off.
fn with_a_usual<T>(text: &str, usual: T, read: impl Fn(&str) -> Result<T, Error>) -> Result<Option<T>, Error> {
    match text.to_ascii_lowercase().as_str() {
        "" | "true" | "yes" | "on" => Ok(Some(usual)),
        "false" | "no" | "off" => Ok(None),
        _ => read(text).map(Some),
    }
}

fn timeout(text: &str) -> Result<Duration, Error> {
    parse_duration(text)
        .filter(|time| !time.is_zero() && *time <= LONGEST_TIMEOUT)
        .ok_or_else(|| usage(format!("--timeout {text:?} is not a time"), "give seconds up to a day, such as 20, 0.5 or 1m30s"))
}

fn seconds(text: &str) -> Result<Duration, Error> {
    let known = parse_duration(text).filter(|time| *time <= LONGEST_TIMEOUT);
    known.ok_or_else(|| usage(format!("--skip-black {text:?} is not a time"), "give seconds, such as 30 or 1m30s"))
}

fn bytes(name: &str, text: &str) -> Result<u64, Error> {
    let option = name.replace('_', "-");
    parse_bytes(text).ok_or_else(|| usage(format!("--{option} {text:?} is not a size"), "give bytes, such as 300000, 300k, 64M or 1G"))
}

fn full_chroma(text: &str) -> Result<bool, Error> {
    match text {
        "420" | "4:2:0" => Ok(false),
        "444" | "4:4:4" => Ok(true),
        _ => Err(usage(format!("--subsampling {text:?} is not known"), "use 420 or 444")),
    }
}

/// `Name: value`, as curl has it. Neither is shown: without a colon, it may be a value alone.
fn header(text: &str) -> Result<(String, String), Error> {
    let bad = |what: &str| usage(what.to_owned(), "write -H 'Name: value'");
    let (name, value) = text.split_once(':').ok_or_else(|| bad("a --header has no colon"))?;
    let (name, value) = (name.trim(), value.trim());
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(is_token) {
        return Err(bad("a --header's name is empty or holds characters that no name may have"));
    }
    if value.chars().any(|c| c.is_control() && c != '\t') {
        return Err(bad("a --header's value holds a control character"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

fn usage(what: String, hint: &str) -> Error {
    Error::new(ErrorKind::Usage, what).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(json: &str) -> Result<Options, Error> {
        let mut asked = Options::default();
        asked.set_all(&serde_json::from_str(json).unwrap_or_default()).map(|()| asked)
    }

    #[test]
    fn json_may_hold_text_numbers_and_truth() {
        let asked = asked(r#"{"url": "http://h/x", "at": 90, "width": "320", "quality": 70, "exact": true, "enlarge": "no", "fit": null}"#);
        let request = asked.as_ref().map(|asked| asked.request(Source::File("x".into()), None));
        let Ok(request) = request else { panic!("{request:?}") };
        assert_eq!(request.at, Some(Position::FromStart(Duration::from_secs(90))));
        assert_eq!((request.size.width, request.size.enlarge), (Some(320), false));
        assert_eq!((request.encoding.quality, request.precision), (70, Some(Precision::Exact)));
    }

    #[test]
    fn headers_come_in_three_forms() {
        for json in [r#"{"header": "A: 1"}"#, r#"{"headers": ["A: 1"]}"#, r#"{"headers": {"A": "1"}}"#] {
            let headers = asked(json).map(|asked| asked.access.headers);
            assert_eq!(headers.ok(), Some(vec![("A".to_owned(), "1".to_owned())]), "{json}");
        }
    }

    #[test]
    fn a_larger_playlist_may_have_more_lines() {
        let lines = |bytes: &str| asked(&format!(r#"{{"max_playlist_bytes": "{bytes}"}}"#)).map(|asked| asked.limits().max_playlist_lines);
        let usual = Limits::default().max_playlist_lines;
        assert_eq!((lines("1k").ok(), lines("16M").ok(), lines("32M").ok()), (Some(usual), Some(usual), Some(2 * usual)));
    }

    #[test]
    fn keys_come_alone_or_in_a_list() {
        let (one, two) = ("00".repeat(16), format!("{}={}", "11".repeat(16), "22".repeat(16)));
        for json in [format!(r#"{{"decryption_key": ["{one}", "{two}"]}}"#), format!(r#"{{"decryption-key": "{two}"}}"#)] {
            let keys = asked(&json).map(|asked| asked.request(Source::File("x".into()), None).keys);
            assert_eq!(keys.ok().and_then(|keys| Some(keys.for_id(&[0x11; 16])?.to_vec())), Some(vec![0x22; 16]), "{json}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (json, part) in [
            (r#"{"widht": 1}"#, "widht"),
            (r#"{"width": 0}"#, "width"),
            (r#"{"width": 1.5}"#, "width"),
            (r#"{"quality": 101}"#, "quality"),
            (r#"{"exact": true, "key_frame": true}"#, "exclude"),
            (r#"{"exact": "perhaps"}"#, "exact"),
            (r#"{"at": ["live"]}"#, "at"),
            (r#"{"timeout": 0}"#, "--timeout"),
            (r#"{"header": [1]}"#, "header"),
            (r#"{"decryption_key": "00"}"#, "--decryption-key"),
            (r#"{"decryption_key": [1]}"#, "decryption_key"),
            (r#"{"proxy": "http://10.0.0.1"}"#, "proxy"),
        ] {
            let error = asked(json).err();
            assert!(error.as_ref().is_some_and(|e| e.kind() == ErrorKind::Usage && e.message().contains(part)), "{json}: {error:?}");
        }
    }

    #[test]
    fn every_name_is_known() {
        for name in Options::NAMES {
            let mut asked = Options::default();
            let said = asked.set(name, "\u{1}").map_err(|e| e.message()).err().unwrap_or_default();
            assert!(!said.contains("the option"), "{name}: {said}");
        }
    }
}
