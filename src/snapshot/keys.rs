//! Keys: which way leads to one, fetching them, and what they open.

use std::{collections::HashMap, sync::Arc};

use tokio::sync::{Mutex, OnceCell};
use url::Url;

use crate::{
    crypt::{BLOCK, Cipher},
    error::{Error, ErrorKind},
    fetch::{Job, Range, data_url},
    hls::{Key, Method},
    request::{DecryptionKeys, SnapshotRequest},
};

/// What opens a segment, an init or a part of either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lock {
    pub kind: LockKind,
    pub iv: [u8; BLOCK],
    /// Where the key is; `None`: the caller has it.
    url: Option<Url>,
    /// The DRM systems that the playlist names, where nothing else leads to a key.
    pub systems: Vec<&'static str>,
}

/// How a resource is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LockKind {
    /// As a whole.
    Whole(Cipher),
    /// Parts of its samples are.
    Samples,
}

impl Lock {
    /// The cipher of the whole resource, where that is what is encrypted.
    pub fn cipher(&self) -> Option<Cipher> {
        match self.kind {
            LockKind::Whole(cipher) => Some(cipher),
            LockKind::Samples => None,
        }
    }
}

/// A key is 16 or 32 bytes; so much is read to tell what else has come.
const LARGEST_ANSWER: u64 = 4096;

/// The keys of one job: those of the caller, and those that were fetched. Cheap to clone.
#[derive(Clone)]
pub(super) struct Keyring {
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

    /// The key that the caller gave for a key ID, or for everything.
    pub fn given(&self, id: Option<&[u8]>) -> Option<&[u8]> {
        id.map_or_else(|| self.given.any(), |id| self.given.for_id(id))
    }

    /// How a resource is locked that `key` encrypts; `number` is the Media Sequence Number, which is the IV where the playlist has none.
    ///
    /// Fails with `encrypted` where no way leads to a key, and names the DRM system.
    pub fn lock(&self, key: Option<&Key>, number: u64) -> Result<Option<Lock>, Error> {
        let Some(key) = key else { return Ok(None) };
        let kind = match &key.method {
            Method::Aes128 => LockKind::Whole(Cipher::Cbc128),
            Method::Aes256 => LockKind::Whole(Cipher::Cbc256),
            Method::Aes256Ctr => LockKind::Whole(Cipher::Ctr256),
            Method::Aes256Gcm => LockKind::Whole(Cipher::Gcm256),
            Method::SampleAes | Method::SampleAesCtr => LockKind::Samples,
            Method::Other(_) => {
                return Err(Error::new(ErrorKind::Encrypted, format!("the segment is encrypted ({})", key.system()))
                    .hint("this METHOD is not known here"));
            }
        };
        let way = key.way();
        let given = match kind {
            LockKind::Whole(_) => self.given.any().is_some(),
            // Only the media tells its key ID
            LockKind::Samples => !self.given.is_empty(),
        };
        let url = way.and_then(|way| way.url.clone()).filter(|_| self.given.any().is_none());
        if !given && url.is_none() {
            return Err(Error::new(ErrorKind::Encrypted, format!("the segment is encrypted ({})", key.system()))
                .hint("there is no clear key in the playlist: give one with --decryption-key if you have it"));
        }
        let told = way.or(key.formats.first()).and_then(|format| format.iv);
        Ok(Some(Lock { kind, iv: told.unwrap_or(u128::from(number).to_be_bytes()), url, systems: key.systems() }))
    }

    /// The key of a lock: the caller's, or the playlist's, which is fetched once.
    ///
    /// Fails with `encrypted` where the origin has no key there, or what it has is none, and says which.
    pub async fn key(&self, lock: &Lock) -> Result<Arc<[u8]>, Error> {
        let Some(url) = &lock.url else {
            let key = self.given.any().ok_or_else(|| Error::new(ErrorKind::Encrypted, "no key is known for the segment"))?;
            return sized(lock.kind, key.into(), "--decryption-key");
        };
        let cell = {
            let mut fetched = self.fetched.lock().await;
            if fetched.len() >= self.most && !fetched.contains_key(url) {
                let most = self.most;
                return Err(Error::new(ErrorKind::TooLarge, format!("more than {most} keys would be needed")).at(url));
            }
            Arc::clone(fetched.entry(url.clone()).or_default())
        };
        let key = cell.get_or_try_init(|| self.fetch(url)).await?;
        sized(lock.kind, Arc::clone(key), "the key").map_err(|e| e.at(url))
    }

    /// Has a lock's key fetched, where it will be needed. Of samples that the caller may have the key of, only the media tells.
    pub async fn prefetch(&self, lock: &Lock) -> Result<(), Error> {
        if lock.url.is_none() || (lock.kind == LockKind::Samples && !self.given.is_empty()) {
            return Ok(());
        }
        self.key(lock).await.map(|_| ())
    }

    async fn fetch(&self, url: &Url) -> Result<Arc<[u8]>, Error> {
        if url.scheme() == "data" {
            return data_url(url).map(Into::into).ok_or_else(|| Error::new(ErrorKind::Encrypted, "the key's data: URL cannot be read").at(url));
        }
        match self.job.read(url, Range::ALL, LARGEST_ANSWER).await {
            Ok((_, bytes)) if bytes.trim_ascii_start().starts_with(b"<") => {
                Err(Error::new(ErrorKind::Encrypted, "the key is a page of text")
                    .at(url)
                    .hint("the origin may want a token, a cookie or a header: see --header, --cookie, --referer"))
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
            told.hint(error.what_to_do().unwrap_or("check the key's URL")).at(url)
        }
        ErrorKind::TooLarge if status.is_none() && error.message().starts_with("larger") => {
            Error::new(ErrorKind::Encrypted, format!("what lies at the key's URL is no key, but {}", error.message())).at(url)
        }
        ErrorKind::NotFound => Error::new(ErrorKind::Encrypted, format!("the key cannot be had: {}", error.message())).at(url),
        _ => error.at(url),
    };
    match status {
        Some(status) => told.status(status),
        None => told,
    }
}

fn sized(kind: LockKind, key: Arc<[u8]>, what: &str) -> Result<Arc<[u8]>, Error> {
    let wanted = match kind {
        LockKind::Whole(cipher) => cipher.key_size(),
        LockKind::Samples => BLOCK,
    };
    if key.len() == wanted {
        return Ok(key);
    }
    let hint =
        if std::str::from_utf8(&key).is_ok_and(|text| !text.is_empty()) { "it is text: the origin may have sent an error" } else { "" };
    let error = Error::new(ErrorKind::Encrypted, format!("{what} has {} bytes, where {wanted} are needed", key.len()));
    Err(if hint.is_empty() { error.hint("check the key") } else { error.hint(hint) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_wrong_size_are_told() {
        let told = |kind, key: &[u8]| sized(kind, key.into(), "the key").map_err(|e| e.to_string());
        assert!(told(LockKind::Samples, &[1; 16]).is_ok());
        assert!(told(LockKind::Whole(Cipher::Gcm256), &[1; 32]).is_ok());
        for (kind, key) in
            [(LockKind::Samples, &[200; 32][..]), (LockKind::Whole(Cipher::Cbc128), b""), (LockKind::Whole(Cipher::Cbc256), b"x")]
        {
            let said = told(kind, key).expect_err("the wrong size");
            assert!(said.contains(&format!("{} bytes", key.len())), "{said}");
        }
    }
}
