//! Streams that are not one picture size from end to end.

mod origin;
mod support;

use std::path::Path;

use image::GenericImageView;
use origin::Origin;
use support::{hlsnap, number};

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).expect(name)
}

/// Size and number of the picture.
fn seen(url: &str, options: &[&str]) -> ((u32, u32), u16) {
    let run = hlsnap(&[&[url, "-o", "out.png"], options].concat());
    let picture = run.picture("out.png");
    (picture.dimensions(), number(&picture))
}

#[test]
fn of_several_programmes_the_one_with_the_largest_picture() {
    let origin = Origin::start();
    let url = origin.url("/codecs/programmes.ts");
    for (options, wanted) in [(&["--at", "start"][..], 0), (&["--at", "0.5", "--exact"], 12), (&["--at", "live"], 49)] {
        assert_eq!(seen(&url, options), ((426, 240), wanted), "{options:?}");
    }
}

#[test]
fn a_size_that_changes_in_the_middle() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("changes.ts");
    // The same film goes on in another size, at once
    std::fs::write(&path, [fixture("ladder-ts/v2-0.ts"), fixture("ladder-ts/v0-1.ts"), fixture("ladder-ts/v1-2.ts")].concat())
        .expect("written");
    let url = path.to_str().expect("text");
    let (small, large, middle) = ((256, 144), (640, 360), (426, 240));
    for (options, wanted) in [
        (&["--at", "start"][..], (small, 0)),
        (&["--at", "1.9", "--exact"], (small, 47)),
        (&["--at", "2", "--exact"], (large, 50)),
        (&["--at", "3.5", "--exact"], (large, 87)),
        (&["--at", "4.5", "--key-frame"], (middle, 100)),
        (&["--at", "live"], (middle, 149)),
    ] {
        assert_eq!(seen(url, options), wanted, "{options:?}");
    }
}
