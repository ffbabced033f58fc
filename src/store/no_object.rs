//! Object stores in a build without the feature `stores`: it recognizes their URLs and refuses them.

use std::fmt;

use bytes::Bytes;

use super::PutOptions;
use crate::error::Error;

/// Whether URLs of this scheme name objects.
pub(super) fn is_object_scheme(scheme: &str) -> bool {
    matches!(scheme, "s3" | "gs" | "az")
}

/// The URL of an object. This build makes none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectUrl {}

impl ObjectUrl {
    /// Fails with `usage`.
    pub(super) fn parse(option: &str, text: &str) -> Result<Self, Error> {
        Err(Error::usage(
            format!("{option} {text:?}: this build cannot write to object stores"),
            "give a path, or build with the feature `stores`",
        ))
    }
}

impl fmt::Display for ObjectUrl {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

/// The object stores in use: none.
#[derive(Debug, Default)]
pub struct Stores;

impl Stores {
    #[expect(clippy::unused_self, reason = "as in the build with stores")]
    pub(super) fn open(&self, object: &ObjectUrl) -> Result<(), Error> {
        match *object {}
    }

    #[expect(clippy::unused_async, reason = "as in the build with stores")]
    pub(super) async fn remove(&self, object: &ObjectUrl) -> Result<(), Error> {
        match *object {}
    }

    #[expect(clippy::unused_async, reason = "as in the build with stores")]
    pub(super) async fn put(&self, object: &ObjectUrl, _: Bytes, _: &PutOptions) -> Result<(), Error> {
        match *object {}
    }
}
