//! Decrypts packets, and verifies that the key was right.
//!
//! Decoders accept noise, so a clean picture proves nothing. A picture that was decrypted is decoded again from changed data:
//! [`corrupt_slices`](super::corrupt_slices) explains how that reveals a wrong key.

use std::collections::HashSet;

use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

use super::{
    container::Container,
    corrupt_slices::SliceLayout,
    decoder::{DecodeMode, Decoder},
    decrypt_samples::{CommonEncryption, DecryptSamples, EncryptedPacket},
    demuxer::Demuxer,
    error::{check, failure},
};
use crate::error::{Error, ErrorKind};

/// After this many decrypted key frames that are not clean, the key is wrong.
const MAX_FAILED_KEY_FRAMES: usize = 3;
/// Packets that are checked in addition if one is inconclusive.
pub(super) const EXTRA_PACKETS: usize = 4;

/// Decrypts the packets of one pass over the bytes, and verifies their key.
pub(super) struct KeyVerification<'a> {
    decryptor: &'a dyn DecryptSamples,
    /// The positions of the packets that were decrypted.
    decrypted: HashSet<isize>,
    failed_key_frames: usize,
    /// The container's DRM systems, once they were needed.
    drm_systems: Option<Vec<Vec<u8>>>,
}

impl<'a> KeyVerification<'a> {
    pub fn new(decryptor: &'a dyn DecryptSamples) -> Self {
        Self { decryptor, decrypted: HashSet::new(), failed_key_frames: 0, drm_systems: None }
    }

    /// Whether any packet was encrypted.
    pub fn has_decrypted(&self) -> bool {
        !self.decrypted.is_empty()
    }

    /// Returns the packet with clear data.
    pub fn decrypt(&mut self, demuxer: &Demuxer, container: Container, packet: ff::Packet) -> Result<ff::Packet, Error> {
        let common_encryption = CommonEncryption::of_packet(&packet);
        let is_transport_stream = container == Container::Ts;
        let position = u64::try_from(packet.position()).ok();
        if common_encryption.is_none() && !is_transport_stream && !self.decryptor.may_be_encrypted(position) {
            return Ok(packet);
        }
        let drm_systems = self.drm_systems.get_or_insert_with(|| demuxer.drm_systems());
        let data = packet.data().unwrap_or_default();
        let encrypted = EncryptedPacket { data, position, codec: demuxer.codec(), is_transport_stream, common_encryption, drm_systems };
        let Some(clear) = self.decryptor.decrypt(&encrypted)? else { return Ok(packet) };
        self.decrypted.insert(packet.position());
        with_data(&packet, &clear)
    }

    /// Counts a key frame that is not clean. Fails with `encrypted` after several that were decrypted.
    pub fn count_failed_key_frame(&mut self, key: &ff::Packet) -> Result<(), Error> {
        self.failed_key_frames += usize::from(self.decrypted.contains(&key.position()));
        if self.failed_key_frames < MAX_FAILED_KEY_FRAMES { Ok(()) } else { Err(wrong_key()) }
    }

    /// Whether more packets than this one are needed to verify its key.
    pub fn needs_more_packets(&self, demuxer: &Demuxer, packet: &ff::Packet) -> bool {
        self.decrypted.contains(&packet.position()) && layout_of(demuxer).is_inconclusive(packet.data().unwrap_or_default())
    }

    /// Verifies the key of the first decrypted packet in `run`, which begins with a key frame. Fails with `encrypted` if it is wrong.
    pub fn verify(&self, demuxer: &Demuxer, run: &[ff::Packet], max_pixels: u64) -> Result<(), Error> {
        let mut decrypted = run.iter().enumerate().filter(|(_, packet)| self.decrypted.contains(&packet.position()));
        let Some((at, first)) = decrypted.next() else { return Ok(()) };
        let before = run.get(..at).unwrap_or_default();
        let alone = KeyTest { demuxer, layout: layout_of(demuxer), max_pixels, before, packet: first, after: &[] };
        // A field may need the other field, which may be in the next packet
        let pair = KeyTest { after: run.get(at + 1..at + 2).unwrap_or_default(), ..alone };
        let (test, original) = if let Some(original) = alone.decode(first, DecodeMode::Verification)? {
            (alone, original)
        } else {
            (pair, pair.decode(first, DecodeMode::Verification)?.ok_or_else(wrong_key)?)
        };
        test.require_exact_end(original)?;
        if self.needs_more_packets(demuxer, first) {
            for (at, packet) in decrypted.filter(|(_, packet)| !packet.is_corrupt()).take(EXTRA_PACKETS) {
                let test = KeyTest { before: run.get(..at).unwrap_or_default(), packet, after: &[], ..alone };
                test.require_end_within_data(test.decode(packet, DecodeMode::Verification)?.ok_or_else(wrong_key)?)?;
            }
        }
        Ok(())
    }
}

fn layout_of(demuxer: &Demuxer) -> SliceLayout {
    SliceLayout::new(demuxer.codec(), demuxer.extradata())
}

/// Decodes a packet with changed data among unchanged packets.
#[derive(Clone, Copy)]
struct KeyTest<'a> {
    demuxer: &'a Demuxer,
    layout: SliceLayout,
    max_pixels: u64,
    before: &'a [ff::Packet],
    packet: &'a ff::Packet,
    after: &'a [ff::Packet],
}

impl KeyTest<'_> {
    /// Fails if the frames depend on bytes after the data. `original` is the hash of the unchanged frames.
    fn require_end_within_data(&self, original: u64) -> Result<(), Error> {
        if let Some(extended) = self.layout.with_trailing_bytes(self.packet.data().unwrap_or_default())
            && self.decode(&with_data(self.packet, &extended)?, DecodeMode::Corrupted)?.is_some_and(|changed| changed != original)
        {
            tracing::debug!("wrong key: the picture depends on bytes after its data");
            return Err(wrong_key());
        }
        Ok(())
    }

    /// As [`require_end_within_data`](Self::require_end_within_data). Also fails if the frames do not depend on the last bytes.
    fn require_exact_end(&self, original: u64) -> Result<(), Error> {
        self.require_end_within_data(original)?;
        for corrupted in self.layout.corrupted_copies(self.packet.data().unwrap_or_default()) {
            if self.decode(&with_data(self.packet, &corrupted)?, DecodeMode::Corrupted)? != Some(original) {
                return Ok(());
            }
        }
        tracing::debug!("wrong key: the picture does not depend on the end of its data");
        Err(wrong_key())
    }

    /// Decodes `packet` in place of the test's own. Returns a hash of all frames; `None` if one is not clean, or without any.
    fn decode(&self, packet: &ff::Packet, mode: DecodeMode) -> Result<Option<u64>, Error> {
        let mut decoder = Decoder::new(self.demuxer, mode, self.max_pixels)?;
        let mut hashes = Vec::new();
        let mut receive = |decoder: &mut Decoder| {
            while let Some(frame) = decoder.receive() {
                hashes.push(if frame.is_clean() { frame.fingerprint() } else { None });
            }
        };
        for packet in self.before.iter().chain([packet]).chain(self.after) {
            self.demuxer.check_deadline()?;
            decoder.send(packet)?;
            receive(&mut decoder);
        }
        decoder.drain();
        receive(&mut decoder);
        let all: Option<Vec<u64>> = hashes.into_iter().collect();
        let all = all.filter(|hashes| !decoder.take_failure() && !hashes.is_empty());
        Ok(all.map(|hashes| hashes.into_iter().fold(0_u64, |sum, hash| sum.rotate_left(7) ^ hash)))
    }
}

/// The error for a wrong key.
pub(super) fn wrong_key() -> Error {
    Error::new(ErrorKind::Encrypted, "the key is wrong, or the media is damaged: the decrypted data is not a clean picture")
        .with_hint("check the key")
}

/// A copy of a packet with other data.
pub(super) fn with_data(packet: &ff::Packet, data: &[u8]) -> Result<ff::Packet, Error> {
    let mut other = ff::Packet::copy(data);
    // SAFETY: both packets are valid; the call copies times, flags, position and side data, and leaves the data alone.
    let copied = unsafe { ffi::av_packet_copy_props(ff::packet::Mut::as_mut_ptr(&mut other), ff::packet::Ref::as_ptr(packet)) };
    check(copied).map_err(|e| failure("a packet cannot be copied", e))?;
    other.set_stream(packet.stream());
    Ok(other)
}
