//! Validators (RFC 9110, 8.8): they show whether two responses are of the same version of a resource.

use reqwest::header::{ETAG, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use url::Url;

use crate::error::{Error, ErrorKind};

/// The ETag, Last-Modified and size of a resource, if the origin sends them.
#[derive(Debug, Clone, Default)]
pub struct Validators {
    etag: Option<HeaderValue>,
    last_modified: Option<HeaderValue>,
    pub(super) size: Option<u64>,
}

impl Validators {
    /// The size of the whole resource in bytes, if the origin states it.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// Whether a conditional request can name this version.
    pub fn can_be_named(&self) -> bool {
        self.etag.is_some() || self.last_modified.is_some()
    }

    pub(super) fn of_response(headers: &HeaderMap, size: Option<u64>) -> Self {
        Self { etag: headers.get(ETAG).cloned(), last_modified: headers.get(LAST_MODIFIED).cloned(), size }
    }

    pub(super) fn of_size(size: Option<u64>) -> Self {
        Self { size, ..Self::default() }
    }

    /// The headers of a conditional request (RFC 9110, 13.1): the ETag, or else the date.
    pub(super) fn conditions(&self) -> HeaderMap {
        let etag = self.etag.clone().map(|etag| (IF_NONE_MATCH, etag));
        let date = || self.last_modified.clone().map(|date| (IF_MODIFIED_SINCE, date));
        etag.or_else(date).into_iter().collect()
    }

    /// Fails with `unreachable` if `later`, from a response at `url`, belongs to another version of the resource.
    pub fn check(&self, later: &Self, url: &Url) -> Result<(), Error> {
        fn differ<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> Option<bool> {
            one.zip(other).map(|(one, other)| one != other)
        }
        // An ETag is more precise than a date in seconds, on which the machines of one origin may disagree
        let by_date = || differ(self.last_modified.as_ref(), later.last_modified.as_ref());
        let has_changed = differ(self.etag.as_ref(), later.etag.as_ref()).or_else(by_date).unwrap_or(false);
        if has_changed || differ(self.size.as_ref(), later.size.as_ref()).unwrap_or(false) {
            return Err(Error::new(ErrorKind::Unreachable, "the resource changed during the download")
                .with_url(url)
                .with_hint("try again"));
        }
        Ok(())
    }
}
