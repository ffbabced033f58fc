//! Ends the Media Initialization Section where media begins, and drops it if the media does not need it.

use bytes::{Bytes, BytesMut};

use crate::libav::{self, InitTrimmer};

/// Holds the init back until the first bytes of the media show whether it is needed.
#[derive(Default)]
pub(super) struct InitFilter {
    section: InitTrimmer,
    init: BytesMut,
    /// The first bytes of the media, while the init is held.
    media: BytesMut,
    is_decided: bool,
}

impl InitFilter {
    /// Adds bytes of the init's resource; returns how many of them belong to the init. `at_end`: the resource has no more.
    pub fn push_init(&mut self, bytes: &[u8], at_end: bool) -> u64 {
        let before = self.init.len();
        self.init.extend_from_slice(&self.section.push(bytes));
        if at_end || self.section.has_ended() {
            self.init.extend_from_slice(&self.section.finish());
        }
        (self.init.len() - before) as u64
    }

    /// Whether the init has ended, even if its resource goes on.
    pub fn is_init_over(&self) -> bool {
        self.section.has_ended()
    }

    /// Adds media; returns the bytes for the demuxer and the length of an init that was dropped. `None`: undecided, more bytes are needed.
    pub fn push_media(&mut self, bytes: Bytes, at_end: bool) -> Option<(Bytes, u64)> {
        if self.is_decided || self.init.is_empty() {
            return Some((bytes, 0));
        }
        self.media.extend_from_slice(&bytes);
        let is_needed = libav::needs_init(&self.init, &self.media, at_end)?;
        self.is_decided = true;
        let init = std::mem::take(&mut self.init);
        let media = std::mem::take(&mut self.media);
        Some(if is_needed { ([init, media].concat().into(), 0) } else { (media.freeze(), init.len() as u64) })
    }

    /// The bytes still held at the end of the last span.
    pub fn finish(&mut self) -> Option<Bytes> {
        let rest = [std::mem::take(&mut self.init), std::mem::take(&mut self.media)].concat();
        self.is_decided = true;
        (!rest.is_empty()).then(|| rest.into())
    }
}
