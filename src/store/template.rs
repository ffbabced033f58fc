//! Names in which `{name}` stands for something that is known once the picture is there.

use chrono::{DateTime, Utc};
use ring::digest;
use url::Url;

use super::usage;
use crate::{error::Error, report::SnapshotFacts};

/// A text in which `{name}` stands for something that is known once the picture is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathTemplate {
    text: String,
    parts: Vec<TemplatePiece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TemplatePiece {
    Text(String),
    Name(Name),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Now,
    ProgramDateTime,
    MediaSequenceNumber,
    Host,
    Stream,
    Width,
    Height,
    Extension,
}

/// With these, one in eight thousand collections of a thousand streams has two that are the same.
const STREAM_BYTES: usize = 4;

impl PathTemplate {
    /// As it was written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Reads `{now}`, `{pdt}`, `{msn}`, `{host}`, `{stream}`, `{width}`, `{height}` and `{ext}`; `{{` and `}}` are the braces themselves.
    pub(super) fn parse(option: &str, text: &str) -> Result<Self, Error> {
        const KNOWN: &str = "use {now}, {pdt}, {msn}, {host}, {stream}, {width}, {height} or {ext}, and {{ or }} for a brace";
        let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some(place) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(place);
            plain.push_str(before);
            if let Some(after) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
                plain.extend(from.chars().next());
                rest = after;
                continue;
            }
            let name = from.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            let Some((name, after)) = name else {
                return Err(usage(format!("{option} {text:?}: a brace has no partner"), KNOWN));
            };
            let Some(known) = Name::parse(name) else {
                return Err(usage(format!("{option} {text:?}: {{{name}}} is not known"), KNOWN));
            };
            parts.extend([TemplatePiece::Text(std::mem::take(&mut plain)), TemplatePiece::Name(known)]);
            rest = after;
        }
        plain.push_str(rest);
        parts.push(TemplatePiece::Text(plain));
        Ok(Self { text: text.to_owned(), parts })
    }

    /// Whether it is the same for every picture.
    pub(super) fn is_plain(&self) -> bool {
        !self.text.contains(['{', '}'])
    }

    /// The name for the picture of `facts`, taken `now`.
    pub(super) fn filled(&self, facts: &SnapshotFacts, now: DateTime<Utc>) -> String {
        let part = |part: &TemplatePiece| match part {
            TemplatePiece::Text(text) => text.clone(),
            // A picture is not lost for its name
            TemplatePiece::Name(name) => name.value(facts, now).unwrap_or_else(|| "unknown".to_owned()),
        };
        self.parts.iter().map(part).collect()
    }
}

impl Name {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
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

    /// `None`: the stream does not tell.
    fn value(self, facts: &SnapshotFacts, now: DateTime<Utc>) -> Option<String> {
        // No colons: not every file system has them
        let stamp = |moment: DateTime<Utc>| moment.format("%Y%m%dT%H%M%SZ").to_string();
        match self {
            Self::Now => Some(stamp(now)),
            Self::ProgramDateTime => facts.presentation.program_date_time.map(stamp),
            Self::MediaSequenceNumber => facts.segment.media_sequence_number.map(|number| number.to_string()),
            Self::Host => {
                let url = Url::parse(&facts.url).ok()?;
                let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
                url.host_str().map(|host| host.chars().map(plain).collect())
            }
            // The report's URL has no query values: a token that changes does not change it, nor does it tell one
            Self::Stream => {
                let digest = digest::digest(&digest::SHA256, facts.url.as_bytes());
                digest.as_ref().first_chunk::<STREAM_BYTES>().map(|first| format!("{:08x}", u32::from_be_bytes(*first)))
            }
            Self::Width => Some(facts.size.0.to_string()),
            Self::Height => Some(facts.size.1.to_string()),
            Self::Extension => Some(facts.format.extension().to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_fall_into_parts() {
        let parts = PathTemplate::parse("--output", "a{{b}}-{msn}{ext}").map(|template| template.parts).unwrap_or_default();
        let text = |text: &str| TemplatePiece::Text(text.to_owned());
        let wanted =
            [text("a{b}-"), TemplatePiece::Name(Name::MediaSequenceNumber), text(""), TemplatePiece::Name(Name::Extension), text("")];
        assert_eq!(parts, wanted);
    }
}
