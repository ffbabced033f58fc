//! Exif metadata (Exif 3.0): sRGB, the time, the program and, on request, the source. JPEG, PNG and WebP embed the same block; AVIF files have none.

use crate::request::Format;

/// The metadata of a file.
#[derive(Debug, Clone, Default)]
pub struct ImageMetadata {
    /// The Program Date Time of the frame: RFC 3339 in UTC, with milliseconds.
    pub time: Option<String>,
    /// The redacted URL of the stream. Opt-in, since pictures are passed on more freely than URLs should be.
    pub source: Option<String>,
}

/// Types of TIFF values.
const ASCII: u16 = 2;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const UNDEFINED: u16 = 7;
/// The size of a directory entry in bytes.
const ENTRY: usize = 12;
/// The source is truncated to this many characters.
const MAX_SOURCE: usize = 500;

/// Embeds metadata into a file. Returns the file unchanged if it is not of `format`, or an AVIF.
pub fn embed_exif(file: Vec<u8>, format: Format, metadata: &ImageMetadata) -> Vec<u8> {
    let exif = exif_block(metadata);
    let tagged = match format {
        Format::Jpeg => embed_in_jpeg(&file, &exif),
        Format::Png => embed_in_png(&file, &exif),
        Format::WebP => embed_in_webp(&file, &exif),
        Format::Avif => None,
    };
    tagged.unwrap_or(file)
}

/// Two directories: that of the picture (IFD0) and that of Exif.
fn exif_block(metadata: &ImageMetadata) -> Vec<u8> {
    let text = |text: &str| [text.as_bytes(), b"\0"].concat();
    let source = metadata.source.as_deref().map(|source| source.chars().filter(char::is_ascii).take(MAX_SOURCE).collect::<String>());
    let software = text(concat!("hlsnap ", env!("CARGO_PKG_VERSION")));
    // 2026-01-31T12:00:20.480Z
    let moment = metadata.time.as_deref().and_then(|time| Some((time.get(..10)?.replace('-', ":"), time.get(11..19)?, time.get(20..23)?)));
    let mut main: Vec<IfdEntry> = source.iter().map(|source| (0x010e, ASCII, text(source))).collect();
    main.push((0x0131, ASCII, software));
    let mut exif = vec![(0x9000, UNDEFINED, b"0232".to_vec())];
    if let Some((day, time, millis)) = moment {
        main.push((0x0132, ASCII, text(&format!("{day} {time}"))));
        exif.push((0x9003, ASCII, text(&format!("{day} {time}"))));
        exif.push((0x9011, ASCII, text("+00:00")));
        exif.push((0x9291, ASCII, text(millis)));
    }
    // sRGB
    exif.push((0xa001, SHORT, 1_u16.to_be_bytes().to_vec()));
    // The last entry of the main directory points to that of Exif
    let exif_offset = 8 + directory_size(&main) + ENTRY;
    main.push((0x8769, LONG, u32::try_from(exif_offset).unwrap_or(0).to_be_bytes().to_vec()));
    [b"MM\0\x2a\0\0\0\x08".to_vec(), directory(&main, 8), directory(&exif, exif_offset)].concat()
}

/// Tag, type and value.
type IfdEntry = (u16, u16, Vec<u8>);

fn directory_size(entries: &[IfdEntry]) -> usize {
    2 + entries.len() * ENTRY
        + 4
        + entries.iter().filter(|entry| entry.2.len() > 4).map(|entry| entry.2.len().next_multiple_of(2)).sum::<usize>()
}

/// A directory at `offset`: entries, then the values that do not fit into their entry.
fn directory(entries: &[IfdEntry], offset: usize) -> Vec<u8> {
    let to_long = |size: usize| u32::try_from(size).unwrap_or(0).to_be_bytes();
    let mut head = u16::try_from(entries.len()).unwrap_or(0).to_be_bytes().to_vec();
    let mut values = Vec::new();
    let values_offset = offset + 2 + entries.len() * ENTRY + 4;
    for (tag, kind, value) in entries {
        let unit = match *kind {
            SHORT => 2,
            LONG => 4,
            _ => 1,
        };
        head.extend(tag.to_be_bytes());
        head.extend(kind.to_be_bytes());
        head.extend(to_long(value.len() / unit));
        if value.len() > 4 {
            head.extend(to_long(values_offset + values.len()));
            values.extend(value);
            values.resize(values.len().next_multiple_of(2), 0);
        } else {
            head.extend(value.iter().copied().chain([0; 4]).take(4));
        }
    }
    head.extend([0; 4]);
    head.extend(values);
    head
}

/// Inserts an APP1 segment after that of JFIF.
fn embed_in_jpeg(file: &[u8], exif: &[u8]) -> Option<Vec<u8>> {
    let [0xff, 0xd8, 0xff, 0xe0, high, low, ..] = file else { return None };
    let (head, rest) = file.split_at_checked(4 + usize::from(u16::from_be_bytes([*high, *low])))?;
    let size = u16::try_from(exif.len() + 8).ok()?.to_be_bytes();
    Some([head, &[0xff, 0xe1], &size, b"Exif\0\0", exif, rest].concat())
}

/// Inserts `sRGB` with perceptual intent and `eXIf` after the header (PNG 3rd edition, 11.3.2.5 and 11.3.4.6).
fn embed_in_png(file: &[u8], exif: &[u8]) -> Option<Vec<u8>> {
    const HEADER: usize = 8 + 25;
    let (head, rest) = file.strip_prefix(b"\x89PNG").and(file.split_at_checked(HEADER))?;
    let chunk = |name: &[u8; 4], data: &[u8]| {
        let body = [name.as_slice(), data].concat();
        let size = u32::try_from(data.len()).unwrap_or(0).to_be_bytes();
        [&size[..], &body, &crc(&body).to_be_bytes()].concat()
    };
    Some([head, &chunk(b"sRGB", &[0]), &chunk(b"eXIf", exif), rest].concat())
}

/// The CRC of a chunk (PNG 3rd edition, annex D).
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

/// Makes a simple file an extended one (RFC 9649, 2.7). Without a color profile, WebP is sRGB.
fn embed_in_webp(file: &[u8], exif: &[u8]) -> Option<Vec<u8>> {
    const EXIF: u32 = 8;
    let image = file.strip_prefix(b"RIFF")?.get(8..)?;
    // Lossless: width and height minus one, 14 bits each, after a signature. Lossy: 14 bits each unchanged, after frame tag and start code
    let (width, height) = match image.get(..8)?.first_chunk()? {
        b"VP8L" => {
            let bits = u32::from_le_bytes(*image.get(9..)?.first_chunk()?);
            (bits & 0x3fff, bits >> 14 & 0x3fff)
        }
        b"VP8 " => {
            let sizes = u32::from_le_bytes(*image.get(14..)?.first_chunk()?);
            ((sizes & 0x3fff).checked_sub(1)?, (sizes >> 16 & 0x3fff).checked_sub(1)?)
        }
        _ => return None,
    };
    let chunk = |name: &[u8; 4], data: &[u8]| {
        let size = u32::try_from(data.len()).unwrap_or(0).to_le_bytes();
        [name.as_slice(), &size, data, if data.len() % 2 == 1 { &[0] } else { &[] }].concat()
    };
    let uint24 = |value: u32| value.to_le_bytes().into_iter().take(3);
    let header: Vec<u8> = EXIF.to_le_bytes().into_iter().chain(uint24(width)).chain(uint24(height)).collect();
    let body = [b"WEBP".as_slice(), &chunk(b"VP8X", &header), image, &chunk(b"EXIF", exif)].concat();
    Some([b"RIFF", &u32::try_from(body.len()).ok()?.to_le_bytes()[..], &body].concat())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{ImageFormat, RgbImage};

    use super::*;

    #[test]
    fn tagged_files_stay_readable_and_hold_the_metadata() {
        let metadata =
            ImageMetadata { time: Some("2026-01-31T12:00:20.480Z".into()), source: Some("https://example.com/live.m3u8?...".into()) };
        for (format, of_image) in [(Format::Png, ImageFormat::Png), (Format::WebP, ImageFormat::WebP)] {
            let image = RgbImage::from_fn(21, 9, |x, y| image::Rgb([x * 9, y * 20, 77].map(|part| u8::try_from(part).expect("8 bits"))));
            let mut file = Cursor::new(Vec::new());
            image.write_to(&mut file, of_image).expect("a file");
            let tagged = embed_exif(file.into_inner(), format, &metadata);
            assert_eq!(image::load_from_memory(&tagged).expect("readable").into_rgb8(), image, "{format}");
            for part in ["2026:01:31 12:00:20\0", "480\0", "+00:00\0", "hlsnap ", "https://example.com/live.m3u8?...\0"] {
                assert!(tagged.windows(part.len()).any(|bytes| bytes == part.as_bytes()), "{format} lacks {part}");
            }
        }
        assert_eq!(embed_exif(b"other".to_vec(), Format::Jpeg, &metadata), b"other");
    }

    #[test]
    fn checksums_equal_those_of_png() {
        assert_eq!(crc(b"IEND"), 0xae42_6082);
    }
}
