//! Animations, read back by the decoders of the crate `image`: frames, durations, loops, colors, and the limit of bytes.

use std::{io::Cursor, time::Duration};

use hlsnap::{
    ErrorKind,
    internals::render::{AnimationFormat, AnimationFrame, AnimationOptions, EncodedAnimation, encode_animation},
};
use image::{
    AnimationDecoder, Rgb, RgbImage,
    codecs::{gif::GifDecoder, webp::WebPDecoder},
};

const FORMATS: [AnimationFormat; 2] = [AnimationFormat::WebP, AnimationFormat::Gif];
const MAX_PIXELS: u64 = 50_000_000;
const SKIN: [u8; 3] = [224, 172, 138];

fn options(format: AnimationFormat) -> AnimationOptions {
    AnimationOptions { format, quality: 85, lossless: false, max_bytes: None }
}

fn encode(images: impl IntoIterator<Item = RgbImage>, duration: Duration, options: &AnimationOptions) -> EncodedAnimation {
    let frames = images.into_iter().map(|image| AnimationFrame { image, duration }).collect();
    encode_animation(frames, options, MAX_PIXELS).expect("an animation")
}

/// The whole picture after each frame, and how long it is shown.
fn decode(format: AnimationFormat, file: &[u8]) -> Vec<(RgbImage, Duration)> {
    let frames = match format {
        AnimationFormat::WebP => WebPDecoder::new(Cursor::new(file)).expect("a WebP").into_frames().collect_frames(),
        AnimationFormat::Gif => GifDecoder::new(Cursor::new(file)).expect("a GIF").into_frames().collect_frames(),
    };
    let frames = frames.expect("readable frames").into_iter().map(|frame| {
        let duration = Duration::from(frame.delay());
        let image = image::DynamicImage::ImageRgba8(frame.into_buffer());
        assert!(image.to_rgba8().pixels().all(|pixel| pixel.0[3] == 255), "a pixel is transparent");
        (image.into_rgb8(), duration)
    });
    frames.collect()
}

/// The 16 bits after a marker and some more bytes.
fn short_after(file: &[u8], marker: &[u8], skipped: usize) -> u16 {
    let at = file.windows(marker.len()).position(|bytes| bytes == marker).expect("the marker") + marker.len() + skipped;
    u16::from_le_bytes(*file.get(at..).expect("more bytes").first_chunk().expect("two bytes"))
}

/// Zero is for ever. WebP: chunk size and background precede it. GIF: a block of 3 bytes with the identifier 1.
fn loop_count(format: AnimationFormat, file: &[u8]) -> u16 {
    match format {
        AnimationFormat::WebP => short_after(file, b"ANIM", 8),
        AnimationFormat::Gif => short_after(file, b"NETSCAPE2.0\x03\x01", 0),
    }
}

/// A number as bars, eight bits from left to right, white for one.
fn bars(number: u8) -> RgbImage {
    RgbImage::from_fn(160, 64, |x, _| Rgb([if number >> (7 - x / 20) & 1 == 1 { 235 } else { 20 }; 3]))
}

fn read_bars(image: &RgbImage) -> u8 {
    (0..8).fold(0, |number, bit| number << 1 | u8::from(image.get_pixel(bit * 20 + 10, 32).0[1] > 128))
}

/// Waves and grain that move from frame to frame.
fn scene(width: u32, height: u32, number: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let (u, v, t) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height), f64::from(number) / 12.0);
        let wave = |a: f64, b: f64, c: f64| 110.0 + 80.0 * (a * u + b * v + c * t).sin();
        let grain = f64::from((x * 7919 + y * 104_729 + number * 1_299_709) % 61 % 17) - 8.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
        Rgb([wave(9.0, 4.0, 3.0), wave(-5.0, 11.0, 2.0), wave(23.0, -17.0, 5.0)].map(|level| (level + grain).clamp(0.0, 255.0) as u8))
    })
}

fn scenes(count: u32) -> impl Iterator<Item = RgbImage> {
    (0..count).map(|number| scene(64, 36, number))
}

fn largest_difference(one: &RgbImage, other: &RgbImage) -> u8 {
    one.as_raw().iter().zip(other.as_raw()).map(|(a, b)| a.abs_diff(*b)).max().expect("pixels")
}

#[test]
fn every_frame_shows_its_picture_and_the_animation_loops_for_ever() {
    for format in FORMATS {
        let made = encode((0..100).map(bars), Duration::from_millis(125), &options(format));
        assert_eq!((made.frames, made.size, made.quality, &made.reduction), (100, (160, 64), 85, &None));
        let numbers: Vec<_> = decode(format, &made.file).iter().map(|(image, _)| read_bars(image)).collect();
        assert_eq!(numbers, (0..100).collect::<Vec<_>>(), "{}", format.name());
        assert_eq!(loop_count(format, &made.file), 0);
    }
}

#[test]
fn durations_add_up_exactly_and_none_is_too_short_for_browsers() {
    for (per_second, count, total) in [(8, 24, 3000), (30, 30, 1000), (24, 24, 1000), (100, 100, 1000), (60, 60, 1000)] {
        for format in FORMATS {
            // As bars the numbers differ in more than libwebp ignores
            let images = (0..count).map(|number: u8| bars(number.reverse_bits()));
            let frames = images.zip(0_u32..).map(|(image, index)| {
                let at = |index: u32| Duration::from_secs(1) * index / per_second;
                AnimationFrame { image, duration: at(index + 1).saturating_sub(at(index)) }
            });
            let made = encode_animation(frames.collect(), &options(format), MAX_PIXELS).expect("an animation");
            let decoded = decode(format, &made.file);
            assert_eq!(decoded.iter().map(|frame| frame.1).sum::<Duration>(), Duration::from_millis(total), "{per_second} {format:?}");
            assert!(decoded.iter().all(|frame| frame.1 >= Duration::from_millis(20)), "{per_second} {format:?}");
        }
    }
}

#[test]
fn flat_colors_keep_their_color() {
    let colors = [[255, 0, 0], [0, 255, 0], [0, 0, 255], SKIN, [255; 3], [0; 3], [128; 3]];
    for (format, quality) in FORMATS.into_iter().flat_map(|format| [(format, 85), (format, 50), (format, 30)]) {
        let images = colors.map(|color| RgbImage::from_pixel(64, 48, Rgb(color)));
        let made = encode(images.clone(), Duration::from_millis(200), &AnimationOptions { quality, ..options(format) });
        let decoded = decode(format, &made.file);
        assert_eq!(decoded.len(), colors.len());
        for (image, (shown, _)) in images.iter().zip(&decoded) {
            let off = largest_difference(image, shown);
            let most = if quality > 50 { 8 } else { 14 };
            assert!(off <= most, "{format:?} {quality}: {:?} is {off} levels off: {:?}", image.get_pixel(0, 0), shown.get_pixel(5, 5));
        }
    }
}

#[test]
fn a_moving_bar_leaves_no_ghosts() {
    let background = |x: u32, y: u32| Rgb([x, y, 60].map(|level| level.to_le_bytes()[0] / 2 + 40));
    let is_bar = |x: u32, y: u32, number: u32| (number * 6..number * 6 + 12).contains(&x) && (20..70).contains(&y);
    let image = |number: u32| RgbImage::from_fn(160, 90, |x, y| if is_bar(x, y, number) { Rgb([250, 220, 10]) } else { background(x, y) });
    for format in FORMATS {
        let made = encode((0..24).map(image), Duration::from_millis(100), &options(format));
        let decoded = decode(format, &made.file);
        assert_eq!(decoded.len(), 24);
        for (number, (shown, _)) in (0..24).zip(&decoded) {
            // Lossy blocks may bleed around the bar's edges
            let is_apart = |x: u32| x + 8 < number * 6 || x >= number * 6 + 20;
            let places = (0..160).filter(|x| is_apart(*x)).flat_map(|x| (0..90).map(move |y| (x, y)));
            let off = |(x, y)| background(x, y).0.into_iter().zip(shown.get_pixel(x, y).0).map(|(a, b)| a.abs_diff(b)).max();
            let ghosts = places.filter(|place| off(*place) > Some(16)).count();
            // libwebp draws no pixel twice until the next key frame
            let most = if format == AnimationFormat::WebP && number % 4 != 0 { 150 } else { 0 };
            assert!(ghosts <= most, "{format:?}: {ghosts} pixels of earlier bars in {number}");
            assert!(is_bar(number * 6 + 6, 45, number) && shown.get_pixel(number * 6 + 6, 45).0[0] > 230, "{format:?}: no bar in {number}");
        }
    }
}

#[test]
fn what_does_not_change_takes_no_bytes() {
    for format in FORMATS {
        let still = encode([scene(64, 36, 0)], Duration::from_millis(100), &options(format)).file.len();
        let moving = (0..20).map(|number| scene(64, 36, u32::from(number >= 10)));
        let made = encode(moving, Duration::from_millis(100), &options(format));
        assert!(made.file.len() < 2 * still + 2000, "{format:?}: {} bytes instead of {still} twice", made.file.len());
        let decoded = decode(format, &made.file);
        assert_eq!(decoded.iter().map(|frame| frame.1).sum::<Duration>(), Duration::from_secs(2), "{format:?}");
    }
}

#[test]
fn frames_that_are_all_alike_become_a_picture() {
    for format in FORMATS {
        for count in [1, 5] {
            let made = encode(vec![bars(170); count], Duration::from_millis(100), &options(format));
            assert!(decode(format, &made.file).iter().all(|(shown, _)| read_bars(shown) == 170), "{format:?}");
        }
    }
}

#[test]
fn lossless_webp_keeps_every_pixel() {
    let made = encode(scenes(6), Duration::from_millis(100), &AnimationOptions { lossless: true, ..options(AnimationFormat::WebP) });
    let decoded = decode(AnimationFormat::WebP, &made.file);
    assert_eq!(decoded.len(), 6);
    // The decoder rounds when it puts a frame on the canvas
    assert!(scenes(6).zip(&decoded).all(|(image, (shown, _))| largest_difference(&image, shown) <= 1));
}

/// Encodes twelve frames within a limit, and checks that the file holds what is reported.
fn encode_within(format: AnimationFormat, max_bytes: usize) -> EncodedAnimation {
    let limit = AnimationOptions { max_bytes: Some(max_bytes as u64), ..options(format) };
    let made = encode(scenes(12), Duration::from_millis(125), &limit);
    assert!(made.file.len() <= max_bytes, "{format:?}: {} bytes instead of {max_bytes}", made.file.len());
    let decoded = decode(format, &made.file);
    assert_eq!(decoded.len(), made.frames, "{format:?}");
    assert!(decoded.iter().all(|(image, _)| image.dimensions() == made.size), "{format:?}");
    assert_eq!(decoded.iter().map(|frame| frame.1).sum::<Duration>(), Duration::from_millis(1500), "{format:?}");
    made
}

#[test]
fn a_limit_of_bytes_costs_quality_then_frames_then_pixels() {
    for (format, lowest_quality) in [(AnimationFormat::WebP, 20), (AnimationFormat::Gif, 1)] {
        let size_at = |quality| encode(scenes(12), Duration::from_millis(125), &AnimationOptions { quality, ..options(format) }).file.len();
        let (full, lowest) = (size_at(85), size_at(lowest_quality));
        let facts = |made: &EncodedAnimation| (made.frames, made.size);

        let made = encode_within(format, full);
        assert_eq!((made.quality, facts(&made), made.reduction), (85, (12, (64, 36)), None), "{format:?}");
        for max_bytes in [usize::midpoint(full, lowest), lowest] {
            let made = encode_within(format, max_bytes);
            assert_eq!(facts(&made), (12, (64, 36)), "{format:?}");
            assert!((lowest_quality..85).contains(&made.quality), "{format:?}: {}", made.quality);
            // The search does not waste the limit
            assert!(made.file.len() * 10 > max_bytes * 6, "{format:?}: {} bytes of {max_bytes}", made.file.len());
        }
        let made = encode_within(format, lowest - 1);
        assert_eq!(facts(&made), (6, (64, 36)), "{format:?}");
        let reduction = made.reduction.expect("a reduction");
        assert!(reduction.ends_with("12 to 6 frames"), "{reduction}");
        let made = encode_within(format, lowest / 4);
        assert_eq!(made.frames, 6, "{format:?}");
        assert!((16..64).contains(&made.size.0), "{format:?}: {:?}", made.size);
        let reduction = made.reduction.expect("a reduction");
        assert!(reduction.ends_with(&format!("12 to 6 frames, 64x36 to {}x{}", made.size.0, made.size.1)), "{reduction}");
    }
}

#[test]
fn what_cannot_be_made_small_enough_is_an_error_with_a_hint() {
    for (format, lossless) in [(AnimationFormat::WebP, false), (AnimationFormat::WebP, true), (AnimationFormat::Gif, false)] {
        let frames = scenes(6).map(|image| AnimationFrame { image, duration: Duration::from_millis(125) }).collect();
        let limit = AnimationOptions { lossless, max_bytes: Some(100), ..options(format) };
        let error = encode_animation(frames, &limit, MAX_PIXELS).expect_err("an error");
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert!(error.message().ends_with("but at most 100 are allowed") && error.hint().is_some(), "{}", error.one_line());
    }
}

#[test]
fn sides_beyond_the_format_are_an_error() {
    for (format, width) in [(AnimationFormat::WebP, 16_384), (AnimationFormat::Gif, 65_536)] {
        let frame = AnimationFrame { image: RgbImage::new(width, 1), duration: Duration::from_millis(125) };
        let error = encode_animation(vec![frame.clone(), frame], &options(format), MAX_PIXELS).expect_err("an error");
        assert_eq!(error.kind(), ErrorKind::TooLarge, "{}", error.one_line());
    }
}
