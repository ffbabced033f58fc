//! Decrypts samples, packet by packet, on the decoding thread: Common Encryption, and SAMPLE-AES in transport streams.

use std::sync::{Arc, OnceLock};

use tokio::runtime::Handle;

use super::{
    cipher::{self, BLOCK, EncryptedSample, NalCodec, Scheme},
    keyring::{KeyRef, KeyScope, Keyring},
    segment_offsets::SegmentOffsets,
};
use crate::{
    error::{Error, ErrorKind},
    hex::encode_hex,
    hls::drm_system_of,
    libav::{CommonEncryption, DecryptSamples, EncryptedPacket},
    report::Encryption,
};

/// Decrypts the packets of one stream with the keys of the segments that they lie in.
pub(crate) struct SampleDecryptor {
    handle: Handle,
    keyring: Keyring,
    offsets: SegmentOffsets,
    /// Start of each segment in the playlist, in seconds.
    segment_starts: Vec<f64>,
    detected: OnceLock<Encryption>,
}

impl SampleDecryptor {
    pub fn new(keyring: &Keyring, offsets: SegmentOffsets, segment_starts: Vec<f64>) -> Self {
        Self { handle: Handle::current(), keyring: keyring.clone(), offsets, segment_starts, detected: OnceLock::new() }
    }

    /// The encryption of the first encrypted packet; `None` if all were clear.
    pub fn detected_encryption(&self) -> Option<Encryption> {
        self.detected.get().copied()
    }

    /// Common Encryption, with the caller's key for the key ID or the playlist's key.
    fn decrypt_common(&self, packet: &EncryptedPacket<'_>, common: &CommonEncryption) -> Result<Option<Vec<u8>>, Error> {
        let scheme = Scheme::of(common.scheme).ok_or_else(|| {
            let name = String::from_utf8_lossy(&common.scheme).into_owned();
            Error::new(ErrorKind::Encrypted, format!("the media uses the unknown encryption scheme {name:?}"))
        })?;
        let key_ref = self.offsets.sample_key_at(packet.position).filter(|key_ref| key_ref.scope == KeyScope::Samples);
        let key = match (self.keyring.caller_key(Some(&common.key_id)), &key_ref) {
            (Some(key), _) => key.into(),
            (None, Some(key_ref)) => self.fetch_key(key_ref)?,
            (None, None) => return Err(missing_key(packet, scheme)),
        };
        let key = key.as_ref().try_into().map_err(|_| {
            let size = key.len();
            Error::new(ErrorKind::Encrypted, format!("the key has {size} bytes, but Common Encryption needs {BLOCK}"))
                .with_hint("check the key")
        })?;
        let sample = EncryptedSample { scheme, iv: common.iv, pattern: common.pattern, subsamples: &common.subsamples };
        let mut data = packet.data.to_vec();
        let was_encrypted = sample.decrypt(&mut data, key)?;
        self.detected.get_or_init(|| match scheme {
            Scheme::Cenc | Scheme::Cens => Encryption::Cenc,
            Scheme::Cbc1 | Scheme::Cbcs => Encryption::Cbcs,
        });
        Ok(was_encrypted.then_some(data))
    }

    /// SAMPLE-AES in a transport stream.
    fn decrypt_nal_units(&self, packet: &EncryptedPacket<'_>) -> Result<Option<Vec<u8>>, Error> {
        let Some(key_ref) = self.offsets.sample_key_at(packet.position) else { return Ok(None) };
        let codec = match packet.codec {
            "h264" => NalCodec::H264,
            "hevc" => NalCodec::Hevc,
            other => {
                return Err(Error::new(ErrorKind::Encrypted, format!("SAMPLE-AES of {other} in a transport stream is not supported")));
            }
        };
        let key = self.fetch_key(&key_ref)?;
        let key = key.as_ref().try_into().map_err(|_| Error::internal("a key of the wrong size passed the check"))?;
        self.detected.get_or_init(|| Encryption::SampleAes);
        Ok(cipher::decrypt_sample_aes(packet.data, codec, key, &key_ref.iv))
    }

    fn fetch_key(&self, key_ref: &KeyRef) -> Result<Arc<[u8]>, Error> {
        self.handle.block_on(self.keyring.key(key_ref))
    }
}

impl DecryptSamples for SampleDecryptor {
    fn decrypt(&self, packet: &EncryptedPacket<'_>) -> Result<Option<Vec<u8>>, Error> {
        match &packet.common_encryption {
            Some(common) => self.decrypt_common(packet, common),
            // Used as it is, but verified like a decrypted one
            None if self.may_be_encrypted(packet.position) => Ok(Some(packet.data.to_vec())),
            None if packet.is_transport_stream => self.decrypt_nal_units(packet),
            None => Ok(None),
        }
    }

    fn resource_time(&self, position: Option<u64>) -> f64 {
        self.segment_starts.get(self.offsets.segment_at(position)).copied().unwrap_or(0.0)
    }

    fn may_be_encrypted(&self, position: Option<u64>) -> bool {
        self.offsets.sample_key_at(position).is_some_and(|key_ref| key_ref.scope == KeyScope::Unknown)
    }

    fn has_key(&self, position: Option<u64>) -> bool {
        self.offsets.sample_key_at(position).is_some()
    }
}

fn missing_key(packet: &EncryptedPacket<'_>, scheme: Scheme) -> Error {
    let mut systems: Vec<_> = packet.drm_systems.iter().filter_map(|id| drm_system_of(&encode_hex(id))).collect();
    systems.dedup();
    let drm = if systems.is_empty() { String::new() } else { format!(" with {}", systems.join(", ")) };
    let key_id = packet.common_encryption.as_ref().map_or_else(String::new, |common| encode_hex(&common.key_id));
    Error::new(ErrorKind::Encrypted, format!("no key for the encrypted media (Common Encryption, {}{drm})", scheme.name()))
        .with_hint(format!("pass the key of {key_id} with --decryption-key if you have it"))
}
