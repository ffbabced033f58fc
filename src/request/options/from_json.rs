//! Sets options by their names, as JSON objects, queries and variables give them.

use serde_json::{Map, Value};

use super::{given::Options, kind::OptionKind, spec::OptionSpec, table::OPTIONS, value::InputValue};
use crate::error::Error;

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
        let mut given = object.iter().filter(|(_, value)| !value.is_null());
        given.try_for_each(|(name, value)| Self::spec(name)?.set_json(self, name, value))
    }
}

impl<T> OptionSpec<T> {
    /// Sets the option from a JSON value. Errors call it `name`. Fails as [`set`](Self::set) does.
    pub fn set_json(&self, target: &mut T, name: &str, value: &Value) -> Result<(), Error> {
        let mut set = |input| self.set(target, &input);
        match (value, self.kind) {
            (Value::String(text), _) => set(InputValue::Text(text.clone())),
            (Value::Number(number), _) => set(InputValue::Number(number.clone())),
            (Value::Bool(on), _) => set(InputValue::Bool(*on)),
            (Value::Array(list), OptionKind::Repeatable | OptionKind::Fields) => {
                let mut items = list.iter().map(|item| item.as_str().ok_or_else(|| not_text(name, "give a list of text")));
                items.try_for_each(|item| set(item?.into()))
            }
            (Value::Object(fields), OptionKind::Fields) => {
                let hint = "give headers as a list of 'Name: value', or as an object";
                let mut fields = fields.iter().map(|(field, value)| Ok((field, value.as_str().ok_or_else(|| not_text(name, hint))?)));
                fields.try_for_each(|field| field.and_then(|(field, value)| set(InputValue::Text(format!("{field}: {value}")))))
            }
            _ => Err(Error::usage(format!("the option {name:?} holds a list or an object"), "give text or a number")),
        }
    }
}

fn not_text(name: &str, hint: &str) -> Error {
    Error::usage(format!("{name} holds more than text"), hint)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        error::ErrorKind,
        request::{Limits, Position, Precision, Source},
    };

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
