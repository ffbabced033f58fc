//! The options of a request. [`OPTIONS`] is the one table of them for every frontend: command line, JSON events, queries and variables.

mod spec;
mod table;
mod value;

pub use spec::{Commands, OptionKind, OptionSpec, Section};
pub use table::{ACCESS, LIMITS, OPTIONS};
pub use value::{InputValue, OptionValue};

use std::time::Duration;

use serde_json::{Map, Value};

use super::{
    Checks, DecryptionKeys, Encoding, Format, Limits, Position, Precision, RequestHeaders, Size, SnapshotRequest, Source, ToneMap,
    VariantChoice,
};
use crate::error::Error;

/// The options given so far. [`SnapshotRequest`]'s defaults fill in the others.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The playlist.
    pub url: Option<String>,
    /// Where the picture goes, with templates.
    pub output: Option<String>,
    /// Where the report goes too.
    pub report_output: Option<String>,
    /// Whether an existing file or object stays.
    pub no_clobber: bool,
    /// The `Cache-Control` that an object store keeps.
    pub cache_control: Option<String>,
    /// The format, if it is named; the output's ending is the default.
    pub format: Option<Format>,
    at: Option<Position>,
    precision: Option<Precision>,
    variant: Option<VariantChoice>,
    skip_black: Option<Duration>,
    best: Option<usize>,
    size: Size,
    tone_map: ToneMap,
    encoding: Encoding,
    /// The checks of the picture's content.
    pub checks: Checks,
    headers: RequestHeaders,
    keys: DecryptionKeys,
    timeout: Option<Duration>,
    max_bytes: Option<u64>,
    max_playlist_bytes: Option<u64>,
    retries: Option<u32>,
}

impl Options {
    /// The row called `name`. Fails with `usage` for an unknown name.
    pub fn spec(name: &str) -> Result<&'static OptionSpec<Self>, Error> {
        OptionSpec::find(OPTIONS, name).ok_or_else(|| {
            let name = name.replace('-', "_");
            Error::usage(format!("the option {name:?} is not known"), "use the names of the command line's options")
        })
    }

    /// Sets the options of a JSON object. `null` leaves an option as it is.
    pub fn set_all(&mut self, object: &Map<String, Value>) -> Result<(), Error> {
        let given = object.iter().filter(|(_, value)| !value.is_null());
        for (name, value) in given {
            let spec = Self::spec(name)?;
            let mut set = |input| spec.set(self, &input);
            match (value, spec.kind) {
                (Value::String(text), _) => set(InputValue::Text(text.clone()))?,
                (Value::Number(number), _) => set(InputValue::Number(number.clone()))?,
                (Value::Bool(on), _) => set(InputValue::Bool(*on))?,
                (Value::Array(list), OptionKind::Repeatable | OptionKind::Fields) => {
                    for item in list {
                        set(item.as_str().ok_or_else(|| not_text(name, "give a list of text"))?.into())?;
                    }
                }
                (Value::Object(fields), OptionKind::Fields) => {
                    let hint = "give headers as a list of 'Name: value', or as an object";
                    for (field, value) in fields {
                        let value = value.as_str().ok_or_else(|| not_text(name, hint))?;
                        set(InputValue::Text(format!("{field}: {value}")))?;
                    }
                }
                _ => return Err(Error::usage(format!("the option {name:?} holds a list or an object"), "give text or a number")),
            }
        }
        Ok(())
    }

    /// Lowers the request's limits to the operator's.
    pub fn limit(&mut self, max: &Limits) {
        fn lower<T: Ord + Copy>(limit: &mut Option<T>, max: T) {
            *limit = Some(limit.map_or(max, |limit| limit.min(max)));
        }
        lower(&mut self.timeout, max.timeout);
        lower(&mut self.max_bytes, max.max_bytes);
        lower(&mut self.max_playlist_bytes, max.max_playlist_bytes);
        lower(&mut self.retries, max.retries);
    }

    /// Whether requests carry headers or cookies that may be secret.
    pub fn sends_secrets(&self) -> bool {
        !self.headers.custom.is_empty() || self.headers.cookie.is_some()
    }

    /// The limits of the request.
    pub fn limits(&self) -> Limits {
        let default = Limits::default();
        let playlist_bytes = self.max_playlist_bytes.unwrap_or(default.max_playlist_bytes);
        // A larger playlist has more lines, and longer ones if it holds data: URLs
        let factor = usize::try_from(playlist_bytes.div_ceil(default.max_playlist_bytes)).unwrap_or(usize::MAX).max(1);
        Limits {
            timeout: self.timeout.unwrap_or(default.timeout),
            max_bytes: self.max_bytes.unwrap_or(default.max_bytes),
            // A larger total limit also raises the limit for one segment
            max_segment_bytes: self.max_bytes.unwrap_or_default().max(default.max_segment_bytes),
            max_playlist_bytes: playlist_bytes,
            max_playlist_lines: default.max_playlist_lines.saturating_mul(factor),
            max_playlist_entries: default.max_playlist_entries.saturating_mul(factor),
            max_line_bytes: default.max_line_bytes.saturating_mul(factor),
            retries: self.retries.unwrap_or(default.retries),
            ..default
        }
    }

    /// The playlist's source. Fails with `usage` if no URL is given.
    pub fn source(&self) -> Result<Source, Error> {
        Source::parse(self.url.as_deref().ok_or_else(|| Error::usage("no url was given", "name the playlist's URL"))?)
    }

    /// The request. `output_format` is the format of the output's ending.
    pub fn request(&self, source: Source, output_format: Option<Format>) -> SnapshotRequest {
        SnapshotRequest {
            at: self.at,
            precision: self.precision,
            variant: self.variant.clone().unwrap_or(VariantChoice::Auto),
            skip_black: self.skip_black,
            best: self.best,
            size: self.size,
            tone_map: self.tone_map,
            encoding: Encoding { format: self.format.or(output_format).unwrap_or_default(), ..self.encoding },
            checks: self.checks.clone(),
            headers: self.headers.clone(),
            keys: self.keys.clone(),
            limits: self.limits(),
            ..SnapshotRequest::new(source)
        }
    }

    fn set_precision(&mut self, value: &OptionValue<'_>, precision: Precision) -> Result<(), Error> {
        if !value.flag()? {
            return Ok(());
        }
        if self.precision.is_some_and(|other| other != precision) {
            return Err(Error::usage("key_frame and exact exclude each other", "give one of them"));
        }
        self.precision = Some(precision);
        Ok(())
    }

    /// Adds `Name: value`, as curl writes it. Errors show neither: without a colon, the text may be a secret value.
    fn add_header(&mut self, text: &str) -> Result<(), Error> {
        let invalid = |message: &str| Error::usage(message, "write -H 'Name: value'");
        let (name, value) = text.split_once(':').ok_or_else(|| invalid("a --header has no colon"))?;
        let (name, value) = (name.trim(), value.trim());
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.is_empty() || !name.chars().all(is_token) {
            return Err(invalid("a --header's name is empty or holds characters that no name may have"));
        }
        if value.chars().any(|c| c.is_control() && c != '\t') {
            return Err(invalid("a --header's value holds a control character"));
        }
        self.headers.custom.push((name.to_owned(), value.to_owned()));
        Ok(())
    }
}

fn not_text(name: &str, hint: &str) -> Error {
    Error::usage(format!("{name} holds more than text"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn options(json: &str) -> Result<Options, Error> {
        let mut options = Options::default();
        options.set_all(&serde_json::from_str(json).unwrap_or_default()).map(|()| options)
    }

    #[test]
    fn json_holds_text_numbers_and_booleans() {
        let options =
            options(r#"{"url": "http://h/x", "at": 90, "width": "320", "quality": 70, "exact": true, "enlarge": "no", "fit": null}"#);
        let request = options.as_ref().map(|options| options.request(Source::File("x".into()), None));
        let Ok(request) = request else { panic!("{request:?}") };
        assert_eq!(request.at, Some(Position::FromStart(Duration::from_secs(90))));
        assert_eq!((request.size.width, request.size.enlarge), (Some(320), false));
        assert_eq!((request.encoding.quality, request.precision), (70, Some(Precision::Exact)));
    }

    #[test]
    fn json_headers_have_three_forms() {
        for json in [r#"{"header": "A: 1"}"#, r#"{"headers": ["A: 1"]}"#, r#"{"headers": {"A": "1"}}"#] {
            let headers = options(json).map(|options| options.headers.custom);
            assert_eq!(headers.ok(), Some(vec![("A".to_owned(), "1".to_owned())]), "{json}");
        }
    }

    #[test]
    fn a_larger_playlist_may_have_more_lines() {
        let lines =
            |bytes: &str| options(&format!(r#"{{"max_playlist_bytes": "{bytes}"}}"#)).map(|options| options.limits().max_playlist_lines);
        let usual = Limits::default().max_playlist_lines;
        assert_eq!((lines("1k").ok(), lines("16M").ok(), lines("32M").ok()), (Some(usual), Some(usual), Some(2 * usual)));
    }

    #[test]
    fn keys_come_alone_or_in_a_list() {
        let (one, two) = ("00".repeat(16), format!("{}={}", "11".repeat(16), "22".repeat(16)));
        for json in [format!(r#"{{"decryption_key": ["{one}", "{two}"]}}"#), format!(r#"{{"decryption-key": "{two}"}}"#)] {
            let keys = options(&json).map(|options| options.request(Source::File("x".into()), None).keys);
            assert_eq!(keys.ok().and_then(|keys| Some(keys.for_id(&[0x11; 16])?.to_vec())), Some(vec![0x22; 16]), "{json}");
        }
    }

    #[test]
    fn errors_name_the_option() {
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
            let error = options(json).err();
            assert!(error.as_ref().is_some_and(|e| e.kind() == ErrorKind::Usage && e.message().contains(part)), "{json}: {error:?}");
        }
    }

    #[test]
    fn json_values_set_the_same_as_text() {
        for (typed, text) in [
            (r#"{"at": -10, "timeout": 0.5, "best": true}"#, r#"{"at": "-10", "timeout": "0.5", "best": ""}"#),
            (r#"{"at": 1.5, "skip_black": 10, "best": false}"#, r#"{"at": "1.5", "skip_black": "10", "best": "off"}"#),
            (r#"{"max_size": 300000, "subsampling": 444}"#, r#"{"max-size": "300000", "subsampling": "4:4:4"}"#),
            (r#"{"variant": 720, "strip": 1, "max_bytes": 1e6}"#, r#"{"variant": "720", "strip": "yes", "max-bytes": "1000000"}"#),
        ] {
            let options = |json| options(json).map(|options| format!("{options:?}")).map_err(|e| e.to_string());
            assert!(options(typed).is_ok(), "{typed}: {:?}", options(typed));
            assert_eq!(options(typed), options(text));
        }
    }

    #[test]
    fn every_row_has_a_name_of_its_own() {
        let mut names: Vec<_> = OPTIONS.iter().map(|spec| spec.name).chain(OPTIONS.iter().filter_map(|spec| spec.alias)).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for spec in OPTIONS {
            assert_eq!(OptionSpec::find(OPTIONS, &spec.key()).map(|found| found.name), Some(spec.name));
            assert!(spec.conflicts_with.is_none_or(|other| OptionSpec::find(OPTIONS, other).is_some()), "{}", spec.name);
        }
    }
}
