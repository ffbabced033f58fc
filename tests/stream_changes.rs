//! Streams with several programs, or with a size that changes.

use crate::origin::{Origin, fixture};
use crate::support::{frame_number, hlsnap};
use image::GenericImageView;

/// The dimensions and the frame number of the picture.
fn captured(url: &str, options: &[&str]) -> ((u32, u32), u16) {
    let run = hlsnap(&[&[url, "-o", "out.png"], options].concat());
    let picture = run.picture("out.png");
    (picture.dimensions(), frame_number(&picture))
}

#[test]
fn the_program_with_the_largest_picture_is_shown() {
    let origin = Origin::start();
    let url = origin.url("/codecs/programs.ts");
    for (options, expected) in [(&["--at", "start"][..], 0), (&["--at", "0.5", "--exact"], 12), (&["--at", "live"], 49)] {
        assert_eq!(captured(&url, options), ((426, 240), expected), "{options:?}");
    }
}

#[test]
fn a_size_that_changes_within_the_stream_is_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("changes.ts");
    // The same film continues in another size
    std::fs::write(&path, [fixture("ladder-ts/v2-0.ts"), fixture("ladder-ts/v0-1.ts"), fixture("ladder-ts/v1-2.ts")].concat())
        .expect("written");
    let url = path.to_str().expect("text");
    let (small, large, middle) = ((256, 144), (640, 360), (426, 240));
    for (options, expected) in [
        (&["--at", "start"][..], (small, 0)),
        (&["--at", "1.9", "--exact"], (small, 47)),
        (&["--at", "2", "--exact"], (large, 50)),
        (&["--at", "3.5", "--exact"], (large, 87)),
        (&["--at", "4.5", "--key-frame"], (middle, 100)),
        (&["--at", "live"], (middle, 149)),
    ] {
        assert_eq!(captured(url, options), expected, "{options:?}");
    }
}
