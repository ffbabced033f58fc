//! Output names with placeholders, which the report of a picture fills in.

use chrono::{DateTime, Utc};
use ring::digest;
use url::Url;

use crate::{error::Error, report::SnapshotFacts};

/// A path or URL with placeholders, such as `{msn}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputTemplate {
    text: String,
    pieces: Vec<TemplatePiece>,
}

/// What fills in the placeholders of one file's name.
#[derive(Debug, Clone, Copy)]
pub struct NameFacts<'a> {
    /// The requested URL, redacted.
    pub url: &'a str,
    /// Pixels across and down.
    pub size: (u32, u32),
    /// The usual file extension of the format.
    pub extension: &'static str,
    /// Of the frame.
    pub program_date_time: Option<DateTime<Utc>>,
    /// Of the frame's segment.
    pub media_sequence_number: Option<u64>,
    /// Of a list of channels.
    pub channel: Option<ChannelName<'a>>,
}

/// The channel of a list that a picture belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelName<'a> {
    /// The number of its line, from 1.
    pub line: u64,
    /// The id, without secrets.
    pub id: &'a str,
    /// The name, if it has one.
    pub name: Option<&'a str>,
}

impl<'a> From<&'a SnapshotFacts> for NameFacts<'a> {
    fn from(facts: &'a SnapshotFacts) -> Self {
        Self {
            url: &facts.url,
            size: facts.size,
            extension: facts.format.extension(),
            program_date_time: facts.presentation.program_date_time,
            media_sequence_number: facts.segment.media_sequence_number,
            channel: None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TemplatePiece {
    Text(String),
    Placeholder(Placeholder),
}

/// The place of a picture in a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeriesPlace {
    /// The number of its moment, from 0.
    pub index: u64,
    /// Its moment in seconds.
    pub seconds: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placeholder {
    Line,
    Id,
    Name,
    Index,
    Seconds,
    Now,
    ProgramDateTime,
    MediaSequenceNumber,
    Host,
    Stream,
    Width,
    Height,
    Extension,
}

/// The bytes of the hash in `{stream}`. Among 1,000 streams, two share a hash with a probability of 1 in 8,000.
const STREAM_BYTES: usize = 4;
/// The longest name of a channel within a file name, in bytes; file systems allow 255 for the whole name.
const MAX_NAME_BYTES: usize = 100;

/// Which placeholders a name may have, besides those of every picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TemplateScope {
    Picture,
    Series,
    Channel,
}

impl TemplateScope {
    fn placeholders(self) -> &'static str {
        match self {
            Self::Picture => "",
            Self::Series => "{index}, {seconds}, ",
            Self::Channel => "{line}, {id}, {name}, ",
        }
    }
}

impl OutputTemplate {
    /// The template as written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Parses `{now}`, `{pdt}`, `{msn}`, `{host}`, `{stream}`, `{width}`, `{height}` and `{ext}`; `{{` and `}}` are literal braces.
    ///
    /// Fails with `usage` for other placeholders. `option` is the option named in the error.
    pub(super) fn parse(option: &str, text: &str) -> Result<Self, Error> {
        Self::parse_with(option, text, TemplateScope::Picture)
    }

    /// As [`parse`](Self::parse), with `{index}` and `{seconds}`.
    pub(super) fn parse_series(option: &str, text: &str) -> Result<Self, Error> {
        Self::parse_with(option, text, TemplateScope::Series)
    }

    /// As [`parse`](Self::parse), with `{line}`, `{id}` and `{name}`.
    pub(super) fn parse_channel(option: &str, text: &str) -> Result<Self, Error> {
        Self::parse_with(option, text, TemplateScope::Channel)
    }

    fn parse_with(option: &str, text: &str, scope: TemplateScope) -> Result<Self, Error> {
        let hint = format!(
            "use {}{{now}}, {{pdt}}, {{msn}}, {{host}}, {{stream}}, {{width}}, {{height}} or {{ext}}, and {{{{ or }}}} for a brace",
            scope.placeholders()
        );
        let (mut pieces, mut literal, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            literal.push_str(before);
            if let Some(after) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
                literal.extend(from.chars().next());
                rest = after;
                continue;
            }
            let name = from.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            let Some((name, after)) = name else {
                return Err(Error::usage(format!("{option} {text:?}: a brace has no counterpart"), hint));
            };
            let Some(placeholder) = Placeholder::parse(name).filter(|placeholder| placeholder.is_in(scope)) else {
                return Err(Error::usage(format!("{option} {text:?}: {{{name}}} is not a placeholder"), hint));
            };
            pieces.extend([TemplatePiece::Text(std::mem::take(&mut literal)), TemplatePiece::Placeholder(placeholder)]);
            rest = after;
        }
        literal.push_str(rest);
        pieces.push(TemplatePiece::Text(literal));
        Ok(Self { text: text.to_owned(), pieces })
    }

    /// Whether the name is the same for every picture.
    pub(super) fn is_constant(&self) -> bool {
        !self.text.contains(['{', '}'])
    }

    /// Whether each picture of a series gets a name of its own, as far as the stream lets it.
    pub(super) fn distinguishes_moments(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, TemplatePiece::Placeholder(placeholder) if placeholder.changes_with_time()))
    }

    /// Whether the name depends on the channel of a list.
    pub(super) fn distinguishes_channels(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, TemplatePiece::Placeholder(placeholder) if placeholder.changes_with_channel()))
    }

    /// The name of the file that `facts` describe. `now` fills in `{now}`.
    pub(super) fn fill(&self, facts: &NameFacts<'_>, now: DateTime<Utc>) -> String {
        self.fill_in_series(facts, None, now)
    }

    /// The name of a picture, and `place` in its series.
    pub(super) fn fill_in_series(&self, facts: &NameFacts<'_>, place: Option<SeriesPlace>, now: DateTime<Utc>) -> String {
        let text = |piece: &TemplatePiece| match piece {
            TemplatePiece::Text(text) => text.clone(),
            // An incomplete name is better than no picture
            TemplatePiece::Placeholder(placeholder) => placeholder.value(facts, place, now).unwrap_or_else(|| "unknown".to_owned()),
        };
        self.pieces.iter().map(text).collect()
    }
}

impl Placeholder {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "line" => Self::Line,
            "id" => Self::Id,
            "name" => Self::Name,
            "index" => Self::Index,
            "seconds" => Self::Seconds,
            "now" => Self::Now,
            "pdt" => Self::ProgramDateTime,
            "msn" => Self::MediaSequenceNumber,
            "host" => Self::Host,
            "stream" => Self::Stream,
            "width" => Self::Width,
            "height" => Self::Height,
            "ext" => Self::Extension,
            _ => return None,
        })
    }

    fn is_in(self, scope: TemplateScope) -> bool {
        match self {
            Self::Index | Self::Seconds => scope == TemplateScope::Series,
            Self::Line | Self::Id | Self::Name => scope == TemplateScope::Channel,
            _ => true,
        }
    }

    fn changes_with_time(self) -> bool {
        matches!(self, Self::Index | Self::Seconds | Self::Now | Self::ProgramDateTime | Self::MediaSequenceNumber)
    }

    fn changes_with_channel(self) -> bool {
        matches!(self, Self::Line | Self::Id | Self::Name | Self::Host | Self::Stream)
    }

    /// The value for one picture; `None` if the stream does not signal it.
    fn value(self, facts: &NameFacts<'_>, place: Option<SeriesPlace>, now: DateTime<Utc>) -> Option<String> {
        // No colons: not every file system allows them
        let stamp = |moment: DateTime<Utc>| moment.format("%Y%m%dT%H%M%SZ").to_string();
        match self {
            // The width keeps names in order
            Self::Line => facts.channel.map(|channel| format!("{:05}", channel.line)),
            Self::Id => facts.channel.map(|channel| file_name_of_id(channel.id)),
            Self::Name => facts.channel.map(|channel| channel.name.map_or_else(|| file_name_of_id(channel.id), file_name_part)),
            Self::Index => place.map(|place| format!("{:05}", place.index)),
            Self::Seconds => place.map(|place| format!("{:.3}", place.seconds)),
            Self::Now => Some(stamp(now)),
            Self::ProgramDateTime => facts.program_date_time.map(stamp),
            Self::MediaSequenceNumber => facts.media_sequence_number.map(|number| number.to_string()),
            Self::Host => {
                let url = Url::parse(facts.url).ok()?;
                let safe = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
                url.host_str().map(|host| host.chars().map(safe).collect())
            }
            // The report's URL has no query values, so changing tokens do not change the hash, and it reveals none
            Self::Stream => Some(eight_digits(facts.url)),
            Self::Width => Some(facts.size.0.to_string()),
            Self::Height => Some(facts.size.1.to_string()),
            Self::Extension => Some(facts.extension.to_owned()),
        }
    }
}

/// Eight hexadecimal digits that identify a text.
fn eight_digits(text: &str) -> String {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    digest.as_ref().first_chunk::<STREAM_BYTES>().map_or_else(String::new, |first| format!("{:08x}", u32::from_be_bytes(*first)))
}

/// The text as a part of a file's name, of limited length: letters, digits and `-_.+`, and no dot at the start, so that it names neither
/// another folder nor a hidden file.
fn file_name_part(text: &str) -> String {
    let safe = |(at, c): (usize, char)| {
        let is_safe = c.is_alphanumeric() || matches!(c, '-' | '_' | '+') || (c == '.' && at > 0);
        if is_safe { c } else { '-' }
    };
    let mut name: String = text.char_indices().take_while(|(at, c)| at + c.len_utf8() <= MAX_NAME_BYTES).map(safe).collect();
    if name.is_empty() {
        name.push('-');
    }
    name
}

/// As [`file_name_part`], and different for different ids.
fn file_name_of_id(id: &str) -> String {
    let name = file_name_part(id);
    if name == id { name } else { format!("{name}-{}", eight_digits(id)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_channels_are_safe_and_ids_stay_distinct() {
        for (id, name) in [("bbc-1.uk", "bbc-1.uk"), ("Télé+", "Télé+"), ("日本", "日本")] {
            assert_eq!(file_name_of_id(id), name);
        }
        for (text, name) in [("../../etc/x", "-.-..-etc-x"), ("..", "-."), ("", "-"), (".a", "-a"), ("a/b", "a-b"), ("a\\b\0 c", "a-b--c")]
        {
            assert_eq!(file_name_part(text), name, "{text:?}");
            assert!(file_name_of_id(text).starts_with(&format!("{name}-")), "{text:?}");
        }
        assert_ne!(file_name_of_id("a/b"), file_name_of_id("a b"));
        for long in ["x".repeat(5000), "é".repeat(5000)] {
            assert!(file_name_of_id(&long).len() <= MAX_NAME_BYTES + 9, "{}", file_name_of_id(&long));
        }
        assert_ne!(file_name_of_id(&"x".repeat(5000)), file_name_of_id(&"x".repeat(5001)));
    }

    #[test]
    fn only_channels_have_lines_ids_and_names() {
        for text in ["{line}", "{id}", "{name}"] {
            assert!(OutputTemplate::parse("--output", text).is_err() && OutputTemplate::parse_series("--output", text).is_err());
            assert!(OutputTemplate::parse_channel("--output", text).is_ok_and(|template| template.distinguishes_channels()));
        }
        assert!(OutputTemplate::parse_channel("--output", "{index}").is_err());
        assert!(OutputTemplate::parse_channel("--output", "{now}.{ext}").is_ok_and(|template| !template.distinguishes_channels()));
    }

    #[test]
    fn a_template_is_split_into_text_and_placeholders() {
        let pieces = OutputTemplate::parse("--output", "a{{b}}-{msn}{ext}").map(|template| template.pieces).unwrap_or_default();
        let text = |text: &str| TemplatePiece::Text(text.to_owned());
        let wanted = [
            text("a{b}-"),
            TemplatePiece::Placeholder(Placeholder::MediaSequenceNumber),
            text(""),
            TemplatePiece::Placeholder(Placeholder::Extension),
            text(""),
        ];
        assert_eq!(pieces, wanted);
    }

    #[test]
    fn only_a_series_has_indices_and_its_names_must_differ() {
        assert!(OutputTemplate::parse("--output", "{index}").is_err() && OutputTemplate::parse("--output", "{seconds}").is_err());
        for (text, distinguishes) in
            [("a-{index}.{ext}", true), ("{seconds}", true), ("{msn}", true), ("{width}.{ext}", false), ("a", false)]
        {
            let template = OutputTemplate::parse_series("--output", text);
            assert_eq!(template.map(|template| template.distinguishes_moments()).ok(), Some(distinguishes), "{text}");
        }
    }
}
