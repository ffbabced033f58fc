//! The pixels of a picture of many tiles.

use image::{Rgb, RgbImage, imageops};

use super::{
    geometry::Rect,
    header::Header,
    label::{Label, pixels},
};
use crate::request::BackgroundColor;

/// How much of the background a label's plate hides.
const PLATE_OPACITY: f32 = 0.65;
/// How far details, the area of an empty tile, and its cross are from the background's color to that of text.
const DETAILS_STRENGTH: f32 = 0.7;
const EMPTY_STRENGTH: f32 = 0.1;
const CROSS_STRENGTH: f32 = 0.3;
const BLACK: Rgb<u8> = Rgb([0; 3]);
const WHITE: Rgb<u8> = Rgb([255; 3]);

/// A picture on which tiles, labels and a header are drawn. What reaches beyond its edges is cut off.
#[derive(Debug, Clone)]
pub struct Canvas {
    image: RgbImage,
    background: Rgb<u8>,
}

impl Canvas {
    /// An empty canvas of a size in pixels, such as that of a [`Grid`](super::Grid) within its limits.
    pub fn new((width, height): (u32, u32), background: BackgroundColor) -> Self {
        let background = Rgb(background.0);
        Self { image: RgbImage::from_pixel(width, height, background), background }
    }

    /// The finished picture.
    pub fn into_image(self) -> RgbImage {
        self.image
    }

    /// Draws a picture in the middle of an area. The background stays around a smaller picture; a larger one loses its edges.
    pub fn draw_tile(&mut self, tile: &RgbImage, area: Rect) {
        let (width, height) = (tile.width().min(area.width), tile.height().min(area.height));
        let kept = imageops::crop_imm(tile, (tile.width() - width) / 2, (tile.height() - height) / 2, width, height);
        let (x, y) = (area.x.saturating_add((area.width - width) / 2), area.y.saturating_add((area.height - height) / 2));
        imageops::replace(&mut self.image, &*kept, x.into(), y.into());
    }

    /// Marks an area as a tile without a picture: a small cross on a surface that is close to the background, but not equal to it.
    pub fn draw_empty_tile(&mut self, area: Rect) {
        let (surface, cross) = (self.toward_text(EMPTY_STRENGTH), self.toward_text(CROSS_STRENGTH));
        let side = area.width.min(area.height) as f32;
        let (arm, stroke) = (side / 12.0, (side / 90.0).max(1.0));
        let (center_x, center_y) = (area.width as f32 / 2.0, area.height as f32 / 2.0);
        self.paint(area, |x, y| {
            let (x, y) = ((x - center_x).abs(), (y - center_y).abs());
            // Distances from the diagonals, by symmetry only from one of them, and along it
            let (across, along) = ((x - y).abs() / 2_f32.sqrt(), x.max(y));
            let coverage = covered(stroke / 2.0 - across) * covered(arm - along);
            (mix(surface, cross, coverage), 1.0)
        });
    }

    /// Draws white text on a translucent dark plate in the bottom right corner of a tile. A tile that is too small for it gets none.
    pub fn draw_label(&mut self, text: &str, tile: Rect) {
        let Some(Label { line, baseline, plate, radius }) = Label::in_tile(text, tile) else { return };
        let (width, height) = (plate.width as f32, plate.height as f32);
        self.paint(plate, |x, y| {
            // Distances from a rectangle that is smaller by the radius
            let (across, down) = ((radius - x.min(width - x)).max(0.0), (radius - y.min(height - y)).max(0.0));
            (BLACK, PLATE_OPACITY * covered(radius - across.hypot(down)))
        });
        line.for_each_pixel(|x, y, coverage| self.blend_at(baseline, (x, y), WHITE, coverage));
    }

    /// Draws a header at the top, in a color that contrasts with the background.
    pub fn draw_header(&mut self, header: &Header) {
        let (title, details) = (self.text_color(), self.toward_text(DETAILS_STRENGTH));
        for line in header.lines(self.image.width()) {
            let color = if line.is_title { title } else { details };
            line.line.for_each_pixel(|x, y, coverage| self.blend_at(line.baseline, (x, y), color, coverage));
        }
    }

    /// Black or white, which contrasts more with the background.
    fn text_color(&self) -> Rgb<u8> {
        let [r, g, b] = self.background.0.map(u32::from);
        if 299 * r + 587 * g + 114 * b > 140_000 { BLACK } else { WHITE }
    }

    /// The background's color, changed by `strength` of the way to that of text.
    fn toward_text(&self, strength: f32) -> Rgb<u8> {
        mix(self.background, self.text_color(), strength)
    }

    /// Mixes into each pixel of an area the color that `color` gives for its center, relative to the area, and the color's opacity.
    fn paint(&mut self, area: Rect, color: impl Fn(f32, f32) -> (Rgb<u8>, f32)) {
        let (right, bottom) = (area.x.saturating_add(area.width), area.y.saturating_add(area.height));
        for y in area.y..bottom.min(self.image.height()) {
            for x in area.x..right.min(self.image.width()) {
                let (color, opacity) = color((x - area.x) as f32 + 0.5, (y - area.y) as f32 + 0.5);
                self.blend(x, y, color, opacity);
            }
        }
    }

    fn blend_at(&mut self, origin: (u32, u32), (x, y): (i32, i32), color: Rgb<u8>, opacity: f32) {
        if let (Some(x), Some(y)) = (origin.0.checked_add_signed(x), origin.1.checked_add_signed(y)) {
            self.blend(x, y, color, opacity);
        }
    }

    fn blend(&mut self, x: u32, y: u32, color: Rgb<u8>, opacity: f32) {
        if let Some(pixel) = self.image.get_pixel_mut_checked(x, y) {
            *pixel = mix(*pixel, color, opacity);
        }
    }
}

/// The covered part of a pixel whose center is `distance` pixels inside of an edge.
fn covered(distance: f32) -> f32 {
    (distance + 0.5).clamp(0.0, 1.0)
}

/// The color at `part` of the way, 0 to 1.
fn mix(from: Rgb<u8>, to: Rgb<u8>, part: f32) -> Rgb<u8> {
    let component = |from: u8, to: u8| pixels(f32::from(from) + (f32::from(to) - f32::from(from)) * part).to_le_bytes()[0];
    let ([r, g, b], [to_r, to_g, to_b]) = (from.0, to.0);
    Rgb([component(r, to_r), component(g, to_g), component(b, to_b)])
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREEN: Rgb<u8> = Rgb([0, 200, 0]);
    const AREA: Rect = Rect { x: 4, y: 4, width: 320, height: 180 };

    fn canvas(background: BackgroundColor) -> Canvas {
        Canvas::new((328, 188), background)
    }

    /// The smallest rectangle with all pixels that differ.
    fn changed(before: &RgbImage, after: &RgbImage) -> Option<Rect> {
        let differing = before.enumerate_pixels().filter(|(x, y, pixel)| after.get_pixel(*x, *y) != *pixel);
        let (xs, ys): (Vec<u32>, Vec<u32>) = differing.map(|(x, y, _)| (x, y)).unzip();
        let (left, top) = (*xs.iter().min()?, *ys.iter().min()?);
        Some(Rect { x: left, y: top, width: xs.iter().max()? + 1 - left, height: ys.iter().max()? + 1 - top })
    }

    fn is_inside(inner: Rect, outer: Rect) -> bool {
        let end = |rect: Rect| (rect.x + rect.width, rect.y + rect.height);
        inner.x >= outer.x && inner.y >= outer.y && end(inner).0 <= end(outer).0 && end(inner).1 <= end(outer).1
    }

    #[test]
    fn a_smaller_tile_is_centered_on_the_background() {
        let mut canvas = canvas(BackgroundColor::GRAY);
        let before = canvas.clone().into_image();
        canvas.draw_tile(&RgbImage::from_pixel(100, 180, GREEN), AREA);
        let image = canvas.into_image();
        assert_eq!(changed(&before, &image), Some(Rect { x: 4 + 110, y: 4, width: 100, height: 180 }));
        assert_eq!(image.pixels().filter(|pixel| **pixel == GREEN).count(), 100 * 180);
    }

    #[test]
    fn a_larger_tile_loses_its_edges() {
        let mut canvas = canvas(BackgroundColor::BLACK);
        let tile = RgbImage::from_fn(330, 190, |x, y| if x < 5 || y < 5 || x >= 325 || y >= 185 { WHITE } else { GREEN });
        canvas.draw_tile(&tile, AREA);
        let image = canvas.into_image();
        assert_eq!(image.pixels().filter(|pixel| **pixel == GREEN).count(), 320 * 180);
        assert!(!image.pixels().any(|pixel| *pixel == WHITE));
    }

    #[test]
    fn a_tile_beyond_the_canvas_is_cut_off() {
        let mut canvas = canvas(BackgroundColor::BLACK);
        for (x, y) in [(300, 180), (328, 0), (u32::MAX, u32::MAX)] {
            let area = Rect { x, y, ..AREA };
            canvas.draw_tile(&RgbImage::from_pixel(320, 180, GREEN), area);
            canvas.draw_empty_tile(Rect { x: x.max(400), ..area });
        }
        assert_eq!(canvas.into_image().pixels().filter(|pixel| **pixel == GREEN).count(), 28 * 8);
    }

    #[test]
    fn a_label_changes_the_pixels_of_its_plate_alone() {
        for width in [160, 320, 640] {
            let tile = Rect { x: 7, y: 5, width, height: width * 9 / 16 };
            for background in [BackgroundColor::BLACK, BackgroundColor::GRAY, BackgroundColor::WHITE] {
                for text in ["0:07", "1:02:03.4", "ÄÖÅ gjpq ½"] {
                    let mut canvas = Canvas::new((width + 14, width), background);
                    let before = canvas.clone().into_image();
                    canvas.draw_label(text, tile);
                    let image = canvas.into_image();
                    let plate = Label::in_tile(text, tile).expect("a label").plate;
                    let found = changed(&before, &image).expect("text");
                    assert!(is_inside(found, plate) && is_inside(plate, tile), "{text}: {found:?} is not in {plate:?}");
                }
            }
        }
    }

    #[test]
    fn label_text_is_white_on_dark_even_on_a_white_picture() {
        for width in [160, 320] {
            let tile = Rect { x: 0, y: 0, width, height: width * 9 / 16 };
            let mut canvas = Canvas::new((width, tile.height), BackgroundColor::WHITE);
            canvas.draw_label("12:34", tile);
            let plate = Label::in_tile("12:34", tile).expect("a label").plate;
            let image = imageops::crop_imm(&canvas.into_image(), plate.x, plate.y, plate.width, plate.height).to_image();
            let share = |is_such: fn(u8) -> bool| {
                image.pixels().filter(|pixel| is_such(pixel.0[1])).count() * 100 / (plate.width * plate.height) as usize
            };
            let (white, dark) = (share(|luma| luma > 200), share(|luma| (80..100).contains(&luma)));
            assert!((8..30).contains(&white) && dark > 50 && share(|luma| luma < 80) == 0, "{width}: {white} % white, {dark} % dark");
        }
    }

    #[test]
    fn an_empty_tile_differs_from_the_background_and_from_black() {
        for background in [BackgroundColor::BLACK, BackgroundColor::GRAY, BackgroundColor::WHITE] {
            let mut canvas = canvas(background);
            let before = canvas.clone().into_image();
            canvas.draw_empty_tile(AREA);
            let image = canvas.into_image();
            assert_eq!(changed(&before, &image), Some(AREA));
            let luma = |x: u32, y: u32| i32::from(image.get_pixel(x, y).0[1]);
            let (outside, surface, cross) = (luma(0, 0), luma(20, 20), luma(164, 94));
            assert!((10..40).contains(&(surface - outside).abs()), "{outside} {surface}");
            assert!((20..80).contains(&(cross - surface).abs()) && surface >= 10, "{surface} {cross}");
        }
    }

    #[test]
    fn a_header_stays_above_the_tiles_and_contrasts_with_any_background() {
        for (background, text) in [(BackgroundColor::BLACK, 255), (BackgroundColor::GRAY, 255), (BackgroundColor::WHITE, 0)] {
            let header = Header::new("Tagesschau: Ägypten".into(), Some("1920×1080 • H.264".into()), 160);
            let mut canvas = Canvas::new((400, 200), background);
            let before = canvas.clone().into_image();
            canvas.draw_header(&header);
            let image = canvas.into_image();
            let found = changed(&before, &image).expect("text");
            assert!(is_inside(found, Rect { x: 8, y: 4, width: 384, height: header.height() - 8 }), "{found:?}");
            assert!(image.pixels().filter(|pixel| pixel.0[0] == text).count() > 100, "{background:?}");
        }
    }
}
