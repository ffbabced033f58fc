//! Builds the sprites of a storyboard, tile by tile.

use std::ops::Range;

use image::RgbImage;

use super::tile;
use crate::{
    capture::Capture,
    error::Error,
    render::{self, Canvas, Grid},
    request::{BackgroundColor, Encoding, Format},
    storyboard::{self, Sheet, Tile},
};

/// A complete sprite.
pub(super) struct FinishedSprite {
    pub sheet: Sheet,
    /// The encoded sprite; `None` if it has no picture.
    pub image: Option<Vec<u8>>,
    /// The tiles as JPEGs in movie fragments.
    pub i_frames: Vec<u8>,
}

/// Where a tile went.
pub(super) struct PlacedTile {
    /// File name of the sprite.
    pub name: String,
    /// Left and top edge in pixels.
    pub position: (u32, u32),
}

/// The sprite that is being built. All sprites of a storyboard have the size of the first tile.
pub(super) struct SpriteBuilder {
    /// Columns and rows.
    layout: (u32, u32),
    encoding: Encoding,
    max_pixels: u64,
    /// `None` before the first tile.
    grid: Option<Grid>,
    canvas: Option<Canvas>,
    has_i_frames: bool,
    i_frames: Vec<u8>,
    /// Fragments until now, over all sprites.
    fragments: u32,
    sheet: Sheet,
    /// Discontinuity Sequence Number of the tiles.
    domain: Option<u64>,
}

fn empty_sheet(number: u64, follows_discontinuity: bool) -> Sheet {
    Sheet { number, bytes: 0, tiles: Vec::new(), program_date_time: None, follows_discontinuity }
}

impl SpriteBuilder {
    pub fn new(layout: (u32, u32), encoding: Encoding, max_pixels: u64) -> Self {
        Self {
            layout,
            encoding,
            max_pixels,
            grid: None,
            canvas: None,
            has_i_frames: true,
            i_frames: Vec::new(),
            fragments: 0,
            sheet: empty_sheet(0, false),
            domain: None,
        }
    }

    /// Makes no movie fragments.
    pub fn without_i_frames(self) -> Self {
        Self { has_i_frames: false, ..self }
    }

    /// Width and height of a tile in pixels.
    pub fn tile_size(&self) -> (u32, u32) {
        self.grid.map(|grid| grid.tile).unwrap_or_default()
    }

    /// Width and height of a sprite in pixels.
    pub fn sprite_size(&self) -> (u32, u32) {
        self.grid.map(|grid| grid.size()).unwrap_or_default()
    }

    /// Whether a picture belongs to another discontinuity domain than the tiles until now.
    pub fn starts_another_domain(&self, capture: &Capture) -> bool {
        let domain = capture.segment.discontinuity_sequence_number;
        !self.sheet.tiles.is_empty() && self.domain.is_some() && domain != self.domain
    }

    pub fn is_full(&self) -> bool {
        self.sheet.tiles.len() as u64 >= u64::from(self.layout.0) * u64::from(self.layout.1)
    }

    /// Adds a tile for the time from `start` to `end`, in seconds. Without a picture, it is empty.
    pub fn add(&mut self, start: f64, end: f64, capture: Option<Capture>) -> Result<Option<PlacedTile>, Error> {
        let Some(capture) = capture else {
            self.sheet.tiles.push(Tile { start, end, is_missing: true, i_frame: None });
            return Ok(None);
        };
        let domain = capture.segment.discontinuity_sequence_number;
        if self.sheet.tiles.is_empty() && self.domain.is_some() && domain != self.domain {
            self.sheet.follows_discontinuity = true;
        }
        self.domain = domain;
        let presentation = capture.presentation;
        let picture = tile::pixels(capture)?;
        let grid = self.grid(picture.dimensions())?;
        let index = self.sheet.tiles.len();
        let Some(area) = grid.area(index) else { return Err(Error::internal("a sprite has more tiles than its grid")) };
        let picture = tile::fitted(picture, grid.tile)?;
        let canvas = self.canvas.get_or_insert_with(|| Canvas::new(grid.size(), BackgroundColor::default()));
        canvas.draw_tile(&picture, area);
        if self.sheet.tiles.iter().all(|tile| tile.is_missing) {
            let first = self.sheet.tiles.first().map_or(start, |first| first.start);
            self.sheet.program_date_time = presentation.date_at(first);
        }
        let i_frame = self.has_i_frames.then(|| self.add_i_frame(picture, start, end)).transpose()?;
        self.sheet.tiles.push(Tile { start, end, is_missing: false, i_frame });
        let name = storyboard::sheet_name(self.sheet.number, self.encoding.format);
        Ok(Some(PlacedTile { name, position: (area.x, area.y) }))
    }

    /// The grid of all sprites, whose tiles have the size of the first one. Fails with `too_large`.
    fn grid(&mut self, tile: (u32, u32)) -> Result<Grid, Error> {
        if let Some(grid) = self.grid {
            return Ok(grid);
        }
        let (columns, rows) = self.layout;
        let grid = Grid { columns, rows, tile, gap: 0, header: 0 }.within_limits(self.max_pixels, self.encoding.format)?;
        self.grid = Some(grid);
        Ok(grid)
    }

    fn add_i_frame(&mut self, picture: RgbImage, start: f64, end: f64) -> Result<Range<u64>, Error> {
        let encoding = Encoding { format: Format::Jpeg, max_bytes: None, lossless: false, ..self.encoding };
        let jpeg = render::encode_rgb(picture, &encoding)?;
        self.fragments += 1;
        let fragment = storyboard::fragment(self.fragments, start, end - start, &jpeg);
        let offset = self.i_frames.len() as u64;
        self.i_frames.extend_from_slice(&fragment);
        Ok(offset..self.i_frames.len() as u64)
    }

    /// Ends the sprite and begins the next one; `None` if it has no tile.
    pub fn finish(&mut self) -> Result<Option<FinishedSprite>, Error> {
        if self.sheet.tiles.is_empty() {
            return Ok(None);
        }
        let next = empty_sheet(self.sheet.number + 1, !self.is_full());
        let mut sheet = std::mem::replace(&mut self.sheet, next);
        let encode = |(mut canvas, grid): (Canvas, Grid)| {
            let missing = sheet.tiles.iter().enumerate().filter(|(_, tile)| tile.is_missing);
            missing.filter_map(|(index, _)| grid.area(index)).for_each(|area| canvas.draw_empty_tile(area));
            render::encode_rgb(canvas.into_image(), &self.encoding)
        };
        let image = self.canvas.take().zip(self.grid).map(encode).transpose()?;
        sheet.bytes = image.as_ref().map_or(0, |image| image.len() as u64);
        Ok(Some(FinishedSprite { sheet, image, i_frames: std::mem::take(&mut self.i_frames) }))
    }
}
