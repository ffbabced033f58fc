//! Writes pictures and reports: to a path, stdout, or an object store.
//!
//! An [`Output`] is what the user names, with placeholders; a [`Destination`] is the same with the placeholders of one picture filled in.
//! Readers see either the old picture or the new one, never a part: a file is renamed once it is complete, an object is one request.

mod deferred_signals;
mod file;
mod folder;
#[cfg(feature = "stores")]
mod object;
#[cfg(not(feature = "stores"))]
#[path = "no_object.rs"]
mod object;
mod put_options;
mod template;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::{error::Error, request::Format};

#[cfg(feature = "fleet")]
pub use deferred_signals::leave_signals_to_program;
pub use folder::{DestinationFolder, OutputFolder};
pub use object::{ObjectUrl, Stores};
pub use put_options::PutOptions;
pub use template::{ChannelName, NameFacts, OutputTemplate, SeriesPlace};

/// The destination of pictures, as the user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// `-`
    Stdout,
    /// A path, with placeholders.
    Path(OutputTemplate),
    /// The URL of an object, with placeholders in its key.
    Object(OutputTemplate),
}

impl Output {
    /// Parses a path, `file://`, `-`, or the URL of an object: `s3://bucket/key`, `gs://bucket/key`, `az://container/key`.
    ///
    /// Fails with `usage` for unknown placeholders and invalid object keys. `option` is the option named in the error.
    pub fn parse(option: &str, text: &str) -> Result<Self, Error> {
        Self::parse_with(option, text, OutputTemplate::parse)
    }

    /// As [`parse`](Self::parse), with the placeholders of a series, of which at least one must distinguish its pictures unless it
    /// `has_one_picture`. So must stdout.
    pub fn parse_series(option: &str, text: &str, has_one_picture: bool) -> Result<Self, Error> {
        let output = Self::parse_with(option, text, OutputTemplate::parse_series)?;
        let distinguishes = match &output {
            Self::Stdout => false,
            Self::Path(template) | Self::Object(template) => template.distinguishes_moments(),
        };
        if distinguishes || has_one_picture {
            return Ok(output);
        }
        let message = format!("{option} {text:?} is the same for every picture of the series");
        Err(Error::usage(message, "put {index} into the name, or take one picture with --count 1"))
    }

    /// As [`parse`](Self::parse), with the placeholders of channels, but not stdout.
    pub fn parse_channel(option: &str, text: &str) -> Result<Self, Error> {
        match Self::parse_event(option, text)? {
            Self::Stdout => {
                Err(Error::usage(format!("{option} is stdout, which has a line for each picture"), "give a path, s3://, gs:// or az://"))
            }
            output => Ok(output),
        }
    }

    /// As [`parse`](Self::parse), with the placeholders of channels.
    pub fn parse_event(option: &str, text: &str) -> Result<Self, Error> {
        Self::parse_with(option, text, OutputTemplate::parse_channel)
    }

    /// Fails with `usage` if all channels of a list would have the same name. `option` is the option named in the error.
    pub fn require_names_of_channels(&self, option: &str) -> Result<(), Error> {
        match self {
            Self::Path(template) | Self::Object(template) if !template.distinguishes_channels() => {
                let message = format!("{option} {:?} is the same for every line of the list", template.text());
                Err(Error::usage(message, "put {id}, {name} or {line} into the name"))
            }
            _ => Ok(()),
        }
    }

    /// As [`parse`](Self::parse), without placeholders.
    pub fn parse_constant(option: &str, text: &str) -> Result<Self, Error> {
        match Self::parse(option, text)? {
            Self::Path(template) | Self::Object(template) if !template.is_constant() => {
                Err(Error::usage(format!("{option} {text:?} has placeholders"), "give the name of one file"))
            }
            output => Ok(output),
        }
    }

    /// The destination of an output without placeholders.
    pub fn constant_destination(&self) -> Result<Destination, Error> {
        Ok(match self {
            Self::Stdout => Destination::Stdout,
            Self::Path(template) => Destination::Path(PathBuf::from(template.text())),
            Self::Object(template) => Destination::Object(ObjectUrl::parse("--output", template.text())?),
        })
    }

    fn parse_with(option: &str, text: &str, template: impl Fn(&str, &str) -> Result<OutputTemplate, Error>) -> Result<Self, Error> {
        match text {
            "" => return Err(Error::usage(format!("{option} is empty"), "give a path, or - for stdout")),
            "-" => return Ok(Self::Stdout),
            _ => {}
        }
        let path = |text: &str| template(option, text).map(Self::Path);
        match text.split_once("://") {
            Some((scheme, _)) if object::is_object_scheme(scheme) => {
                // An invalid key fails before any download
                ObjectUrl::parse(option, text)?;
                template(option, text).map(Self::Object)
            }
            Some(("file", local)) => path(local),
            Some((scheme, _)) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => {
                Err(Error::usage(format!("{option}: {scheme}:// is not supported"), "give a path, s3://, gs://, az://, or - for stdout"))
            }
            _ => path(text),
        }
    }

    /// The format of the name's extension.
    pub fn format(&self) -> Option<Format> {
        match self {
            Self::Stdout => None,
            Self::Path(template) | Self::Object(template) => Format::from_extension(Path::new(template.text()).extension()?.to_str()?),
        }
    }

    /// Fails with `output` if a picture surely cannot be written, so that a mistake costs no download. Leaves no file, and sends no request
    /// to an object store.
    pub fn check(&self, stores: &Stores) -> Result<(), Error> {
        match self {
            Self::Stdout => Ok(()),
            Self::Object(template) => ObjectUrl::parse("--output", template.text()).and_then(|object| stores.open(&object).map(drop)),
            Self::Path(template) if template.is_constant() => file::check(Path::new(template.text())),
            Self::Path(template) => file::check_template(Path::new(template.text())),
        }
    }

    /// The folder of a local output, and that of the target if it is a symbolic link.
    pub fn local_folders(&self) -> Vec<PathBuf> {
        match self {
            Self::Path(template) if template.is_constant() => file::folders_of(Path::new(template.text())),
            Self::Path(template) => folder_of_pattern(template.text()).into_iter().collect(),
            Self::Stdout | Self::Object(_) => Vec::new(),
        }
    }

    /// The destination of the file that `facts` describe. `now` fills in `{now}`.
    pub fn destination(&self, facts: &NameFacts<'_>, now: DateTime<Utc>) -> Result<Destination, Error> {
        self.filled(facts, None, now)
    }

    /// The destination of a picture of a series.
    pub fn destination_in_series(&self, facts: &NameFacts<'_>, place: SeriesPlace, now: DateTime<Utc>) -> Result<Destination, Error> {
        self.filled(facts, Some(place), now)
    }

    fn filled(&self, facts: &NameFacts<'_>, place: Option<SeriesPlace>, now: DateTime<Utc>) -> Result<Destination, Error> {
        Ok(match self {
            Self::Stdout => Destination::Stdout,
            Self::Path(template) => Destination::Path(PathBuf::from(template.fill_in_series(facts, place, now))),
            Self::Object(template) => Destination::Object(ObjectUrl::parse("--output", &template.fill_in_series(facts, place, now))?),
        })
    }
}

/// The destination of one picture or report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// `-`
    Stdout,
    /// A file, a device or a FIFO.
    Path(PathBuf),
    /// An object.
    Object(ObjectUrl),
}

impl Destination {
    /// The name in reports: the path, the URL of the object, or `-`.
    pub fn name(&self) -> String {
        match self {
            Self::Stdout => "-".to_owned(),
            Self::Path(path) => path.display().to_string(),
            Self::Object(object) => object.to_string(),
        }
    }

    /// Writes all bytes or none. Only stdout, devices and FIFOs may get a part. Fails with `output`.
    pub async fn put(&self, bytes: Bytes, options: &PutOptions, stores: &Stores) -> Result<(), Error> {
        match self {
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                let written = stdout.write_all(&bytes).and_then(|()| stdout.flush());
                written.map_err(|e| file::write_error("the picture cannot be written to stdout", e))
            }
            Self::Path(path) => file::put(path, &bytes, options.no_clobber),
            Self::Object(object) => stores.put(object, bytes, options).await,
        }
    }
}

impl Destination {
    /// Removes a file or an object, if it exists. Fails with `output`.
    pub async fn remove(&self, stores: &Stores) -> Result<(), Error> {
        match self {
            Self::Stdout => Ok(()),
            Self::Path(path) => file::remove(path),
            Self::Object(object) => stores.remove(object).await,
        }
    }
}

/// The folder before the first placeholder or wildcard of a local path.
pub fn folder_of_pattern(pattern: &str) -> Option<PathBuf> {
    let fixed = pattern.split(['{', '*', '?']).next().filter(|fixed| !fixed.contains("://"))?;
    let (folder, _) = fixed.rsplit_once('/').unwrap_or((".", ""));
    Some(if folder.is_empty() { "/" } else { folder }.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn parsed(text: &str) -> Result<Output, ErrorKind> {
        Output::parse("--output", text).map_err(|e| e.kind())
    }

    #[test]
    fn outputs_are_paths_objects_or_stdout() {
        assert_eq!(parsed("-"), Ok(Output::Stdout));
        assert!(matches!(parsed("a/b://c.jpg"), Ok(Output::Path(_))));
        assert!(matches!(parsed("file:///a/b.jpg"), Ok(Output::Path(_))));
        for text in ["s3://bucket/key.jpg", "gs://bucket/a/{now}.{ext}", "az://container/key"] {
            assert!(matches!(parsed(text), Ok(Output::Object(_))), "{text}");
        }
        for text in ["", "http://host/x.jpg", "{nope}.jpg", "a{now", "a}b", "{}", "{now}}"] {
            assert_eq!(parsed(text), Err(ErrorKind::Usage), "{text}");
        }
        for text in ["s3://bucket", "s3://bucket/", "s3:///key", "s3://bucket/a//b", "s3://bucket/../b", "s3://{now}/key", "s3://b/{x}"] {
            assert_eq!(parsed(text), Err(ErrorKind::Usage), "{text}");
        }
    }

    #[test]
    fn the_extension_gives_the_format() {
        let format = |text: &str| parsed(text).ok().and_then(|output| output.format());
        assert_eq!(format("a.PNG"), Some(Format::Png));
        assert_eq!(format("{now}.webp"), Some(Format::WebP));
        assert_eq!(format("s3://bucket/a.b/c.png"), Some(Format::Png));
        assert_eq!((format("a.{ext}"), format("png"), format("-")), (None, None, None));
    }
}
