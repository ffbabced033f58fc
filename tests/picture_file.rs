//! The picture file: its encoding, its metadata, its size, and the check of its content.

use crate::origin::Origin;
use crate::support::{assert_patches, frame_number, hlsnap, hlsnap_with};
use image::GenericImageView;

const LADDER: &str = "/ladder-ts/v0.m3u8";

fn contains(file: &[u8], part: &[u8]) -> bool {
    file.windows(part.len()).any(|bytes| bytes == part)
}

#[test]
fn jpegs_are_baseline_or_progressive_with_the_requested_subsampling() {
    let origin = Origin::start();
    let url = origin.url(LADDER);
    // The frame header, SOF0 or SOF2, has the sampling factors of luma and chroma (ITU-T T.81, section B.2.2)
    for (options, frame, full) in [
        (&[][..], 0xc0, false),
        (&["--subsampling", "444"], 0xc0, true),
        (&["--progressive"], 0xc2, false),
        (&["--progressive", "--subsampling", "4:4:4"], 0xc2, true),
    ] {
        let run = hlsnap(&[&[&url, "-q", "95", "-o", "out.jpg"], options].concat());
        let file = run.file("out.jpg");
        let at = file.windows(4).position(|four| matches!(four, [0xff, marker, 0, 17] if *marker == frame)).expect("a frame header");
        let (luma, chroma) = (file[at + 11], file[at + 14]);
        assert_eq!((luma == chroma, luma == 0x22 && chroma == 0x11), (full, !full), "{options:?}: {luma:x} {chroma:x}");
        let picture = run.picture("out.jpg");
        assert_eq!(frame_number(&picture), 0);
        assert_patches(&picture, 8);
    }
    hlsnap(&[&url, "--subsampling", "411"]).fails(2, "usage");
}

#[test]
fn webp_is_lossy_or_lossless_as_requested() {
    let origin = Origin::start();
    let url = origin.url(LADDER);
    let webp = |options: &[&str]| {
        let run = hlsnap(&[&[&url, "-o", "out.webp", "--strip"], options].concat());
        (run.picture("out.webp"), run.file("out.webp"))
    };
    let png = hlsnap(&[&url, "-o", "out.png"]).picture("out.png");
    let (lossless, exact) = webp(&["--lossless", "-q", "10"]);
    assert_eq!((&exact[12..16], lossless.to_rgb8()), (b"VP8L".as_slice(), png.to_rgb8()));
    let [(rough, small), (fine, large)] = ["30", "95"].map(|quality| webp(&["-q", quality]));
    assert_eq!((&small[12..16], &large[12..16]), (b"VP8 ".as_slice(), b"VP8 ".as_slice()));
    assert!(small.len() < large.len(), "{} {}", small.len(), large.len());
    assert_eq!((rough.dimensions(), frame_number(&rough), frame_number(&fine)), (png.dimensions(), 0, 0));
    assert_patches(&fine, 8);
    hlsnap(&[&url, "--lossless"]).fails(2, "usage");
}

#[test]
fn a_file_has_metadata_unless_it_is_stripped() {
    let origin = Origin::start();
    let url = format!("{}?token=secret", origin.url("/live/v0.m3u8"));
    for (output, option) in [("out.jpg", "-v"), ("out.png", "--lossless"), ("out.webp", "-v"), ("out.webp", "--lossless")] {
        let run = hlsnap(&[&url, "-o", output, option]);
        let file = run.file(output);
        for part in ["2026:01:31 12:00:20\0", "hlsnap "] {
            assert!(contains(&file, part.as_bytes()), "{output} lacks {part}");
        }
        assert!(!contains(&file, b"secret") && !contains(&file, b"m3u8") && !contains(&file, b"127.0.0.1"), "{output} names the stream");
        let described = hlsnap(&[&url, "-o", output, option, "--describe"]).file(output);
        assert!(contains(&described, b"/live/v0.m3u8?...\0") && !contains(&described, b"secret"), "{output} lacks its URL");
        assert!(output != "out.png" || contains(&file, b"sRGB"));
        let size = run.picture(output).dimensions();
        let run = hlsnap(&[&url, "-o", output, option, "--strip"]);
        let bare = run.file(output);
        assert!(!contains(&bare, b"hlsnap") && bare.len() < file.len());
        assert_eq!(run.picture(output).dimensions(), size);
    }
}

#[test]
fn describe_and_strip_exclude_each_other() {
    let origin = Origin::start();
    hlsnap(&[&origin.url(LADDER), "--describe", "--strip"]).fails(2, "usage");
}

#[test]
fn max_size_chooses_the_best_quality_that_fits() {
    let origin = Origin::start();
    let url = origin.url(LADDER);
    for (output, percent) in [("out.jpg", 67), ("out.webp", 95)] {
        let size = |options: &[&str]| {
            let run = hlsnap(&[&[&url, "-q", "90", "-o", output, "--json", "--strip"], options].concat());
            let bytes = run.succeeds().file(output).len() as u64;
            assert_eq!(run.json()["bytes"], bytes);
            bytes
        };
        let free = size(&[]);
        assert_eq!(size(&["--max-size", "1M"]), free);
        let limit = free * percent / 100;
        let fitting = size(&["--max-size", &limit.to_string()]);
        assert!(fitting <= limit && fitting > limit * 3 / 4, "{fitting} of {limit}");
        hlsnap(&[&url, "--max-size", "300", "-o", output]).fails(14, "too_large");
    }
    hlsnap(&[&url, "--max-size", "300", "-o", "out.png"]).fails(14, "too_large");
    hlsnap(&[&url, "--max-size", "300", "--lossless", "-o", "out.webp"]).fails(14, "too_large");
}

#[test]
fn a_frozen_picture_fails_its_content_check() {
    let origin = Origin::start();
    let url = origin.url(LADDER);
    let before = hlsnap(&[&url, "-o", "before.jpg", "--json"]);
    let hash = before.json()["verdict"]["hash"].as_str().expect("a hash").to_owned();
    let folder = before.folder;
    for previous in ["before.jpg", &hash] {
        let empty = tempfile::tempdir().expect("a folder");
        std::fs::copy(folder.path().join("before.jpg"), empty.path().join("before.jpg")).expect("copied");
        let arguments = [&url, "-o", "out.png", "--json", "--compare", previous, "--fail-on", "black,frozen"];
        let run = hlsnap_with(&arguments, b"", empty);
        assert_eq!(run.code, 40, "{previous}: {}", run.stderr);
        assert!(run.last_line().starts_with("hlsnap: verdict: the picture is frozen"), "{}", run.stderr);
        let verdict = &run.json()["verdict"];
        assert_eq!((&verdict["frozen"], &verdict["failed"]), (&true.into(), &serde_json::json!(["frozen"])));
        assert!(run.files().contains(&"out.png".to_owned()), "the picture is written");
    }
    // The bar moves within a second
    let arguments = [&url, "--at", "1.5", "-o", "out.png", "--json", "--compare", "before.jpg", "--fail-on", "frozen"];
    let run = hlsnap_with(&arguments, b"", folder);
    assert_eq!((run.code, &run.json()["verdict"]["frozen"]), (0, &false.into()), "{}", run.stderr);
    hlsnap(&[&url, "--compare", "nothing.jpg"]).fails(2, "usage");
    hlsnap(&[&url, "--fail-on", "dull"]).fails(2, "usage");
}
