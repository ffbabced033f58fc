//! Searches for the frames at several times in one pass: each access unit is read once, and each frame is decoded once.

use super::{
    access_unit_reader::AccessUnitReader,
    byte_source::ByteSource,
    container::{self, detect_container},
    decrypt_samples::DecryptSamples,
    demuxer::DemuxMode,
    field_pictures::parity,
    search::{FoundFrame, InputKind, SearchOutcome, SearchPass, has_index},
    search_state::{DecodeLimits, DomainState},
};
use crate::{error::Error, media::entries_for};

/// A search for the frames at several times.
#[derive(Debug, Clone, Copy)]
pub struct MomentSearch<'a> {
    /// Seconds from the start of the playlist's first segment, or of the file, in ascending order.
    pub times: &'a [f64],
    /// Whether to find the frame shown at each time, rather than the key frame at or before it.
    pub is_exact: bool,
    /// The content of the source.
    pub kind: InputKind,
    /// The limits of each frame's search.
    pub limits: DecodeLimits,
}

/// At most this many decoded frames are held at a time: one of 1080p has 3 MB.
const MAX_HELD_FRAMES: usize = 8;

/// Receives each frame once.
type Receive<'a> = dyn FnMut(FoundFrame) + 'a;

/// The frames that a search has passed on.
#[derive(Default)]
struct PassedOn {
    count: usize,
    /// The access unit of the last one, counted from the first one read.
    last_unit: Option<usize>,
}

impl MomentSearch<'_> {
    /// Searches `source` from its start, and passes each frame to `receive` once. For each time, returns the number of its frame among
    /// those; `None` if this pass does not give it, because it is damaged or depends on earlier bytes.
    ///
    /// Fails like [`search`](super::search()) if no frame was found. An error after the first frame ends the search.
    pub fn run(
        &self,
        source: &ByteSource,
        decryptor: &dyn DecryptSamples,
        domain_state: &mut DomainState,
        receive: &mut Receive<'_>,
    ) -> Result<Vec<Option<usize>>, Error> {
        let container = detect_container(&source.peek(container::PROBE_BYTES)?)?;
        let has_index = has_index(source, self.kind, container)?;
        let reader = AccessUnitReader::open(source, container, DemuxMode::Packets, self.limits, decryptor, domain_state)?;
        let mut pass = SearchPass::new(reader, has_index, domain_state);
        let (mut found, mut passed_on) = (Vec::new(), PassedOn::default());
        while let Some((first, _)) = self.times.get(found.len()..).and_then(<[f64]>::split_first) {
            let result = if self.is_exact {
                pass.frames_from(self.times.get(found.len()..).unwrap_or_default(), &mut passed_on, receive)
            } else {
                pass.key_frame_of(*first, &mut passed_on, receive).map(|number| vec![number])
            };
            match result {
                Ok(numbers) => found.extend(numbers),
                Err(error) if found.iter().all(Option::is_none) => return Err(error),
                Err(error) => {
                    tracing::debug!("{}", error.one_line());
                    break;
                }
            }
        }
        pass.update_domain_state();
        found.resize(self.times.len(), None);
        Ok(found)
    }
}

impl SearchPass<'_> {
    /// Passes on the key frame at or before `time`, unless it was passed on already. Returns its number.
    fn key_frame_of(&mut self, time: f64, passed_on: &mut PassedOn, receive: &mut Receive<'_>) -> Result<Option<usize>, Error> {
        self.seek_again();
        for key in self.key_frames_until(time)? {
            let unit = self.reader.discarded + key;
            if passed_on.last_unit == Some(unit) {
                return Ok(passed_on.count.checked_sub(1));
            }
            if let Some(frame) = self.decode_key_frame(key)? {
                let outcome = self.found(frame, key);
                return Ok(passed_on.add(outcome, unit, receive));
            }
        }
        Ok(None)
    }

    /// Passes on the frame at the first of `times`, and those at the following times that one run of the decoder gives too. Returns the
    /// number of the frame of each; `None` if one cannot be decoded.
    fn frames_from(&mut self, times: &[f64], passed_on: &mut PassedOn, receive: &mut Receive<'_>) -> Result<Vec<Option<usize>>, Error> {
        self.seek_again();
        let Some((first, later)) = times.split_first() else { return Ok(Vec::new()) };
        self.read_up_to(*first)?;
        self.find_audio_start()?;
        let Some(target) = self.decodable_unit_at(*first) else { return Ok(vec![None]) };
        let Some(entry) = entries_for(&self.reader.units, target).first().copied() else { return Ok(vec![None]) };
        let mut targets = vec![target];
        for time in later.iter().take(MAX_HELD_FRAMES - 1) {
            self.read_on_to(*time)?;
            match self.decodable_unit_at(*time) {
                Some(target) if entries_for(&self.reader.units, target).first() == Some(&entry) => targets.push(target),
                _ => break,
            }
        }
        let numbers = self.decode_targets(entry, &targets, passed_on, receive)?;
        Ok(numbers)
    }

    /// Decodes the units of `targets`, which ascend in presentation, in one run from `entry`. Those that it does not give whole are decoded
    /// one by one.
    fn decode_targets(
        &mut self,
        entry: usize,
        targets: &[usize],
        passed_on: &mut PassedOn,
        receive: &mut Receive<'_>,
    ) -> Result<Vec<Option<usize>>, Error> {
        let last = targets.iter().copied().max().unwrap_or(entry);
        let mut frames = Vec::new();
        let requires_references = self.reader.requires_references(entry);
        let first_damaged = self.reader.decode_range(entry, last, |decoded| {
            let is_wanted = targets.contains(&decoded.index) && parity(&decoded.frame).is_none();
            if is_wanted && decoded.frame.is_whole(requires_references) {
                frames.push(decoded);
            }
        })?;
        let run = self.reader.packets.get(entry..=last).unwrap_or_default();
        self.reader.key_verification.verify(&self.reader.demuxer, run, self.reader.limits.pixels)?;
        let mut numbers = Vec::new();
        for target in targets {
            let unit = self.reader.discarded + target;
            if passed_on.last_unit == Some(unit) {
                numbers.push(passed_on.count.checked_sub(1));
                continue;
            }
            let decoded = frames.iter().position(|decoded| decoded.index == *target && *target < first_damaged);
            let outcome = match decoded {
                Some(at) => Some(self.found(frames.swap_remove(at).frame, *target)),
                None => self.decode_target(*target)?,
            };
            numbers.push(outcome.and_then(|outcome| passed_on.add(outcome, unit, receive)));
        }
        Ok(numbers)
    }
}

impl PassedOn {
    /// Passes on a frame, and returns its number.
    fn add(&mut self, outcome: SearchOutcome, unit: usize, receive: &mut Receive<'_>) -> Option<usize> {
        let SearchOutcome::Found(found) = outcome else { return None };
        receive(*found);
        self.last_unit = Some(unit);
        self.count += 1;
        self.count.checked_sub(1)
    }
}
