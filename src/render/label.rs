//! Labels in the corners of tiles: the text of a time, and where text and plate go.

use super::{
    geometry::Rect,
    text::{self, TextLine},
};

/// The smallest font size that stays readable, and the largest that a label needs. In pixels.
const FONT_SIZES: (f32, f32) = (11.0, 48.0);
/// The space between text and the edges of the plate, and from there to the corner of the tile, in ems.
const PADDING: (f32, f32) = (0.4, 0.3);
const MARGIN: f32 = 0.3;

/// The font size in pixels that suits tiles of this width.
pub fn font_size(tile_width: u32) -> f32 {
    (tile_width as f32 / 16.0).round().clamp(FONT_SIZES.0, FONT_SIZES.1)
}

/// Hours, minutes and seconds, rounded down: `0:07`, `1:02:03`, and with `tenths` `0:07.5`.
pub fn time_label(seconds: f64, tenths: bool) -> String {
    // Multiples of a tenth may be slightly too small as floats. A negative time is saturated
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float outside of the range is saturated")]
    let all_tenths = (seconds * 1e6).round() as u64 / 100_000;
    let whole = all_tenths / 10;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    let label = if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") };
    if tenths { format!("{label}.{}", all_tenths % 10) } else { label }
}

/// A line of text on a plate in the bottom right corner of a tile.
pub struct Label {
    /// The text.
    pub line: TextLine,
    /// The left end of its baseline.
    pub baseline: (u32, u32),
    /// The plate behind it.
    pub plate: Rect,
    /// The radius of the plate's corners.
    pub radius: f32,
}

impl Label {
    /// Lays out a label. `None` if the text does not fit into the tile, whose picture it would hide.
    pub fn in_tile(text: &str, tile: Rect) -> Option<Self> {
        let em = font_size(tile.width);
        let line = TextLine::new(text, em, f32::MAX);
        let (across, down, margin) = (pixels(PADDING.0 * em), pixels(PADDING.1 * em), pixels(MARGIN * em));
        let (text_width, text_height) = (pixels(line.width().ceil()), pixels(text::cap_height(em)));
        let (width, height) = (text_width.checked_add(2 * across)?, text_height + 2 * down);
        let x = tile.width.checked_sub(width.checked_add(2 * margin)?)? + margin;
        let y = tile.height.checked_sub(height + 2 * margin)? + margin;
        let plate = Rect { x: tile.x.checked_add(x)?, y: tile.y.checked_add(y)?, width, height };
        // All other sums are inside of the tile
        tile.x.checked_add(tile.width).and(tile.y.checked_add(tile.height))?;
        let baseline = (plate.x + across, plate.y + down + text_height);
        Some(Self { line, baseline, plate, radius: em / 5.0 })
    }
}

/// Rounded to whole pixels.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float outside of the range is saturated")]
pub fn pixels(length: f32) -> u32 {
    length.round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_down_to_seconds_or_tenths() {
        for (seconds, label, with_tenths) in [
            (0.0, "0:00", "0:00.0"),
            (7.99, "0:07", "0:07.9"),
            (59.999_999_9, "1:00", "1:00.0"),
            (61.25, "1:01", "1:01.2"),
            (599.0, "9:59", "9:59.0"),
            (3723.0, "1:02:03", "1:02:03.0"),
            (360_000.0, "100:00:00", "100:00:00.0"),
            (0.1 + 0.2, "0:00", "0:00.3"),
            (8.2, "0:08", "0:08.2"),
            (-3.0, "0:00", "0:00.0"),
            (f64::NAN, "0:00", "0:00.0"),
        ] {
            assert_eq!((time_label(seconds, false).as_str(), time_label(seconds, true).as_str()), (label, with_tenths));
        }
    }

    #[test]
    fn text_grows_with_the_tile() {
        assert_eq!([1, 160, 320, 640, 4000].map(|width| pixels(font_size(width))), [11, 11, 20, 40, 48]);
    }

    #[test]
    fn the_plate_is_in_the_bottom_right_corner() {
        let tile = Rect { x: 100, y: 200, width: 320, height: 180 };
        let plate = Label::in_tile("1:02:03", tile).expect("a label").plate;
        assert_eq!((plate.x + plate.width + 6, plate.y + plate.height + 6), (420, 380));
        assert!((320 / 5..320 / 3).contains(&plate.width) && (180 / 8..180 / 5).contains(&plate.height), "{plate:?}");
    }

    #[test]
    fn a_tile_that_is_too_small_or_out_of_range_has_no_label() {
        for (width, height) in [(30, 180), (320, 20), (0, 0)] {
            assert!(Label::in_tile("0:07", Rect { x: 0, y: 0, width, height }).is_none());
        }
        for (x, y) in [(u32::MAX - 319, 0), (0, u32::MAX - 179), (u32::MAX, u32::MAX)] {
            assert!(Label::in_tile("0:07", Rect { x, y, width: 320, height: 180 }).is_none());
        }
    }
}
