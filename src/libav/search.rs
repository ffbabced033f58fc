//! Which packets make the frame that was asked for: the fewest that can.
//!
//! A first key frame is taken the quick way: no parser, no probing, and the decoder is drained after each packet, so that nothing
//! behind the key frame is waited for. A moment is found on packets alone; only the frames from the last key frame before it are
//! decoded. Where a quicker way finds nothing clean, the next one looks at the same bytes again: they are kept.

use std::io::Read;

use ffmpeg_next as ff;

use super::{
    decoder::{Aim, Decoder},
    demuxer::{Demuxer, Mode},
    field_pictures::FieldPairs,
    frame::Frame,
    jpeg,
    locked::{Locked, WITNESSES, does_not_fit},
    sniff::{self, Container},
    source::Source,
    unlock::Unlock,
};
use crate::{
    error::{Error, ErrorKind},
    time::Timestamp,
};

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Search {
    /// The first key frame.
    First,
    /// The last frame.
    Last,
    /// The last key frame at or before a moment.
    KeyFrame(Start),
    /// The last frame at or before a moment.
    Frame(Start),
}

/// A moment, counted in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Start {
    /// After the first video packet.
    FromStart(f64),
    /// Before the end that the container tells.
    FromEnd(f64),
    /// A part of the duration that the container tells: 0 to 1.
    Part(f64),
}

/// How a search ended.
pub enum Outcome {
    /// With the frame.
    Found(Found),
    /// The first key frame is later than the moment: what comes before these bytes is needed too.
    Earlier,
}

/// What may be decoded.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Pixels of a coded frame.
    pub pixels: u64,
    /// Frames for one picture.
    pub frames: usize,
}

/// A clean frame.
pub struct Found {
    /// The frame.
    pub frame: Frame,
    /// Seconds after the first video packet.
    pub since_first: f64,
}

/// The movie header of a file in fragments ends within so many bytes: it lists no samples.
const MOVIE_HEADER: usize = 16 << 10;
/// Programmes whose tables come within so many bytes are seen.
const PROGRAMMES: usize = 32 << 10;
/// A larger JPEG is cut off there, and so damaged.
const LARGEST_STILL: u64 = 32 << 20;
/// Half a millisecond: playlists round to that.
pub(super) const ROUNDING: f64 = 0.0005;
/// What follows a key frame may be its second field, or what makes a decoder let go of it.
pub(super) const BEHIND_A_KEY: usize = 3;

/// Searches what `source` holds from its start. `whole` says that it is one whole file, in which the container's index may be used.
///
/// Fails with `no_video`, `encrypted`, `unsupported`, `undecodable` (no clean frame), `not_found` (past the end), `too_large`, or with what the
/// upstream failed with.
pub fn search(source: &Source, wanted: Search, whole: bool, bounds: Bounds, unlock: &dyn Unlock) -> Result<Outcome, Error> {
    // A box tells itself by its first bytes; to look further might cost a request
    let first = source.peek(sniff::BOX)?;
    if sniff::is_jpeg(&first) {
        let mut file = Vec::new();
        let read = source.from_start().take(LARGEST_STILL).read_to_end(&mut file);
        read.map_err(|e| source.take_error().unwrap_or_else(|| unclean("the picture cannot be read").because(e)))?;
        source.turn()?;
        return jpeg::still(&file, bounds.pixels).map(|frame| Outcome::Found(Found { frame, since_first: 0.0 }));
    }
    let head = if sniff::is_mp4(&first) { first } else { source.peek(sniff::ENOUGH)? };
    let container = sniff::container(&head)?;
    if container == Container::Ts && sniff::is_scrambled_ts(&head) {
        return Err(Error::new(ErrorKind::Encrypted, "the transport stream is scrambled by a conditional access system")
            .hint("no key can be given for it"));
    }
    // A file in fragments tells the duration of its first one alone
    let whole = whole && !(container == Container::Mp4 && source.peek(MOVIE_HEADER)?.windows(4).any(|four| four == b"mvex"));
    let modes: &[Mode] = match (container, wanted) {
        (Container::Ts, Search::First) => &[Mode::Quick, Mode::Parsed, Mode::Probed],
        (Container::Ts, _) => &[Mode::Parsed, Mode::Probed],
        // MP4 has one frame in a packet, with its times and its key flag
        (Container::Mp4, _) => &[Mode::Quick, Mode::Probed],
    };
    let opened = |mode| -> Result<Attempt<'_>, Error> {
        let (demuxer, locked) = (Demuxer::open(source, container, mode, bounds.pixels)?, Locked::new(unlock));
        Ok(Attempt { demuxer, source, first: None, whole, bounds, container, before: None, ahead: None, locked })
    };
    let mut failure = None;
    let mut was_locked = false;
    for mode in modes {
        if was_locked && *mode == Mode::Probed {
            // Probing would decode what is encrypted
            break;
        }
        let mut attempt = opened(*mode)?;
        if *mode != Mode::Probed && attempt.has_programmes()? {
            // Only probing tells which has the largest picture
            continue;
        }
        match attempt.run(wanted, *mode) {
            Err(error) if error.kind() == ErrorKind::Undecodable => {
                tracing::debug!("{mode:?}: {error}");
                was_locked |= attempt.locked.any();
                failure = Some(if was_locked { does_not_fit() } else { error });
            }
            done => return done,
        }
    }
    if wanted == Search::First
        && container == Container::Ts
        && let Ok(found) = opened(Mode::Parsed)?.first_recovered()
    {
        return Ok(Outcome::Found(found));
    }
    Err(failure.unwrap_or_else(|| unclean("no frame was found")))
}

pub(super) fn unclean(what: &str) -> Error {
    Error::new(ErrorKind::Undecodable, what.to_owned())
}

/// One pass over the bytes.
pub(super) struct Attempt<'a> {
    pub(super) demuxer: Demuxer,
    pub(super) source: &'a Source,
    /// The first video packet's time: what moments are counted from.
    pub(super) first: Option<Timestamp>,
    pub(super) whole: bool,
    pub(super) bounds: Bounds,
    pub(super) container: Container,
    /// Where the last packet that was given lies.
    before: Option<u64>,
    /// A packet that was looked at before its turn.
    ahead: Option<ff::Packet>,
    pub(super) locked: Locked<'a>,
}

impl Attempt<'_> {
    fn run(&mut self, wanted: Search, mode: Mode) -> Result<Outcome, Error> {
        match wanted {
            Search::First if mode == Mode::Quick => self.first_key_frame_quickly().map(Outcome::Found),
            Search::First => self.first_key_frame().map(Outcome::Found),
            Search::Last => self.at(f64::INFINITY, false),
            Search::KeyFrame(moment) => self.moment(moment).and_then(|moment| self.at(moment, true)),
            Search::Frame(moment) => self.moment(moment).and_then(|moment| self.at(moment, false)),
        }
    }

    /// The next video packet, after a look at whether it may be decoded at all.
    pub(super) fn packet(&mut self) -> Result<Option<ff::Packet>, Error> {
        let Some(packet) = self.ahead.take().map_or_else(|| self.demuxer.packet(), |ahead| Ok(Some(ahead)))? else {
            return Ok(None);
        };
        // A stream that is cut off in mid-packet has a last frame that is half there, which HEVC's decoder takes for whole
        if self.container == Container::Ts && self.source.size_at_end().is_some_and(|size| size % sniff::TS_PACKET as u64 != 0) {
            self.ahead = self.demuxer.packet()?;
            if self.ahead.is_none() {
                return Ok(None);
            }
        }
        if self.container == Container::Mp4 && self.is_cut(&packet) {
            return Ok(None);
        }
        let mut packet = self.locked.open(&self.demuxer, self.container, packet)?;
        let place = u64::try_from(packet.position()).ok();
        if packet.is_corrupt() && self.before.zip(place).is_some_and(|(before, here)| self.locked.begins_between(before, here)) {
            packet.set_flags(packet.flags() - ff::packet::Flags::CORRUPT);
        }
        self.before = place;
        if self.first.is_none() {
            self.first = self.demuxer.pts(&packet);
        }
        Ok(Some(packet))
    }

    /// Whether several programmes are found as far as a quick look goes.
    fn has_programmes(&self) -> Result<bool, Error> {
        let tables = self.demuxer.programme_tables();
        Ok(tables.len() > 1 && sniff::programmes(&self.source.peek(PROGRAMMES)?, &tables) > 1)
    }

    pub(super) fn prove(&self, run: &[ff::Packet]) -> Result<(), Error> {
        self.locked.prove(&self.demuxer, run, self.bounds.pixels)
    }

    /// Proves a key by a packet, and by some of those behind it where it alone would be too few.
    pub(super) fn prove_by_itself(&mut self, packet: ff::Packet) -> Result<(), Error> {
        let more = if self.locked.wants_more(&self.demuxer, &packet) { WITNESSES } else { 0 };
        let mut run = vec![packet];
        while run.len() <= more
            && let Ok(Some(next)) = self.packet()
        {
            run.push(next);
        }
        self.prove(&run)
    }

    /// Whether a sample ends where the bytes do, and the box that it lies in does not.
    fn is_cut(&self, packet: &ff::Packet) -> bool {
        let behind = u64::try_from(packet.position()).unwrap_or(0).saturating_add(packet.size() as u64);
        self.source.size().is_some_and(|end| behind >= end && sniff::is_cut_mp4(self.source.from_start(), end))
    }

    pub(super) fn since_first(&self, time: Option<Timestamp>) -> f64 {
        time.zip(self.first).map_or(0.0, |(time, first)| time.since(first))
    }

    pub(super) fn found(&self, frame: Frame) -> Found {
        Found { since_first: self.since_first(frame.pts), frame }
    }

    /// Takes the mark of damage away where segments meet, as [`packet`](Self::packet) does: counters that begin anew look like loss there. The mark
    /// may stand one packet early, since a parser gives it to what it completes meanwhile. What is truly cut off there, the decoder complains about.
    pub(super) fn forgive(&self, run: &mut [ff::Packet]) {
        let places: Vec<_> = run.iter().map(|packet| u64::try_from(packet.position()).ok()).collect();
        let end = places.len();
        for (index, packet) in run.iter_mut().enumerate().filter(|(_, packet)| packet.is_corrupt()) {
            let (here, behind) = (places.get(index).copied().flatten(), places.get((index + 2).min(end - 1)).copied().flatten());
            if here.zip(behind).is_some_and(|(here, behind)| self.locked.begins_between(here, behind)) {
                packet.set_flags(packet.flags() - ff::packet::Flags::CORRUPT);
            }
        }
    }

    /// The clean frame of the first packet of `run`.
    pub(super) fn key_frame_of(&self, run: &[ff::Packet]) -> Result<Option<Frame>, Error> {
        let Some(key) = run.first().filter(|key| !key.is_corrupt()) else {
            return Ok(None);
        };
        let time = self.since_first(self.demuxer.pts(key));
        let mut best = None;
        let broken = self.decode(run, |frame, since, _| {
            if best.is_none() && frame.is_clean() && since > time - ROUNDING && (frame.is_key() || frame.codec == "h264") {
                best = Some(frame);
            }
        })?;
        let best = best.filter(|_| broken > 0);
        if best.is_some() {
            self.prove(run)?;
        }
        Ok(best)
    }

    /// Decodes a run of packets, the first of which is a key frame, and shows every frame, with its seconds after the first packet and its
    /// packet's place in the run. Gives the place of the first packet that is damaged: behind it nothing is sure.
    pub(super) fn decode(&self, run: &[ff::Packet], mut each: impl FnMut(Frame, f64, usize)) -> Result<usize, Error> {
        let mut decoder = Decoder::new(&self.demuxer, Aim::EveryFrame, self.bounds.pixels)?;
        let since = |packet: &ff::Packet| self.since_first(self.demuxer.pts(packet));
        let from = run.first().map_or(0.0, since) - ROUNDING;
        let mut broken = run.len();
        let mut shown = 0;
        // Fields that are coded as pictures of their own are joined here, for all callers
        let mut pairs = FieldPairs::default();
        let mut show = |decoder: &mut Decoder, broken: &mut usize| {
            while let Some(frame) = decoder.receive() {
                self.demuxer.check()?;
                shown += 1;
                if shown > self.bounds.frames {
                    let what = format!("more than {} frames would have to be decoded", self.bounds.frames);
                    return Err(Error::new(ErrorKind::TooLarge, what).hint("take the key frame before it: --key-frame"));
                }
                let place = run.iter().position(|packet| packet.pts().or(packet.dts()) == frame.ticks()).unwrap_or(run.len() - 1);
                let since = self.since_first(frame.pts);
                if !frame.is_clean() && !frame.is_incomplete() && since >= from {
                    *broken = (*broken).min(place);
                }
                pairs.push((frame, since, place), &mut each)?;
            }
            Ok(())
        };
        for (place, packet) in run.iter().enumerate() {
            self.demuxer.check()?;
            decoder.send(packet)?;
            show(&mut decoder, &mut broken)?;
            // What leans on frames before the key frame is damaged by nature
            if (packet.is_corrupt() || decoder.complained()) && since(packet) >= from {
                broken = broken.min(place);
            }
        }
        decoder.drain();
        show(&mut decoder, &mut broken)?;
        pairs.finish(&mut each)?;
        Ok(if decoder.complained() { broken.min(run.len().saturating_sub(1)) } else { broken })
    }

    /// Why nothing was found: no video at all, or none that is clean.
    pub(super) fn nothing(&self, otherwise: &str) -> Error {
        if self.first.is_none() && self.demuxer.stream().is_none() { self.demuxer.without_video() } else { unclean(otherwise) }
    }
}
