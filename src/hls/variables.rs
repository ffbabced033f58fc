//! Variables (section 4.3): EXT-X-DEFINE and the references to it.

use std::{borrow::Cow, collections::BTreeMap};

use url::Url;

use super::attributes::Attributes;
use crate::error::{Error, ErrorKind};

/// Variables of a Multivariant Playlist, which its Media Playlists may import (section 4.4.2.3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, String>);

/// Maximum number of bytes that all values in one playlist add: a few references could make it arbitrarily long.
const MAX_SUBSTITUTED_BYTES: usize = 16 << 20;

/// Variables that are defined at one line of a playlist.
pub(super) struct VariableScope<'a> {
    own: Variables,
    imported: &'a Variables,
    url: &'a Url,
    /// Bytes of all values until now.
    substituted_bytes: usize,
}

impl<'a> VariableScope<'a> {
    /// Starts without definitions. `imported` are the variables of the Multivariant Playlist, and `url` is the URL of this playlist.
    pub fn new(imported: &'a Variables, url: &'a Url) -> Self {
        Self { own: Variables::default(), imported, url, substituted_bytes: 0 }
    }

    /// Applies EXT-X-DEFINE. An import or query parameter that does not exist stays undefined.
    pub fn define(&mut self, list: &Attributes<'_>) {
        let value = if let Some(name) = list.get("NAME") {
            Some((name, list.get("VALUE").unwrap_or_default().to_owned()))
        } else if let Some(name) = list.get("IMPORT") {
            self.imported.0.get(name).map(|value| (name, value.clone()))
        } else if let Some(name) = list.get("QUERYPARAM") {
            let pair = self.url.query_pairs().find(|(key, value)| key == name && !value.is_empty());
            pair.map(|(_, value)| (name, value.into_owned()))
        } else {
            None
        };
        self.own.0.extend(value.map(|(name, value)| (name.to_owned(), value)));
    }

    /// Replaces each `{$name}` with its value. An undefined one stays: players must give up (section 4.3), but the line may not matter for a
    /// picture.
    ///
    /// Fails with `too_large` if all values together exceed 16 MiB.
    pub fn substitute<'t>(&mut self, line: &'t str) -> Result<Cow<'t, str>, Error> {
        if self.own.0.is_empty() || !line.contains("{$") {
            return Ok(line.into());
        }
        let mut substituted = String::with_capacity(line.len());
        let mut rest = line;
        while let Some((before, reference)) = rest.split_once("{$") {
            substituted.push_str(before);
            let defined = reference.split_once('}').and_then(|(name, after)| Some((self.own.0.get(name)?, after)));
            let Some((value, after)) = defined else {
                substituted.push_str("{$");
                rest = reference;
                continue;
            };
            self.substituted_bytes = self.substituted_bytes.saturating_add(value.len());
            if self.substituted_bytes > MAX_SUBSTITUTED_BYTES {
                let message = format!("variables add more than {MAX_SUBSTITUTED_BYTES} bytes to the playlist");
                return Err(Error::new(ErrorKind::TooLarge, message));
            }
            substituted.push_str(value);
            rest = after;
        }
        substituted.push_str(rest);
        Ok(substituted.into())
    }

    /// The definitions of the playlist.
    pub fn into_own(self) -> Variables {
        self.own
    }
}
