//! Packets that had to be opened: which they were, and whether the key fitted.

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

/// So many key frames that do not come out clean are the key's fault.
const KEY_FRAMES: usize = 3;

/// What one pass over the bytes has opened.
pub(super) struct KeyVerification<'a> {
    unlock: &'a dyn DecryptSamples,
    /// Where the packets lay.
    opened: HashSet<isize>,
    failed_keys: usize,
    /// The container's DRM systems, once they have been asked for.
    systems: Option<Vec<Vec<u8>>>,
}

impl<'a> KeyVerification<'a> {
    pub fn new(unlock: &'a dyn DecryptSamples) -> Self {
        Self { unlock, opened: HashSet::new(), failed_keys: 0, systems: None }
    }

    /// Whether anything was encrypted.
    pub fn has_decrypted(&self) -> bool {
        !self.opened.is_empty()
    }

    /// The packet with its clear content.
    pub fn decrypt(&mut self, demuxer: &Demuxer, container: Container, packet: ff::Packet) -> Result<ff::Packet, Error> {
        let common = CommonEncryption::of(&packet);
        let in_ts = container == Container::Ts;
        let position = u64::try_from(packet.position()).ok();
        if common.is_none() && !in_ts && !self.unlock.may_be_encrypted(position) {
            return Ok(packet);
        }
        let systems = self.systems.get_or_insert_with(|| demuxer.drm_systems());
        let data = packet.data().unwrap_or_default();
        let sealed = EncryptedPacket {
            data,
            position,
            codec: demuxer.codec(),
            is_transport_stream: in_ts,
            common_encryption: common,
            drm_systems: systems,
        };
        let Some(clear) = self.unlock.decrypt(&sealed)? else { return Ok(packet) };
        self.opened.insert(packet.position());
        with_data(&packet, &clear)
    }

    /// A key frame did not come out clean. Fails with `encrypted` where that has happened to several that were opened.
    pub fn count_failed_key_frame(&mut self, key: &ff::Packet) -> Result<(), Error> {
        self.failed_keys += usize::from(self.opened.contains(&key.position()));
        if self.failed_keys < KEY_FRAMES { Ok(()) } else { Err(wrong_key()) }
    }

    /// Whether more packets than this one should be looked at to see whether the key fits.
    pub fn needs_more_packets(&self, demuxer: &Demuxer, packet: &ff::Packet) -> bool {
        self.opened.contains(&packet.position()) && framing(demuxer).is_inconclusive(packet.data().unwrap_or_default())
    }

    /// Proves that the key of the first packet of `run` that was opened fits, by what decoders make of it when its data is changed: see
    /// [`proof`](super::proof). `run` begins with a key frame. Fails with `encrypted`.
    pub fn verify(&self, demuxer: &Demuxer, run: &[ff::Packet], most_pixels: u64) -> Result<(), Error> {
        let mut opened = run.iter().enumerate().filter(|(_, packet)| self.opened.contains(&packet.position()));
        let Some((at, first)) = opened.next() else { return Ok(()) };
        let before = run.get(..at).unwrap_or_default();
        let alone = KeyTest { demuxer, framing: framing(demuxer), most_pixels, before, packet: first, behind: &[] };
        // The second of two fields may come in a packet of its own, and the first is no picture without it
        let pair = KeyTest { behind: run.get(at + 1..at + 2).unwrap_or_default(), ..alone };
        let (test, right) = if let Some(right) = alone.decoded(first, DecodeMode::Verification)? {
            (alone, right)
        } else {
            (pair, pair.decoded(first, DecodeMode::Verification)?.ok_or_else(wrong_key)?)
        };
        test.ends_where_it_should(right)?;
        if self.needs_more_packets(demuxer, first) {
            for (at, packet) in opened.filter(|(_, packet)| !packet.is_corrupt()).take(EXTRA_PACKETS) {
                let test = KeyTest { before: run.get(..at).unwrap_or_default(), packet, behind: &[], ..alone };
                test.ends_in_time(test.decoded(packet, DecodeMode::Verification)?.ok_or_else(wrong_key)?)?;
            }
        }
        Ok(())
    }
}

/// So many packets more are looked at where one is too few.
pub(super) const EXTRA_PACKETS: usize = 4;

fn framing(demuxer: &Demuxer) -> SliceLayout {
    SliceLayout::of(demuxer.codec(), demuxer.extradata())
}

/// What is made of a packet whose data is changed, among others that stay.
#[derive(Clone, Copy)]
struct KeyTest<'a> {
    demuxer: &'a Demuxer,
    framing: SliceLayout,
    most_pixels: u64,
    before: &'a [ff::Packet],
    packet: &'a ff::Packet,
    behind: &'a [ff::Packet],
}

impl KeyTest<'_> {
    /// The packet's frames need nothing behind its data. `right` is what they are.
    fn ends_in_time(&self, right: u64) -> Result<(), Error> {
        if let Some(extended) = self.framing.with_trailing_bytes(self.packet.data().unwrap_or_default())
            && self.decoded(&with_data(self.packet, &extended)?, DecodeMode::Corrupted)?.is_some_and(|other| other != right)
        {
            tracing::debug!("the picture depends on bytes behind its data");
            return Err(wrong_key());
        }
        Ok(())
    }

    /// And they need all of it.
    fn ends_where_it_should(&self, right: u64) -> Result<(), Error> {
        self.ends_in_time(right)?;
        for spoilt in self.framing.corrupted_copies(self.packet.data().unwrap_or_default()) {
            if self.decoded(&with_data(self.packet, &spoilt)?, DecodeMode::Corrupted)? != Some(right) {
                return Ok(());
            }
        }
        tracing::debug!("the picture does not depend on the end of its data");
        Err(wrong_key())
    }

    /// A number for all the frames that come of a packet in this place; `None` where one of them is not clean, or there is none.
    fn decoded(&self, packet: &ff::Packet, aim: DecodeMode) -> Result<Option<u64>, Error> {
        let mut decoder = Decoder::new(self.demuxer, aim, self.most_pixels)?;
        let mut prints = Vec::new();
        let mut take = |decoder: &mut Decoder| {
            while let Some(frame) = decoder.receive() {
                prints.push(if frame.is_clean() { frame.fingerprint() } else { None });
            }
        };
        for packet in self.before.iter().chain([packet]).chain(self.behind) {
            self.demuxer.check_deadline()?;
            decoder.send(packet)?;
            take(&mut decoder);
        }
        decoder.drain();
        take(&mut decoder);
        let all: Option<Vec<u64>> = prints.into_iter().collect();
        let all = all.filter(|_| !decoder.has_complained());
        Ok(all.filter(|prints| !prints.is_empty()).map(|prints| prints.into_iter().fold(0_u64, |sum, print| sum.rotate_left(7) ^ print)))
    }
}

/// What a key that is wrong is told by.
pub(super) fn wrong_key() -> Error {
    Error::new(ErrorKind::Encrypted, "the key is wrong, or the media is damaged: what it opens is no clean picture")
        .with_hint("check the key")
}

/// A packet with another content, and everything else as it was.
pub(super) fn with_data(packet: &ff::Packet, content: &[u8]) -> Result<ff::Packet, Error> {
    let mut other = ff::Packet::copy(content);
    // SAFETY: both packets are valid; the call copies times, flags, place and side data, and leaves the content alone.
    let copied = unsafe { ffi::av_packet_copy_props(ff::packet::Mut::as_mut_ptr(&mut other), ff::packet::Ref::as_ptr(packet)) };
    check(copied).map_err(|e| failure("a packet cannot be copied", e))?;
    other.set_stream(packet.stream());
    Ok(other)
}
