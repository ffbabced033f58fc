//! Searches, decodes and renders one picture on a blocking thread: bytes in, the encoded picture out.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{
    context::JobContext,
    decode_permit::{DecodePermit, PermitReleasingReader},
};
use crate::{
    error::Error,
    libav::{self, ByteSource, DecodeLimits, DomainState, FragmentStream, Frame, InputKind, NormalizedStream, SearchOutcome, SearchTarget},
    protection::{SampleDecryptor, SegmentOffsets},
    read::SegmentReader,
    render::{self, EncodedPicture, RenderOptions},
    report::{Encryption, FrameFacts},
    request::Crop,
};

/// A picture that was found, decoded and encoded.
pub(super) struct RenderedPicture {
    pub image: EncodedPicture,
    pub frame: FrameFacts,
    /// Seconds from the start of the playlist's first segment, or of the file.
    pub seconds: f64,
    /// Index in the [`SegmentSpan`](crate::read::SegmentSpan) of the segment that holds it.
    pub segment: usize,
    /// Encryption of its samples.
    pub encryption: Option<Encryption>,
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

/// The shared state of searches, by discontinuity sequence number.
#[derive(Default)]
pub(super) struct DomainStates(Mutex<HashMap<u64, DomainState>>);

impl DomainStates {
    pub fn get(&self, domain: u64) -> DomainState {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&domain).cloned().unwrap_or_default()
    }

    pub fn set(&self, domain: u64, state: DomainState) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(domain, state);
    }
}

/// Runs a decode job on a blocking thread. `state` is what earlier searches learned, and grows. `None`: the search needs earlier bytes.
pub(super) async fn run_decode_job(
    context: &JobContext<'_>,
    input: DecodeInput,
    target: SearchTarget,
    state: &mut DomainState,
) -> Result<Option<RenderedPicture>, Error> {
    let DecodeInput { reader, layout, segment_starts } = input;
    let (first_byte, offsets) = (reader.first_byte(), reader.offsets());
    let decryptor = SampleDecryptor::new(&context.keyring, offsets.clone(), segment_starts);
    let limits = context.request.limits;
    let job = DecodeJob {
        permit: DecodePermit::new(&context.job),
        layout,
        target,
        limits: DecodeLimits { pixels: limits.max_coded_pixels, frames: limits.max_frames },
        decryptor,
        offsets,
        render: RenderOptions::new(context.request, layout.area()),
    };
    let mut known = state.clone();
    let work = move || (job.run(reader, &mut known), known);
    let (result, known) =
        tokio::task::spawn_blocking(work).await.map_err(|e| Error::internal("the decoding thread failed").with_source(e))?;
    *state = known;
    if let Some(at) = first_byte.get() {
        context.timing.first_byte_received(*at);
    }
    let Some(TimedPicture { picture, decoded_at, encode }) = result? else { return Ok(None) };
    context.timing.frame_decoded(decoded_at, encode);
    Ok(Some(picture))
}

struct TimedPicture {
    picture: RenderedPicture,
    decoded_at: Instant,
    encode: Duration,
}

/// Everything that the blocking thread needs.
struct DecodeJob {
    permit: DecodePermit,
    layout: InputLayout,
    target: SearchTarget,
    limits: DecodeLimits,
    decryptor: SampleDecryptor,
    offsets: SegmentOffsets,
    render: RenderOptions,
}

impl DecodeJob {
    /// Finds and decodes the frame, then renders it. Consuming the job keeps its permit until the picture is encoded.
    fn run(self, reader: SegmentReader, state: &mut DomainState) -> Result<Option<TimedPicture>, Error> {
        let source = self.byte_source(reader);
        let found = match libav::search(&source, self.target, self.layout.kind(), self.limits, &self.decryptor, state)? {
            SearchOutcome::Found(found) => *found,
            SearchOutcome::NeedsEarlier => return Ok(None),
        };
        // Ends the download before rendering
        drop(source);
        let decoded_at = Instant::now();
        let picture = RenderedPicture {
            frame: frame_facts(&found.frame, found.media_seconds),
            seconds: found.seconds,
            segment: self.offsets.segment_at(found.position),
            encryption: self.decryptor.detected_encryption(),
            image: render::render(found.frame, found.coded.as_ref(), &self.render)?,
        };
        Ok(Some(TimedPicture { picture, decoded_at, encode: decoded_at.elapsed() }))
    }

    fn byte_source(&self, reader: SegmentReader) -> ByteSource {
        let reader = PermitReleasingReader::new(reader, self.permit.clone());
        match self.layout {
            InputLayout::Fragments => ByteSource::new(NormalizedStream::new(FragmentStream::new(reader))),
            _ => ByteSource::new(NormalizedStream::new(reader)),
        }
    }
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
