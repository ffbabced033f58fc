//! Variables (section 4.3): what EXT-X-DEFINE names, put in the places that refer to it.

use std::{borrow::Cow, collections::BTreeMap};

use url::Url;

use super::attributes::Attributes;
use crate::error::{Error, ErrorKind};

/// Names and values of a Multivariant Playlist, which its Media Playlists may import (section 4.4.2.3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, String>);

/// What references may make of a playlist in all, in bytes: a few of them could make any length.
const MOST_FILLED: usize = 16 << 20;

/// The variables of one playlist while it is read.
pub(super) struct VariableScope<'a> {
    own: Variables,
    imported: &'a Variables,
    url: &'a Url,
    filled: usize,
}

impl<'a> VariableScope<'a> {
    /// Nothing is defined yet. `imported` are those of the Multivariant Playlist, `url` is the playlist's own.
    pub fn new(imported: &'a Variables, url: &'a Url) -> Self {
        Self { own: Variables::default(), imported, url, filled: 0 }
    }

    /// Takes the attributes of an EXT-X-DEFINE. What it refers to and is not there stays undefined.
    pub fn define(&mut self, list: &Attributes<'_>) {
        let value = if let Some(name) = list.get("NAME") {
            Some((name, list.get("VALUE").unwrap_or_default().to_owned()))
        } else if let Some(name) = list.get("IMPORT") {
            self.imported.0.get(name).map(|value| (name, value.clone()))
        } else if let Some(name) = list.get("QUERYPARAM") {
            let found = self.url.query_pairs().find(|(key, value)| key == name && !value.is_empty());
            found.map(|(_, value)| (name, value.into_owned()))
        } else {
            None
        };
        self.own.0.extend(value.map(|(name, value)| (name.to_owned(), value)));
    }

    /// Puts values in the places of `{$name}`. What is not defined stays as it is: a player would give up, but what stands beside it may
    /// be all that a picture needs. Fails with `too_large`.
    pub fn fill<'t>(&mut self, line: &'t str) -> Result<Cow<'t, str>, Error> {
        if self.own.0.is_empty() || !line.contains("{$") {
            return Ok(line.into());
        }
        let mut filled = String::with_capacity(line.len());
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("{$") {
            filled.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                filled.push_str("{$");
                rest = after;
                continue;
            };
            let Some(value) = self.own.0.get(name) else {
                filled.push_str("{$");
                rest = rest.split_once("{$").map_or("", |(_, after)| after);
                continue;
            };
            self.filled = self.filled.saturating_add(value.len());
            if self.filled > MOST_FILLED {
                return Err(Error::new(ErrorKind::TooLarge, format!("variables make the playlist larger than {MOST_FILLED} bytes")));
            }
            filled.push_str(value);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled.into())
    }

    /// What the playlist has defined.
    pub fn into_own(self) -> Variables {
        self.own
    }
}
