//! Decrypts segments that are encrypted as a whole while their bytes arrive, and checks that the result is media.

use bytes::Bytes;

use super::{
    cipher::SegmentCipher,
    keyring::{KeyRef, KeyScope, Keyring},
};
use crate::{
    error::{Error, ErrorKind},
    libav,
};

/// Enough bytes to recognize a container.
const PROBE_BYTES: usize = libav::PROBE_BYTES;

/// Decrypts one byte span; clear bytes pass through.
pub(crate) struct SegmentDecryptor {
    /// `None`: the bytes pass as they are.
    cipher: Option<SegmentCipher>,
    /// Clear bytes held back until there are enough to recognize media; `None` once checked, or without a check.
    head: Option<Vec<u8>>,
    /// Name of the protection, for messages.
    protection: String,
}

impl SegmentDecryptor {
    /// Fetches the key if the span is encrypted as a whole. Bytes under an unknown METHOD pass only if they are media as they are.
    pub async fn open(key_ref: Option<&KeyRef>, keyring: &Keyring) -> Result<Self, Error> {
        let Some(key_ref) = key_ref else { return Ok(Self { cipher: None, head: None, protection: String::new() }) };
        let (cipher, is_checked) = match key_ref.scope {
            KeyScope::Segment(cipher) => (Some(SegmentCipher::new(cipher, &keyring.key(key_ref).await?, &key_ref.iv)?), true),
            KeyScope::Samples => (None, false),
            KeyScope::Unknown => (None, true),
        };
        Ok(Self { cipher, head: is_checked.then(Vec::new), protection: key_ref.protection.clone() })
    }

    /// Adds encrypted bytes; returns the clear ones that are ready. Fails with `encrypted` if the segment does not begin as media does: a
    /// wrong key gives noise.
    pub fn push(&mut self, bytes: Bytes) -> Result<Bytes, Error> {
        let clear = match &mut self.cipher {
            Some(cipher) => cipher.push(&bytes).into(),
            None => bytes,
        };
        let Some(head) = &mut self.head else { return Ok(clear) };
        head.extend_from_slice(&clear);
        if head.len() < PROBE_BYTES {
            return Ok(Bytes::new());
        }
        self.check_head()
    }

    /// The remaining clear bytes at the end of the span. Fails like [`SegmentDecryptor::push`].
    pub fn finish(mut self) -> Result<Bytes, Error> {
        let rest = self.cipher.as_mut().map(SegmentCipher::finish).transpose()?.unwrap_or_default();
        let Some(head) = &mut self.head else { return Ok(rest.into()) };
        head.extend_from_slice(&rest);
        self.check_head()
    }

    fn check_head(&mut self) -> Result<Bytes, Error> {
        let head = self.head.take().unwrap_or_default();
        match libav::require_media(&head) {
            Ok(()) => Ok(head.into()),
            // Trust long signatures; a two-byte one may be noise
            Err(error) if error.kind() == ErrorKind::NoVideo && (head.starts_with(b"ID3") || head.starts_with(b"WEBVTT")) => {
                Ok(head.into())
            }
            Err(_) if self.cipher.is_none() => {
                Err(Error::new(ErrorKind::Encrypted, format!("the segment is encrypted ({})", self.protection))
                    .with_hint("hlsnap does not support this METHOD"))
            }
            Err(_) => Err(Error::new(ErrorKind::Encrypted, "the key is wrong: the decrypted segment is not media")
                .with_hint("check the key and the IV")),
        }
    }
}
