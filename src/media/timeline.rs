//! The timeline: maps media timestamps to playlist time.
//!
//! Within one discontinuity sequence number the offset between the two is constant. The first segment that is read gives it: its earliest
//! presentation time ([`segment_start`]) is its start in the playlist.

use super::unit_facts::UnitFacts;

/// An access unit's timestamps and headers, in decoding order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TimedUnit {
    /// Presentation time in seconds of the media's clock, if the container gives it.
    pub pts: Option<f64>,
    /// Decoding time, in the same unit.
    pub dts: Option<f64>,
    /// Facts from the headers.
    pub facts: UnitFacts,
}

/// The clock that media timestamps count in.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct MediaClock {
    /// The clock restarts at 0 after this many seconds; `None`: never.
    pub wraps_after: Option<f64>,
}

impl MediaClock {
    /// The clock of MPEG-2 systems: 33 bits at 90 kHz (ISO/IEC 13818-1, 2.4.3.7).
    pub const MPEG_TS: Self = Self { wraps_after: Some(8_589_934_592.0 / 90_000.0) };

    /// Seconds from `earlier` to `later`, the shorter way around.
    pub fn difference(self, later: f64, earlier: f64) -> f64 {
        let difference = later - earlier;
        self.wraps_after.map_or(difference, |period| difference - period * (difference / period).round())
    }
}

/// A media timestamp and its position in the playlist.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Anchor {
    /// Seconds of the media's clock.
    pub media: f64,
    /// Seconds from the start of the playlist's first segment.
    pub playlist: f64,
    /// Whether the segment starts with a random access point, from which packagers count. If a segment starts in the middle of a group of
    /// pictures, packagers disagree by a few frames on where it starts.
    pub is_sure: bool,
}

impl Anchor {
    /// Playlist time of a media timestamp.
    pub fn playlist_time(&self, media: f64, clock: MediaClock) -> f64 {
        self.playlist + clock.difference(media, self.media)
    }
}

/// If decoding times step back by more than this, in seconds, the clock has restarted. Players and playlists keep the timestamps after smaller steps.
const CLOCK_RESTART: f64 = 1.0;
/// The frame duration, in seconds, if neither timestamps nor headers give it.
const DEFAULT_FRAME_DURATION: f64 = 0.04;

/// The presentation time of every access unit, in seconds of the media's clock, with wraps and restarts removed. Missing times are derived
/// from output order and the nearest known times, never from zero.
pub fn presentation_times(units: &[TimedUnit], clock: MediaClock) -> Vec<f64> {
    let known = continuous(units, clock);
    if let Some(all) = known.iter().copied().collect::<Option<Vec<f64>>>() {
        return all;
    }
    let mut ranks: Vec<usize> = (0..units.len()).collect();
    if units.iter().all(|unit| unit.facts.order.is_some()) {
        // A stable sort: orders are equal only if headers are wrong
        ranks.sort_by_key(|index| units.get(*index).map(|unit| (unit.facts.period, unit.facts.order)));
    }
    let anchors: Vec<(usize, f64)> =
        ranks.iter().enumerate().filter_map(|(rank, index)| Some((rank, known.get(*index).copied().flatten()?))).collect();
    let signalled = units.iter().find_map(|unit| unit.facts.duration).map(|(part, whole)| f64::from(part) / f64::from(whole));
    let duration = frame_duration(&anchors).or(signalled).unwrap_or(DEFAULT_FRAME_DURATION);
    let mut times = vec![0.0; units.len()];
    for (rank, index) in ranks.iter().enumerate() {
        let next = anchors.partition_point(|(known, _)| *known < rank);
        let before = next.checked_sub(1).and_then(|at| anchors.get(at)).copied();
        let time = match (before, anchors.get(next).copied()) {
            (_, Some((known, time))) if known == rank => time,
            (Some((low, from)), Some((high, to))) if to >= from => from + (to - from) * (rank - low) as f64 / (high - low) as f64,
            (Some((low, from)), _) => from + (rank - low) as f64 * duration,
            (None, Some((high, to))) => to - (high - rank) as f64 * duration,
            (None, None) => rank as f64 * duration,
        };
        if let Some(slot) = times.get_mut(*index) {
            *slot = time;
        }
    }
    times
}

/// The median time between neighboring output ranks with known times.
fn frame_duration(anchors: &[(usize, f64)]) -> Option<f64> {
    let mut steps: Vec<f64> = anchors
        .windows(2)
        .filter_map(|pair| match pair {
            [(low, from), (high, to)] if to > from => Some((to - from) / (high - low) as f64),
            _ => None,
        })
        .collect();
    steps.sort_by(f64::total_cmp);
    steps.get(steps.len() / 2).copied()
}

/// The presentation times that the container gives, with wraps and restarts removed.
fn continuous(units: &[TimedUnit], clock: MediaClock) -> Vec<Option<f64>> {
    let decoding_time = |unit: &TimedUnit| unit.dts.or(unit.pts);
    let mut known = Vec::with_capacity(units.len());
    // The last decoding time on the continuous clock, the last step, and the offset from the media's clock
    let (mut last, mut step, mut shift) = (None::<f64>, DEFAULT_FRAME_DURATION, 0.0);
    for (index, unit) in units.iter().enumerate() {
        let Some(time) = decoding_time(unit) else {
            known.push(None);
            continue;
        };
        let mut now = match last {
            Some(last) => last + clock.difference(time + shift, last),
            None => time,
        };
        if let Some(before) = last.filter(|before| now < before - CLOCK_RESTART) {
            let resumes = units.get(index + 1..).unwrap_or_default().iter().find_map(decoding_time);
            if resumes.is_some_and(|next| clock.difference(next + shift, before) > 0.0) {
                // A single wrong timestamp
                known.push(None);
                continue;
            }
            shift += before + step - now;
            now = before + step;
        }
        step = last.map_or(step, |last| if now > last { now - last } else { step });
        last = Some(now);
        known.push(unit.pts.map(|pts| now + clock.difference(pts, time)));
    }
    known
}

/// Audio may start this many seconds before the picture that a segment was cut at: encoders prime it and multiplexers send it early, but
/// playlists count from the picture.
const MAX_AUDIO_LEAD: f64 = 0.5;
/// Reordering spans at most this many access units.
const REORDER_WINDOW: usize = 16;

/// The media time at which a segment starts: the earliest presentation time of any stream in it.
///
/// `units` are the segment's first access units, `times` their presentation times, and `others` is the earliest presentation time of the
/// other streams. `is_trimmed`: an edit list drops the first units. Packagers cut segments before an access unit and count from its
/// presentation time, so pictures that are decoded later but shown earlier belong to the previous segment. Streams are interleaved by
/// decoding time, so audio that starts little more than the reordering delay before the picture started with it.
pub fn segment_start(units: &[TimedUnit], times: &[f64], others: Option<f64>, is_trimmed: bool, clock: MediaClock) -> Option<f64> {
    let first = units.first().zip(times.first());
    let video = match first {
        Some((_, time)) if !is_trimmed => Some(*time),
        _ => times.iter().take(REORDER_WINDOW).copied().reduce(f64::min),
    };
    let delay = first.and_then(|(unit, _)| Some(clock.difference(unit.pts?, unit.dts?))).unwrap_or(0.0).clamp(0.0, 1.0);
    match (video, others) {
        (Some(video), Some(other)) if clock.difference(video, other) > delay + MAX_AUDIO_LEAD => Some(other),
        (Some(video), _) => Some(video),
        (None, other) => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(pts: Option<f64>, dts: Option<f64>, order: i64) -> TimedUnit {
        TimedUnit { pts, dts, facts: UnitFacts { order: Some(order), ..UnitFacts::default() } }
    }

    fn rounded(times: &[f64]) -> Vec<i64> {
        #[expect(clippy::cast_possible_truncation, reason = "small")]
        times.iter().map(|time| (time * 1000.0).round() as i64).collect()
    }

    #[test]
    fn missing_times_are_interpolated_in_output_order() {
        // I P B B P B B in decoding order, a PTS only on the first and the last P
        let orders = [0, 6, 2, 4, 12, 8, 10];
        let pts = [Some(10.0), None, None, None, Some(10.24), None, None];
        let units: Vec<_> = orders.iter().zip(pts).map(|(order, pts)| unit(pts, None, *order)).collect();
        assert_eq!(rounded(&presentation_times(&units, MediaClock::MPEG_TS)), [10_000, 10_120, 10_040, 10_080, 10_240, 10_160, 10_200]);
    }

    #[test]
    fn one_known_time_is_enough() {
        let units: Vec<_> = (0..3).map(|index| unit((index == 1).then_some(5.0), None, index)).collect();
        assert_eq!(rounded(&presentation_times(&units, MediaClock::MPEG_TS)), [4960, 5000, 5040]);
    }

    #[test]
    fn time_goes_on_when_the_clock_wraps_or_steps_back() {
        let period = MediaClock::MPEG_TS.wraps_after.unwrap();
        let wrapping: Vec<_> = [period - 0.08, period - 0.04, 0.0, 0.04].iter().map(|time| unit(Some(*time), Some(*time), 0)).collect();
        let start = presentation_times(&wrapping, MediaClock::MPEG_TS);
        assert_eq!(rounded(&start.iter().map(|time| time - start[0]).collect::<Vec<_>>()), [0, 40, 80, 120]);
        let small: Vec<_> = [1.0, 1.04, 0.9, 0.94].iter().map(|time| unit(Some(*time), Some(*time), 0)).collect();
        assert_eq!(rounded(&presentation_times(&small, MediaClock::MPEG_TS)), [1000, 1040, 900, 940], "as players place them");
        let stepping: Vec<_> = [5.0, 5.04, 5.08, 0.5, 0.54].iter().map(|time| unit(Some(*time), Some(*time), 0)).collect();
        assert_eq!(rounded(&presentation_times(&stepping, MediaClock::MPEG_TS)), [5000, 5040, 5080, 5120, 5160]);
        let outlier: Vec<_> = (0..).zip([5.0, 5.04, 0.2, 5.12]).map(|(order, time)| unit(Some(time), Some(time), order)).collect();
        assert_eq!(rounded(&presentation_times(&outlier, MediaClock::MPEG_TS)), [5000, 5040, 5080, 5120]);
    }

    #[test]
    fn a_segment_starts_with_its_earliest_stream() {
        let key = |pts, dts| {
            let mut key = unit(Some(pts), Some(dts), 0);
            key.facts.entry = Some(super::super::EntryPoint::Closed);
            vec![key]
        };
        let start = |units: &[TimedUnit], others| {
            segment_start(units, &presentation_times(units, MediaClock::MPEG_TS), others, false, MediaClock::MPEG_TS)
        };
        assert_eq!(start(&key(10.0, 10.0), None), Some(10.0));
        assert_eq!(start(&key(10.0, 9.92), Some(9.6)), Some(10.0), "primed and interleaved audio");
        assert_eq!(start(&key(13.0, 13.0), Some(10.0)), Some(10.0), "video is late");
        assert_eq!(start(&key(10.0, 10.0), Some(12.0)), Some(10.0), "audio is late");
        assert_eq!(start(&[], Some(12.0)), Some(12.0));
        let cut_anywhere = [unit(Some(10.12), Some(9.96), 3), unit(Some(10.04), Some(10.0), 1), unit(Some(10.08), Some(10.04), 2)];
        assert_eq!(start(&cut_anywhere, None), Some(10.12));
        let times = presentation_times(&cut_anywhere, MediaClock::MPEG_TS);
        assert_eq!(segment_start(&cut_anywhere, &times, None, true, MediaClock::MPEG_TS), Some(10.04), "an edit list trims");
    }
}
