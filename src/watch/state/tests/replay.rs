//! States of real pictures: the key frames of encoded clips (`tests/fleet/clips.py`), one every 10 s, as `watch` samples them.
//!
//! `tests/fixtures/watch/CLIP.cells` has the mean luma of 32 by 32 cells of each key frame of a clip, computed by `clips.py`, not by hlsnap.

use std::{fs, path::Path};

use super::Channel;
use crate::request::ReferencePicture;

const CELLS: usize = 32 * 32;
/// Key frames in 10 s.
const STEP: usize = 5;

fn key_frames(clip: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/watch").join(format!("{clip}.cells"));
    let cells = fs::read(&path).expect("the cells");
    assert!(cells.len().is_multiple_of(CELLS) && cells.len() > STEP * CELLS, "{}", path.display());
    cells.chunks(CELLS).map(<[u8]>::to_vec).collect()
}

/// The events of rounds that show these clips.
fn events(rounds: &[(&str, usize)], first: usize) -> String {
    let mut channel = Channel::new(10.0);
    let shown = rounds.iter().flat_map(|(clip, count)| std::iter::repeat_n(key_frames(clip), *count));
    for (round, frames) in shown.enumerate() {
        let cells = frames[(first + round * STEP) % frames.len()].clone();
        let mut sample = channel.sample();
        sample.picture.iter_mut().for_each(|picture| picture.fingerprint = ReferencePicture { hash: 0, cells: Some(cells.clone()) });
        channel.events.extend(channel.machine.observe(&sample).map(|event| (channel.seconds, event)));
        channel.seconds += 10.0;
    }
    channel.log()
}

#[test]
fn little_motion_is_not_frozen() {
    for clip in ["head", "night", "dissolve", "moving"] {
        for first in 0..23 {
            assert_eq!(events(&[(clip, 46)], first), "", "{clip} from key frame {first}");
        }
    }
}

#[test]
fn a_picture_that_is_encoded_again_and_again_is_frozen() {
    for clip in ["frozen", "slate"] {
        for first in 0..23 {
            let log = events(&[("moving", 5), (clip, 6), ("moving", 5)], first);
            assert_eq!(log, "frozen@7 ok@12", "{clip} from key frame {first}");
        }
    }
}
