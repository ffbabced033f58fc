//! The first picture of a stream: the quick way, the careful way, and the patient one.

use ffmpeg_next as ff;

use super::{
    decoder::{Aim, Decoder},
    field_pictures::parity,
    search::{Attempt, BEHIND_A_KEY, Found, unclean},
    sniff::Container,
};
use crate::error::Error;

impl Attempt<'_> {
    pub(super) fn first_key_frame_quickly(&mut self) -> Result<Found, Error> {
        let mut decoder = None;
        while let Some(packet) = self.packet()? {
            let decoder = match &mut decoder {
                Some(decoder) => decoder,
                none => none.insert(Decoder::new(&self.demuxer, Aim::KeyFrame, self.bounds.pixels)?),
            };
            let may_be_key = packet.is_key() || (self.container == Container::Ts && has_parameter_sets(&packet));
            if may_be_key && !self.locked.wants_more(&self.demuxer, &packet) {
                // All that this frame needs is here: what the origin would send while it is decoded is not wanted.
                self.source.pause();
            }
            decoder.send(&packet)?;
            decoder.drain();
            if let Some(frame) = decoder.receive() {
                // The other field of a field picture (see `field_pictures`) follows
                if self.container == Container::Mp4 && parity(&frame).is_some() {
                    let mut run = vec![packet];
                    while run.len() <= BEHIND_A_KEY
                        && let Some(next) = self.packet()?
                    {
                        run.push(next);
                    }
                    let frame = self.key_frame_of(&run)?.ok_or_else(|| unclean("the first key frame is not clean"))?;
                    return Ok(self.found(frame));
                }
                // Two fields may come in two packets
                let whole = self.container == Container::Mp4 || !frame.is_interlaced();
                return if frame.is_clean() && !packet.is_corrupt() && !decoder.complained() && whole {
                    let found = self.found(frame);
                    self.prove_by_itself(packet)?;
                    Ok(found)
                } else {
                    Err(unclean("the first key frame is not clean"))
                };
            }
            decoder.flush();
        }
        Err(self.nothing("no key frame was found"))
    }

    pub(super) fn first_key_frame(&mut self) -> Result<Found, Error> {
        let mut run: Vec<ff::Packet> = Vec::new();
        let mut seen = 0;
        loop {
            let packet = self.packet()?;
            let ended = packet.is_none();
            if let Some(packet) = packet.filter(|packet| packet.is_key() || !run.is_empty()) {
                run.push(packet);
            }
            if run.len() > BEHIND_A_KEY || (ended && !run.is_empty()) {
                seen += 1;
                self.forgive(&mut run);
                if let Some(frame) = self.key_frame_of(&run)? {
                    return Ok(self.found(frame));
                }
                if let Some(key) = run.first() {
                    self.locked.failed(key)?;
                }
                // The next key frame may be among those that were sent along
                let next = run.iter().skip(1).position(ff::Packet::is_key).map_or(run.len(), |at| at + 1);
                run.drain(..next);
            }
            if ended {
                return Err(self.nothing(&format!("none of {seen} key frames is clean")));
            }
        }
    }

    /// Without a clean key frame: the first frame that is whole again, where the codec says so. H.264 tells how many frames a refresh takes
    /// (recovery point SEI), and libavcodec marks those until then.
    pub(super) fn first_recovered(&mut self) -> Result<Found, Error> {
        let mut decoder = None;
        while let Some(packet) = self.packet()? {
            // A damaged reference taints what follows, up to the next refresh
            if packet.is_corrupt() || (decoder.is_none() && !packet.is_key()) {
                decoder = None;
                continue;
            }
            let open = match &mut decoder {
                Some(decoder) => decoder,
                none => none.insert(Decoder::new(&self.demuxer, Aim::EveryFrame, self.bounds.pixels)?),
            };
            self.demuxer.check()?;
            open.send(&packet)?;
            let frame = open.receive();
            match frame.filter(|frame| !frame.is_incomplete()) {
                _ if open.complained() => decoder = None,
                None => {}
                // Shown before what it leans on, which is whole only if all that was decoded is
                Some(frame) if frame.is_clean() && frame.codec == "h264" && open.rest_is_whole() => return Ok(self.found(frame)),
                Some(_) => decoder = None,
            }
        }
        Err(unclean("no frame was found that is clean"))
    }
}

/// Whether what every decoder must see first stands at the head of the packet: sequence parameter sets of H.264 (type 7) or HEVC
/// (32, 33), or MPEG-2's sequence header.
fn has_parameter_sets(packet: &ff::Packet) -> bool {
    let head = packet.data().and_then(|data| data.get(..data.len().min(512))).unwrap_or_default();
    head.windows(5).any(|five| match five {
        [0, 0, 1, 0xb3, _] => true,
        [0, 0, 1, first, _] => first & 0x1f == 7 || matches!(first >> 1, 32 | 33),
        _ => false,
    })
}
