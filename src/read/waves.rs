//! Cuts the first portion of a resource into two waves of ranges. The first wave has as many bytes as its connections carry in a few round
//! trips.
//!
//! A new connection carries ten segments in its first round trip, and twice as many in each further one until the line is full (RFC 6928;
//! RFC 5681, 3.1). The end of a wave therefore costs no time: the request for the next one is on its way when the server would have to wait for
//! acknowledgments anyway. A key frame that ends in the first wave leaves the second one unrequested.

use crate::fetch::MAX_ROUTES;

/// Bytes of a body in a connection's first round trip: ten segments of a line with packets of 1,500 bytes, less the header.
const FIRST_ROUND_TRIP: u64 = 14_480;
const HEADER: u64 = 400;
/// After this many round trips most lines are full.
const MAX_ROUND_TRIPS: u32 = 5;

/// How many bytes a new connection carries in its first `round_trips` round trips.
fn capacity(round_trips: u32) -> u64 {
    ((1 << round_trips) - 1) * FIRST_ROUND_TRIP - HEADER
}

/// The lengths in bytes of the ranges of a portion's first wave: over the main connection, and over each of `lanes` others, which are ready
/// `delay` round trips later.
pub(super) fn first_wave(portion: u64, lanes: u64, delay: u32) -> (u64, u64) {
    let wave = |round_trips: u32| (capacity(round_trips + delay), capacity(round_trips));
    let size = |(main, lane): (u64, u64)| main + lane * lanes;
    // About half of the portion: estimates of key frames are generous
    let half = (1..=MAX_ROUND_TRIPS).rev().map(wave).find(|wave| size(*wave) <= portion * 3 / 5);
    let (main, lane) = half.unwrap_or(wave(1));
    let main = main.min(portion.div_ceil(lanes + 1).max(portion.saturating_sub(lane * lanes)));
    (main, lane.min(portion.saturating_sub(main).div_ceil(lanes.max(1))))
}

/// How many connections a portion is worth.
pub(crate) fn routes_for(portion: u64) -> usize {
    /// Half of it arrives in two round trips.
    const BYTES_OF_EACH: u64 = 80_000;
    let (few, many) = (portion.div_ceil(capacity(1)).min(4), portion.div_ceil(BYTES_OF_EACH));
    usize::try_from(few.max(many)).map_or(MAX_ROUTES, |count| count.clamp(1, MAX_ROUTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_wave_fills_whole_round_trips_and_is_never_larger_than_the_portion() {
        assert_eq!(first_wave(200_000, 3, 0), (14_080, 14_080));
        assert_eq!(first_wave(600_000, 5, 0), (43_040, 43_040));
        assert_eq!(first_wave(200_000, 3, 1), (43_040, 14_080));
        for portion in [1, 500, 14_080, 14_081, 30_000, 60_000, 64 << 10, 128_000, 600_000, 2 << 20] {
            for (lanes, delay) in (1..6).flat_map(|lanes| [(lanes, 0), (lanes, 1)]) {
                let (main, lane) = first_wave(portion, lanes, delay);
                let sum = main + lane * lanes;
                assert!(main > 0 && sum < portion + lanes, "{portion} with {lanes} lanes: {main} and {lane}");
            }
        }
    }

    #[test]
    fn larger_portions_are_worth_more_connections() {
        assert_eq!([10_000, 20_000, 50_000, 200_000, 400_000, 2_000_000].map(routes_for), [1, 2, 4, 4, 5, 6]);
    }
}
