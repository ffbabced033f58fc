//! The frames of an animation: how long each is shown, and fewer or smaller ones.

use std::time::Duration;

use image::{
    RgbImage,
    imageops::{self, FilterType},
};

use crate::error::{Error, ErrorKind};

/// The largest number of frames.
const MAX_FRAMES: usize = 1000;
/// Browsers show shorter frames for 100 ms instead.
const SHORTEST_FRAME: Duration = Duration::from_millis(20);
/// GIF's largest delay is 655 s, and two frames may be merged.
const LONGEST_FRAME: Duration = Duration::from_secs(300);

/// One picture of an animation.
#[derive(Debug, Clone)]
pub struct AnimationFrame {
    /// The pixels, in sRGB.
    pub image: RgbImage,
    /// How long it is shown, at most 300 s.
    pub duration: Duration,
}

/// Width and height of the frames. Fails with `internal` without frames or if their sizes differ, and with `too_large` beyond 1000
/// frames, 300 s a frame or `max_pixels` in all.
pub fn check_frames(frames: &[AnimationFrame], max_pixels: u64) -> Result<(u32, u32), Error> {
    let too_large = |what: String, hint: &str| Err(Error::new(ErrorKind::TooLarge, what).with_hint(hint));
    let size = frames.first().map_or((0, 0), |frame| frame.image.dimensions());
    if size.0 == 0 || size.1 == 0 || frames.iter().any(|frame| frame.image.dimensions() != size) {
        return Err(Error::internal("the frames of an animation are missing or differ in size"));
    }
    if frames.len() > MAX_FRAMES {
        return too_large(
            format!("the animation has {} frames, but at most {MAX_FRAMES} are allowed", frames.len()),
            "ask for a shorter range, or for fewer frames a second",
        );
    }
    if frames.iter().any(|frame| frame.duration > LONGEST_FRAME) {
        return too_large(
            format!("a frame of the animation is shown for more than {} s", LONGEST_FRAME.as_secs()),
            "ask for more frames a second",
        );
    }
    let pixels = u64::from(size.0) * u64::from(size.1) * frames.len() as u64;
    if pixels > max_pixels {
        return too_large(
            format!("the animation has {pixels} pixels in all frames, but at most {max_pixels} are allowed"),
            "ask for a smaller --width, a shorter range, or fewer frames a second",
        );
    }
    Ok(size)
}

/// Leaves out frames that would be shown for less than 20 ms. The next frame takes their time, and the last one what is left.
pub fn merge_short_frames(frames: Vec<AnimationFrame>) -> Vec<AnimationFrame> {
    let mut merged: Vec<AnimationFrame> = Vec::with_capacity(frames.len());
    let mut left = Duration::ZERO;
    let mut last = None;
    for mut frame in frames {
        frame.duration += left;
        if frame.duration < SHORTEST_FRAME {
            left = frame.duration;
            last = Some(frame);
        } else {
            left = Duration::ZERO;
            merged.push(frame);
        }
    }
    match (merged.last_mut(), last) {
        (Some(frame), _) => frame.duration += left,
        (None, Some(frame)) => merged.push(AnimationFrame { duration: SHORTEST_FRAME, ..frame }),
        (None, None) => {}
    }
    merged
}

/// Every second frame, each shown as long as two.
pub fn halve_rate(frames: Vec<AnimationFrame>) -> Vec<AnimationFrame> {
    let mut halved: Vec<AnimationFrame> = Vec::with_capacity(frames.len().div_ceil(2));
    for (index, frame) in frames.into_iter().enumerate() {
        match halved.last_mut() {
            Some(last) if index % 2 == 1 => last.duration += frame.duration,
            _ => halved.push(frame),
        }
    }
    halved
}

/// All frames at a smaller size.
pub fn shrink(frames: &[AnimationFrame], (width, height): (u32, u32)) -> Vec<AnimationFrame> {
    let shrunk = frames.iter().map(|frame| AnimationFrame {
        image: imageops::resize(&frame.image, width, height, FilterType::CatmullRom),
        duration: frame.duration,
    });
    shrunk.collect()
}

/// When each frame ends, in ticks of 1/`per_second` s since the start of the first. Rounds each end and not each duration, so that the
/// errors never add up.
pub fn end_ticks(frames: &[AnimationFrame], per_second: u32) -> Vec<u32> {
    let mut end = Duration::ZERO;
    let ticks = frames.iter().map(|frame| {
        end += frame.duration;
        let ticks = (end.as_nanos() * u128::from(per_second) + 500_000_000) / 1_000_000_000;
        u32::try_from(ticks).unwrap_or(u32::MAX)
    });
    ticks.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(durations: &[u64]) -> Vec<AnimationFrame> {
        let frame = |micros: &u64| AnimationFrame { image: RgbImage::new(2, 1), duration: Duration::from_micros(*micros) };
        durations.iter().map(frame).collect()
    }

    fn micros(frames: &[AnimationFrame]) -> Vec<u128> {
        frames.iter().map(|frame| frame.duration.as_micros()).collect()
    }

    #[test]
    fn rounding_errors_do_not_add_up() {
        // 1/8 s is 12.5 hundredths
        let ends = end_ticks(&frames(&[125_000; 5]), 100);
        assert_eq!(ends, [13, 25, 38, 50, 63]);
        let ends = end_ticks(&frames(&[33_333; 900]), 1000);
        assert_eq!(ends.last(), Some(&30_000));
        assert!(ends.iter().enumerate().all(|(index, end)| (f64::from(*end) - 33.333 * (index + 1) as f64).abs() <= 0.5));
    }

    #[test]
    fn frames_too_short_for_browsers_give_their_time_to_a_neighbor() {
        assert_eq!(micros(&merge_short_frames(frames(&[10_000, 5_000, 10_000, 40_000, 3_000]))), [25_000, 43_000]);
        assert_eq!(micros(&merge_short_frames(frames(&[1_000, 2_000]))), [20_000]);
        assert_eq!(micros(&merge_short_frames(frames(&[16_667; 60]))), [33_334; 30]);
    }

    #[test]
    fn half_the_rate_keeps_the_total_time() {
        assert_eq!(micros(&halve_rate(frames(&[1_000, 2_000, 3_000, 4_000, 5_000]))), [3_000, 7_000, 5_000]);
    }

    #[test]
    fn frames_beyond_a_limit_are_refused() {
        let kind = |frames: &[AnimationFrame], max_pixels| check_frames(frames, max_pixels).map_err(|error| error.kind());
        assert_eq!(kind(&frames(&[1; 1000]), 2000), Ok((2, 1)));
        assert_eq!(kind(&frames(&[1; 1000]), 1999), Err(ErrorKind::TooLarge));
        assert_eq!(kind(&frames(&[1; 1001]), 1 << 40), Err(ErrorKind::TooLarge));
        assert_eq!(kind(&frames(&[300_000_001]), 1 << 40), Err(ErrorKind::TooLarge));
        assert_eq!(kind(&[], 1 << 40), Err(ErrorKind::Internal));
        let mut mixed = frames(&[1; 3]);
        mixed.push(AnimationFrame { image: RgbImage::new(1, 2), duration: Duration::ZERO });
        assert_eq!(kind(&mixed, 1 << 40), Err(ErrorKind::Internal));
        let blank = AnimationFrame { image: RgbImage::new(0, 0), duration: Duration::ZERO };
        assert_eq!(kind(&[blank], 1 << 40), Err(ErrorKind::Internal));
    }
}
