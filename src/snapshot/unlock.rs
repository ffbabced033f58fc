//! Between the network and the demuxer: whole resources are opened as they arrive, and samples as they are asked for.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use tokio::runtime::Handle;

use super::keys::{Keyring, Lock, LockKind};
use crate::{
    crypt::{self, Cipher, Nals, Sample, Scheme, Whole},
    error::{Error, ErrorKind},
    hls::system_of,
    libav::{self, CommonEncryption, Sealed, Unlock},
};

/// Enough of a resource to see whether it is media.
const TELLING: usize = libav::ENOUGH_TO_RECOGNISE;

/// A resource that is encrypted as a whole, being opened, or one that may be, being looked at.
pub(super) struct Opening {
    /// `None`: the bytes are taken as they are.
    whole: Option<Whole>,
    /// What has been opened, until it has been looked at.
    head: Option<Vec<u8>>,
    protection: String,
}

impl Opening {
    pub fn new(cipher: Cipher, key: &[u8], lock: &Lock) -> Result<Self, Error> {
        let whole = Some(Whole::new(cipher, key, &lock.iv)?);
        Ok(Self { whole, head: Some(Vec::new()), protection: lock.protection.clone() })
    }

    /// Looks whether bytes under an unknown METHOD are media as they are.
    pub fn unknown(lock: &Lock) -> Self {
        Self { whole: None, head: Some(Vec::new()), protection: lock.protection.clone() }
    }

    /// What can be given on. Fails with `encrypted` where the first bytes are no media: with a wrong key they are noise.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let opened = self.whole.as_mut().map_or_else(|| bytes.to_vec(), |whole| whole.push(bytes));
        let Some(head) = &mut self.head else { return Ok(opened) };
        head.extend_from_slice(&opened);
        if head.len() < TELLING {
            return Ok(Vec::new());
        }
        self.look()
    }

    /// The rest, at the resource's end.
    pub fn finish(&mut self) -> Result<Vec<u8>, Error> {
        let rest = self.whole.as_mut().map(Whole::finish).transpose()?.unwrap_or_default();
        let Some(head) = &mut self.head else { return Ok(rest) };
        head.extend_from_slice(&rest);
        self.look()
    }

    fn look(&mut self) -> Result<Vec<u8>, Error> {
        let head = self.head.take().unwrap_or_default();
        match libav::recognise(&head) {
            Ok(()) => Ok(head),
            // What is told by a few letters is what it says; two bytes may as well be noise
            Err(error) if error.kind() == ErrorKind::NoVideo && (head.starts_with(b"ID3") || head.starts_with(b"WEBVTT")) => Ok(head),
            Err(_) if self.whole.is_none() => {
                Err(Error::new(ErrorKind::Encrypted, format!("the segment is encrypted ({})", self.protection))
                    .hint("this METHOD is not known here"))
            }
            Err(_) => Err(Error::new(ErrorKind::Encrypted, "the key is wrong: what it opens is no media").hint("check the key and the IV")),
        }
    }
}

/// Opens packets whose samples are encrypted, by the lock of the resource that they lie in.
pub(super) struct Unlocker {
    handle: Handle,
    keyring: Keyring,
    marks: Marks,
    /// Where each segment starts in the playlist, in seconds.
    starts: Vec<f64>,
    /// What was found to be encrypted, in the report's words.
    seen: OnceLock<&'static str>,
}

/// Where in the stream each resource starts. Written by the feed, read by the unlocker.
#[derive(Clone, Default)]
pub(super) struct Marks(Arc<Mutex<Vec<Mark>>>);

/// The start of a resource.
#[derive(Debug, Clone)]
struct Mark {
    /// Its offset in the stream, in bytes.
    offset: u64,
    /// What locks its samples.
    lock: Option<Lock>,
    /// The index of its segment.
    segment: usize,
}

impl Marks {
    pub fn begin(&self, offset: u64, lock: Option<&Lock>, segment: usize) {
        let mut marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        marks.retain(|mark| mark.offset < offset);
        marks.push(Mark { offset, lock: lock.filter(|lock| lock.cipher().is_none()).cloned(), segment });
    }

    /// Begins with a resource again, now at the stream's first byte: what was before it is left out.
    pub fn begin_anew(&self, lock: Option<&Lock>, segment: usize) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.begin(0, lock, segment);
    }

    /// The offset at which a resource starts, behind one offset and not behind another.
    pub fn start_between(&self, from: u64, to: u64) -> Option<u64> {
        let marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        marks.iter().map(|mark| mark.offset).find(|offset| *offset > from && *offset <= to)
    }

    /// The index of the segment that lies at an offset.
    pub fn segment_at(&self, position: Option<u64>) -> usize {
        self.at(position).map_or(0, |mark| mark.segment)
    }

    fn at(&self, position: Option<u64>) -> Option<Mark> {
        let marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mark = match position {
            Some(position) => marks.iter().rfind(|mark| mark.offset <= position),
            None => marks.last(),
        };
        mark.cloned()
    }

    fn lock_at(&self, position: Option<u64>) -> Option<Lock> {
        self.at(position).and_then(|mark| mark.lock)
    }
}

impl Unlocker {
    pub fn new(keyring: &Keyring, marks: Marks, starts: Vec<f64>) -> Self {
        Self { handle: Handle::current(), keyring: keyring.clone(), marks, starts, seen: OnceLock::new() }
    }

    /// What was found to be encrypted, once it was.
    pub fn seen(&self) -> Option<&'static str> {
        self.seen.get().copied()
    }

    fn saw(&self, name: &'static str) {
        self.seen.get_or_init(|| name);
    }

    /// Common Encryption: the caller's key for the key ID, or the one that the playlist leads to.
    fn open_common(&self, sealed: &Sealed<'_>, common: &CommonEncryption) -> Result<Option<Vec<u8>>, Error> {
        let scheme = Scheme::of(common.scheme).ok_or_else(|| {
            let name = String::from_utf8_lossy(&common.scheme).into_owned();
            Error::new(ErrorKind::Encrypted, format!("the media is encrypted by the scheme {name:?}, which is not known here"))
        })?;
        let lock = self.marks.lock_at(sealed.position).filter(|lock| lock.kind == LockKind::Samples);
        let key = match (self.keyring.given(Some(&common.key_id)), &lock) {
            (Some(key), _) => key.into(),
            (None, Some(lock)) => self.handle.block_on(self.keyring.key(lock))?,
            (None, None) => return Err(without_key(sealed, scheme)),
        };
        let key = key.as_ref().try_into().map_err(|_| {
            let size = key.len();
            Error::new(ErrorKind::Encrypted, format!("the key has {size} bytes, where Common Encryption needs 16")).hint("check the key")
        })?;
        let sample = Sample { scheme, iv: common.iv, pattern: common.pattern, subsamples: &common.subsamples };
        let mut data = sealed.data.to_vec();
        let opened = sample.open(&mut data, key)?;
        self.saw(scheme.name());
        Ok(opened.then_some(data))
    }

    fn open_nals(&self, sealed: &Sealed<'_>) -> Result<Option<Vec<u8>>, Error> {
        let Some(lock) = self.marks.lock_at(sealed.position) else { return Ok(None) };
        let nals = match sealed.codec {
            "h264" => Nals::H264,
            "hevc" => Nals::Hevc,
            other => {
                return Err(Error::new(ErrorKind::Encrypted, format!("how SAMPLE-AES has {other} in a transport stream is not known")));
            }
        };
        let key = self.handle.block_on(self.keyring.key(&lock))?;
        let key = key.as_ref().try_into().map_err(|_| Error::internal("a key of the wrong size came through"))?;
        self.saw("sample-aes");
        Ok(crypt::sample_aes(sealed.data, nals, key, &lock.iv))
    }
}

impl Unlock for Unlocker {
    fn open(&self, sealed: &Sealed<'_>) -> Result<Option<Vec<u8>>, Error> {
        match &sealed.common {
            Some(common) => self.open_common(sealed, common),
            // Taken as it is, but no more believed than what a key opens
            None if self.is_doubtful(sealed.position) => Ok(Some(sealed.data.to_vec())),
            None if sealed.in_ts => self.open_nals(sealed),
            None => Ok(None),
        }
    }

    fn resource_time(&self, position: Option<u64>) -> f64 {
        self.starts.get(self.marks.segment_at(position)).copied().unwrap_or(0.0)
    }

    fn is_doubtful(&self, position: Option<u64>) -> bool {
        self.marks.lock_at(position).is_some_and(|lock| lock.kind == LockKind::Unknown)
    }
}

fn without_key(sealed: &Sealed<'_>, scheme: Scheme) -> Error {
    let mut systems: Vec<_> = sealed.systems.iter().filter_map(|id| system_of(&hex(id))).collect();
    systems.dedup();
    let whose = if systems.is_empty() { String::new() } else { format!(" with {}", systems.join(", ")) };
    let id = sealed.common.as_ref().map_or_else(String::new, |common| hex(&common.key_id));
    Error::new(ErrorKind::Encrypted, format!("the media is encrypted (Common Encryption, {}{whose}), and no key is known", scheme.name()))
        .hint(format!("give the key of {id} with --decryption-key if you have it"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_is_that_of_the_resource_at_a_place() {
        let marks = Marks::default();
        assert_eq!(marks.lock_at(Some(5)), None);
        marks.begin(0, None, 0);
        marks.begin(100, None, 1);
        assert_eq!((marks.lock_at(Some(50)), marks.segment_at(Some(50)), marks.segment_at(Some(100))), (None, 0, 1));
        assert_eq!((marks.start_between(0, 99), marks.start_between(0, 100), marks.start_between(100, 200)), (None, Some(100), None));
    }
}
