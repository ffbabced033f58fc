//! Decrypts segments that are encrypted as a whole, as their bytes arrive.

use super::{
    cipher::{Cipher, SegmentCipher},
    keyring::KeyRef,
};
use crate::{
    error::{Error, ErrorKind},
    libav,
};

/// Enough of a segment to recognise its container.
const PROBE_BYTES: usize = libav::PROBE_BYTES;

/// A resource that is encrypted as a whole, being opened, or one that may be, being looked at.
pub(crate) struct SegmentDecryptor {
    /// `None`: the bytes are taken as they are.
    whole: Option<SegmentCipher>,
    /// What has been opened, until it has been looked at.
    head: Option<Vec<u8>>,
    protection: String,
}

impl SegmentDecryptor {
    pub fn new(cipher: Cipher, key: &[u8], lock: &KeyRef) -> Result<Self, Error> {
        let whole = Some(SegmentCipher::new(cipher, key, &lock.iv)?);
        Ok(Self { whole, head: Some(Vec::new()), protection: lock.protection.clone() })
    }

    /// Looks whether bytes under an unknown METHOD are media as they are.
    pub fn unknown(lock: &KeyRef) -> Self {
        Self { whole: None, head: Some(Vec::new()), protection: lock.protection.clone() }
    }

    /// What can be given on. Fails with `encrypted` where the first bytes are no media: with a wrong key they are noise.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let opened = self.whole.as_mut().map_or_else(|| bytes.to_vec(), |whole| whole.push(bytes));
        let Some(head) = &mut self.head else { return Ok(opened) };
        head.extend_from_slice(&opened);
        if head.len() < PROBE_BYTES {
            return Ok(Vec::new());
        }
        self.look()
    }

    /// The rest, at the resource's end.
    pub fn finish(&mut self) -> Result<Vec<u8>, Error> {
        let rest = self.whole.as_mut().map(SegmentCipher::finish).transpose()?.unwrap_or_default();
        let Some(head) = &mut self.head else { return Ok(rest) };
        head.extend_from_slice(&rest);
        self.look()
    }

    fn look(&mut self) -> Result<Vec<u8>, Error> {
        let head = self.head.take().unwrap_or_default();
        match libav::require_media(&head) {
            Ok(()) => Ok(head),
            // What is told by a few letters is what it says; two bytes may as well be noise
            Err(error) if error.kind() == ErrorKind::NoVideo && (head.starts_with(b"ID3") || head.starts_with(b"WEBVTT")) => Ok(head),
            Err(_) if self.whole.is_none() => {
                Err(Error::new(ErrorKind::Encrypted, format!("the segment is encrypted ({})", self.protection))
                    .with_hint("this METHOD is not known here"))
            }
            Err(_) => {
                Err(Error::new(ErrorKind::Encrypted, "the key is wrong: what it opens is no media").with_hint("check the key and the IV"))
            }
        }
    }
}
