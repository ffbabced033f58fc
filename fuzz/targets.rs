//! One function of bytes for each fuzz target. The fuzzers in `fuzz/fuzz_targets` call them, `tests/fuzz.rs` with the committed corpus, and
//! `fuzz/mutate.rs` with damaged segments.

#![allow(dead_code, reason = "each program uses a part of it")]
#![allow(clippy::indexing_slicing, reason = "indices are masked")]

use bytes::Bytes;
use hlsnap::{Error, internals};
use internals::{
    cipher::{self, EncryptedSample, NalCodec, Scheme},
    fuzz_entry,
    hls::{self, Playlist, Variables},
    libav::{
        self, ByteSource, DecodeLimits, DecryptSamples, EncryptedPacket, FoundFrame, FragmentStream, InputKind, MomentSearch,
        NormalizedStream, SearchOutcome, SearchTarget, SearchTime, Upstream,
    },
    render::{self, Image, ImageKind, RenderOptions},
    request::{Checks, Encoding, Format, Limits, Precision, Size, ToneMap, VariantChoice},
};
use url::Url;

/// Playlist text: parsing, the choice of a Variant, and the plan.
pub fn playlist(data: &[u8]) {
    let Ok(url) = Url::parse("https://example.com/a/b.m3u8?token=x") else { return };
    let mut limits = Limits::default();
    limits.max_playlist_entries = 5000;
    let _ = hls::looks_like_playlist(data);
    match hls::parse(data, &url, &Variables::default(), &limits) {
        Ok(Playlist::Multivariant(multivariant)) => {
            for choice in ["auto", "worst", "<=720p", "<=2M", "#1"] {
                let choice = choice.parse().unwrap_or(VariantChoice::Auto);
                let _ = hls::select_variants(&multivariant, &choice, &Size { width: Some(320), ..Size::default() });
            }
        }
        Ok(Playlist::Media(media)) => {
            for at in ["live", "start", "3", "-1s", "50%", "2026-01-31T12:00:00Z"] {
                for precision in [None, Some(Precision::KeyFrame), Some(Precision::Exact)] {
                    let _ = hls::plan(&media, at.parse().ok(), precision, None);
                }
            }
        }
        Err(_) => {}
    }
}

/// The format of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputFormat {
    /// A segment of a transport stream.
    Ts,
    /// An init and movie fragments.
    Fragments,
    /// A complete media file.
    File,
}

/// Media through the whole pipeline. The first byte decides the size of the pieces and the target of the search.
pub fn media(data: &[u8], format: InputFormat) {
    let Some((first, data)) = data.split_first() else { return };
    let target = match first >> 5 {
        0..=3 => SearchTarget::FirstKeyFrame,
        4 => SearchTarget::LastFrame,
        5 => SearchTarget::KeyFrameAt(SearchTime::FromStart(0.5)),
        6 => SearchTarget::FrameAt(SearchTime::FromStart(0.1)),
        _ => SearchTarget::FrameAt(SearchTime::Fraction(0.5)),
    };
    let piece = [188, 1000, 32_768].get(usize::from(first & 3)).copied().unwrap_or(usize::MAX);
    let output = OutputForm { format: if first & 4 == 0 { Format::Jpeg } else { Format::Png }, width: Some(64) };
    let _ = picture(data, piece, format, target, output);
    let _ = pictures(data, piece, format, &[0.0, 0.1, 0.1, 0.14, 0.5, 0.52, 2.5], first & 8 == 0, output);
}

/// The format and width of the picture.
#[derive(Clone, Copy)]
pub struct OutputForm {
    pub format: Format,
    pub width: Option<u32>,
}

/// The picture of the pipeline, and its file if it is a JPEG.
pub fn picture(
    data: &[u8],
    piece: usize,
    format: InputFormat,
    target: SearchTarget,
    output: OutputForm,
) -> Result<Option<PictureFile>, Error> {
    let (source, kind) = source(data, piece, format);
    let SearchOutcome::Found(found) = libav::search(&source, target, kind, LIMITS, &Key, &mut libav::DomainState::default())? else {
        return Ok(None);
    };
    rendered(*found, output).map(Some)
}

/// A picture and its file.
pub type PictureFile = (Image, Vec<u8>);

/// The pictures at ascending times, of one pass, and their files; `None` where the pass gives none.
pub fn pictures(
    data: &[u8],
    piece: usize,
    format: InputFormat,
    times: &[f64],
    is_exact: bool,
    output: OutputForm,
) -> Result<Vec<Option<PictureFile>>, Error> {
    let (source, kind) = source(data, piece, format);
    let search = MomentSearch { times, is_exact, kind, limits: LIMITS };
    let mut pictures = Vec::new();
    let mut receive = |found| pictures.push(rendered(found, output));
    let found = search.run(&source, &Key, &mut libav::DomainState::default(), &mut receive)?;
    assert_eq!(found.len(), times.len(), "each time has a result");
    assert!(found.iter().flatten().all(|index| *index < pictures.len()), "each result is a picture");
    assert!(found.iter().flatten().is_sorted(), "the pictures are in order");
    Ok(found.into_iter().map(|index| pictures[index?].as_ref().ok().cloned()).collect())
}

/// Small limits allow more runs.
const LIMITS: DecodeLimits = DecodeLimits { pixels: 2 << 20, frames: 300 };

fn source(data: &[u8], piece: usize, format: InputFormat) -> (ByteSource, InputKind) {
    let memory = Memory { bytes: Bytes::copy_from_slice(data), position: 0, piece, is_seekable: format == InputFormat::File };
    match format {
        InputFormat::Fragments => (ByteSource::new(NormalizedStream::new(FragmentStream::new(memory))), InputKind::Segments),
        InputFormat::Ts => (ByteSource::new(NormalizedStream::new(memory)), InputKind::Segments),
        InputFormat::File => (ByteSource::new(NormalizedStream::new(memory)), InputKind::File),
    }
}

fn rendered(found: FoundFrame, output: OutputForm) -> Result<PictureFile, Error> {
    let encoding = Encoding { format: output.format, ..Encoding::default() };
    let options = RenderOptions {
        size: Size { width: output.width, ..Size::default() },
        tone_map: ToneMap::Auto,
        checks: Checks { detect_bars: true, ..Checks::default() },
        encoding,
        image_kind: ImageKind::of(&encoding),
        max_pixels: 2 << 20,
    };
    if let Some(coded) = &found.coded {
        let _ = coded.extract();
    }
    let picture = render::render_image(found.frame, &options)?;
    let file = render::encode_within_limit(picture.clone(), &encoding)?;
    Ok((picture, file))
}

/// Samples of SAMPLE-AES and of Common Encryption, without a demuxer. The first four bytes are parameters.
pub fn samples(data: &[u8]) {
    let [kind, crypt, skip, clear, data @ ..] = data else { return };
    let nals = if kind & 1 == 0 { NalCodec::H264 } else { NalCodec::Hevc };
    let _ = cipher::decrypt_sample_aes(data, nals, &[1; cipher::BLOCK], &[2; cipher::BLOCK]);
    let schemes = [*b"cenc", *b"cens", *b"cbc1", *b"cbcs"];
    let Some(scheme) = schemes.get(usize::from(kind >> 1 & 3)).and_then(|scheme| Scheme::of(*scheme)) else { return };
    let subsamples = [(u32::from(*clear), u32::from(*clear) * 16), (u32::MAX, u32::from(*skip)), (1, u32::MAX)];
    let subsamples = subsamples.get(..usize::from(kind >> 3 & 3)).unwrap_or_default();
    let sample = EncryptedSample { scheme, iv: [3; cipher::BLOCK], pattern: ((*crypt).into(), (*skip).into()), subsamples };
    let _ = sample.decrypt(&mut data.to_vec(), &[1; cipher::BLOCK]);
}

/// A query of the HTTP server.
pub fn query(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = fuzz_entry::query(text, true);
        if let Ok((_, canonical)) = fuzz_entry::query(text, false) {
            // The canonical form is its own canonical form
            assert!(fuzz_entry::query(&canonical, false).is_ok_and(|(_, again)| again == canonical), "{canonical:?}");
        }
    }
}

/// An event of the Lambda function.
pub fn event(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = fuzz_entry::event(text);
    }
}

/// Complete bytes that are read in pieces.
struct Memory {
    bytes: Bytes,
    position: usize,
    piece: usize,
    is_seekable: bool,
}

impl Upstream for Memory {
    fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let end = self.position.saturating_add(self.piece).min(self.bytes.len());
        let piece = self.bytes.slice(self.position.min(end)..end);
        self.position = end;
        Ok((!piece.is_empty()).then_some(piece))
    }

    fn seek_to(&mut self, offset: u64) -> Result<bool, Error> {
        if self.is_seekable {
            self.position = usize::try_from(offset).unwrap_or(usize::MAX).min(self.bytes.len());
        }
        Ok(self.is_seekable)
    }

    fn size(&self) -> Option<u64> {
        self.is_seekable.then_some(self.bytes.len() as u64)
    }

    fn stop_download(&mut self) {}
}

/// One key for all samples with Common Encryption.
struct Key;

impl DecryptSamples for Key {
    fn decrypt(&self, packet: &EncryptedPacket<'_>) -> Result<Option<Vec<u8>>, Error> {
        let Some(common) = &packet.common_encryption else { return Ok(None) };
        let Some(scheme) = Scheme::of(common.scheme) else { return Ok(None) };
        let sample = EncryptedSample { scheme, iv: common.iv, pattern: common.pattern, subsamples: &common.subsamples };
        let mut data = packet.data.to_vec();
        Ok(sample.decrypt(&mut data, &[1; cipher::BLOCK])?.then_some(data))
    }
}
