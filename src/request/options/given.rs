//! The options that a frontend was given, from which the request is made.

use std::time::Duration;

use super::{
    super::{
        checks::{Checks, ToneMap},
        headers::RequestHeaders,
        keys::DecryptionKeys,
        limits::Limits,
        picture::{Encoding, Format, Size, VariantChoice},
        position::{Position, Precision},
        snapshot_request::SnapshotRequest,
        source::Source,
    },
    given_many::GivenMany,
    value::OptionValue,
};
use crate::error::Error;

/// The options that are given. [`SnapshotRequest`]'s defaults fill in the others.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// The playlist.
    pub url: Option<String>,
    /// The picture's destination, with placeholders.
    pub output: Option<String>,
    /// A second destination of the report.
    pub report_output: Option<String>,
    /// Whether an existing file or object stays.
    pub no_clobber: bool,
    /// The `Cache-Control` that an object store keeps.
    pub cache_control: Option<String>,
    /// The format, if it is named; the output's ending is the default.
    pub format: Option<Format>,
    pub(super) at: Option<Position>,
    pub(super) precision: Option<Precision>,
    pub(super) variant: Option<VariantChoice>,
    pub(super) skip_black: Option<Duration>,
    pub(super) best: Option<usize>,
    pub(super) size: Size,
    pub(super) tone_map: ToneMap,
    pub(super) encoding: Encoding,
    /// The checks of the picture's content.
    pub checks: Checks,
    pub(super) headers: RequestHeaders,
    pub(super) keys: DecryptionKeys,
    pub(super) timeout: Option<Duration>,
    pub(super) max_bytes: Option<u64>,
    pub(super) max_playlist_bytes: Option<u64>,
    pub(super) retries: Option<u32>,
    /// The options of many pictures.
    pub(super) many: GivenMany,
}

impl Options {
    /// Lowers the request's limits to the operator's.
    pub fn limit(&mut self, max: &Limits) {
        fn lower<T: Ord + Copy>(limit: &mut Option<T>, max: T) {
            *limit = Some(limit.map_or(max, |limit| limit.min(max)));
        }
        lower(&mut self.timeout, max.timeout);
        lower(&mut self.max_bytes, max.max_bytes);
        lower(&mut self.max_playlist_bytes, max.max_playlist_bytes);
        lower(&mut self.retries, max.retries);
    }

    /// Whether requests carry headers or cookies that may be secret.
    pub fn sends_secrets(&self) -> bool {
        !self.headers.custom.is_empty() || self.headers.cookie.is_some()
    }

    /// The limits of the request.
    pub fn limits(&self) -> Limits {
        let default = Limits::default();
        let playlist_bytes = self.max_playlist_bytes.unwrap_or(default.max_playlist_bytes);
        // A larger playlist has more lines, and longer ones if it holds data: URLs
        let factor = usize::try_from(playlist_bytes.div_ceil(default.max_playlist_bytes)).unwrap_or(usize::MAX).max(1);
        Limits {
            timeout: self.timeout.unwrap_or(default.timeout),
            max_bytes: self.max_bytes.unwrap_or(default.max_bytes),
            // A larger total limit also raises the limit for one segment
            max_segment_bytes: self.max_bytes.unwrap_or_default().max(default.max_segment_bytes),
            max_playlist_bytes: playlist_bytes,
            max_playlist_lines: default.max_playlist_lines.saturating_mul(factor),
            max_playlist_entries: default.max_playlist_entries.saturating_mul(factor),
            max_line_bytes: default.max_line_bytes.saturating_mul(factor),
            retries: self.retries.unwrap_or(default.retries),
            ..default
        }
    }

    /// The playlist's source. Fails with `usage` if no URL is given.
    pub fn source(&self) -> Result<Source, Error> {
        Source::parse(self.url.as_deref().ok_or_else(|| Error::usage("no url was given", "name the playlist's URL"))?)
    }

    /// The request. `output_format` is the format of the output's ending.
    pub fn request(&self, source: Source, output_format: Option<Format>) -> SnapshotRequest {
        SnapshotRequest {
            at: self.at,
            precision: self.precision,
            variant: self.variant.clone().unwrap_or(VariantChoice::Auto),
            skip_black: self.skip_black,
            best: self.best,
            size: self.size,
            tone_map: self.tone_map,
            encoding: Encoding { format: self.format.or(output_format).unwrap_or_default(), ..self.encoding },
            checks: self.checks.clone(),
            headers: self.headers.clone(),
            keys: self.keys.clone(),
            limits: self.limits(),
            ..SnapshotRequest::new(source)
        }
    }

    pub(super) fn set_precision(&mut self, value: &OptionValue<'_>, precision: Precision) -> Result<(), Error> {
        if !value.flag()? {
            return Ok(());
        }
        if self.precision.is_some_and(|other| other != precision) {
            return Err(Error::usage("key_frame and exact exclude each other", "give one of them"));
        }
        self.precision = Some(precision);
        Ok(())
    }

    /// Adds `Name: value`, as curl writes it. Errors show neither: without a colon, the text may be a secret value.
    pub(super) fn add_header(&mut self, text: &str) -> Result<(), Error> {
        let invalid = |message: &str| Error::usage(message, "write -H 'Name: value'");
        let (name, value) = text.split_once(':').ok_or_else(|| invalid("a --header has no colon"))?;
        let (name, value) = (name.trim(), value.trim());
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.is_empty() || !name.chars().all(is_token) {
            return Err(invalid("a --header's name is empty or holds characters that no name may have"));
        }
        if value.chars().any(|c| c.is_control() && c != '\t') {
            return Err(invalid("a --header's value holds a control character"));
        }
        self.headers.custom.push((name.to_owned(), value.to_owned()));
        Ok(())
    }
}
