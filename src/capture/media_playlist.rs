//! From a Media Playlist to a picture: which segments are opened, and what is looked for in them.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::{
    JobContext,
    candidates::{self, FailedShared, FailureScope, TimeShare},
    decode_job::{DecodedPicture, InputLayout, rounded, run_decode_job},
    facts::{self, Capture, JobClock},
    select::{self, KeyFrames},
};
use crate::{
    error::{Error, ErrorKind, redacted},
    fetch::Job,
    hls::{self, Goal, MediaPlaylist, PlaylistIndex, Segment, Tiles, Variant},
    libav::{DomainState, SearchTarget, SearchTime},
    read::{self, SegmentReader, SegmentSpan},
    report::{FrameReport, SegmentReport},
    request::{Crop, Position},
};

/// The Variant that a Media Playlist belongs to, with what its Multivariant Playlist says of the start.
#[derive(Clone, Copy)]
pub(super) struct SelectedVariant<'a> {
    pub variant: &'a Variant,
    pub start: Option<&'a hls::StartOffset>,
}

/// Segments behind the wanted one that a search may read: frames are reordered across borders, and some segments hold no video.
const SEGMENTS_READ_ON: usize = 4;

/// A picture out of a Media Playlist.
/// `most_gone` is how many segments at the live edge may be gone until the playlist is taken for an old one.
pub(super) async fn take(
    work: &JobContext<'_>,
    playlist: &MediaPlaylist,
    chosen: Option<SelectedVariant<'_>>,
    most_gone: usize,
    clock: &mut JobClock,
) -> Result<Capture, Error> {
    let request = work.request;
    let plan = hls::plan(playlist, request.at, request.precision, chosen.and_then(|chosen| chosen.start))
        .map_err(|e| e.with_url(&playlist.url))?;
    let bandwidth = chosen.and_then(|chosen| chosen.variant.bandwidth);
    let search = PlaylistSearch { work, playlist, bandwidth, memories: &Mutex::default() };
    let mut failure = None;
    let mut notes = Vec::new();
    let (mut failed, mut gone) = (0, 0);
    let mut failed_shared = FailedShared::default();
    // The Variant may have what a shortcut to it lacks
    let is_shortcut = playlist.i_frames_only && chosen.is_some();
    let is_newest = playlist.is_live() && matches!(request.at, None | Some(Position::Live));
    for (tried, place) in plan.candidates.iter().copied().enumerate() {
        if failed >= request.limits.max_segments || !search.is_near(place, plan.candidates.first()) {
            break;
        }
        let segment = playlist.segments.get(place.segment);
        if segment.is_some_and(|segment| failed_shared.blocks(segment)) {
            continue;
        }
        let share = TimeShare::of(work, candidates::SEGMENT, playlist.is_live() && tried + 1 < plan.candidates.len());
        match search.within(&share.work(work)).at(place, plan.goal, tried == 0, clock).await {
            Ok(taken) => {
                let key_frames = KeyFrames::of_playlist(&search, place, &taken);
                let mut taken = select::apply_content_choice(request, key_frames, taken, clock).await?;
                taken.notes.extend(notes);
                taken.notes.extend(plan.note.clone());
                taken.notes.extend(playlist.notes());
                return Ok(taken);
            }
            Err(error) if !is_shortcut && another_segment_may_do(&error, playlist, work.job, plan.goal) => {
                tracing::info!("a segment is passed over: {}", error.one_line());
                let number = segment.map_or(0, |segment| segment.media_sequence_number);
                notes.push(format!("Media Sequence Number {number} was passed over: {}: {}", error.kind(), error.message()));
                // Segments without a key frame are no failure: groups of pictures may be long
                failed += usize::from(error.kind() != ErrorKind::Undecodable);
                gone += usize::from(is_newest && error.is_gone());
                if let Some(segment) = segment {
                    failed_shared.add(&error, segment);
                }
                // Where one segment has video, it is not video that lacks
                if failure.as_ref().is_none_or(|first: &Error| first.kind() == ErrorKind::NoVideo) {
                    failure = Some(error);
                }
                if gone >= most_gone {
                    break;
                }
            }
            Err(error) => return Err(failure.unwrap_or(error)),
        }
    }
    Err(failure.unwrap_or_else(|| Error::new(ErrorKind::NotFound, "no segment holds that moment").with_url(&playlist.url)))
}

/// A time is in one segment; the start and the live edge may as well be in the next one that is whole.
/// Of a recording only a segment that is gone or shows nothing is passed over: its other failures may pass.
pub(super) fn another_segment_may_do(error: &Error, playlist: &MediaPlaylist, job: &Job, goal: Goal) -> bool {
    let is_for_good = matches!(error.kind(), ErrorKind::NoVideo | ErrorKind::Undecodable) || error.is_gone();
    let gives_way = (playlist.is_live() || is_for_good) && FailureScope::of(error, job) == FailureScope::Candidate;
    matches!(goal, Goal::FirstKeyFrame | Goal::LastFrame) && gives_way
}

pub(super) struct PlaylistSearch<'a> {
    pub work: &'a JobContext<'a>,
    pub playlist: &'a MediaPlaylist,
    bandwidth: Option<u64>,
    /// What is known of each discontinuity sequence number.
    memories: &'a Mutex<HashMap<u64, DomainState>>,
}

impl<'a> PlaylistSearch<'a> {
    /// The same search within a share of the job.
    fn within<'b>(&'b self, work: &'b JobContext<'b>) -> PlaylistSearch<'b>
    where
        'a: 'b,
    {
        PlaylistSearch { work, ..*self }
    }

    /// Looks for the goal from a place on, and in what lies before it if that is needed. `is_best` says that nothing was tried before it.
    pub async fn at(&self, place: PlaylistIndex, goal: Goal, is_best: bool, clock: &mut JobClock) -> Result<Capture, Error> {
        let wanted = match goal {
            Goal::FirstKeyFrame => SearchTarget::FirstKeyFrame,
            Goal::LastFrame => SearchTarget::LastFrame,
            Goal::KeyFrameAtOrBefore(moment) => SearchTarget::KeyFrameAt(SearchTime::FromStart(moment)),
            Goal::FrameAt(moment) => SearchTarget::FrameAt(SearchTime::FromStart(moment)),
        };
        let run = self.run(place, place, goal, is_best);
        let mut failure = match self.grab(&run, wanted, clock).await {
            Ok(Some(grabbed)) => return self.taken(&run, grabbed),
            Ok(None) => None,
            // A segment without video shows what the one before showed last
            Err(error) if error.kind() == ErrorKind::NoVideo && wanted != SearchTarget::FirstKeyFrame => Some(error),
            Err(error) => return Err(error),
        };
        if wanted == SearchTarget::FirstKeyFrame {
            return self.with_earlier_parameters(place, &run, clock).await;
        }
        let mut has_video = failure.is_none();
        let mut from = place;
        while let Some(before) = self.before(from, place) {
            from = before;
            let run = self.run(from, place, goal, is_best);
            match self.grab(&run, wanted, clock).await {
                Ok(Some(grabbed)) => return self.taken(&run, grabbed),
                Ok(None) => has_video = true,
                Err(error) if error.kind() == ErrorKind::NoVideo => {
                    failure.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        // Nothing stands before: the first key frame is the nearest there is
        let mut next = place;
        while self.playlist.segments.get(next.segment).is_some_and(|segment| !segment.gap) {
            let run = SegmentSpan::new(self.playlist, next, self.playlist.segments.len());
            match self.grab(&run, SearchTarget::FirstKeyFrame, clock).await {
                Ok(Some(grabbed)) => {
                    let mut taken = self.taken(&run, grabbed)?;
                    taken.notes.push("no key frame stands before that moment; the first one after it was taken".to_owned());
                    return Ok(taken);
                }
                Ok(None) => return Err(no_parameters()),
                // Another stream may follow a discontinuity
                Err(error) if error.kind() == ErrorKind::NoVideo => {
                    failure.get_or_insert(error);
                    next = (next.segment + run.segments.len().max(1)).into();
                }
                Err(error) => return Err(error),
            }
        }
        Err(failure.filter(|_| !has_video).unwrap_or_else(|| Error::new(ErrorKind::Undecodable, "no frame at that moment can be decoded")))
    }

    /// The first key frame of a run, once an earlier segment has told the parameter sets that it lacks.
    async fn with_earlier_parameters(&self, place: PlaylistIndex, run: &SegmentSpan, clock: &mut JobClock) -> Result<Capture, Error> {
        let mut from = place;
        while let Some(before) = self.before(from, place) {
            from = before;
            // Only its headers are wanted: whatever comes of it is not given
            match self.grab(&self.run(from, from, Goal::FirstKeyFrame, false), SearchTarget::FirstKeyFrame, clock).await {
                Err(error) if !matches!(error.kind(), ErrorKind::Undecodable | ErrorKind::NoVideo) => return Err(error),
                _ => {}
            }
            if let Some(grabbed) = self.grab(run, SearchTarget::FirstKeyFrame, clock).await? {
                return self.taken(run, grabbed);
            }
        }
        Err(no_parameters())
    }

    /// The first key frame that is shown later than a moment, from a place on.
    pub async fn key_frame_after(&self, place: PlaylistIndex, moment: f64, clock: &mut JobClock) -> Result<Option<Capture>, Error> {
        let run = SegmentSpan::new(self.playlist, place, place.segment);
        match self.grab(&run, SearchTarget::KeyFrameAfter(moment), clock).await {
            Ok(Some(grabbed)) => self.taken(&run, grabbed).map(Some),
            Ok(None) => Ok(None),
            Err(error) if matches!(error.kind(), ErrorKind::Undecodable | ErrorKind::NoVideo) || error.is_gone() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// From a place on as far as a search may have to read.
    fn run(&self, from: PlaylistIndex, place: PlaylistIndex, goal: Goal, is_best: bool) -> SegmentSpan {
        let newest = self.playlist.segments.len().saturating_sub(1);
        match goal {
            // The newest frame there is, with the part that is about to come
            Goal::LastFrame if is_best && place.segment + 1 >= newest => {
                SegmentSpan::new(self.playlist, from, newest).with_hint(self.playlist)
            }
            // What is looked for at the end of the window is not read on into
            Goal::LastFrame => SegmentSpan::new(self.playlist, from, place.segment),
            Goal::FirstKeyFrame if !is_best => SegmentSpan::new(self.playlist, from, place.segment),
            _ => SegmentSpan::new(self.playlist, from, place.segment + SEGMENTS_READ_ON),
        }
    }

    /// The place before, if a decoder could go on from there and the search may go back that far from `place`.
    fn before(&self, from: PlaylistIndex, place: PlaylistIndex) -> Option<PlaylistIndex> {
        if from.part > 0 {
            return Some(from.segment.into());
        }
        let index = from.segment.checked_sub(1)?;
        let segments = &self.playlist.segments;
        let (before, this, wanted) = (segments.get(index)?, segments.get(from.segment)?, segments.get(place.segment)?);
        let opens = self.work.keyring.key_ref(before.key.as_deref(), before.media_sequence_number).is_ok();
        let is_near = wanted.start - before.start <= self.work.request.limits.max_look_back.as_secs_f64();
        (!before.gap && opens && is_near && read::continues(before, this)).then(|| index.into())
    }

    /// Whether a candidate is near enough to the first one to be tried.
    fn is_near(&self, place: PlaylistIndex, first: Option<&PlaylistIndex>) -> bool {
        let start = |place: &PlaylistIndex| self.playlist.segments.get(place.segment).map_or(0.0, |segment| segment.start);
        first.is_none_or(|first| (start(first) - start(&place)).abs() <= self.work.request.limits.max_look_back.as_secs_f64())
    }

    /// `None`: what lies before the run is needed.
    async fn grab(&self, run: &SegmentSpan, wanted: SearchTarget, clock: &mut JobClock) -> Result<Option<DecodedPicture>, Error> {
        let Some(segment) = run.segments.first() else {
            return Err(Error::internal("the plan names no segment"));
        };
        let placed = |error: Error| error.with_url(&segment.url).with_media_sequence_number(segment.media_sequence_number);
        let JobContext { job, multiplexed, keyring, shelf, .. } = *self.work;
        let portion = self.portion(segment, wanted);
        let feed =
            SegmentReader::open(job, run.parts(keyring).map_err(placed)?, portion, multiplexed, keyring, shelf).await.map_err(placed)?;
        let Some(tiles) = segment.tiles else {
            let kind = if segment.init.is_some() { InputLayout::Fragments } else { InputLayout::Plain };
            let domain = segment.discontinuity_sequence_number;
            let mut memory = self.memories.lock().unwrap_or_else(PoisonError::into_inner).get(&domain).cloned().unwrap_or_default();
            // Each entry of an I-frame Playlist is placed by the playlist
            if self.playlist.i_frames_only {
                memory.anchor = None;
            }
            let grabbed = run_decode_job(self.work, feed, kind, wanted, run.starts(), &mut memory, clock).await.map_err(placed);
            self.memories.lock().unwrap_or_else(PoisonError::into_inner).insert(domain, memory);
            return grabbed;
        };
        let index = self.tile(segment, tiles, wanted);
        let kind = InputLayout::Tile(Crop::tile(tiles.layout, index));
        let grabbed = run_decode_job(self.work, feed, kind, SearchTarget::FirstKeyFrame, run.starts(), &mut DomainState::default(), clock)
            .await
            .map_err(placed)?;
        Ok(grabbed.map(|grabbed| DecodedPicture { seconds: segment.start + f64::from(index) * tiles.duration, ..grabbed }))
    }

    /// Which picture of an image stands for the moment.
    fn tile(&self, segment: &Segment, tiles: Tiles, wanted: SearchTarget) -> u32 {
        let (columns, rows) = tiles.layout;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float outside of the range is saturated")]
        let shown = |seconds: f64| (seconds / tiles.duration + EPSILON).floor().max(0.0) as u32;
        // The last image is not always full
        let last = shown(segment.duration - tiles.duration / 2.0).min(columns.saturating_mul(rows).saturating_sub(1));
        let is_newest = self.playlist.is_live() && matches!(self.work.request.at, None | Some(Position::Live));
        match wanted {
            SearchTarget::KeyFrameAt(SearchTime::FromStart(seconds)) | SearchTarget::FrameAt(SearchTime::FromStart(seconds)) => {
                shown(seconds - segment.start).min(last)
            }
            SearchTarget::FirstKeyFrame if !is_newest => 0,
            _ => last,
        }
    }

    /// How many bytes to ask for at first: what a key frame may take, by the bit rate. Key frames weigh as much as half a second or
    /// less; a wrong guess costs one request more.
    fn portion(&self, segment: &Segment, wanted: SearchTarget) -> Option<u64> {
        let near = match wanted {
            // Parts are small, and I-frame ranges are just what is wanted
            _ if !segment.complete || self.playlist.i_frames_only => false,
            SearchTarget::FirstKeyFrame => true,
            SearchTarget::KeyFrameAt(SearchTime::FromStart(seconds)) | SearchTarget::FrameAt(SearchTime::FromStart(seconds)) => {
                seconds - segment.start < 0.001
            }
            _ => false,
        };
        let bits = segment.bitrate.map(|kilobits| kilobits.saturating_mul(1000)).or(self.bandwidth);
        near.then(|| bits.map_or(UNKNOWN_PORTION, |bits| bits / 8 * 3 / 5).clamp(LEAST_PORTION, MOST_PORTION))
    }

    fn taken(&self, run: &SegmentSpan, grabbed: DecodedPicture) -> Result<Capture, Error> {
        let holder = run.segments.get(grabbed.segment).ok_or_else(|| Error::internal("a segment beyond the run"))?;
        let shown = grabbed.seconds;
        let (date, age) = facts::program_date_time(holder.program_date_time, shown - holder.start);
        Ok(Capture {
            live: self.playlist.is_live(),
            encrypted: grabbed.sealed.or(holder.key.as_deref().and_then(facts::encrypted)).unwrap_or("none"),
            variant: None,
            segment: SegmentReport {
                url: redacted(&holder.url),
                media_sequence_number: Some(holder.media_sequence_number),
                discontinuity_sequence_number: Some(holder.discontinuity_sequence_number),
                part: self.part_of(holder, shown),
                i_frame: self.playlist.i_frames_only,
            },
            frame: FrameReport { presentation_seconds: Some(rounded(shown)), program_date_time: date, age_seconds: age, ..grabbed.frame },
            made: grabbed.made,
            notes: Vec::new(),
        })
    }

    /// The index of the part that is shown at a moment, where parts were read.
    fn part_of(&self, read: &Segment, shown: f64) -> Option<u64> {
        let whole = self.playlist.segments.iter().find(|segment| segment.media_sequence_number == read.media_sequence_number)?;
        let index = whole.parts.iter().rposition(|part| part.start <= shown + HALF_A_MILLISECOND)?;
        let is_past_the_end = whole.parts.last().is_some_and(|last| shown >= last.start + last.duration - HALF_A_MILLISECOND);
        (!read.complete).then_some((index + usize::from(is_past_the_end)) as u64)
    }
}

fn no_parameters() -> Error {
    Error::new(ErrorKind::Undecodable, "no segment has the parameter sets of the video")
}

/// Durations are rounded.
const EPSILON: f64 = 1e-6;
const HALF_A_MILLISECOND: f64 = 0.0005;
const UNKNOWN_PORTION: u64 = 256 << 10;
const LEAST_PORTION: u64 = 64 << 10;
const MOST_PORTION: u64 = 2 << 20;
