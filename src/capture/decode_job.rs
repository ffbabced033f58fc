//! One search on the thread that decodes: bytes in, the encoded picture out.

use std::time::{Duration, Instant};

use super::{
    JobContext,
    facts::{JobClock, milliseconds},
};
use crate::{
    error::Error,
    libav::{self, ByteSource, DomainState, Found, Fragments, NormalisedStream, SearchOutcome, SearchTarget},
    protection::SampleDecryptor,
    read::SegmentReader,
    render::{self, EncodedImage, RenderOptions},
    report::FrameReport,
    request::Crop,
};

/// What a search on the decoding thread brought.
pub(super) struct DecodedPicture {
    pub made: EncodedImage,
    pub frame: FrameReport,
    /// Seconds from the start of the playlist's first segment, or of the file.
    pub seconds: f64,
    /// The index of the segment that holds it.
    pub segment: usize,
    /// What was found to be encrypted in the samples, in the report's words.
    pub sealed: Option<&'static str>,
}

/// What was found, when it was decoded, and how long the encoding took.
type TimedResult = (DecodedPicture, Instant, Duration);

/// What a feed is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InputLayout {
    /// Segments that stand by themselves.
    Plain,
    /// An init and the movie fragments that belong to it.
    Fragments,
    /// One whole file.
    File,
    /// An image that holds the picture in this part of it.
    Tile(Crop),
}

/// Searches, converts and encodes on a thread that may block. `starts` are those of the segments in the playlist, in seconds. `None`: what is
/// before these bytes is needed.
pub(super) async fn run_decode_job(
    work: &JobContext<'_>,
    feed: SegmentReader,
    kind: InputLayout,
    wanted: SearchTarget,
    starts: Vec<f64>,
    memory: &mut DomainState,
    clock: &mut JobClock,
) -> Result<Option<DecodedPicture>, Error> {
    let request = work.request;
    let tile = if let InputLayout::Tile(part) = kind { part } else { Crop::ALL };
    let (limits, options) = (request.limits, RenderOptions::new(request, tile));
    let bounds = libav::DecodeLimits { pixels: limits.max_coded_pixels, frames: limits.max_frames };
    let (first_byte, turn) = (feed.first_byte(), feed.turn());
    let marks = feed.marks();
    let unlocker = SampleDecryptor::new(work.keyring, marks.clone(), starts);
    let mut known = memory.clone();
    let search = move || -> (DomainState, Result<Option<TimedResult>, Error>) {
        // Until the picture is made
        let _turn = turn;
        let source = if kind == InputLayout::Fragments {
            ByteSource::new(NormalisedStream::new(Fragments::new(feed)))
        } else {
            ByteSource::new(NormalisedStream::new(feed))
        };
        let taken_for = match kind {
            InputLayout::Plain | InputLayout::Fragments => libav::InputKind::Segments,
            InputLayout::File => libav::InputKind::File,
            InputLayout::Tile(_) => libav::InputKind::Image,
        };
        let found = match libav::search(&source, wanted, taken_for, bounds, &unlocker, &mut known) {
            Ok(SearchOutcome::Found(found)) => found,
            Ok(SearchOutcome::Earlier) => return (known, Ok(None)),
            Err(error) => return (known, Err(error)),
        };
        source.pause();
        drop(source);
        let decoded = Instant::now();
        let segment = marks.segment_at(found.position);
        let made = render_found(*found, &options).map(|grabbed| DecodedPicture { sealed: unlocker.seen(), segment, ..grabbed });
        (known, made.map(|grabbed| Some((grabbed, decoded, decoded.elapsed()))))
    };
    let done = tokio::task::spawn_blocking(search).await.map_err(|e| Error::internal("the decoding thread failed").with_source(e))?;
    let (known, done) = done;
    *memory = known;
    if let Some(moment) = first_byte.get() {
        clock.timing.first_byte = clock.at(*moment);
    }
    Ok(done?.map(|(grabbed, decoded, encoding)| {
        clock.timing.frame = clock.at(decoded);
        clock.timing.encode = milliseconds(encoding);
        grabbed
    }))
}

fn render_found(found: Found, options: &RenderOptions) -> Result<DecodedPicture, Error> {
    let Found { frame, seconds, media_seconds, .. } = found;
    let facts = FrameReport { pts_seconds: media_seconds.map(rounded), ..facts(&frame) };
    Ok(DecodedPicture { made: render::render(frame, options)?, frame: facts, seconds, segment: 0, sealed: None })
}

fn facts(frame: &libav::Frame) -> FrameReport {
    let (across, down) = frame.sample_aspect_ratio;
    FrameReport {
        codec: frame.codec,
        coded_width: frame.coded_size.0,
        coded_height: frame.coded_size.1,
        sample_aspect_ratio: format!("{across}:{down}"),
        rotation: render::Orientation::of(frame).rotation,
        interlaced: frame.is_interlaced(),
        key_frame: frame.is_key(),
        pts_seconds: None,
        presentation_seconds: None,
        program_date_time: None,
        age_seconds: None,
        color: render::Color::of(frame).report(),
    }
}

/// To a millionth.
pub(super) fn rounded(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}
