//! Outputs of many files: a folder, or a prefix in an object store.

use std::{fs, path::PathBuf};

use chrono::{DateTime, Utc};

use super::{
    Destination, Stores, file, folder_of_pattern,
    object::{self, ObjectUrl},
    template::{NameFacts, OutputTemplate},
};
use crate::error::{Error, ErrorKind};

/// A folder or a prefix, as the user names it, with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutputFolder {
    /// A path.
    Path(OutputTemplate),
    /// The URL of a prefix: `s3://bucket/prefix`.
    Object(OutputTemplate),
}

/// The folder of one storyboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DestinationFolder {
    /// A local folder.
    Path(PathBuf),
    /// The URL of a prefix, without a slash at its end.
    Object(String),
}

impl OutputFolder {
    /// Parses a path, `file://`, or `s3://bucket/prefix`, `gs://…`, `az://…`. A slash at the end makes no difference. Fails with `usage`.
    pub fn parse(option: &str, text: &str) -> Result<Self, Error> {
        const HINT: &str = "give a folder, s3://bucket/prefix, gs:// or az://";
        if matches!(text, "" | "-") {
            return Err(Error::usage(format!("{option}: many files take a folder"), HINT));
        }
        let trimmed = text.trim_end_matches('/');
        match text.split_once("://") {
            Some((scheme, _)) if object::is_object_scheme(scheme) => {
                // An invalid prefix fails before any download
                ObjectUrl::parse(option, &format!("{trimmed}/name"))?;
                OutputTemplate::parse(option, trimmed).map(Self::Object)
            }
            Some(("file", local)) => OutputTemplate::parse(option, local).map(Self::Path),
            Some((scheme, _)) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => {
                Err(Error::usage(format!("{option}: {scheme}:// is not supported"), HINT))
            }
            _ => OutputTemplate::parse(option, if trimmed.is_empty() { "/" } else { trimmed }).map(Self::Path),
        }
    }

    /// The local folder that must be writable: the one itself, or the nearest above it that exists.
    pub fn local_folders(&self) -> Vec<PathBuf> {
        let Self::Path(template) = self else { return Vec::new() };
        let folder = folder_of_pattern(&format!("{}/", template.text())).unwrap_or_else(|| ".".into());
        folder.ancestors().find(|folder| folder.is_dir()).map(PathBuf::from).into_iter().collect()
    }

    /// The folder of the files that `facts` describe. `now` fills in `{now}`.
    pub fn destination(&self, facts: &NameFacts<'_>, now: DateTime<Utc>) -> DestinationFolder {
        match self {
            Self::Path(template) => DestinationFolder::Path(template.fill(facts, now).into()),
            Self::Object(template) => DestinationFolder::Object(template.fill(facts, now)),
        }
    }
}

impl DestinationFolder {
    /// Creates a local folder, and fails with `output` if no file can be written there. Sends no request to an object store.
    pub fn prepare(&self, stores: &Stores) -> Result<(), Error> {
        match self {
            Self::Path(folder) => {
                let failed = |e| {
                    let error = Error::new(ErrorKind::Output, format!("the folder {} cannot be created", folder.display()));
                    error.with_source(e).with_hint("give another --output")
                };
                fs::create_dir_all(folder).map_err(failed)?;
                file::check(&folder.join("storyboard.vtt"))
            }
            Self::Object(_) => match self.file("storyboard.vtt")? {
                Destination::Object(object) => stores.open(&object).map(drop),
                _ => Ok(()),
            },
        }
    }

    /// A file in the folder.
    pub fn file(&self, name: &str) -> Result<Destination, Error> {
        Ok(match self {
            Self::Path(folder) => Destination::Path(folder.join(name)),
            Self::Object(prefix) => Destination::Object(ObjectUrl::parse("--output", &format!("{prefix}/{name}"))?),
        })
    }

    /// The name in reports.
    pub fn name(&self) -> String {
        match self {
            Self::Path(folder) => folder.display().to_string(),
            Self::Object(prefix) => prefix.clone(),
        }
    }
}
