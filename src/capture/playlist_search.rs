//! Searches one Media Playlist for a frame: reads segments from a given one on, and earlier ones if the frame depends on them.

use std::sync::Arc;

use super::{
    context::JobContext,
    decode_job::{DecodeInput, InputLayout, RenderedPicture, run_decode_job, run_moments_job},
    domain_states::DomainStates,
    facts::{self, Capture},
    key_frame_bytes::{self, AT_START},
};
use crate::{
    error::{Error, ErrorKind, redacted},
    hls::{Goal, MediaPlaylist, SearchStart, Segment, Tiles},
    libav::{DomainState, SearchTarget, SearchTime, SoundFacts},
    read::{self, SegmentSpan},
    report::{Encryption, SegmentReport},
    request::{Crop, Position, Precision},
    time::TIME_TOLERANCE,
};

/// Segments to read after the wanted one: frames are reordered across segment borders, and some segments hold no video.
const SEGMENTS_READ_AHEAD: usize = 4;

/// Searches of one Media Playlist, which share what they learn.
#[derive(Clone)]
pub(super) struct PlaylistSearch<'a> {
    pub context: JobContext,
    pub playlist: &'a MediaPlaylist,
    /// The Variant's BANDWIDTH, in bits per second.
    bandwidth: Option<u64>,
    states: Arc<DomainStates>,
}

impl<'a> PlaylistSearch<'a> {
    pub fn new(context: &JobContext, playlist: &'a MediaPlaylist, bandwidth: Option<u64>) -> Self {
        Self { context: context.clone(), playlist, bandwidth, states: Arc::new(DomainStates::new(&context.headers)) }
    }

    /// The same search with another deadline.
    pub fn with_context(&self, context: JobContext) -> Self {
        Self { context, ..self.clone() }
    }

    /// Captures the frame of `goal`, reading from `index` on, and earlier segments if needed. `is_first`: no other candidate was tried.
    pub async fn capture_at(&self, index: SearchStart, goal: Goal, is_first: bool) -> Result<Capture, Error> {
        let target = match goal {
            Goal::FirstKeyFrame => SearchTarget::FirstKeyFrame,
            Goal::LastFrame => SearchTarget::LastFrame,
            Goal::KeyFrameAtOrBefore(seconds) => SearchTarget::KeyFrameAt(SearchTime::FromStart(seconds)),
            Goal::FrameAt(seconds) => SearchTarget::FrameAt(SearchTime::FromStart(seconds)),
        };
        let mut attempts = Attempts::default();
        let span = self.span(index, index, goal, is_first);
        if let Some(capture) = self.capture_at_start(&span, target).await? {
            return Ok(capture);
        }
        if target == SearchTarget::FirstKeyFrame {
            return match self.decode(&span, target).await? {
                Some(picture) => self.capture(&span, picture),
                None => self.capture_with_earlier_parameters(index, &span).await,
            };
        }
        if let Some(picture) = attempts.add(self.decode(&span, target).await)? {
            return self.capture(&span, picture);
        }
        let mut from = index;
        while let Some(earlier) = self.previous(from, index) {
            from = earlier;
            let span = self.span(from, index, goal, is_first);
            if let Some(picture) = attempts.add(self.decode(&span, target).await)? {
                return self.capture(&span, picture);
            }
        }
        self.capture_next_key_frame(index, attempts).await
    }

    /// One of many pictures at the start of its segment: the first key frame is the wanted one if it is presented then, which is known before
    /// anything after it arrives.
    async fn capture_at_start(&self, span: &SegmentSpan, target: SearchTarget) -> Result<Option<Capture>, Error> {
        let (Some(segment), SearchTarget::KeyFrameAt(SearchTime::FromStart(seconds))) = (span.segments.first(), target) else {
            return Ok(None);
        };
        if self.context.key_frame_bytes.is_none() || seconds - segment.start >= AT_START || segment.tiles.is_some() {
            return Ok(None);
        }
        match self.decode(span, SearchTarget::FirstKeyFrame).await {
            Ok(Some(picture)) if picture.seconds <= seconds + TIME_TOLERANCE => self.capture(span, picture).map(Some),
            Ok(_) => Ok(None),
            Err(error) if matches!(error.kind(), ErrorKind::NoVideo | ErrorKind::Undecodable) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Downloads the byte ranges of segments, which touch each other, by one request.
    pub async fn prefetch(&self, segments: &[usize]) -> Result<(), Error> {
        let mut spans = Vec::new();
        for index in segments {
            let span = SegmentSpan::new(self.playlist, (*index).into(), *index);
            spans.extend(span.byte_spans(&self.context.keyring)?.into_iter().filter(|span| !span.is_init));
        }
        read::prefetch(&self.context.job, &spans, &self.context.downloads).await
    }

    /// The first key frame from `index` on: no earlier frame can be decoded, so it is the nearest.
    async fn capture_next_key_frame(&self, index: SearchStart, mut attempts: Attempts) -> Result<Capture, Error> {
        let had_video = attempts.had_video;
        let mut next = index;
        while self.playlist.segments.get(next.segment).is_some_and(|segment| !segment.gap) {
            let span = SegmentSpan::new(self.playlist, next, self.playlist.segments.len());
            match self.decode(&span, SearchTarget::FirstKeyFrame).await {
                Ok(Some(picture)) => {
                    let mut capture = self.capture(&span, picture)?;
                    capture.notes.push("no key frame precedes that position; the first one after it was used".to_owned());
                    return Ok(capture);
                }
                Ok(None) => return Err(missing_parameters()),
                // Another stream may follow a discontinuity
                Err(error) if error.kind() == ErrorKind::NoVideo => {
                    attempts.no_video.get_or_insert(error);
                    next = (next.segment + span.segments.len().max(1)).into();
                }
                Err(error) => return Err(error),
            }
        }
        let undecodable = || Error::new(ErrorKind::Undecodable, "no frame at that position can be decoded");
        Err(attempts.no_video.filter(|_| !had_video).unwrap_or_else(undecodable))
    }

    /// The first key frame of a span, once an earlier segment has given the parameter sets that it lacks.
    async fn capture_with_earlier_parameters(&self, index: SearchStart, span: &SegmentSpan) -> Result<Capture, Error> {
        let mut from = index;
        while let Some(earlier) = self.previous(from, index) {
            from = earlier;
            // Only its parameter sets are needed: the picture is dropped
            match self.decode(&self.span(from, from, Goal::FirstKeyFrame, false), SearchTarget::FirstKeyFrame).await {
                Err(error) if !matches!(error.kind(), ErrorKind::Undecodable | ErrorKind::NoVideo) => return Err(error),
                _ => {}
            }
            if let Some(picture) = self.decode(span, SearchTarget::FirstKeyFrame).await? {
                return self.capture(span, picture);
            }
        }
        Err(missing_parameters())
    }

    /// The first key frame of the segment at `index` that is presented after `seconds`.
    pub async fn key_frame_after(&self, index: SearchStart, seconds: f64) -> Result<Option<Capture>, Error> {
        let span = SegmentSpan::new(self.playlist, index, index.segment);
        match self.decode(&span, SearchTarget::KeyFrameAfter(seconds)).await {
            Ok(Some(picture)) => self.capture(&span, picture).map(Some),
            Ok(None) => Ok(None),
            Err(error) if matches!(error.kind(), ErrorKind::Undecodable | ErrorKind::NoVideo) || error.is_gone() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The segments from `from` on that a search for a frame in `index` may have to read.
    fn span(&self, from: SearchStart, index: SearchStart, goal: Goal, is_first: bool) -> SegmentSpan {
        let newest = self.playlist.segments.len().saturating_sub(1);
        match goal {
            // The newest frame may be in the hinted part
            Goal::LastFrame if is_first && index.segment + 1 >= newest => {
                SegmentSpan::new(self.playlist, from, newest).with_hint(self.playlist)
            }
            Goal::LastFrame => SegmentSpan::new(self.playlist, from, index.segment),
            Goal::FirstKeyFrame if !is_first => SegmentSpan::new(self.playlist, from, index.segment),
            _ => SegmentSpan::new(self.playlist, from, index.segment + SEGMENTS_READ_AHEAD),
        }
    }

    /// The segment before `from`, if a decoder can go on from it and it is near enough to `index`.
    fn previous(&self, from: SearchStart, index: SearchStart) -> Option<SearchStart> {
        if from.part > 0 {
            return Some(from.segment.into());
        }
        let previous = from.segment.checked_sub(1)?;
        let segments = &self.playlist.segments;
        let (before, this, wanted) = (segments.get(previous)?, segments.get(from.segment)?, segments.get(index.segment)?);
        let has_key = self.context.keyring.key_ref(before.key.as_deref(), before.media_sequence_number).is_ok();
        let is_near = wanted.start - before.start <= self.max_look_back();
        (!before.gap && has_key && is_near && read::continues(before, this)).then(|| previous.into())
    }

    /// Whether a candidate is near enough to the first one.
    pub fn is_near(&self, index: SearchStart, first: Option<&SearchStart>) -> bool {
        let start = |index: &SearchStart| self.playlist.segments.get(index.segment).map_or(0.0, |segment| segment.start);
        first.is_none_or(|first| (start(first) - start(&index)).abs() <= self.max_look_back())
    }

    fn max_look_back(&self) -> f64 {
        self.context.request.limits.max_look_back.as_secs_f64()
    }

    /// Reads a span and decodes the frame of `target`. `None`: the frame depends on earlier segments.
    async fn decode(&self, span: &SegmentSpan, target: SearchTarget) -> Result<Option<RenderedPicture>, Error> {
        let Some(segment) = span.segments.first() else {
            return Err(Error::internal("the plan names no segment"));
        };
        let located = |error: Error| error.with_url(&segment.url).with_media_sequence_number(segment.media_sequence_number);
        let spans = span.byte_spans(&self.context.keyring).map_err(located)?;
        let reader = self.context.open_reader(spans, self.first_request(segment, target)).await.map_err(located)?;
        let input = |layout| DecodeInput { reader, layout, segment_starts: span.starts() };
        if let Some(tiles) = segment.tiles {
            let index = self.tile_index(segment, tiles, target);
            let input = input(InputLayout::Tile(Crop::tile(tiles.layout, index)));
            let picture =
                run_decode_job(&self.context, input, SearchTarget::FirstKeyFrame, &mut DomainState::default()).await.map_err(located)?;
            return Ok(picture.map(|picture| RenderedPicture { seconds: segment.start + f64::from(index) * tiles.duration, ..picture }));
        }
        let domain = segment.discontinuity_sequence_number;
        let mut state = self.states.get(domain);
        // The playlist alone places the entries of an I-frame Playlist in time
        if self.playlist.i_frames_only {
            state.anchor = None;
        }
        let input = input(InputLayout::of(segment));
        let picture = run_decode_job(&self.context, input, target, &mut state).await.map_err(located);
        self.states.set(domain, state);
        if let Ok(Some(picture)) = &picture {
            self.learn_size(segment, target, picture.bytes_read);
        }
        picture
    }

    /// Lets further first requests follow from what a search has read.
    fn learn_size(&self, segment: &Segment, target: SearchTarget, bytes_read: Option<u64>) {
        if let (Some(learned), Some(offset), Some(bytes)) = (&self.context.key_frame_bytes, offset_of(target, segment), bytes_read) {
            learned.learn(offset, bytes);
        }
    }

    /// Captures the frames at ascending times in the segment at `index`, in one pass over its bytes. `None` means that the frame
    /// of that time takes more than this pass.
    pub async fn capture_moments(&self, index: usize, times: &[f64], precision: Precision) -> Result<Vec<Option<Capture>>, Error> {
        let span = SegmentSpan::new(self.playlist, index.into(), index + SEGMENTS_READ_AHEAD);
        let Some(segment) = span.segments.first() else { return Err(Error::internal("the plan names no segment")) };
        let spans = span.byte_spans(&self.context.keyring)?;
        let last = times.last().map_or(SearchTarget::FirstKeyFrame, |last| SearchTarget::KeyFrameAt(SearchTime::FromStart(*last)));
        let reader = self.context.open_reader(spans, self.first_request(segment, last)).await?;
        let mut state = self.states.get(segment.discontinuity_sequence_number);
        let input = DecodeInput { reader, layout: InputLayout::of(segment), segment_starts: span.starts() };
        let pictures = run_moments_job(&self.context, input, times.to_vec(), precision, &mut state).await?;
        self.states.set(segment.discontinuity_sequence_number, state);
        self.learn_size(segment, last, pictures.last().and_then(|picture| picture.as_ref()?.bytes_read));
        Ok(pictures.into_iter().map(|picture| self.capture(&span, picture?).ok()).collect())
    }

    /// Index of the tile of an image segment that is presented at the target.
    fn tile_index(&self, segment: &Segment, tiles: Tiles, target: SearchTarget) -> u32 {
        /// Playlists round durations.
        const ROUNDING: f64 = 1e-6;
        let (columns, rows) = tiles.layout;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float outside of the range is saturated")]
        let tile_at = |seconds: f64| (seconds / tiles.duration + ROUNDING).floor().max(0.0) as u32;
        // The last image may be partly filled
        let last = tile_at(segment.duration - tiles.duration / 2.0).min(columns.saturating_mul(rows).saturating_sub(1));
        let wants_newest = self.playlist.is_live() && matches!(self.context.request.at, None | Some(Position::Live));
        match target {
            SearchTarget::KeyFrameAt(SearchTime::FromStart(seconds)) | SearchTarget::FrameAt(SearchTime::FromStart(seconds)) => {
                tile_at(seconds - segment.start).min(last)
            }
            SearchTarget::FirstKeyFrame if !wants_newest => 0,
            _ => last,
        }
    }

    /// Size in bytes of the first request: enough for a key frame, by the bit rate. `None` requests everything.
    fn first_request(&self, segment: &Segment, target: SearchTarget) -> Option<u64> {
        // Partial Segments are small, and an I-frame's range holds nothing else
        if !segment.complete || self.playlist.i_frames_only || self.context.reads_on_for_sound {
            return None;
        }
        let offset = offset_of(target, segment)?;
        let bits = segment.bitrate.map(|kilobits| kilobits.saturating_mul(1000)).or(self.bandwidth);
        let key_frame = key_frame_bytes::estimate(bits);
        let Some(learned) = &self.context.key_frame_bytes else { return (offset < AT_START).then_some(key_frame) };
        let first_key_frame = learned.first_key_frame().unwrap_or(key_frame);
        if offset < AT_START {
            return Some(first_key_frame);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float outside of the range is saturated")]
        let before = |bytes_per_second: f64| (bytes_per_second * offset) as u64;
        Some(match (bits, learned.frame_at(offset)) {
            (Some(bits), _) => before(bits as f64 / 8.0).saturating_add(first_key_frame),
            (None, Some(learned)) => learned,
            (None, None) => before(key_frame_bytes::UNKNOWN as f64).saturating_add(first_key_frame),
        })
    }

    fn capture(&self, span: &SegmentSpan, picture: RenderedPicture) -> Result<Capture, Error> {
        let segment = span.segments.get(picture.segment).ok_or_else(|| Error::internal("the frame's segment was not read"))?;
        let declared = segment.key.as_deref().and_then(facts::segment_encryption);
        Ok(Capture {
            live: self.playlist.is_live(),
            encryption: picture.encryption.or(declared).unwrap_or(Encryption::None),
            variant: None,
            segment: SegmentReport {
                url: redacted(&segment.url),
                media_sequence_number: Some(segment.media_sequence_number),
                discontinuity_sequence_number: Some(segment.discontinuity_sequence_number),
                part: self.part_at(segment, picture.seconds),
                i_frame: self.playlist.i_frames_only,
            },
            frame: picture.frame,
            presentation: facts::presentation(picture.seconds, segment.start, segment.program_date_time),
            picture: picture.picture,
            kept: picture.kept,
            freshness: None,
            decoded_at: picture.decoded_at,
            render_time: picture.render_time,
            sound: self.sound_of(segment, picture.sound),
            notes: Vec::new(),
        })
    }

    /// The sound of a segment. Entries of I-frame Playlists and images have none, and a single Part may have none.
    fn sound_of(&self, segment: &Segment, sound: Option<SoundFacts>) -> Option<SoundFacts> {
        let sound = sound.filter(|_| !self.playlist.i_frames_only && segment.tiles.is_none())?;
        Some(SoundFacts { is_whole: sound.is_whole && segment.complete, ..sound })
    }

    /// Index of the Partial Segment presented at `seconds`; `None` if the segment was read whole.
    fn part_at(&self, segment: &Segment, seconds: f64) -> Option<u64> {
        let listed = self.playlist.segments.iter().find(|listed| listed.media_sequence_number == segment.media_sequence_number)?;
        let index = listed.parts.iter().rposition(|part| part.start <= seconds + TIME_TOLERANCE)?;
        let is_past_the_end = listed.parts.last().is_some_and(|last| seconds >= last.start + last.duration - TIME_TOLERANCE);
        (!segment.complete).then_some((index + usize::from(is_past_the_end)) as u64)
    }
}

/// Seconds from the start of a segment to the wanted frame; `None` for the last one.
fn offset_of(target: SearchTarget, segment: &Segment) -> Option<f64> {
    match target {
        SearchTarget::FirstKeyFrame => Some(0.0),
        SearchTarget::KeyFrameAt(SearchTime::FromStart(seconds)) | SearchTarget::FrameAt(SearchTime::FromStart(seconds)) => {
            Some((seconds - segment.start).max(0.0))
        }
        _ => None,
    }
}

/// The failures of the previous searches for one frame.
#[derive(Default)]
struct Attempts {
    /// Whether a span had video that depends on earlier segments.
    had_video: bool,
    /// The first failure of a span without video.
    no_video: Option<Error>,
}

impl Attempts {
    /// Adds a result; fails unless the previous segment may help. A segment without video shows the last frame of the one before.
    fn add(&mut self, result: Result<Option<RenderedPicture>, Error>) -> Result<Option<RenderedPicture>, Error> {
        match result {
            Ok(None) => self.had_video = true,
            Err(error) if error.kind() == ErrorKind::NoVideo => {
                self.no_video.get_or_insert(error);
            }
            result => return result,
        }
        Ok(None)
    }
}

fn missing_parameters() -> Error {
    Error::new(ErrorKind::Undecodable, "no segment has the parameter sets of the video")
}
