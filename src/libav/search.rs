//! Which access units make the frame that was asked for: the fewest that can.
//!
//! A key frame is decoded as soon as it may be complete, before anything behind it is read. A moment is found on times alone, and only the
//! units from the last random access point before it are decoded. What was read is kept, so that another method costs no bytes.

use std::io::Read;

use super::{
    byte_source::ByteSource,
    decrypt_samples::DecryptSamples,
    demuxer::Mode,
    frame::Frame,
    key_verification::does_not_fit,
    sniff::{self, Container},
    still,
    units::Units,
};
use crate::{
    error::{Error, ErrorKind},
    media::{Anchor, Syntax},
};

/// What is looked for. Moments are seconds from the start of the playlist's first segment, or of the file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SearchTarget {
    /// The first key frame.
    First,
    /// The first key frame that is shown later than this.
    KeyFrameAfter(f64),
    /// The last frame.
    Last,
    /// The last key frame at or before a moment.
    KeyFrame(SearchTime),
    /// The last frame at or before a moment.
    Frame(SearchTime),
}

/// A moment, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SearchTime {
    /// After the playlist's or the file's start.
    FromStart(f64),
    /// Before the end that the container tells.
    FromEnd(f64),
    /// A part of the duration that the container tells: 0 to 1.
    Part(f64),
}

/// What the bytes are to be taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    /// Segments of a stream.
    Segments,
    /// One whole file: the container's index may be used, and it may be a picture.
    File,
    /// A segment of an image playlist.
    Image,
}

/// How a search ended.
pub enum SearchOutcome {
    /// With the frame.
    Found(Box<Found>),
    /// These bytes are not enough: what comes before them is needed too.
    Earlier,
}

/// What may be decoded.
#[derive(Debug, Clone, Copy)]
pub struct DecodeLimits {
    /// Pixels of a coded frame.
    pub pixels: u64,
    /// Frames for one picture.
    pub frames: usize,
}

/// A whole frame.
pub struct Found {
    /// The frame.
    pub frame: Frame,
    /// Seconds from the start of the playlist's first segment, or of the file.
    pub seconds: f64,
    /// Seconds of the media's clock, if the container tells.
    pub media_seconds: Option<f64>,
    /// Where it lies in what was downloaded, in bytes.
    pub position: Option<u64>,
}

/// What searches of one discontinuity sequence number learn from each other.
#[derive(Debug, Clone, Default)]
pub struct DomainState {
    /// Where the media's clock lies in the playlist.
    pub anchor: Option<Anchor>,
    /// Parameter sets.
    pub syntax: Option<Syntax>,
}

/// A larger JPEG is cut off there, and so damaged.
const LARGEST_STILL: u64 = 32 << 20;
/// The movie header of a file in fragments ends within so many bytes: it lists no samples.
const MOVIE_HEADER: usize = 16 << 10;
/// Half a millisecond: playlists round to that.
pub(super) const ROUNDING: f64 = 0.0005;

/// Searches what `source` holds from its start.
///
/// Fails with `no_video`, `encrypted`, `unsupported`, `undecodable` (no whole frame), `not_found` (past the end), `too_large`, or with what the
/// upstream failed with.
pub fn search(
    source: &ByteSource,
    wanted: SearchTarget,
    kind: InputKind,
    bounds: DecodeLimits,
    unlock: &dyn DecryptSamples,
    memory: &mut DomainState,
) -> Result<SearchOutcome, Error> {
    // A box tells itself by its first bytes; to look further might cost a request
    let first = source.peek(sniff::BOX)?;
    if sniff::is_jpeg(&first) && kind != InputKind::Segments {
        return still(source, bounds);
    }
    let head = if sniff::is_mp4(&first) { first } else { source.peek(sniff::ENOUGH)? };
    let container = sniff::container(&head)?;
    if container == Container::Ts && sniff::is_scrambled_ts(&head) {
        return Err(Error::new(ErrorKind::Encrypted, "the transport stream is scrambled by a conditional access system")
            .with_hint("no key can be given for it"));
    }
    // A file in fragments tells the duration of its first one alone
    let has_index =
        kind == InputKind::File && !(container == Container::Mp4 && source.peek(MOVIE_HEADER)?.windows(4).any(|four| four == b"mvex"));
    let mut failure = None;
    for mode in [Mode::Packets, Mode::Probed] {
        let mut attempt = SearchPass {
            units: Units::open(source, container, mode, bounds, unlock, memory)?,
            has_index,
            memory: &mut *memory,
            is_blind: false,
            sought_from: None,
        };
        let outcome = attempt.run(wanted);
        attempt.remember();
        let (is_locked, is_blind) = (attempt.units.locked.any(), attempt.is_blind);
        match outcome {
            Err(error) if error.kind() == ErrorKind::Undecodable => {
                tracing::debug!("{mode:?}: {error}");
                failure = Some(if is_locked { does_not_fit() } else { error });
            }
            done => return done,
        }
        // Probing finds a codec that no table tells; it would decode what is encrypted
        if !is_blind || is_locked {
            break;
        }
    }
    Err(failure.unwrap_or_else(|| unclean("no frame was found")))
}

fn still(source: &ByteSource, bounds: DecodeLimits) -> Result<SearchOutcome, Error> {
    let mut file = Vec::new();
    let read = source.from_start().take(LARGEST_STILL).read_to_end(&mut file);
    read.map_err(|e| source.take_error().unwrap_or_else(|| unclean("the picture cannot be read").with_source(e)))?;
    source.acquire_permit()?;
    let frame = still::decode_whole_jpeg(&file, bounds.pixels)?;
    Ok(SearchOutcome::Found(Box::new(Found { frame, seconds: 0.0, media_seconds: None, position: Some(0) })))
}

pub(super) fn unclean(what: &str) -> Error {
    Error::new(ErrorKind::Undecodable, what.to_owned())
}

/// One pass over the bytes.
pub(super) struct SearchPass<'a> {
    pub units: Units<'a>,
    /// Whether the container's index may be used.
    pub has_index: bool,
    pub memory: &'a mut DomainState,
    /// Whether no stream was known to hold video.
    pub is_blind: bool,
    /// The media time that was sought by the container's index, in seconds.
    pub sought_from: Option<f64>,
}

impl SearchPass<'_> {
    fn run(&mut self, wanted: SearchTarget) -> Result<SearchOutcome, Error> {
        match wanted {
            SearchTarget::First => self.first_key_frame(None),
            SearchTarget::KeyFrameAfter(time) => self.first_key_frame(Some(time)),
            SearchTarget::Last => self.last(),
            SearchTarget::KeyFrame(moment) => self.moment(moment).and_then(|moment| self.key_frame_at(moment)),
            SearchTarget::Frame(moment) => self.moment(moment).and_then(|moment| self.frame_at(moment)),
        }
    }

    /// Keeps what other segments may need to know.
    fn remember(&mut self) {
        let known = self.units.known_anchor();
        if self.memory.anchor.is_none() || known.is_some_and(|anchor| anchor.is_sure) {
            self.memory.anchor = known;
        }
        if let Some(syntax) = self.units.syntax() {
            match &mut self.memory.syntax {
                Some(known) => known.inherit(syntax),
                none => *none = Some(syntax.clone()),
            }
        }
    }

    /// The frame of unit `index` with what is known of it.
    pub fn found(&mut self, frame: Frame, index: usize) -> SearchOutcome {
        let seconds = self.units.times().get(index).copied().unwrap_or(0.0);
        let media_seconds = self.units.timed.get(index).and_then(|unit| unit.pts);
        let position = self.units.packets.get(index).and_then(|packet| self.units.place(packet));
        SearchOutcome::Found(Box::new(Found { frame, seconds, media_seconds, position }))
    }

    /// Tries the units from which `target` can be decoded. `None`: it is not whole from any of them.
    pub fn decoded(&mut self, target: usize) -> Result<Option<SearchOutcome>, Error> {
        for entry in crate::media::entries_for(&self.units.timed, target) {
            if let Some(frame) = self.units.frame(entry, target, self.memory)? {
                let run = self.units.packets.get(entry..=target).unwrap_or_default();
                self.units.locked.prove(&self.units.demuxer, run, self.units.bounds.pixels)?;
                return Ok(Some(self.found(frame, target)));
            }
            if let Some(key) = self.units.packets.get(entry) {
                self.units.locked.failed(key)?;
            }
        }
        Ok(None)
    }

    /// Why nothing was found: no video at all, or none that is whole.
    pub fn nothing(&mut self, otherwise: &str) -> Error {
        if self.units.timed.is_empty() && self.units.demuxer.stream().is_none() {
            self.is_blind = true;
            let error = self.units.demuxer.without_video();
            // Tables may not tell the codec: then probing finds it
            if self.units.demuxer.has_unknown_streams() { unclean(otherwise).with_source(error) } else { error }
        } else if self.units.has_packets {
            unclean(otherwise)
        } else {
            Error::new(ErrorKind::NoVideo, "the segment announces video, but holds none")
        }
    }
}
