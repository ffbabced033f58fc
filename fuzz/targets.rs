//! What is fuzzed: for each target one function from bytes. The fuzzers of `fuzz/fuzz_targets` call them, and so does `tests/fuzz.rs` with
//! the committed corpus, and `fuzz/mutate.rs` with spoilt segments.

#![allow(dead_code, reason = "each user takes some of it")]
#![allow(clippy::indexing_slicing, reason = "what is indexed is masked to fit")]

use bytes::Bytes;
use hlsnap::{
    Error,
    frontends::fuzz_entry,
    hls::{self, Playlist, Variables},
    libav::{
        self, ByteSource, DecodeLimits, DecryptSamples, EncryptedPacket, FragmentStream, InputKind, NormalisedStream, SearchOutcome,
        SearchTarget, SearchTime, Upstream,
    },
    protection::cipher::{self, EncryptedSample, NalCodec, Scheme},
    render::{self, Image, RenderOptions},
    request::{Checks, Encoding, Format, Limits, Precision, Size, ToneMap, VariantChoice},
};
use url::Url;

/// Playlist text: read, chosen from, planned.
pub fn playlist(data: &[u8]) {
    let Ok(url) = Url::parse("https://example.com/a/b.m3u8?token=x") else { return };
    let limits = Limits { max_playlist_entries: 5000, ..Limits::default() };
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

/// How bytes come to the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A transport stream's segment.
    Ts,
    /// An init and movie fragments.
    Fragments,
    /// One whole file.
    File,
}

/// Bytes into the whole pipeline. The first byte says how large the pieces are in which they come, and what is searched for.
pub fn media(data: &[u8], way: Way) {
    let Some((first, data)) = data.split_first() else { return };
    let wanted = match first >> 5 {
        0..=3 => SearchTarget::FirstKeyFrame,
        4 => SearchTarget::LastFrame,
        5 => SearchTarget::KeyFrameAt(SearchTime::FromStart(0.5)),
        6 => SearchTarget::FrameAt(SearchTime::FromStart(0.1)),
        _ => SearchTarget::FrameAt(SearchTime::Fraction(0.5)),
    };
    let piece = [188, 1000, 32_768].get(usize::from(first & 3)).copied().unwrap_or(usize::MAX);
    let _ = pictures(data, piece, way, wanted, Chosen { format: if first & 4 == 0 { Format::Jpeg } else { Format::Png }, width: Some(64) });
}

/// What is made of a frame.
#[derive(Clone, Copy)]
pub struct Chosen {
    pub format: Format,
    pub width: Option<u32>,
}

/// The picture that the pipeline gives as clean, with its file.
pub fn pictures(data: &[u8], piece: usize, way: Way, wanted: SearchTarget, chosen: Chosen) -> Result<Option<(Image, Vec<u8>)>, Error> {
    let memory = Memory { bytes: Bytes::copy_from_slice(data), position: 0, piece, jumps: way == Way::File };
    let source = if way == Way::Fragments {
        ByteSource::new(NormalisedStream::new(FragmentStream::new(memory)))
    } else {
        ByteSource::new(NormalisedStream::new(memory))
    };
    // Small, so that what is tried is much and not large
    let bounds = DecodeLimits { pixels: 2 << 20, frames: 300 };
    let kind = if way == Way::File { InputKind::File } else { InputKind::Segments };
    let SearchOutcome::Found(found) = libav::search(&source, wanted, kind, bounds, &Key, &mut libav::DomainState::default())? else {
        return Ok(None);
    };
    let options = RenderOptions {
        size: Size { width: chosen.width, ..Size::default() },
        tone_map: ToneMap::Auto,
        encoding: Encoding { format: chosen.format, ..Encoding::default() },
        checks: Checks { detect_bars: true, ..Checks::default() },
        max_pixels: 2 << 20,
    };
    let picture = render::render_image(found.frame, &options)?;
    let file = render::encode_image(picture.clone(), &options)?.file;
    Ok(Some((picture, file)))
}

/// Samples of SAMPLE-AES and of Common Encryption, without a demuxer before them. The first bytes say what they are.
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

/// The HTTP face's query.
pub fn query(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = fuzz_entry::query(text, true);
        if let Ok((_, canonical)) = fuzz_entry::query(text, false) {
            // What is written in the one way means the same
            assert!(fuzz_entry::query(&canonical, false).is_ok_and(|(_, again)| again == canonical), "{canonical:?}");
        }
    }
}

/// Lambda's events.
pub fn event(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = fuzz_entry::event(text);
    }
}

/// Bytes that are all there, and come in pieces.
struct Memory {
    bytes: Bytes,
    position: usize,
    piece: usize,
    jumps: bool,
}

impl Upstream for Memory {
    fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let end = self.position.saturating_add(self.piece).min(self.bytes.len());
        let piece = self.bytes.slice(self.position.min(end)..end);
        self.position = end;
        Ok((!piece.is_empty()).then_some(piece))
    }

    fn seek_to(&mut self, offset: u64) -> Result<bool, Error> {
        if self.jumps {
            self.position = usize::try_from(offset).unwrap_or(usize::MAX).min(self.bytes.len());
        }
        Ok(self.jumps)
    }

    fn size(&self) -> Option<u64> {
        self.jumps.then_some(self.bytes.len() as u64)
    }

    fn pause(&mut self) {}
}

/// One key for all that Common Encryption has encrypted.
struct Key;

impl DecryptSamples for Key {
    fn decrypt(&self, sealed: &EncryptedPacket<'_>) -> Result<Option<Vec<u8>>, Error> {
        let Some(common) = &sealed.common_encryption else { return Ok(None) };
        let Some(scheme) = Scheme::of(common.scheme) else { return Ok(None) };
        let sample = EncryptedSample { scheme, iv: common.iv, pattern: common.pattern, subsamples: &common.subsamples };
        let mut data = sealed.data.to_vec();
        Ok(sample.decrypt(&mut data, &[1; cipher::BLOCK])?.then_some(data))
    }
}
