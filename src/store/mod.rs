//! Where pictures go: a path, stdout, or an object store.
//!
//! [`Output`] is what was asked for, with its `{name}` templates; [`Place`] is where one picture goes. Whoever reads a place sees the old
//! picture or the new one, never a part: files are renamed when they are whole, objects are put in one request.

mod deferred_signals;
mod file;
mod object;
mod template;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::{
    error::{Error, ErrorKind},
    report::SnapshotFacts,
    request::Format,
};

pub use object::{ObjectUrl, Stores};
use template::PathTemplate;

/// Where pictures are asked to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// `-`
    Stdout,
    /// A path with templates.
    Path(OutputTemplate),
    /// An object's URL, with templates in its key.
    Object(OutputTemplate),
}

/// A name with templates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputTemplate(PathTemplate);

impl Output {
    /// Reads a path with templates, `file://`, `-`, or the URL of an object: `s3://bucket/key`, `gs://bucket/key`, `az://container/key`.
    /// `option` is what a mistake is told of.
    ///
    /// Fails with `usage` for names that no template has, and for keys that no object can have.
    pub fn parse(option: &str, text: &str) -> Result<Self, Error> {
        match text {
            "" => return Err(usage(format!("{option} is empty"), "give a path, or - for stdout")),
            "-" => return Ok(Self::Stdout),
            _ => {}
        }
        let path = |text: &str| PathTemplate::parse(option, text).map(|template| Self::Path(OutputTemplate(template)));
        match text.split_once("://") {
            Some((scheme, _)) if object::is_store(scheme) => {
                // The key's faults are told before a picture is taken for it
                ObjectUrl::parse(option, text)?;
                PathTemplate::parse(option, text).map(|template| Self::Object(OutputTemplate(template)))
            }
            Some(("file", local)) => path(local),
            Some((scheme, _)) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => {
                Err(usage(format!("{option}: nothing can be written to {scheme}://"), "give a path, s3://, gs://, az://, or - for stdout"))
            }
            _ => path(text),
        }
    }

    /// The format that the name's ending tells.
    pub fn format(&self) -> Option<Format> {
        match self {
            Self::Stdout => None,
            Self::Path(OutputTemplate(template)) | Self::Object(OutputTemplate(template)) => {
                Format::from_extension(Path::new(template.text()).extension()?.to_str()?)
            }
        }
    }

    /// Fails with `output` where a picture could surely not be written, so that a mistake costs no download. Leaves nothing behind, and
    /// asks no object store.
    pub fn check(&self, stores: &Stores) -> Result<(), Error> {
        match self {
            Self::Stdout => Ok(()),
            Self::Object(OutputTemplate(template)) => {
                ObjectUrl::parse("--output", template.text()).and_then(|object| stores.open(&object).map(drop))
            }
            Self::Path(OutputTemplate(template)) if template.is_plain() => file::check(Path::new(template.text())),
            Self::Path(OutputTemplate(template)) => file::check_folder_before(Path::new(template.text())),
        }
    }

    /// The folder that it is written into, where it is a local file; with the one that a symbolic link leads to.
    pub fn local_folders(&self) -> Vec<PathBuf> {
        match self {
            Self::Path(OutputTemplate(template)) if template.is_plain() => file::folders_of(Path::new(template.text())),
            Self::Path(OutputTemplate(template)) => folder_of_pattern(template.text()).into_iter().collect(),
            Self::Stdout | Self::Object(_) => Vec::new(),
        }
    }

    /// Where the picture of `facts`, taken `now`, goes.
    pub fn place(&self, facts: &SnapshotFacts, now: DateTime<Utc>) -> Result<Destination, Error> {
        Ok(match self {
            Self::Stdout => Destination::Stdout,
            Self::Path(OutputTemplate(template)) => Destination::Path(PathBuf::from(template.filled(facts, now))),
            Self::Object(OutputTemplate(template)) => Destination::Object(ObjectUrl::parse("--output", &template.filled(facts, now))?),
        })
    }
}

/// How something is put in its place.
#[derive(Debug, Clone, Default)]
pub struct PutOptions {
    /// An object's media type.
    pub content_type: &'static str,
    /// An object's `Cache-Control`.
    pub cache_control: Option<String>,
    /// An object's own metadata: names of letters alone, which every store takes.
    pub metadata: Vec<(&'static str, String)>,
    /// Whether what is there already stays, which is a failure then.
    pub no_clobber: bool,
}

/// Where one picture goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// `-`
    Stdout,
    /// A file, or a device or a FIFO that takes bytes as they come.
    Path(PathBuf),
    /// An object.
    Object(ObjectUrl),
}

impl Destination {
    /// The name in reports: the path, the object's URL, or `-`.
    pub fn name(&self) -> String {
        match self {
            Self::Stdout => "-".to_owned(),
            Self::Path(path) => path.display().to_string(),
            Self::Object(object) => object.to_string(),
        }
    }

    /// Writes the whole or, but for what has no name to rename, nothing. Fails with `output`.
    pub async fn put(&self, bytes: Bytes, manner: &PutOptions, stores: &Stores) -> Result<(), Error> {
        match self {
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                let written = stdout.write_all(&bytes).and_then(|()| stdout.flush());
                written.map_err(|e| file::failed("the picture cannot be written to stdout", e))
            }
            Self::Path(path) => file::put(path, &bytes, manner.no_clobber),
            Self::Object(object) => stores.put(object, bytes, manner).await,
        }
    }
}

/// The folder before the first part of a local path that is still to be filled in.
pub fn folder_of_pattern(pattern: &str) -> Option<PathBuf> {
    let fixed = pattern.split(['{', '*', '?']).next().filter(|fixed| !fixed.contains("://"))?;
    let (folder, _) = fixed.rsplit_once('/').unwrap_or((".", ""));
    Some(if folder.is_empty() { "/" } else { folder }.into())
}

fn exists(name: &str) -> Error {
    Error::new(ErrorKind::Output, format!("{name} is there already"))
        .with_hint("leave --no-clobber out to replace it, or give another name")
}

fn usage(what: String, hint: &str) -> Error {
    Error::new(ErrorKind::Usage, what).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Output, ErrorKind> {
        Output::parse("--output", text).map_err(|e| e.kind())
    }

    #[test]
    fn places_in_every_spelling() {
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
    fn the_ending_tells_the_format() {
        let format = |text: &str| parsed(text).ok().and_then(|output| output.format());
        assert_eq!(format("a.PNG"), Some(Format::Png));
        assert_eq!(format("{now}.webp"), Some(Format::WebP));
        assert_eq!(format("s3://bucket/a.b/c.png"), Some(Format::Png));
        assert_eq!((format("a.{ext}"), format("png"), format("-")), (None, None, None));
    }
}
