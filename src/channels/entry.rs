//! Turns the keys of one entry in JSON or TOML into a channel.

use serde_json::{Map, Value};

use super::{channel::Channel, watch_options::WATCH_OPTIONS};
use crate::{
    error::Error,
    request::{
        Options, Source,
        options::{Commands, InputValue, OptionKind, OptionSpec},
    },
};

/// Sets the keys of an entry on a channel that has the defaults. `null` leaves a key as it is. Fails with `usage`.
pub(super) fn set_all(channel: &mut Channel, entry: Map<String, Value>) -> Result<(), Error> {
    let mut options = Map::new();
    for (name, value) in entry {
        match name.as_str() {
            _ if value.is_null() => {}
            "id" => channel.id = text(&name, value)?,
            "name" => channel.name = Some(text(&name, value)?).filter(|name| !name.is_empty()),
            "group" => channel.group = Some(text(&name, value)?).filter(|group| !group.is_empty()),
            "static" => {
                channel.is_static = value.as_bool().ok_or_else(|| Error::usage("static is neither true nor false", "use true or false"))?;
            }
            // Events of the Lambda function may have it
            "kind" if value == "snapshot" => {}
            "kind" => return Err(Error::usage("kind is not snapshot", "a list has one picture a line; leave kind out")),
            _ => match OptionSpec::find(WATCH_OPTIONS, &name) {
                Some(spec) => spec.set(&mut channel.watch, &input(&name, value)?)?,
                None => _ = options.insert(name, value),
            },
        }
    }
    for name in options.keys() {
        let spec = Options::spec(name)?;
        if spec.kind != OptionKind::Argument && !spec.commands.include(Commands::SNAP) {
            let message = format!("the option {:?} belongs to many pictures of one stream", spec.key());
            return Err(Error::usage(message, "leave it out: a list has one picture a line"));
        }
    }
    channel.options.set_all(&options)
}

/// Completes a channel: its URL must be readable, and is its id if it has none. Fails with `usage`.
pub(super) fn finish(mut channel: Channel) -> Result<Channel, Error> {
    let Some(url) = channel.options.url.as_deref() else {
        return Err(Error::usage("the entry has no url", "name the playlist's URL as \"url\""));
    };
    if url == "-" {
        return Err(Error::usage("a list cannot name stdin", "give a URL or a path"));
    }
    Source::parse(url)?;
    if channel.id.is_empty() {
        url.clone_into(&mut channel.id);
    }
    Ok(channel)
}

/// Text, or a number as text.
fn text(name: &str, value: Value) -> Result<String, Error> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(Error::usage(format!("{name} is no text"), "give text")),
    }
}

fn input(name: &str, value: Value) -> Result<InputValue, Error> {
    match value {
        Value::String(text) => Ok(InputValue::Text(text)),
        Value::Number(number) => Ok(InputValue::Number(number)),
        _ => Err(Error::usage(format!("{name} is neither text nor a number"), "give a time, such as 10s")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::ErrorKind;

    fn read(json: &str) -> Result<Channel, Error> {
        let mut channel = Channel::default();
        set_all(&mut channel, serde_json::from_str(json).unwrap_or_default())?;
        finish(channel)
    }

    #[test]
    fn an_entry_has_options_of_pictures_and_keys_of_channels() {
        let channel = read(
            r#"{"url": "http://h/x.m3u8", "id": 7, "name": "Seven", "group": "News", "static": true, "width": 320, "every": 5,
                "black_for": "1m", "frozen-for": "0", "stale_after": null, "down_after": 2, "kind": "snapshot"}"#,
        );
        let Ok(channel) = channel else { panic!("{channel:?}") };
        assert_eq!((channel.id.as_str(), channel.name.as_deref(), channel.group.as_deref()), ("7", Some("Seven"), Some("News")));
        assert!(channel.is_static && format!("{:?}", channel.options).contains("width: Some(320)"));
        assert_eq!((channel.watch.every, channel.watch.down_after), (Some(Duration::from_secs(5)), Some(2)));
        assert_eq!((channel.watch.black_for, channel.watch.frozen_for), (Some(Duration::from_secs(60)), Some(Duration::ZERO)));
        assert_eq!(channel.watch.stale_after, None);
    }

    #[test]
    fn the_url_is_the_id_of_an_entry_without_one() {
        for json in [r#"{"url": "http://h/x.m3u8"}"#, r#"{"url": "http://h/x.m3u8", "id": ""}"#] {
            assert_eq!(read(json).map(|channel| channel.id).ok().as_deref(), Some("http://h/x.m3u8"));
        }
    }

    #[test]
    fn wrong_entries_are_usage_errors_that_name_the_key() {
        for (json, part) in [
            ("{}", "no url"),
            (r#"{"url": "-"}"#, "stdin"),
            (r#"{"url": "ftp://h/x"}"#, "ftp"),
            (r#"{"url": "http://h/x", "widht": 5}"#, "widht"),
            (r#"{"url": "http://h/x", "columns": 5}"#, "columns"),
            (r#"{"url": "http://h/x", "static": "yes"}"#, "static"),
            (r#"{"url": "http://h/x", "every": 0}"#, "every"),
            (r#"{"url": "http://h/x", "down_after": 0}"#, "down_after"),
            (r#"{"url": "http://h/x", "name": ["a"]}"#, "name"),
            (r#"{"url": "http://h/x", "kind": "sheet"}"#, "kind"),
        ] {
            let error = read(json).err();
            assert!(error.as_ref().is_some_and(|e| e.kind() == ErrorKind::Usage && e.message().contains(part)), "{json}: {error:?}");
        }
    }
}
