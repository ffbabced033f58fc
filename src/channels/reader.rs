//! Reads a list piece by piece.

use std::{borrow::Cow, collections::VecDeque};

use serde_json::{Map, Value};
use url::Url;

use super::{
    channel::{BadLine, Channel, ListItem},
    entry,
    format::Format,
    lines::{Line, Lines, MAX_LINE_BYTES},
    m3u::M3uList,
    toml_list,
};
use crate::{
    error::{Error, ErrorKind},
    request::Options,
};

/// The size limit of TOML, which is read as a whole.
const MAX_TOML_BYTES: usize = 16 << 20;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Reads a list in pieces of any size. Memory does not grow with the list, unless it is TOML.
#[derive(Debug)]
pub struct ListReader {
    lines: Lines,
    /// The number of the last line.
    line: u64,
    /// `None` until a line determines it.
    format: Option<Format>,
    defaults: Channel,
    m3u: M3uList,
    toml: TomlText,
    is_ended: bool,
    /// The remaining channels of a TOML list.
    ready: VecDeque<ListItem>,
}

/// The text of a TOML list until now.
#[derive(Debug, Default)]
struct TomlText {
    text: Vec<u8>,
    first_line: u64,
    is_too_large: bool,
}

impl ListReader {
    /// A reader of channels with these defaults. Relative URLs of an M3U list refer to `base`, the list's own URL.
    pub fn new(defaults: &Options, base: Option<&Url>) -> Self {
        // The command line's URL is that of the list
        let mut options = defaults.clone();
        options.url = None;
        Self {
            lines: Lines::default(),
            line: 0,
            format: None,
            defaults: Channel { options, ..Channel::default() },
            m3u: M3uList::new(base.cloned()),
            toml: TomlText::default(),
            is_ended: false,
            ready: VecDeque::new(),
        }
    }

    /// Adds a piece of the list. Take all its channels before the next one.
    pub fn push(&mut self, piece: &[u8]) {
        self.lines.push(piece);
    }

    /// Ends the list.
    pub fn end(&mut self) {
        self.lines.end();
        self.is_ended = true;
    }

    /// The next channel or bad line; `None` if the reader needs the next piece, or after the end.
    pub fn next(&mut self) -> Option<ListItem> {
        while let Some(line) = self.lines.next() {
            self.line += 1;
            let item = match line {
                Line::Text(bytes) => self.read(&bytes),
                Line::TooLong => {
                    let error = Error::new(ErrorKind::TooLarge, format!("the line has more than {MAX_LINE_BYTES} bytes"));
                    Some(Err(BadLine { line: self.line, id: None, error: error.with_hint("check that it is a list of channels") }))
                }
            };
            if item.is_some() {
                return item;
            }
        }
        if self.is_ended && self.format == Some(Format::Toml) {
            self.format = None;
            self.ready = self.read_toml();
        }
        self.ready.pop_front()
    }

    /// Whether ids are `tvg-id`s, which name the entries of a program guide and may be shared.
    pub(super) fn may_replace_id(&self) -> bool {
        self.format == Some(Format::M3u)
    }

    fn read(&mut self, bytes: &[u8]) -> Option<ListItem> {
        let bytes = if self.line == 1 { bytes.strip_prefix(BOM).unwrap_or(bytes) } else { bytes };
        if self.format.is_none() {
            self.format = Format::of(bytes);
            self.toml.first_line = self.line;
        }
        let line = self.line;
        let bad = |error| BadLine { line, id: None, error };
        match self.format? {
            Format::Lines => read_line(bytes, &self.defaults, line),
            Format::M3u => match self.m3u.read(&text(bytes), &self.defaults) {
                Ok(channel) => channel.map(|channel| entry::finish(Channel { line, ..channel }).map_err(bad)),
                Err(error) => Some(Err(bad(error))),
            },
            Format::Toml => {
                self.toml.is_too_large |= self.toml.text.len() + bytes.len() > MAX_TOML_BYTES;
                if !self.toml.is_too_large {
                    self.toml.text.extend_from_slice(bytes);
                    self.toml.text.push(b'\n');
                }
                None
            }
        }
    }

    fn read_toml(&mut self) -> VecDeque<ListItem> {
        let TomlText { text, first_line, is_too_large } = std::mem::take(&mut self.toml);
        if is_too_large {
            let error = Error::new(ErrorKind::TooLarge, format!("the list has more than {MAX_TOML_BYTES} bytes of TOML"));
            let error = error.with_hint("write a JSON object a line: such lists may have any size");
            return [Err(BadLine { line: first_line, id: None, error })].into();
        }
        toml_list::read(&text, first_line, &self.defaults).into()
    }
}

/// Reads a URL, or a JSON object; `None` if the line is empty or a comment.
fn read_line(bytes: &[u8], defaults: &Channel, line: u64) -> Option<ListItem> {
    let bytes = bytes.trim_ascii();
    let mut channel = Channel { line, ..defaults.clone() };
    let result = match bytes {
        [] | [b'#', ..] => return None,
        [b'{', ..] => read_object(bytes, &mut channel),
        _ => {
            channel.options.url = Some(text(bytes).into_owned());
            Ok(())
        }
    };
    let id = Some(channel.id.clone()).filter(|id| !id.is_empty());
    Some(result.and_then(|()| entry::finish(channel)).map_err(|error| BadLine { line, id, error }))
}

fn read_object(bytes: &[u8], channel: &mut Channel) -> Result<(), Error> {
    let hint = "write one whole JSON object on each line";
    let mut object: Map<String, Value> = serde_json::from_slice(bytes)
        // The parser's own message would name line 1
        .map_err(|e| Error::usage(format!("the line is not a JSON object, at column {}", e.column()), hint))?;
    // Read the id first, so that errors of other keys can name it
    let id = object.remove("id").map(|id| [("id".to_owned(), id)].into_iter().collect());
    id.map_or(Ok(()), |id| entry::set_all(channel, id))?;
    entry::set_all(channel, object)
}

/// Text in UTF-8, else in Latin-1.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
    }
}
