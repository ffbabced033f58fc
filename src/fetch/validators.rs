//! What tells one version of a resource from another.

use reqwest::header::{ETAG, HeaderMap, HeaderValue, LAST_MODIFIED};
use url::Url;

use crate::error::{Error, ErrorKind};

/// As far as the origin tells: a resource's ETag, when it was changed, and its size.
#[derive(Debug, Clone, Default)]
pub struct Validators {
    tag: Option<HeaderValue>,
    changed: Option<HeaderValue>,
    pub(super) size: Option<u64>,
}

impl Validators {
    pub(super) fn of_response(headers: &HeaderMap, size: Option<u64>) -> Self {
        Self { tag: headers.get(ETAG).cloned(), changed: headers.get(LAST_MODIFIED).cloned(), size }
    }

    pub(super) fn of_size(size: Option<u64>) -> Self {
        Self { size, ..Self::default() }
    }

    /// Fails with `unreachable` where what comes now, at `url`, is of another version than what came before.
    pub fn check(&self, now: &Self, url: &Url) -> Result<(), Error> {
        fn differ<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> Option<bool> {
            one.zip(other).map(|(one, other)| one != other)
        }
        // A date is of seconds, and machines that share an origin may not agree on it: an ETag says more
        let text = || differ(self.changed.as_ref(), now.changed.as_ref());
        let is_another = differ(self.tag.as_ref(), now.tag.as_ref()).or_else(text).unwrap_or(false);
        if is_another || differ(self.size.as_ref(), now.size.as_ref()).unwrap_or(false) {
            return Err(Error::new(ErrorKind::Unreachable, "the origin has changed the resource while it was read")
                .with_url(url)
                .with_hint("try again"));
        }
        Ok(())
    }
}
