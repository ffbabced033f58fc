//! Finds the key of a segment in the playlist or among the caller's, and fetches it once per job.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use tokio::sync::{Mutex, OnceCell};
use url::Url;

use super::cipher::{BLOCK, Cipher};
use crate::{
    error::{Error, ErrorKind},
    fetch::{Job, Range, data_url},
    hls::{Key, Method},
    request::{DecryptionKeys, SnapshotRequest},
};

/// Refers to the key of a segment, an init or a part of either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyRef {
    pub(super) scope: KeyScope,
    pub(super) iv: [u8; BLOCK],
    /// The key's URL; `None` if the caller provides the key.
    url: Option<Url>,
    /// Name of the protection, for messages.
    pub(super) protection: String,
}

/// The scope of a key's encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyScope {
    /// The segment as a whole.
    Segment(Cipher),
    /// Parts of its samples.
    Samples,
    /// Perhaps nothing: METHOD is unknown.
    Unknown,
}

impl KeyRef {
    /// The cipher, if the segment is encrypted as a whole.
    pub fn cipher(&self) -> Option<Cipher> {
        match self.scope {
            KeyScope::Segment(cipher) => Some(cipher),
            KeyScope::Samples | KeyScope::Unknown => None,
        }
    }
}

/// Largest response to read, in bytes. A key has 16 or 32; more shows what was sent instead.
const LARGEST_RESPONSE: u64 = 4096;

/// The keys of one job: the caller's and the fetched ones. Clones share their content.
#[derive(Clone)]
pub(crate) struct Keyring {
    job: Job,
    caller_keys: Arc<DecryptionKeys>,
    max_keys: usize,
    fetched: Arc<Mutex<HashMap<Url, FetchedKey>>>,
}

/// A key that was requested: later users wait for the same response.
type FetchedKey = Arc<OnceCell<Arc<[u8]>>>;

impl Keyring {
    pub fn new(request: &SnapshotRequest, job: &Job) -> Self {
        Self { job: job.clone(), caller_keys: Arc::new(request.keys.clone()), max_keys: request.limits.keys, fetched: Arc::default() }
    }

    /// The same keyring, with the deadline of another job.
    pub fn with_job(&self, job: &Job) -> Self {
        Self { job: job.clone(), ..self.clone() }
    }

    /// The caller's key for a key ID, or for everything.
    pub(super) fn caller_key(&self, id: Option<&[u8]>) -> Option<&[u8]> {
        id.map_or_else(|| self.caller_keys.any(), |id| self.caller_keys.for_id(id))
    }

    /// Resolves the EXT-X-KEY of a segment. `number` is the Media Sequence Number, which is the IV if the tag has none.
    ///
    /// Fails with `encrypted` if neither the caller nor the playlist has a key, and names the DRM system.
    pub fn key_ref(&self, key: Option<&Key>, number: u64) -> Result<Option<KeyRef>, Error> {
        let Some(key) = key else { return Ok(None) };
        let protection = key.protection_name();
        let scope = match &key.method {
            Method::Aes128 => KeyScope::Segment(Cipher::Cbc128),
            Method::Aes256 => KeyScope::Segment(Cipher::Cbc256),
            Method::Aes256Ctr => KeyScope::Segment(Cipher::Ctr256),
            Method::Aes256Gcm => KeyScope::Segment(Cipher::Gcm256),
            Method::SampleAes | Method::SampleAesCtr => KeyScope::Samples,
            // Clients ignore tags with unknown values (RFC 8216, 6.3.1), so the segment is tried as it is
            Method::Other(_) => return Ok(Some(KeyRef { scope: KeyScope::Unknown, iv: [0; BLOCK], url: None, protection })),
        };
        let usable = key.usable_format();
        let caller_has_it = match scope {
            KeyScope::Segment(_) => self.caller_keys.any().is_some(),
            // Only the media has the key ID
            KeyScope::Samples | KeyScope::Unknown => !self.caller_keys.is_empty(),
        };
        let url = usable.and_then(|format| format.url.clone()).filter(|_| self.caller_keys.any().is_none());
        if !caller_has_it && url.is_none() {
            return Err(Error::new(ErrorKind::Encrypted, format!("the segment is encrypted ({protection})"))
                .with_hint("the playlist names no key that hlsnap can fetch; pass it with --decryption-key if you have it"));
        }
        let iv = usable.or(key.formats.first()).and_then(|format| format.iv);
        Ok(Some(KeyRef { scope, iv: iv.unwrap_or(u128::from(number).to_be_bytes()), url, protection }))
    }

    /// The caller's key, or the playlist's, fetched once.
    ///
    /// Fails with `encrypted` if the origin has no key or sends something else.
    pub async fn key(&self, key_ref: &KeyRef) -> Result<Arc<[u8]>, Error> {
        let Some(url) = &key_ref.url else {
            let key = self.caller_keys.any().ok_or_else(|| Error::new(ErrorKind::Encrypted, "no key for the segment"))?;
            return check_size(key_ref.scope, key.into(), "--decryption-key");
        };
        let cell = {
            let mut fetched = self.fetched.lock().await;
            if fetched.len() >= self.max_keys && !fetched.contains_key(url) {
                let max = self.max_keys;
                return Err(Error::new(ErrorKind::TooLarge, format!("the stream needs more than {max} keys")).with_url(url));
            }
            Arc::clone(fetched.entry(url.clone()).or_default())
        };
        let key = cell.get_or_try_init(|| self.fetch(url)).await?;
        check_size(key_ref.scope, Arc::clone(key), "the key").map_err(|e| e.with_url(url))
    }

    /// Forgets the fetched keys whose URL is not among `needed`.
    pub async fn retain(&self, needed: &HashSet<Url>) {
        self.fetched.lock().await.retain(|url, _| needed.contains(url));
    }

    /// Fetches a key that will be needed. Keys of samples that the caller may have are left to [`Keyring::key`]: only the media has the ID.
    pub async fn prefetch(&self, key_ref: &KeyRef) -> Result<(), Error> {
        if key_ref.url.is_none() || (key_ref.scope == KeyScope::Samples && !self.caller_keys.is_empty()) {
            return Ok(());
        }
        self.key(key_ref).await.map(|_| ())
    }

    async fn fetch(&self, url: &Url) -> Result<Arc<[u8]>, Error> {
        if url.scheme() == "data" {
            return data_url(url)
                .map(Into::into)
                .ok_or_else(|| Error::new(ErrorKind::Encrypted, "the key's data: URL is malformed").with_url(url));
        }
        match self.job.read(url, Range::ALL, LARGEST_RESPONSE).await {
            Ok((_, bytes)) if bytes.trim_ascii_start().starts_with(b"<") => {
                Err(Error::new(ErrorKind::Encrypted, "the key is a page of text")
                    .with_url(url)
                    .with_hint("the origin may want a token, a cookie or a header: see --header, --cookie, --user-agent, --referer"))
            }
            Ok((_, bytes)) => Ok(bytes.as_ref().into()),
            Err(error) => Err(fetch_error(error, url)),
        }
    }
}

/// An origin without the key makes the segment `encrypted`; an unreachable one stays `unreachable`.
fn fetch_error(error: Error, url: &Url) -> Error {
    let status = error.origin_status();
    let no_key = || Error::new(ErrorKind::Encrypted, format!("cannot fetch the key: {}", error.message()));
    let no_key = match error.kind() {
        ErrorKind::HttpStatus => no_key().with_hint(error.hint().unwrap_or("check the key's URL")).with_url(url),
        ErrorKind::TooLarge if error.is_body_too_large() => {
            Error::new(ErrorKind::Encrypted, format!("the resource at the key's URL is not a key: {}", error.message())).with_url(url)
        }
        ErrorKind::NotFound => no_key().with_url(url),
        _ => error.with_url(url),
    };
    match status {
        Some(status) => no_key.with_origin_status(status),
        None => no_key,
    }
}

/// Fails with `encrypted` unless the key has the size that the cipher needs. `name` is the key's name in messages.
fn check_size(scope: KeyScope, key: Arc<[u8]>, name: &str) -> Result<Arc<[u8]>, Error> {
    let needed = match scope {
        KeyScope::Segment(cipher) => cipher.key_size(),
        KeyScope::Samples | KeyScope::Unknown => BLOCK,
    };
    match key.split_at_checked(needed) {
        Some((_, [])) => return Ok(key),
        // Text editors append a line end
        Some((key, b"\n" | b"\r\n")) => return Ok(key.into()),
        _ => {}
    }
    let error = Error::new(ErrorKind::Encrypted, format!("{name} has {} bytes, but {needed} are needed", key.len()));
    Err(error.with_hint(match std::str::from_utf8(&key).map(str::trim) {
        Ok("") | Err(_) => "check the key",
        Ok(text) if is_hexadecimal(text, needed) => "it is hexadecimal text; if it is the key, pass it with --decryption-key",
        Ok(_) => "it is text: the origin may have sent an error",
    }))
}

/// Whether the text is the hexadecimal form of this number of bytes.
fn is_hexadecimal(text: &str, bytes: usize) -> bool {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    digits.len() == 2 * bytes && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fetch::Client,
        request::{NetworkPolicy, Source},
    };

    #[tokio::test]
    async fn keys_that_are_no_longer_needed_are_forgotten() {
        let request = SnapshotRequest::new(Source::parse("http://origin/live.m3u8").expect("a source"));
        let client = Client::new(&NetworkPolicy::default()).expect("a client");
        let base = Url::parse("http://origin/live.m3u8").expect("a URL");
        let job = Job::new(&client, &base, &request.headers, &request.limits).expect("a job");
        let keyring = Keyring::new(&request, &job);
        let urls = ["AAAAAAAAAAAAAAAAAAAAAA==", "AQEBAQEBAQEBAQEBAQEBAQ=="]
            .map(|key| Url::parse(&format!("data:text/plain;base64,{key}")).expect("a URL"));
        for url in &urls {
            let scope = KeyScope::Segment(Cipher::Cbc128);
            let key_ref = KeyRef { scope, iv: [0; BLOCK], url: Some(url.clone()), protection: String::new() };
            assert!(keyring.key(&key_ref).await.is_ok());
        }
        keyring.retain(&urls.iter().skip(1).cloned().collect()).await;
        assert_eq!(keyring.fetched.lock().await.keys().collect::<Vec<_>>(), urls.iter().skip(1).collect::<Vec<_>>());
    }

    #[test]
    fn an_error_names_the_size_of_a_wrong_key() {
        let checked = |scope, key: &[u8]| check_size(scope, key.into(), "the key").map_err(|e| e.one_line());
        assert!(checked(KeyScope::Samples, &[1; 16]).is_ok());
        assert!(checked(KeyScope::Segment(Cipher::Gcm256), &[1; 32]).is_ok());
        for (scope, key) in
            [(KeyScope::Samples, &[200; 32][..]), (KeyScope::Segment(Cipher::Cbc128), b""), (KeyScope::Segment(Cipher::Cbc256), b"x")]
        {
            let error = checked(scope, key).expect_err("the wrong size");
            assert!(error.contains(&format!("{} bytes", key.len())), "{error}");
        }
    }

    #[test]
    fn a_line_end_is_stripped_from_a_key_and_hexadecimal_text_is_refused() {
        let scope = KeyScope::Segment(Cipher::Cbc128);
        let checked = |key: &[u8]| check_size(scope, key.into(), "the key").map_err(|e| e.one_line());
        for end in [&b""[..], b"\n", b"\r\n"] {
            assert_eq!(checked(&[&[7; 16], end].concat()).as_deref(), Ok(&[7; 16][..]));
        }
        assert_eq!(checked(b"fifteen bytes..\n").as_deref(), Ok(&b"fifteen bytes..\n"[..]));
        for end in [&b"\n\n"[..], b" ", b"\r"] {
            assert!(checked(&[&[7; 16], end].concat()).is_err(), "{end:?}");
        }
        let error = checked("0123456789abcdefABCDEF9876543210\n".as_bytes()).expect_err("text");
        assert!(error.contains("--decryption-key"), "{error}");
    }
}
