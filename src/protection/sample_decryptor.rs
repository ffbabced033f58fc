//! Between the network and the demuxer: whole resources are opened as they arrive, and samples as they are asked for.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use tokio::runtime::Handle;

use super::keyring::{KeyRef, KeyScope, Keyring};
use crate::{
    error::{Error, ErrorKind},
    hls::drm_system_of,
    libav::{CommonEncryption, DecryptSamples, EncryptedPacket},
    protection::cipher::{self, EncryptedSample, NalCodec, Scheme},
};

/// Opens packets whose samples are encrypted, by the lock of the resource that they lie in.
pub(crate) struct SampleDecryptor {
    handle: Handle,
    keyring: Keyring,
    marks: SegmentOffsets,
    /// Where each segment starts in the playlist, in seconds.
    starts: Vec<f64>,
    /// What was found to be encrypted, in the report's words.
    seen: OnceLock<&'static str>,
}

/// Where in the stream each resource starts. Written by the feed, read by the unlocker.
#[derive(Clone, Default)]
pub(crate) struct SegmentOffsets(Arc<Mutex<Vec<SegmentOffset>>>);

/// The start of a resource.
#[derive(Debug, Clone)]
struct SegmentOffset {
    /// Its offset in the stream, in bytes.
    offset: u64,
    /// What locks its samples.
    lock: Option<KeyRef>,
    /// The index of its segment.
    segment: usize,
}

impl SegmentOffsets {
    pub fn begin(&self, offset: u64, lock: Option<&KeyRef>, segment: usize) {
        let mut marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        marks.retain(|mark| mark.offset < offset);
        marks.push(SegmentOffset { offset, lock: lock.filter(|lock| lock.cipher().is_none()).cloned(), segment });
    }

    /// Begins with a resource again, now at the stream's first byte: what was before it is left out.
    pub fn begin_anew(&self, lock: Option<&KeyRef>, segment: usize) {
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

    fn at(&self, position: Option<u64>) -> Option<SegmentOffset> {
        let marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mark = match position {
            Some(position) => marks.iter().rfind(|mark| mark.offset <= position),
            None => marks.last(),
        };
        mark.cloned()
    }

    fn lock_at(&self, position: Option<u64>) -> Option<KeyRef> {
        self.at(position).and_then(|mark| mark.lock)
    }
}

impl SampleDecryptor {
    pub fn new(keyring: &Keyring, marks: SegmentOffsets, starts: Vec<f64>) -> Self {
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
    fn open_common(&self, sealed: &EncryptedPacket<'_>, common: &CommonEncryption) -> Result<Option<Vec<u8>>, Error> {
        let scheme = Scheme::of(common.scheme).ok_or_else(|| {
            let name = String::from_utf8_lossy(&common.scheme).into_owned();
            Error::new(ErrorKind::Encrypted, format!("the media is encrypted by the scheme {name:?}, which is not known here"))
        })?;
        let lock = self.marks.lock_at(sealed.position).filter(|lock| lock.kind == KeyScope::Samples);
        let key = match (self.keyring.given(Some(&common.key_id)), &lock) {
            (Some(key), _) => key.into(),
            (None, Some(lock)) => self.handle.block_on(self.keyring.key(lock))?,
            (None, None) => return Err(without_key(sealed, scheme)),
        };
        let key = key.as_ref().try_into().map_err(|_| {
            let size = key.len();
            Error::new(ErrorKind::Encrypted, format!("the key has {size} bytes, where Common Encryption needs 16"))
                .with_hint("check the key")
        })?;
        let sample = EncryptedSample { scheme, iv: common.iv, pattern: common.pattern, subsamples: &common.subsamples };
        let mut data = sealed.data.to_vec();
        let opened = sample.decrypt(&mut data, key)?;
        self.saw(scheme.name());
        Ok(opened.then_some(data))
    }

    fn open_nals(&self, sealed: &EncryptedPacket<'_>) -> Result<Option<Vec<u8>>, Error> {
        let Some(lock) = self.marks.lock_at(sealed.position) else { return Ok(None) };
        let nals = match sealed.codec {
            "h264" => NalCodec::H264,
            "hevc" => NalCodec::Hevc,
            other => {
                return Err(Error::new(ErrorKind::Encrypted, format!("how SAMPLE-AES has {other} in a transport stream is not known")));
            }
        };
        let key = self.handle.block_on(self.keyring.key(&lock))?;
        let key = key.as_ref().try_into().map_err(|_| Error::internal("a key of the wrong size came through"))?;
        self.saw("sample-aes");
        Ok(cipher::decrypt_sample_aes(sealed.data, nals, key, &lock.iv))
    }
}

impl DecryptSamples for SampleDecryptor {
    fn decrypt(&self, sealed: &EncryptedPacket<'_>) -> Result<Option<Vec<u8>>, Error> {
        match &sealed.common_encryption {
            Some(common) => self.open_common(sealed, common),
            // Taken as it is, but no more believed than what a key opens
            None if self.may_be_encrypted(sealed.position) => Ok(Some(sealed.data.to_vec())),
            None if sealed.is_transport_stream => self.open_nals(sealed),
            None => Ok(None),
        }
    }

    fn resource_time(&self, position: Option<u64>) -> f64 {
        self.starts.get(self.marks.segment_at(position)).copied().unwrap_or(0.0)
    }

    fn may_be_encrypted(&self, position: Option<u64>) -> bool {
        self.marks.lock_at(position).is_some_and(|lock| lock.kind == KeyScope::Unknown)
    }
}

fn without_key(sealed: &EncryptedPacket<'_>, scheme: Scheme) -> Error {
    let mut systems: Vec<_> = sealed.drm_systems.iter().filter_map(|id| drm_system_of(&hex(id))).collect();
    systems.dedup();
    let whose = if systems.is_empty() { String::new() } else { format!(" with {}", systems.join(", ")) };
    let id = sealed.common_encryption.as_ref().map_or_else(String::new, |common| hex(&common.key_id));
    Error::new(ErrorKind::Encrypted, format!("the media is encrypted (Common Encryption, {}{whose}), and no key is known", scheme.name()))
        .with_hint(format!("give the key of {id} with --decryption-key if you have it"))
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
        let marks = SegmentOffsets::default();
        assert_eq!(marks.lock_at(Some(5)), None);
        marks.begin(0, None, 0);
        marks.begin(100, None, 1);
        assert_eq!((marks.lock_at(Some(50)), marks.segment_at(Some(50)), marks.segment_at(Some(100))), (None, 0, 1));
        assert_eq!((marks.start_between(0, 99), marks.start_between(0, 100), marks.start_between(100, 200)), (None, Some(100), None));
    }
}
