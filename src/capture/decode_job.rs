//! Searches, decodes and renders on a blocking thread: bytes in, pictures out.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    context::JobContext,
    decode_permit::{DecodePermit, PermitReleasingReader},
    kept_frame::KeptFrame,
};
use crate::{
    error::Error,
    hls::Segment,
    libav::{
        self, ByteSource, DecodeLimits, DomainState, FoundFrame, FragmentStream, Frame, InputKind, NormalizedStream, SearchOutcome,
        SearchTarget, SoundFacts, SoundReader,
    },
    protection::{SampleDecryptor, SegmentOffsets},
    read::SegmentReader,
    render::{self, CheckedPicture, Image, RenderOptions},
    report::{Encryption, FrameFacts},
    request::{Crop, Precision},
};

/// A picture that was found, decoded and rendered.
#[derive(Clone)]
pub(super) struct RenderedPicture {
    pub picture: CheckedPicture,
    /// The frame itself, if the job keeps frames.
    pub kept: Option<Arc<KeptFrame>>,
    pub frame: FrameFacts,
    /// Seconds from the start of the playlist's first segment, or of the file.
    pub seconds: f64,
    /// Index in the [`SegmentSpan`](crate::read::SegmentSpan) of the segment that holds it.
    pub segment: usize,
    /// Encryption of its samples.
    pub encryption: Option<Encryption>,
    /// The number of bytes that its search read.
    pub bytes_read: Option<u64>,
    /// When its frame was decoded.
    pub decoded_at: Instant,
    /// How long rendering took.
    pub render_time: Duration,
    /// The sound in the bytes that the search read, if it was requested and can be read.
    pub sound: Option<SoundFacts>,
}

/// The stream that a search reads.
pub(super) struct DecodeInput {
    pub reader: SegmentReader,
    pub layout: InputLayout,
    /// Start of each segment in the playlist, in seconds.
    pub segment_starts: Vec<f64>,
}

/// How the bytes of a [`DecodeInput`] are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InputLayout {
    /// Segments that need no init.
    Plain,
    /// An init and its movie fragments.
    Fragments,
    /// One whole file.
    File,
    /// An image that holds the picture in this area.
    Tile(Crop),
}

impl InputLayout {
    /// The layout of a Media Segment.
    pub fn of(segment: &Segment) -> Self {
        if segment.init.is_some() { Self::Fragments } else { Self::Plain }
    }

    fn kind(self) -> InputKind {
        match self {
            Self::Plain | Self::Fragments => InputKind::Segments,
            Self::File => InputKind::File,
            Self::Tile(_) => InputKind::Image,
        }
    }

    /// The area of the decoded frame that is the picture.
    fn area(self) -> Crop {
        if let Self::Tile(area) = self { area } else { Crop::ALL }
    }
}

/// Searches for one frame on a blocking thread, and renders it. `state` is what earlier searches learned, and grows. `None`: the search needs
/// earlier bytes.
pub(super) async fn run_decode_job(
    context: &JobContext,
    input: DecodeInput,
    target: SearchTarget,
    state: &mut DomainState,
) -> Result<Option<RenderedPicture>, Error> {
    run_on_blocking_thread(context, input, state, move |job, source, state| {
        match libav::search(&source, target, job.layout.kind(), job.limits, &job.decryptor, state)? {
            SearchOutcome::Found(found) => {
                let has_ended = source.size_at_end().is_some();
                let heard = job.sound_reader.filter(|_| job.reads_on_for_sound).map(|read_sound| read_sound(&source, &job.decryptor));
                let arrived = job.sound_reader.filter(|_| heard.is_none()).map(|read_sound| (read_sound, source.arrived()));
                // Ends the download before rendering
                drop(source);
                let picture = job.render(*found)?;
                let of_arrived = |(read_sound, arrived): (SoundReader, ByteSource)| {
                    let sound = read_sound(&arrived, &job.decryptor)?;
                    Ok(SoundFacts { is_whole: sound.is_whole && has_ended, ..sound })
                };
                // Unreadable sound does not fail the picture
                let sound = heard.or_else(|| arrived.map(of_arrived)).and_then(Result::ok);
                Ok(Some(RenderedPicture { sound, ..picture }))
            }
            SearchOutcome::NeedsEarlier => Ok(None),
        }
    })
    .await
}

/// Searches for the frames at ascending times in one pass on a blocking thread, and renders each once. `None` means that the pass does not
/// give the frame of that time.
pub(super) async fn run_moments_job(
    context: &JobContext,
    input: DecodeInput,
    times: Vec<f64>,
    precision: Precision,
    state: &mut DomainState,
) -> Result<Vec<Option<RenderedPicture>>, Error> {
    run_on_blocking_thread(context, input, state, move |job, source, state| {
        let (mut pictures, kind) = (Vec::new(), job.layout.kind());
        let mut render = |found| pictures.push(job.render(found));
        let search = libav::MomentSearch { times: &times, is_exact: precision == Precision::Exact, kind, limits: job.limits };
        let indices = search.run(&source, &job.decryptor, state, &mut render)?;
        let picture = |index: usize| match pictures.get(index) {
            Some(Ok(picture)) => Some(picture.clone()),
            // Another candidate may do better
            Some(Err(_)) | None => None,
        };
        Ok(indices.into_iter().map(|index| index.and_then(picture)).collect())
    })
    .await
}

/// Reads the sound of a segment, on a blocking thread.
pub(super) async fn run_sound_job(context: &JobContext, input: DecodeInput, read_sound: SoundReader) -> Result<SoundFacts, Error> {
    run_on_blocking_thread(context, input, &mut DomainState::default(), move |job, source, _| {
        source.acquire_permit()?;
        read_sound(&source, &job.decryptor)
    })
    .await
}

async fn run_on_blocking_thread<T: Send + 'static>(
    context: &JobContext,
    input: DecodeInput,
    state: &mut DomainState,
    work: impl FnOnce(&DecodeJob, ByteSource, &mut DomainState) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let DecodeInput { reader, layout, segment_starts } = input;
    let (first_byte, offsets) = (reader.first_byte(), reader.offsets());
    let decryptor = SampleDecryptor::new(&context.keyring, offsets.clone(), segment_starts);
    let limits = context.request.limits;
    let job = DecodeJob {
        permit: DecodePermit::new(&context.job),
        keeps_frames: context.keeps_frames,
        layout,
        limits: DecodeLimits { pixels: limits.max_coded_pixels, frames: limits.max_frames },
        decryptor,
        offsets,
        sound_reader: context.sound_reader,
        reads_on_for_sound: context.reads_on_for_sound,
        render: RenderOptions { image_kind: context.image_kind, ..RenderOptions::new(&context.request, layout.area()) },
    };
    let mut known = state.clone();
    let run = move || {
        let source = job.byte_source(reader);
        (work(&job, source, &mut known), known)
    };
    let joined = tokio::task::spawn_blocking(run).await;
    let (result, known) = joined.map_err(|e| Error::internal("the decoding thread failed").with_source(e))?;
    *state = known;
    if let Some(at) = first_byte.get() {
        context.timing.first_byte_received(*at);
    }
    result
}

/// Everything that the blocking thread needs. It keeps its permit until the last picture is rendered.
struct DecodeJob {
    permit: DecodePermit,
    keeps_frames: bool,
    layout: InputLayout,
    limits: DecodeLimits,
    decryptor: SampleDecryptor,
    offsets: SegmentOffsets,
    sound_reader: Option<SoundReader>,
    reads_on_for_sound: bool,
    render: RenderOptions,
}

impl DecodeJob {
    fn render(&self, found: FoundFrame) -> Result<RenderedPicture, Error> {
        let decoded_at = Instant::now();
        let FoundFrame { frame, coded, .. } = found;
        let facts = frame_facts(&frame, found.media_seconds);
        let shared = if self.keeps_frames { frame.share() } else { None };
        Ok(RenderedPicture {
            frame: facts,
            seconds: found.seconds,
            bytes_read: found.bytes_read,
            segment: self.offsets.segment_at(found.position),
            encryption: self.decryptor.detected_encryption(),
            picture: render::render(frame, coded.as_ref(), &self.render)?,
            kept: shared.map(|frame| Arc::new(KeptFrame { frame, coded, area: self.layout.area() })),
            decoded_at,
            render_time: decoded_at.elapsed(),
            sound: None,
        })
    }

    fn byte_source(&self, reader: SegmentReader) -> ByteSource {
        let reader = PermitReleasingReader::new(reader, self.permit.clone(), self.reads_on_for_sound);
        match self.layout {
            InputLayout::Fragments => ByteSource::new(NormalizedStream::new(FragmentStream::new(reader))),
            _ => ByteSource::new(NormalizedStream::new(reader)),
        }
    }
}

/// Encodes a picture on a blocking thread, with a permit of its own.
pub(super) async fn encode(context: &JobContext, image: Image) -> Result<Vec<u8>, Error> {
    let (permit, encoding) = (DecodePermit::new(&context.job), context.request.encoding);
    let work = move || {
        permit.acquire()?;
        render::encode_within_limit(image, &encoding)
    };
    tokio::task::spawn_blocking(work).await.map_err(|e| Error::internal("the encoding thread failed").with_source(e))?
}

fn frame_facts(frame: &Frame, pts_seconds: Option<f64>) -> FrameFacts {
    FrameFacts {
        codec: frame.codec,
        coded_size: frame.coded_size,
        sample_aspect_ratio: frame.sample_aspect_ratio,
        rotation: render::Orientation::of(frame).rotation,
        is_interlaced: frame.is_interlaced(),
        is_key: frame.is_key(),
        pts_seconds,
        color: render::Color::of(frame).report(),
    }
}
