//! What a feed gives on before its media: the init, cut off where media begins, and only if the media needs it.

use bytes::{Bytes, BytesMut};

use crate::libav::{self, InitTrimmer};

/// The init of a feed, and the first bytes of its media.
#[derive(Default)]
pub(crate) struct InitFilter {
    section: InitTrimmer,
    /// The init as far as it came.
    init: BytesMut,
    /// The first bytes of the media, while an init is held.
    media: BytesMut,
    is_decided: bool,
}

impl InitFilter {
    /// Takes bytes of an init, and gives how many are newly held of it. `at_end` says that no more come.
    pub fn init(&mut self, bytes: &[u8], at_end: bool) -> u64 {
        let before = self.init.len();
        self.init.extend_from_slice(&self.section.push(bytes));
        if at_end || self.section.has_ended() {
            self.init.extend_from_slice(&self.section.finish());
        }
        (self.init.len() - before) as u64
    }

    /// Whether the init has ended, though its resource goes on.
    pub fn init_is_over(&self) -> bool {
        self.section.has_ended()
    }

    /// Takes bytes of media, and gives what can be given on with the size of an init that is left out. `None` if more bytes are needed to
    /// tell.
    pub fn media(&mut self, bytes: Bytes, at_end: bool) -> Option<(Bytes, u64)> {
        if self.is_decided || self.init.is_empty() {
            return Some((bytes, 0));
        }
        self.media.extend_from_slice(&bytes);
        let needed = libav::needs_init(&self.init, &self.media, at_end)?;
        self.is_decided = true;
        let init = std::mem::take(&mut self.init);
        let media = std::mem::take(&mut self.media);
        Some(if needed { ([init, media].concat().into(), 0) } else { (media.freeze(), init.len() as u64) })
    }

    /// What is still held, at the end of everything.
    pub fn rest(&mut self) -> Option<Bytes> {
        let rest = [std::mem::take(&mut self.init), std::mem::take(&mut self.media)].concat();
        self.is_decided = true;
        (!rest.is_empty()).then(|| rest.into())
    }
}
