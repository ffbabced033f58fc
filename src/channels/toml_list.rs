//! TOML lists: `[defaults]`, and a `[[channel]]` for each channel.

use std::ops::Range;

use serde::Deserialize;
use serde_json::{Map, Number, Value};
use toml::{Spanned, Table};

use super::{
    channel::{BadLine, Channel, ListItem},
    entry,
};
use crate::error::Error;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TomlList {
    #[serde(default)]
    defaults: Option<Spanned<Table>>,
    #[serde(default)]
    channel: Vec<Spanned<Table>>,
}

/// The channels of a list whose first line has the number `first_line`. A list that is not TOML is one error.
pub(super) fn read(text: &[u8], first_line: u64, defaults: &Channel) -> Vec<ListItem> {
    let line_of = |span: Range<usize>| {
        let before = text.get(..span.start).unwrap_or_default();
        first_line + memchr::memchr_iter(b'\n', before).count() as u64
    };
    let bad = |line, error| vec![Err(BadLine { line, id: None, error })];
    let Ok(text) = std::str::from_utf8(text) else {
        return bad(first_line, Error::usage("the list is not UTF-8", "save it as UTF-8"));
    };
    let list: TomlList = match toml::from_str(text) {
        Ok(list) => list,
        Err(error) => {
            let line = error.span().map_or(first_line, line_of);
            let hint = "write [defaults] and [[channel]] with the names of the command line's options";
            return bad(line, Error::usage(format!("the list is not readable as TOML: {}", error.message()), hint));
        }
    };
    let mut template = defaults.clone();
    if let Some(table) = list.defaults {
        let line = line_of(table.span());
        if let Err(error) = set_all(&mut template, table.into_inner()) {
            return bad(line, error);
        }
    }
    let channel = |table: Spanned<Table>| {
        let line = line_of(table.span());
        let mut channel = Channel { line, ..template.clone() };
        let result = set_all(&mut channel, table.into_inner());
        result.and_then(|()| entry::finish(channel)).map_err(|error| BadLine { line, id: None, error })
    };
    list.channel.into_iter().map(channel).collect()
}

fn set_all(channel: &mut Channel, table: Table) -> Result<(), Error> {
    entry::set_all(channel, object(table))
}

fn object(table: Table) -> Map<String, Value> {
    table.into_iter().map(|(name, value)| (name, json(value))).collect()
}

/// Converts a value to JSON; dates become text.
fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => Number::from_f64(number).map_or_else(|| number.to_string().into(), Value::Number),
        toml::Value::Boolean(on) => on.into(),
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(list) => list.into_iter().map(json).collect(),
        toml::Value::Table(table) => object(table).into(),
    }
}
