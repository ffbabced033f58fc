//! The keys of a list's lines that are no options. A line of `hlsnap batch` is an event of the function too, so one file works for both.

use serde_json::Value;
use url::Url;

use super::event::EventOptions;
use crate::{
    error::{Error, redacted},
    store::ChannelName,
};

/// When `hlsnap watch` reports a state.
const WATCH_KEYS: [&str; 6] = ["black_for", "frozen_for", "flat_for", "silent_for", "stale_after", "down_after"];

/// The channel that an event names, for the name of its file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ListKeys {
    id: Option<String>,
    name: Option<String>,
}

impl ListKeys {
    /// Takes the keys out of an event, and drops those that only `hlsnap watch` needs. Fails with `usage` if one is not text.
    pub fn take(event: &mut EventOptions) -> Result<Self, Error> {
        let keys = Self { id: text(event, "id")?, name: text(event, "name")? };
        text(event, "group")?;
        event.remove("static");
        // `every` is an option of a series too
        event.retain(|name, _| !WATCH_KEYS.contains(&name.replace('-', "_").as_str()));
        Ok(keys)
    }

    /// The id for file names, redacted if it is the URL.
    pub fn shown_id(&self, url: &Url) -> String {
        self.id.clone().unwrap_or_else(|| redacted(url))
    }

    /// The names for a file.
    pub fn channel<'a>(&'a self, shown_id: &'a str) -> ChannelName<'a> {
        ChannelName { line: 0, id: shown_id, name: self.name.as_deref() }
    }
}

fn text(event: &mut EventOptions, key: &str) -> Result<Option<String>, Error> {
    match event.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(Error::usage(format!("{key} is no text"), "give text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(json: &str) -> (Result<ListKeys, String>, EventOptions) {
        let mut event = serde_json::from_str(json).expect("an object");
        let keys = ListKeys::take(&mut event).map_err(|e| e.message());
        (keys, event)
    }

    #[test]
    fn the_keys_of_a_line_are_taken_and_options_stay() {
        let (keys, rest) = take(r#"{"id": 7, "name": "Seven", "group": "news", "static": true, "url": "http://h/x", "width": 320}"#);
        assert_eq!(keys, Ok(ListKeys { id: Some("7".to_owned()), name: Some("Seven".to_owned()) }));
        assert_eq!(rest.keys().map(String::as_str).collect::<Vec<_>>(), ["url", "width"]);
        assert!(take(r#"{"id": []}"#).0.is_err());
    }

    #[test]
    fn an_event_without_an_id_is_named_by_its_url_without_secrets() {
        let url = Url::parse("http://user:pass@h/x.m3u8?token=1").expect("a URL");
        assert_eq!(ListKeys::default().shown_id(&url), "http://h/x.m3u8?...");
    }
}
