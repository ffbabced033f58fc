//! The geometry of a picture of many tiles.

use super::geometry::Rect;
use crate::{
    error::{Error, ErrorKind},
    request::Format,
};

/// Tiles of one size in rows and columns, below a header. All lengths are in pixels.
///
/// The gap separates tiles from each other, from the edges of the picture, and from the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Tiles in a row.
    pub columns: u32,
    /// Rows of tiles.
    pub rows: u32,
    /// Width and height of a tile.
    pub tile: (u32, u32),
    /// The space between tiles, and around them.
    pub gap: u32,
    /// The height of the header; 0 without one.
    pub header: u32,
}

impl Grid {
    /// The grid itself. Fails with `too_large` if the picture exceeds `max_pixels` or the largest side of `format`, and with `usage` if
    /// it has no tiles or no pixels.
    pub fn within_limits(self, max_pixels: u64, format: Format) -> Result<Self, Error> {
        let Self { columns, rows, tile, .. } = self;
        if [columns, rows, tile.0, tile.1].contains(&0) {
            let what = format!("a grid of {columns}x{rows} tiles of {}x{} pixels is empty", tile.0, tile.1);
            return Err(Error::usage(what, "raise --columns, --rows or --tile-width to at least 1"));
        }
        let (width, height) = self.sides();
        let largest_side = format.largest_side();
        if width.saturating_mul(height) <= max_pixels && width.max(height) <= largest_side.into() {
            return Ok(self);
        }
        let what = format!(
            "{columns}x{rows} tiles make a picture of {width}x{height}, which exceeds the limit of {max_pixels} pixels, or of \
             {largest_side} a side for {format}"
        );
        Err(Error::new(ErrorKind::TooLarge, what).with_hint("lower --columns, --rows or --tile-width"))
    }

    /// Width and height of the picture; `u32::MAX` for longer sides, which are beyond every limit.
    pub fn size(&self) -> (u32, u32) {
        let (width, height) = self.sides();
        (u32::try_from(width).unwrap_or(u32::MAX), u32::try_from(height).unwrap_or(u32::MAX))
    }

    fn sides(&self) -> (u64, u64) {
        let side =
            |count: u32, tile: u32| (u64::from(tile) + u64::from(self.gap)).saturating_mul(count.into()).saturating_add(self.gap.into());
        (side(self.columns, self.tile.0), side(self.rows, self.tile.1).saturating_add(self.header.into()))
    }

    /// The number of tiles.
    pub fn tiles(&self) -> u64 {
        u64::from(self.columns) * u64::from(self.rows)
    }

    /// The left and top of a tile. Tiles count from 0, row by row; `None` after the last one.
    pub fn position(&self, index: usize) -> Option<(u32, u32)> {
        let index = u32::try_from(index).ok()?;
        let (row, column) = (index.checked_div(self.columns)?, index.checked_rem(self.columns)?);
        let start = |count: u32, tile: u32| tile.checked_add(self.gap)?.checked_mul(count)?.checked_add(self.gap);
        if row >= self.rows {
            return None;
        }
        Some((start(column, self.tile.0)?, start(row, self.tile.1)?.checked_add(self.header)?))
    }

    /// The rectangle of a tile; `None` after the last one.
    pub fn area(&self, index: usize) -> Option<Rect> {
        let (x, y) = self.position(index)?;
        Some(Rect { x, y, width: self.tile.0, height: self.tile.1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHEET: Grid = Grid { columns: 3, rows: 2, tile: (320, 180), gap: 4, header: 50 };

    #[test]
    fn gaps_are_between_and_around_the_tiles() {
        assert_eq!(SHEET.size(), (3 * 320 + 4 * 4, 50 + 2 * 180 + 3 * 4));
        assert_eq!(SHEET.position(0), Some((4, 54)));
        assert_eq!(SHEET.position(2), Some((4 + 2 * 324, 54)));
        assert_eq!(SHEET.position(3), Some((4, 54 + 184)));
        assert_eq!(SHEET.area(5), Some(Rect { x: 652, y: 238, width: 320, height: 180 }));
        assert_eq!(SHEET.position(6), None);
        let (last, size) = (SHEET.area(5).expect("the last tile"), SHEET.size());
        assert_eq!((last.x + last.width + 4, last.y + last.height + 4), size);
    }

    #[test]
    fn tiles_without_a_gap_touch_each_other_and_the_edges() {
        let sprite = Grid { columns: 5, rows: 5, tile: (160, 90), gap: 0, header: 0 };
        assert_eq!((sprite.size(), sprite.tiles()), ((800, 450), 25));
        assert_eq!((sprite.position(0), sprite.position(24)), (Some((0, 0)), Some((640, 360))));
    }

    #[test]
    fn pixels_and_sides_have_limits() {
        let kind = |grid: Grid, max_pixels, format| grid.within_limits(max_pixels, format).map_err(|e| e.kind());
        let (width, height) = SHEET.size();
        let pixels = u64::from(width) * u64::from(height);
        assert_eq!(kind(SHEET, pixels, Format::Jpeg), Ok(SHEET));
        assert_eq!(kind(SHEET, pixels - 1, Format::Jpeg), Err(ErrorKind::TooLarge));
        let column = |height| Grid { columns: 1, rows: 1, tile: (1, height), gap: 0, header: 0 };
        for (format, side) in [(Format::Jpeg, 65_500), (Format::Png, 65_500), (Format::WebP, 16_383)] {
            assert_eq!(kind(column(side), u64::MAX, format), Ok(column(side)), "{format}");
            assert_eq!(kind(column(side + 1), u64::MAX, format), Err(ErrorKind::TooLarge), "{format}");
        }
    }

    #[test]
    fn extreme_grids_are_refused_without_overflow() {
        let huge = Grid { columns: u32::MAX, rows: u32::MAX, tile: (u32::MAX, u32::MAX), gap: u32::MAX, header: u32::MAX };
        assert_eq!(huge.size(), (u32::MAX, u32::MAX));
        assert_eq!(huge.position(0), None);
        assert_eq!(huge.within_limits(u64::MAX, Format::Png).map_err(|e| e.kind()), Err(ErrorKind::TooLarge));
        for empty in [Grid { columns: 0, ..SHEET }, Grid { rows: 0, ..SHEET }, Grid { tile: (320, 0), ..SHEET }] {
            assert_eq!(empty.position(0).filter(|_| empty.tile.1 > 0), None);
            assert_eq!(empty.within_limits(u64::MAX, Format::Png).map_err(|e| e.kind()), Err(ErrorKind::Usage));
        }
    }
}
