//! The coded bytes of a key frame, for pictures that store them as they are.

use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

use super::access_unit_reader::AccessUnitReader;
use crate::media::Av1KeyFrame;

/// A key frame of AV1 as the container has it, decrypted. Shares the packet's bytes.
pub struct CodedKeyFrame {
    packet: ff::Packet,
}

impl CodedKeyFrame {
    /// The access unit at `index`; `None` unless it is a key frame of AV1.
    pub(super) fn of(reader: &AccessUnitReader<'_>, index: usize) -> Option<Self> {
        let (packet, unit) = (reader.packets.get(index)?, reader.units.get(index)?);
        if reader.demuxer.codec() != "av1" || !unit.facts.is_key() {
            return None;
        }
        let mut shared = ff::Packet::empty();
        // SAFETY: both packets are valid, and `shared` is blank, as `av_packet_ref` requires. If it fails, `shared` stays blank.
        let code = unsafe { ffi::av_packet_ref(ff::packet::Mut::as_mut_ptr(&mut shared), ff::packet::Ref::as_ptr(packet)) };
        (code >= 0).then_some(Self { packet: shared })
    }

    /// The size of the coded bytes.
    pub fn size(&self) -> usize {
        self.packet.size()
    }

    /// The key frame as a picture of its own. Fails with a reason that continues "the key frame ...".
    pub fn extract(&self) -> Result<Av1KeyFrame, &'static str> {
        Av1KeyFrame::extract(self.packet.data().unwrap_or_default())
    }
}
