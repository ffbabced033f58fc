//! Reads a whole list, whose channels have distinct ids.

use std::collections::{HashMap, hash_map::Entry};

use url::Url;

use super::{
    channel::{BadLine, Channel},
    reader::ListReader,
};
use crate::{
    error::{Error, ErrorKind},
    request::Options,
};

/// The largest list that is read as a whole, in bytes.
pub const MAX_LIST_BYTES: u64 = 64 << 20;
/// How many channels a list that is read as a whole may have.
const MAX_CHANNELS: usize = 100_000;

/// Reads a list of up to 100,000 channels with these defaults. Relative URLs of an M3U list refer to `base`, the list's own URL. If
/// channels of an M3U list share a `tvg-id`, the later ones get their URL as id.
///
/// Fails with `usage` for the first bad line and for an id that two channels share, and with `too_large`. The error names the line.
pub fn parse(list: &[u8], defaults: &Options, base: Option<&Url>) -> Result<Vec<Channel>, Error> {
    if list.len() as u64 > MAX_LIST_BYTES {
        let message = format!("the list of channels has more than {MAX_LIST_BYTES} bytes");
        return Err(Error::new(ErrorKind::TooLarge, message).with_hint("split it"));
    }
    let mut reader = ListReader::new(defaults, base);
    reader.push(list);
    reader.end();
    let mut lines = HashMap::new();
    let mut channels = Vec::new();
    while let Some(item) = reader.next() {
        let mut channel = item.map_err(|BadLine { line, error, .. }| in_line(line, &error))?;
        if channels.len() == MAX_CHANNELS {
            let message = format!("the list has more than {MAX_CHANNELS} channels");
            return Err(in_line(channel.line, &Error::new(ErrorKind::TooLarge, message).with_hint("split it, as --shard does")));
        }
        if reader.may_replace_id() && lines.contains_key(&channel.id) {
            channel.id = channel.options.url.clone().unwrap_or_default();
        }
        match lines.entry(channel.id.clone()) {
            Entry::Vacant(free) => _ = free.insert(channel.line),
            Entry::Occupied(first) => {
                let message = format!("the id {:?} is that of line {} too", channel.shown_id(), first.get());
                return Err(in_line(channel.line, &Error::usage(message, "give each channel an id of its own")));
            }
        }
        channels.push(channel);
    }
    Ok(channels)
}

fn in_line(line: u64, error: &Error) -> Error {
    let named = Error::new(error.kind(), format!("line {line} of the list: {}", error.message()));
    match error.hint() {
        Some(hint) => named.with_hint(hint),
        None => named,
    }
}
