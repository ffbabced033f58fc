//! How a picture or a report is written.

use crate::error::{Error, ErrorKind};

/// How to write a picture or a report.
#[derive(Debug, Clone, Default)]
pub struct PutOptions {
    /// The media type of an object.
    pub content_type: &'static str,
    /// The `Cache-Control` of an object.
    pub cache_control: Option<String>,
    /// The metadata of an object. Names have only letters, which every store accepts.
    pub metadata: Vec<(&'static str, String)>,
    /// Whether to fail if the destination exists.
    pub no_clobber: bool,
}

/// The error for a destination that exists and must stay.
pub(super) fn already_exists(name: &str) -> Error {
    Error::new(ErrorKind::Output, format!("{name} already exists")).with_hint("omit --no-clobber to replace it, or give another name")
}
