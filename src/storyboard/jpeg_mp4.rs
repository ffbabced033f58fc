//! JPEG pictures in fragmented MP4 (ISO/IEC 14496-12): the init, and a fragment for each picture.
//!
//! The sample entry is `mjpg`, the name in CODECS. Its samples are whole JPEG files. hls.js takes a fragment's whole `mdat` as the picture, so
//! that box holds nothing else.

/// Ticks a second of all times.
const TIMESCALE: u32 = 90_000;
const TRACK_ID: u32 = 1;
/// `sample_depends_on` 2: an I-frame; `sample_is_non_sync_sample` 0 (section 8.8.3.1).
const SYNC_SAMPLE: u32 = 0x0200_0000;
/// Identity of the `tkhd` and `mvhd` boxes (section 8.2.2).
const MATRIX: [u32; 9] = [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000];

/// The Media Initialization Section of pictures with this width and height in pixels.
pub fn init_segment((width, height): (u32, u32)) -> Vec<u8> {
    let file_type = plain_box("ftyp", &[b"iso6", &0_u32.to_be_bytes(), b"iso6", b"mp41"]);
    let movie_header = full_box(
        "mvhd",
        0,
        0,
        &[&words(&[0, 0, TIMESCALE, 0, 0x0001_0000, 0x0100_0000, 0, 0]), &words(&MATRIX), &words(&[0, 0, 0, 0, 0, 0, TRACK_ID + 1])],
    );
    let defaults = full_box("trex", 0, 0, &[&words(&[TRACK_ID, 1, 0, 0, SYNC_SAMPLE])]);
    let movie = plain_box("moov", &[&movie_header, &track((width, height)), &plain_box("mvex", &[&defaults])]);
    [file_type, movie].concat()
}

/// A movie fragment that shows one JPEG file. `number` counts the fragments of the track from 1; `start` and `duration` are in seconds.
pub fn fragment(number: u32, start: f64, duration: f64, jpeg: &[u8]) -> Vec<u8> {
    // default-base-is-moof: the data offset counts from the fragment, wherever it is in its file
    let track_header = full_box("tfhd", 0, 0x0002_0000, &[&words(&[TRACK_ID])]);
    let decode_time = full_box("tfdt", 1, 0, &[&ticks(start).to_be_bytes()]);
    let duration = u32::try_from(ticks(duration)).unwrap_or(u32::MAX);
    let size = u32::try_from(jpeg.len()).unwrap_or(u32::MAX);
    let movie_fragment = |data_offset: u32| {
        // Data offset, sample duration and sample size are present
        let run = full_box("trun", 0, 0x0000_0301, &[&words(&[1, data_offset, duration, size])]);
        let track_fragment = plain_box("traf", &[&track_header, &decode_time, &run]);
        plain_box("moof", &[&full_box("mfhd", 0, 0, &[&words(&[number])]), &track_fragment])
    };
    let data_offset = size_field(movie_fragment(0).len() + 8);
    [movie_fragment(data_offset), plain_box("mdat", &[jpeg])].concat()
}

fn track((width, height): (u32, u32)) -> Vec<u8> {
    // 16.16 fixed point
    let size = words(&[width << 16, height << 16]);
    // Track enabled, in movie
    let header = full_box("tkhd", 0, 3, &[&words(&[0, 0, TRACK_ID, 0, 0, 0, 0, 0, 0]), &words(&MATRIX), &size]);
    let language_und = 0x55C4_0000;
    let media_header = full_box("mdhd", 0, 0, &[&words(&[0, 0, TIMESCALE, 0, language_und])]);
    let handler = full_box("hdlr", 0, 0, &[&words(&[0]), b"vide", &words(&[0, 0, 0]), b"\0"]);
    let information =
        plain_box("minf", &[&full_box("vmhd", 0, 1, &[&words(&[0, 0])]), &data_information(), &sample_table((width, height))]);
    plain_box("trak", &[&header, &plain_box("mdia", &[&media_header, &handler, &information])])
}

/// The samples are in the same file.
fn data_information() -> Vec<u8> {
    let same_file = full_box("url ", 0, 1, &[]);
    plain_box("dinf", &[&full_box("dref", 0, 0, &[&words(&[1]), &same_file])])
}

/// All samples are in fragments, so only the sample entry has content (section 12.1.3).
fn sample_table((width, height): (u32, u32)) -> Vec<u8> {
    // A JPEG has at most 65,535 pixels a side
    let pixels = |side: u32| u16::try_from(side).unwrap_or(u16::MAX).to_be_bytes();
    let resolution_72_dpi = 0x0048_0000;
    let entry = plain_box(
        "mjpg",
        &[
            // Data reference 1
            &words(&[0, 1]),
            &words(&[0, 0, 0, 0]),
            &pixels(width),
            &pixels(height),
            &words(&[resolution_72_dpi, resolution_72_dpi, 0]),
            // One frame a sample
            &1_u16.to_be_bytes(),
            &[0; 32],
            // Color without alpha
            &words(&[0x0018_FFFF]),
        ],
    );
    let empty = |kind| full_box(kind, 0, 0, &[&words(&[0])]);
    let entries = full_box("stsd", 0, 0, &[&words(&[1]), &entry]);
    plain_box("stbl", &[&entries, &empty("stts"), &empty("stsc"), &full_box("stsz", 0, 0, &[&words(&[0, 0])]), &empty("stco")])
}

fn plain_box(kind: &str, contents: &[&[u8]]) -> Vec<u8> {
    let contents = contents.concat();
    [&size_field(contents.len() + 8).to_be_bytes(), kind.as_bytes(), &contents].concat()
}

fn full_box(kind: &str, version: u8, flags: u32, contents: &[&[u8]]) -> Vec<u8> {
    let version_and_flags = words(&[(u32::from(version) << 24) | flags]);
    plain_box(kind, &[&version_and_flags, &contents.concat()])
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// A picture of 4 GB would need the long form of the size; decoded, it would exceed every limit.
fn size_field(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float outside of the range is saturated")]
fn ticks(seconds: f64) -> u64 {
    (seconds * f64::from(TIMESCALE)).round() as u64
}
