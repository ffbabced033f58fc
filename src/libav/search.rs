//! Searches the bytes of a [`ByteSource`] for one frame, and decodes the fewest access units that it takes.
//!
//! A key frame is decoded as soon as it may be complete, before anything after it is read ([`search_first`](super::search_first)). For a
//! given time only timestamps are read, and decoding starts at the last random access point before it
//! ([`search_by_time`](super::search_by_time)). The source keeps all bytes, so a second pass costs no download.

use std::io::Read;

use super::{
    access_unit_reader::{AccessUnitReader, ReadStep},
    byte_source::ByteSource,
    coded_key_frame::CodedKeyFrame,
    container::{self, Container},
    decrypt_samples::DecryptSamples,
    demuxer::DemuxMode,
    frame::Frame,
    key_verification::wrong_key,
    search_state::{DecodeLimits, DomainState},
    still,
};
use crate::{
    error::{Error, ErrorKind},
    media::entries_for,
};

/// The frame to search for. Times are seconds from the start of the playlist's first segment, or of the file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SearchTarget {
    /// The first key frame.
    FirstKeyFrame,
    /// The first key frame that is shown later than this.
    KeyFrameAfter(f64),
    /// The last frame.
    LastFrame,
    /// The last key frame at or before a time.
    KeyFrameAt(SearchTime),
    /// The last frame at or before a time.
    FrameAt(SearchTime),
}

/// A time in seconds, or a fraction of the duration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SearchTime {
    /// After the start of the playlist or file.
    FromStart(f64),
    /// Before the end, by the container's duration.
    FromEnd(f64),
    /// A fraction of the container's duration: 0 to 1.
    Fraction(f64),
}

/// The content of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    /// Segments of a stream.
    Segments,
    /// One whole file, whose index may be used; or a JPEG image.
    File,
    /// A segment of an image playlist.
    Image,
}

/// The result of a search.
pub enum SearchOutcome {
    /// The frame.
    Found(Box<FoundFrame>),
    /// The frame needs the bytes before these as well.
    NeedsEarlier,
}

/// A whole frame, with its position.
pub struct FoundFrame {
    /// The frame.
    pub frame: Frame,
    /// Seconds from the start of the playlist's first segment, or of the file.
    pub seconds: f64,
    /// Seconds of the media's clock, if the container gives them.
    pub media_seconds: Option<f64>,
    /// The offset in the downloaded bytes.
    pub position: Option<u64>,
    /// The number of downloaded bytes that the search read, up to the end of the last packet.
    pub bytes_read: Option<u64>,
    /// Its coded bytes, if it is a key frame of AV1.
    pub coded: Option<CodedKeyFrame>,
}

/// Maximum bytes read of a JPEG image. A larger one is cut off, and then refused as damaged.
const MAX_STILL_BYTES: u64 = 32 << 20;
/// The movie header of a fragmented file ends within this many bytes, because it lists no samples.
const MOVIE_HEADER_BYTES: usize = 16 << 10;

/// Searches `source` from its start.
///
/// Fails with `no_video`, `encrypted`, `unsupported`, `undecodable` (no whole frame), `not_found` (a time past the end), `too_large`, or the
/// upstream's error.
pub fn search(
    source: &ByteSource,
    target: SearchTarget,
    kind: InputKind,
    limits: DecodeLimits,
    decryptor: &dyn DecryptSamples,
    domain_state: &mut DomainState,
) -> Result<SearchOutcome, Error> {
    // Enough for MP4. More bytes might cost a request
    let first = source.peek(container::BOX_HEADER_BYTES)?;
    if container::is_jpeg(&first) && kind != InputKind::Segments {
        return decode_still(source, limits);
    }
    let head = if container::is_mp4(&first) { first } else { source.peek(container::PROBE_BYTES)? };
    let container = container::detect_container(&head)?;
    if container == Container::Ts && container::is_scrambled_ts(&head) {
        return Err(Error::new(ErrorKind::Encrypted, "the transport stream is scrambled by a conditional access system")
            .with_hint("such streams are not supported, even with a key"));
    }
    let has_index = has_index(source, kind, container)?;
    let mut failure = None;
    for mode in [DemuxMode::Packets, DemuxMode::Probed] {
        let reader = AccessUnitReader::open(source, container, mode, limits, decryptor, domain_state)?;
        let mut pass = SearchPass::new(reader, has_index, domain_state);
        let outcome = pass.run(target);
        pass.update_domain_state();
        let (has_decrypted, has_no_known_video) = (pass.reader.key_verification.has_decrypted(), pass.has_no_known_video);
        match outcome {
            Err(error) if error.kind() == ErrorKind::Undecodable => {
                tracing::debug!("{mode:?}: {}", error.one_line());
                failure = Some(if has_decrypted { wrong_key() } else { error });
            }
            outcome => return outcome,
        }
        // Probing finds codecs that no table lists. It would decode encrypted packets
        if !has_no_known_video || has_decrypted {
            break;
        }
    }
    Err(failure.unwrap_or_else(|| undecodable("no frame was found")))
}

/// Whether the index of the container may be used. A fragmented file states the duration of its first fragment only.
pub(super) fn has_index(source: &ByteSource, kind: InputKind, container: Container) -> Result<bool, Error> {
    let is_fragmented = |bytes: &[u8]| bytes.windows(4).any(|name| name == b"mvex");
    Ok(kind == InputKind::File && !(container == Container::Mp4 && is_fragmented(&source.peek(MOVIE_HEADER_BYTES)?)))
}

fn decode_still(source: &ByteSource, limits: DecodeLimits) -> Result<SearchOutcome, Error> {
    let mut file = Vec::new();
    let read = source.from_start().take(MAX_STILL_BYTES).read_to_end(&mut file);
    read.map_err(|e| source.take_error().unwrap_or_else(|| undecodable("the image cannot be read").with_source(e)))?;
    source.acquire_permit()?;
    let frame = still::decode_whole_jpeg(&file, limits.pixels)?;
    Ok(SearchOutcome::Found(Box::new(FoundFrame {
        frame,
        seconds: 0.0,
        media_seconds: None,
        position: Some(0),
        bytes_read: None,
        coded: None,
    })))
}

pub(super) fn undecodable(message: &str) -> Error {
    Error::new(ErrorKind::Undecodable, message.to_owned())
}

/// One pass over the bytes.
pub(super) struct SearchPass<'a> {
    pub reader: AccessUnitReader<'a>,
    /// Whether the container's index may be used.
    pub has_index: bool,
    pub domain_state: &'a mut DomainState,
    /// Whether the pass failed because no stream is known to be video.
    has_no_known_video: bool,
    /// The media time of the last seek by the container's index, in seconds.
    pub sought_time: Option<f64>,
}

impl<'a> SearchPass<'a> {
    pub fn new(reader: AccessUnitReader<'a>, has_index: bool, domain_state: &'a mut DomainState) -> Self {
        Self { reader, has_index, domain_state, has_no_known_video: false, sought_time: None }
    }
}

impl SearchPass<'_> {
    fn run(&mut self, target: SearchTarget) -> Result<SearchOutcome, Error> {
        match target {
            SearchTarget::FirstKeyFrame => self.first_key_frame(None),
            SearchTarget::KeyFrameAfter(time) => self.first_key_frame(Some(time)),
            SearchTarget::LastFrame => self.last_frame(),
            SearchTarget::KeyFrameAt(time) => self.resolve_time(time).and_then(|seconds| self.key_frame_at(seconds)),
            SearchTarget::FrameAt(time) => self.resolve_time(time).and_then(|seconds| self.frame_at(seconds)),
        }
    }

    /// Passes on what other segments of the same discontinuity sequence number need.
    pub fn update_domain_state(&mut self) {
        let anchor = self.reader.anchor();
        if self.domain_state.anchor.is_none() || anchor.is_some_and(|anchor| anchor.is_sure) {
            self.domain_state.anchor = anchor;
        }
        if let Some(headers) = self.reader.headers() {
            match &mut self.domain_state.headers {
                Some(shared) => shared.inherit(headers),
                none => *none = Some(headers.clone()),
            }
        }
    }

    pub fn read_next(&mut self) -> Result<ReadStep, Error> {
        self.reader.read_next(self.domain_state)
    }

    /// See [`AccessUnitReader::decode_frame`].
    pub fn decode_frame(&mut self, entry: usize, target: usize) -> Result<Option<Frame>, Error> {
        self.reader.decode_frame(entry, target, self.domain_state)
    }

    /// Decodes the frame of unit `target` from each of its entry points in turn, until it is whole; `None` if it never is.
    pub fn decode_target(&mut self, target: usize) -> Result<Option<SearchOutcome>, Error> {
        for entry in entries_for(&self.reader.units, target) {
            if let Some(frame) = self.decode_frame(entry, target)? {
                return self.verified(frame, entry, target).map(Some);
            }
            self.count_failed_key_frame(entry)?;
        }
        Ok(None)
    }

    /// The frame of key frame `index`, decoded alone, once its key is verified; `None` unless it is whole.
    pub fn decode_key_frame(&mut self, index: usize) -> Result<Option<Frame>, Error> {
        let frame = self.decode_frame(index, index)?;
        match &frame {
            Some(_) => self.reader.verify_key(index, self.domain_state)?,
            None => self.count_failed_key_frame(index)?,
        }
        Ok(frame)
    }

    fn count_failed_key_frame(&mut self, index: usize) -> Result<(), Error> {
        let key = self.reader.packets.get(index);
        key.map_or(Ok(()), |key| self.reader.key_verification.count_failed_key_frame(key))
    }

    /// The outcome for a frame that was decoded from `entry` on, once its key is verified.
    pub fn verified(&mut self, frame: Frame, entry: usize, target: usize) -> Result<SearchOutcome, Error> {
        let run = self.reader.packets.get(entry..=target).unwrap_or_default();
        self.reader.key_verification.verify(&self.reader.demuxer, run, self.reader.limits.pixels)?;
        Ok(self.found(frame, target))
    }

    /// The outcome for the frame of unit `index`.
    pub fn found(&mut self, frame: Frame, index: usize) -> SearchOutcome {
        let seconds = self.reader.playlist_times().get(index).copied().unwrap_or(0.0);
        let media_seconds = self.reader.units.get(index).and_then(|unit| unit.pts);
        let position = self.reader.packets.get(index).and_then(|packet| self.reader.download_offset(packet));
        let last = self.reader.packets.last();
        let bytes_read = last.and_then(|last| Some(self.reader.download_offset(last)?.saturating_add(last.size() as u64)));
        let coded = CodedKeyFrame::of(&self.reader, index);
        SearchOutcome::Found(Box::new(FoundFrame { frame, seconds, media_seconds, position, bytes_read, coded }))
    }

    pub fn is_shown(&self, index: usize) -> bool {
        self.reader.units.get(index).is_some_and(|unit| unit.facts.is_shown)
    }

    /// The error if no frame is found: there is no video, or else `message`.
    pub fn not_found_error(&mut self, message: &str) -> Error {
        if self.reader.units.is_empty() && self.reader.demuxer.stream().is_none() {
            self.has_no_known_video = true;
            let error = self.reader.demuxer.no_video_error();
            // If tables do not give the codec, probing may find it
            if self.reader.demuxer.has_unknown_streams() { undecodable(message).with_source(error) } else { error }
        } else if self.reader.has_packets {
            undecodable(message)
        } else {
            Error::new(ErrorKind::NoVideo, "the segment announces a video stream, but contains none of its packets")
        }
    }
}
