//! The bit rates of sheets and I-frames, counted from their bytes.

use super::model::Storyboard;

/// Bits a second (RFC 8216bis section 4.4.6.2).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bandwidth {
    /// Of the largest resource for its time.
    pub peak: u64,
    /// Of all resources.
    pub average: u64,
}

impl Bandwidth {
    /// Of the sheets.
    pub fn of_sheets(storyboard: &Storyboard) -> Self {
        let sheets = storyboard.sheets.iter().filter(|sheet| !sheet.is_missing());
        Self::of(sheets.map(|sheet| (sheet.bytes, sheet.end() - sheet.start())))
    }

    /// Of the I-frames.
    pub fn of_i_frames(storyboard: &Storyboard) -> Self {
        let tiles = storyboard.sheets.iter().flat_map(|sheet| &sheet.tiles);
        Self::of(tiles.filter_map(|tile| {
            let range = tile.i_frame.as_ref()?;
            Some((range.end.saturating_sub(range.start), tile.end - tile.start))
        }))
    }

    /// Of resources, each with its bytes and seconds. Both are at least 1 bit a second, because 0 is no bandwidth.
    fn of(resources: impl Iterator<Item = (u64, f64)>) -> Self {
        let (mut peak, mut all_bytes, mut all_seconds) = (0.0_f64, 0_u64, 0.0);
        for (bytes, seconds) in resources.filter(|(_, seconds)| *seconds > 0.0) {
            peak = peak.max(bytes as f64 / seconds);
            all_bytes = all_bytes.saturating_add(bytes);
            all_seconds += seconds;
        }
        let average = if all_seconds > 0.0 { all_bytes as f64 / all_seconds } else { 0.0 };
        Self { peak: bits(peak), average: bits(average) }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float outside of the range is saturated")]
fn bits(bytes: f64) -> u64 {
    (bytes * 8.0).ceil().max(1.0) as u64
}
