//! Keys: which way leads to one, fetching them, and what they open.

use std::{collections::HashMap, sync::Arc};

use tokio::sync::{Mutex, OnceCell};
use url::Url;

use crate::{
    error::{Error, ErrorKind},
    fetch::{Job, Range, data_url},
    hls::{Key, Method},
    protection::cipher::{BLOCK, Cipher},
    request::{DecryptionKeys, SnapshotRequest},
};

/// What opens a segment, an init or a part of either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyRef {
    pub kind: KeyScope,
    pub iv: [u8; BLOCK],
    /// Where the key is; `None`: the caller has it.
    url: Option<Url>,
    /// The DRM systems that the playlist names, where nothing else leads to a key.
    pub systems: Vec<&'static str>,
    /// The name of the protection, for people.
    pub protection: String,
}

/// How a resource is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyScope {
    /// As a whole.
    Whole(Cipher),
    /// Parts of its samples are.
    Samples,
    /// METHOD is not known: perhaps not at all.
    Unknown,
}

impl KeyRef {
    /// The cipher of the whole resource, where that is what is encrypted.
    pub fn cipher(&self) -> Option<Cipher> {
        match self.kind {
            KeyScope::Whole(cipher) => Some(cipher),
            KeyScope::Samples | KeyScope::Unknown => None,
        }
    }
}

/// A key is 16 or 32 bytes; so much is read to tell what else has come.
const LARGEST_ANSWER: u64 = 4096;

/// The keys of one job: those of the caller, and those that were fetched. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Keyring {
    job: Job,
    given: Arc<DecryptionKeys>,
    most: usize,
    fetched: Arc<Mutex<HashMap<Url, Fetched>>>,
}

/// A key that was asked for: whoever needs it next waits for the same answer.
type Fetched = Arc<OnceCell<Arc<[u8]>>>;

impl Keyring {
    pub fn new(request: &SnapshotRequest, job: &Job) -> Self {
        Self { job: job.clone(), given: Arc::new(request.keys.clone()), most: request.limits.keys, fetched: Arc::default() }
    }

    /// The same keys, fetched within another job.
    pub fn within(&self, job: &Job) -> Self {
        Self { job: job.clone(), ..self.clone() }
    }

    /// The key that the caller gave for a key ID, or for everything.
    pub fn given(&self, id: Option<&[u8]>) -> Option<&[u8]> {
        id.map_or_else(|| self.given.any(), |id| self.given.for_id(id))
    }

    /// How a resource is locked that `key` encrypts; `number` is the Media Sequence Number, which is the IV where the playlist has none.
    ///
    /// Fails with `encrypted` where no way leads to a key, and names the DRM system.
    pub fn key_ref(&self, key: Option<&Key>, number: u64) -> Result<Option<KeyRef>, Error> {
        let Some(key) = key else { return Ok(None) };
        let kind = match &key.method {
            Method::Aes128 => KeyScope::Whole(Cipher::Cbc128),
            Method::Aes256 => KeyScope::Whole(Cipher::Cbc256),
            Method::Aes256Ctr => KeyScope::Whole(Cipher::Ctr256),
            Method::Aes256Gcm => KeyScope::Whole(Cipher::Gcm256),
            Method::SampleAes | Method::SampleAesCtr => KeyScope::Samples,
            // A tag with an unknown value is ignored (RFC 8216, 6.3.1), as long as what it stands before is media
            Method::Other(_) => {
                let (systems, protection) = (key.drm_systems(), key.protection_name());
                return Ok(Some(KeyRef { kind: KeyScope::Unknown, iv: [0; BLOCK], url: None, systems, protection }));
            }
        };
        let way = key.usable_format();
        let given = match kind {
            KeyScope::Whole(_) => self.given.any().is_some(),
            // Only the media tells its key ID
            KeyScope::Samples | KeyScope::Unknown => !self.given.is_empty(),
        };
        let url = way.and_then(|way| way.url.clone()).filter(|_| self.given.any().is_none());
        if !given && url.is_none() {
            return Err(Error::new(ErrorKind::Encrypted, format!("the segment is encrypted ({})", key.protection_name()))
                .with_hint("there is no clear key in the playlist: give one with --decryption-key if you have it"));
        }
        let told = way.or(key.formats.first()).and_then(|format| format.iv);
        Ok(Some(KeyRef {
            kind,
            iv: told.unwrap_or(u128::from(number).to_be_bytes()),
            url,
            systems: key.drm_systems(),
            protection: key.protection_name(),
        }))
    }

    /// The key of a lock: the caller's, or the playlist's, which is fetched once.
    ///
    /// Fails with `encrypted` where the origin has no key there, or what it has is none, and says which.
    pub async fn key(&self, lock: &KeyRef) -> Result<Arc<[u8]>, Error> {
        let Some(url) = &lock.url else {
            let key = self.given.any().ok_or_else(|| Error::new(ErrorKind::Encrypted, "no key is known for the segment"))?;
            return sized(lock.kind, key.into(), "--decryption-key");
        };
        let cell = {
            let mut fetched = self.fetched.lock().await;
            if fetched.len() >= self.most && !fetched.contains_key(url) {
                let most = self.most;
                return Err(Error::new(ErrorKind::TooLarge, format!("more than {most} keys would be needed")).with_url(url));
            }
            Arc::clone(fetched.entry(url.clone()).or_default())
        };
        let key = cell.get_or_try_init(|| self.fetch(url)).await?;
        sized(lock.kind, Arc::clone(key), "the key").map_err(|e| e.with_url(url))
    }

    /// Has a lock's key fetched, where it will be needed. Of samples that the caller may have the key of, only the media tells.
    pub async fn prefetch(&self, lock: &KeyRef) -> Result<(), Error> {
        if lock.url.is_none() || (lock.kind == KeyScope::Samples && !self.given.is_empty()) {
            return Ok(());
        }
        self.key(lock).await.map(|_| ())
    }

    async fn fetch(&self, url: &Url) -> Result<Arc<[u8]>, Error> {
        if url.scheme() == "data" {
            return data_url(url)
                .map(Into::into)
                .ok_or_else(|| Error::new(ErrorKind::Encrypted, "the key's data: URL cannot be read").with_url(url));
        }
        match self.job.read(url, Range::ALL, LARGEST_ANSWER).await {
            Ok((_, bytes)) if bytes.trim_ascii_start().starts_with(b"<") => {
                Err(Error::new(ErrorKind::Encrypted, "the key is a page of text")
                    .with_url(url)
                    .with_hint("the origin may want a token, a cookie or a header: see --header, --cookie, --user-agent, --referer"))
            }
            Ok((_, bytes)) => Ok(bytes.as_ref().into()),
            Err(error) => Err(no_key(error, url)),
        }
    }
}

/// What a failure to fetch means: an origin that has no key there is told as such; that it cannot be asked stays what it is.
fn no_key(error: Error, url: &Url) -> Error {
    let status = error.origin_status();
    let told = match error.kind() {
        ErrorKind::HttpStatus => {
            let told = Error::new(ErrorKind::Encrypted, format!("the key cannot be had: {}", error.message()));
            told.with_hint(error.hint().unwrap_or("check the key's URL")).with_url(url)
        }
        ErrorKind::TooLarge if error.is_body_too_large() => {
            Error::new(ErrorKind::Encrypted, format!("what lies at the key's URL is no key, but {}", error.message())).with_url(url)
        }
        ErrorKind::NotFound => Error::new(ErrorKind::Encrypted, format!("the key cannot be had: {}", error.message())).with_url(url),
        _ => error.with_url(url),
    };
    match status {
        Some(status) => told.with_origin_status(status),
        None => told,
    }
}

fn sized(kind: KeyScope, key: Arc<[u8]>, what: &str) -> Result<Arc<[u8]>, Error> {
    let wanted = match kind {
        KeyScope::Whole(cipher) => cipher.key_size(),
        KeyScope::Samples | KeyScope::Unknown => BLOCK,
    };
    match key.split_at_checked(wanted) {
        Some((_, [])) => return Ok(key),
        // A text editor's line end
        Some((key, b"\n" | b"\r\n")) => return Ok(key.into()),
        _ => {}
    }
    let error = Error::new(ErrorKind::Encrypted, format!("{what} has {} bytes, where {wanted} are needed", key.len()));
    Err(error.with_hint(match std::str::from_utf8(&key).map(str::trim) {
        Ok("") | Err(_) => "check the key",
        Ok(text) if is_hexadecimal(text, wanted) => "it is hexadecimal text: give it with --decryption-key if it is meant as the key",
        Ok(_) => "it is text: the origin may have sent an error",
    }))
}

/// Whether the text has the digits of so many bytes.
fn is_hexadecimal(text: &str, bytes: usize) -> bool {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    digits.len() == 2 * bytes && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_wrong_size_are_told() {
        let told = |kind, key: &[u8]| sized(kind, key.into(), "the key").map_err(|e| e.to_string());
        assert!(told(KeyScope::Samples, &[1; 16]).is_ok());
        assert!(told(KeyScope::Whole(Cipher::Gcm256), &[1; 32]).is_ok());
        for (kind, key) in
            [(KeyScope::Samples, &[200; 32][..]), (KeyScope::Whole(Cipher::Cbc128), b""), (KeyScope::Whole(Cipher::Cbc256), b"x")]
        {
            let said = told(kind, key).expect_err("the wrong size");
            assert!(said.contains(&format!("{} bytes", key.len())), "{said}");
        }
    }

    #[test]
    fn a_line_end_is_no_part_of_a_key_and_hexadecimal_text_is_none() {
        let kind = KeyScope::Whole(Cipher::Cbc128);
        let read = |key: &[u8]| sized(kind, key.into(), "the key").map_err(|e| e.one_line());
        for end in [&b""[..], b"\n", b"\r\n"] {
            assert_eq!(read(&[&[7; 16], end].concat()).as_deref(), Ok(&[7; 16][..]));
        }
        assert_eq!(read(b"fifteen bytes..\n").as_deref(), Ok(&b"fifteen bytes..\n"[..]));
        for end in [&b"\n\n"[..], b" ", b"\r"] {
            assert!(read(&[&[7; 16], end].concat()).is_err(), "{end:?}");
        }
        let said = read("0123456789abcdefABCDEF9876543210\n".as_bytes()).expect_err("text");
        assert!(said.contains("--decryption-key"), "{said}");
    }
}
