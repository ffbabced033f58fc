//! From a coded frame's size to the picture's: pixel shape, orientation, fit.

use crate::{
    error::{Error, ErrorKind},
    request::{Crop, Fit, Size},
};

/// A frame's size and how it is to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// How much wider than high a pixel is: 4:3 is `(4, 3)`.
    pub sample_aspect_ratio: (u32, u32),
    /// What brings it upright.
    pub orientation: Orientation,
}

/// A mirror image and then quarter turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Orientation {
    /// Left and right are swapped first.
    pub mirrored: bool,
    /// Then so many quarter turns clockwise: 0 to 3.
    pub turns: u8,
}

impl Orientation {
    /// Nothing is to be done.
    pub const UPRIGHT: Self = Self { mirrored: false, turns: 0 };

    /// By a display matrix (ISO/IEC 14496-12, 6.2.2; libavutil/display.h). Angles between quarter turns count as the nearest one.
    pub fn of_matrix(matrix: &[i32; 9]) -> Self {
        // A pixel at (x, y) is shown at (a*x + c*y, b*x + d*y)
        let [a, b, _, c, d, ..] = matrix.map(f64::from);
        let mirrored = a * d - b * c < 0.0;
        // A mirror image swaps the sign of x before it is turned
        let (a, b) = if mirrored { (-a, -b) } else { (a, b) };
        if a == 0.0 && b == 0.0 {
            return Self::UPRIGHT;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 3")]
        let turns = (b.atan2(a).to_degrees() / 90.0).round().rem_euclid(4.0) as u8;
        Self { mirrored, turns }
    }

    /// Degrees clockwise.
    pub fn degrees(self) -> u16 {
        u16::from(self.turns) * 90
    }

    /// Whether width and height change places.
    pub fn is_sideways(self) -> bool {
        self.turns % 2 == 1
    }
}

/// A rectangle of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rect {
    /// Pixels from the left.
    pub x: u32,
    /// Pixels from the top.
    pub y: u32,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// What is done with a frame: crop, then scale, then turn, then put on the canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// What is taken of the coded frame.
    pub crop: Rect,
    /// What it is scaled to, before it is turned.
    pub scaled: (u32, u32),
    /// What brings it upright.
    pub orientation: Orientation,
    /// The size of the picture.
    pub canvas: (u32, u32),
    /// Where on the canvas it lies.
    pub offset: (u32, u32),
}

impl Shape {
    /// Pixels across and down as shown: square, upright.
    pub fn display_size(&self) -> (u32, u32) {
        let (across, down) = self.sample_aspect_ratio;
        // Every line stays a line, as players do it
        let size = (scale(self.width, across, down), self.height);
        if self.orientation.is_sideways() { (size.1, size.0) } else { size }
    }

    /// What is to be done to give what was asked for. Fails with `too_large` beyond `most_pixels`.
    pub fn layout(&self, asked: &Size, most_pixels: u64) -> Result<Layout, Error> {
        let whole = self.display_size();
        let taken = asked.crop.map_or(SourceRegion::WHOLE, SourceRegion::of);
        let display = taken.size(whole);
        let (canvas, inner, cut) = fit(display, asked);
        for size in [canvas, inner] {
            if u64::from(size.0) * u64::from(size.1) > most_pixels || size.0.max(size.1) > Size::LARGEST_SIDE {
                let (width, height) = size;
                return Err(Error::new(ErrorKind::TooLarge, format!("a picture of {width}x{height} is more than can be made"))
                    .with_hint("ask for a smaller --width"));
            }
        }
        let sideways = self.orientation.is_sideways();
        let unturned = |size: (u32, u32)| if sideways { (size.1, size.0) } else { size };
        let crop = taken.middle(cut, display).unturned(self.orientation).of_frame(self.width, self.height);
        let offset = (((canvas.0 - inner.0) / 2) & !1, ((canvas.1 - inner.1) / 2) & !1);
        Ok(Layout { crop, scaled: unturned(inner), orientation: self.orientation, canvas, offset })
    }
}

/// A part of a picture, in parts of its width and height.
#[derive(Debug, Clone, Copy, PartialEq)]
struct SourceRegion {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

impl SourceRegion {
    const WHOLE: Self = Self { x: 0.0, y: 0.0, width: 1.0, height: 1.0 };

    fn of(crop: Crop) -> Self {
        let part = |millionths: u32| f64::from(millionths) / f64::from(Crop::WHOLE);
        Self { x: part(crop.x), y: part(crop.y), width: part(crop.width), height: part(crop.height) }
    }

    fn size(self, whole: (u32, u32)) -> (u32, u32) {
        (pixels(self.width, whole.0).max(1), pixels(self.height, whole.1).max(1))
    }

    /// The middle of it, of which `kept` pixels of `all` are left.
    fn middle(self, kept: (u32, u32), all: (u32, u32)) -> Self {
        let (across, down) = (f64::from(kept.0) / f64::from(all.0.max(1)), f64::from(kept.1) / f64::from(all.1.max(1)));
        let (x, y) = (self.x + self.width * (1.0 - across) / 2.0, self.y + self.height * (1.0 - down) / 2.0);
        Self { x, y, width: self.width * across, height: self.height * down }
    }

    /// Where it lies before the picture is mirrored and turned.
    fn unturned(mut self, orientation: Orientation) -> Self {
        for _ in 0..orientation.turns % 4 {
            self = Self { x: self.y, y: 1.0 - self.x - self.width, width: self.height, height: self.width };
        }
        if orientation.mirrored {
            self.x = 1.0 - self.x - self.width;
        }
        self
    }

    fn of_frame(self, width: u32, height: u32) -> Rect {
        let (kept_width, kept_height) = (pixels(self.width, width).clamp(1, width), pixels(self.height, height).clamp(1, height));
        // Chroma comes in pairs of pixels
        let at = |part: f64, all: u32, kept: u32| pixels(part, all).min(all - kept) & !1;
        Rect { x: at(self.x, width, kept_width), y: at(self.y, height, kept_height), width: kept_width, height: kept_height }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float outside of the range is saturated")]
fn pixels(part: f64, of: u32) -> u32 {
    (part * f64::from(of)).round() as u32
}

/// Canvas, the scaled picture on it, and the part of the display picture that is taken.
fn fit(display: (u32, u32), asked: &Size) -> ((u32, u32), (u32, u32), (u32, u32)) {
    let (width, height) = display;
    let limit = |wanted: u32, have: u32| if asked.enlarge { wanted } else { wanted.min(have) };
    let plain = |size| (size, size, display);
    match (asked.width, asked.height) {
        (None, None) => plain(display),
        (Some(w), None) => {
            let w = limit(w, width);
            plain((w, scale(height, w, width)))
        }
        (None, Some(h)) => {
            let h = limit(h, height);
            plain((scale(width, h, height), h))
        }
        (Some(w), Some(h)) => match asked.fit {
            Fit::Contain => plain(inside(display, (w, h), asked.enlarge)),
            Fit::Pad => ((w, h), inside(display, (w, h), asked.enlarge), display),
            Fit::Fill => plain((limit(w, width), limit(h, height))),
            Fit::Cover => {
                // Without enlarging, the box shrinks in its own shape until the picture covers it
                let (w, h) = if asked.enlarge { (w, h) } else { inside((w, h), (width.min(w), height.min(h)), false) };
                let wider = u64::from(width) * u64::from(h) > u64::from(height) * u64::from(w);
                let cut = if wider { (scale(height, w, h).min(width), height) } else { (width, scale(width, h, w).min(height)) };
                ((w, h), (w, h), cut)
            }
        },
    }
}

/// The largest size of `shape` that lies inside `bounds`.
fn inside(shape: (u32, u32), bounds: (u32, u32), enlarge: bool) -> (u32, u32) {
    let (width, height) = shape;
    if !enlarge && width <= bounds.0 && height <= bounds.1 {
        return shape;
    }
    let wider = u64::from(width) * u64::from(bounds.1) >= u64::from(height) * u64::from(bounds.0);
    if wider { (bounds.0, scale(height, bounds.0, width).min(bounds.1)) } else { (scale(width, bounds.1, height).min(bounds.0), bounds.1) }
}

/// `value * by / of`, rounded, at least one pixel.
fn scale(value: u32, by: u32, of: u32) -> u32 {
    let of = u64::from(of.max(1));
    let scaled = (u64::from(value) * u64::from(by) + of / 2) / of;
    u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HD: Shape = Shape { width: 1920, height: 1080, sample_aspect_ratio: (1, 1), orientation: Orientation::UPRIGHT };

    fn asked(width: u32, height: u32, fit: Fit, enlarge: bool) -> Size {
        let side = |pixels| (pixels > 0).then_some(pixels);
        Size { width: side(width), height: side(height), fit, enlarge, crop: None }
    }

    fn layout(shape: Shape, size: Size) -> Layout {
        shape.layout(&size, 1 << 28).expect("a layout")
    }

    #[test]
    fn display_sizes_follow_pixel_shape_and_turns() {
        let shape = |width, height, sample_aspect_ratio, turns| Shape {
            width,
            height,
            sample_aspect_ratio,
            orientation: Orientation { mirrored: false, turns },
        };
        assert_eq!(shape(720, 576, (64, 45), 0).display_size(), (1024, 576));
        assert_eq!(shape(800, 640, (64, 45), 0).display_size(), (1138, 640));
        assert_eq!(shape(1920, 1080, (1, 1), 1).display_size(), (1080, 1920));
        assert_eq!(shape(864, 480, (80, 81), 0).display_size(), (853, 480));
    }

    #[test]
    fn one_side_keeps_the_shape_and_nothing_grows_unasked() {
        assert_eq!(layout(HD, asked(320, 0, Fit::Contain, false)).canvas, (320, 180));
        assert_eq!(layout(HD, asked(0, 540, Fit::Contain, false)).canvas, (960, 540));
        assert_eq!(layout(HD, asked(3840, 0, Fit::Contain, false)).canvas, (1920, 1080));
        assert_eq!(layout(HD, asked(3840, 0, Fit::Contain, true)).canvas, (3840, 2160));
    }

    #[test]
    fn the_four_fits() {
        assert_eq!(layout(HD, asked(400, 400, Fit::Contain, false)).canvas, (400, 225));
        let fill = layout(HD, asked(400, 400, Fit::Fill, false));
        assert_eq!((fill.canvas, fill.scaled), ((400, 400), (400, 400)));
        let pad = layout(HD, asked(400, 400, Fit::Pad, false));
        assert_eq!((pad.canvas, pad.scaled, pad.offset), ((400, 400), (400, 225), (0, 86)));
        let cover = layout(HD, asked(400, 400, Fit::Cover, false));
        assert_eq!((cover.canvas, cover.scaled, cover.crop), ((400, 400), (400, 400), Rect { x: 420, y: 0, width: 1080, height: 1080 }));
        assert_eq!(layout(HD, asked(4000, 4000, Fit::Cover, false)).canvas, (1080, 1080));
    }

    #[test]
    fn a_turned_frame_is_cropped_on_its_own_sides() {
        let phone = Shape { orientation: Orientation { mirrored: false, turns: 1 }, ..HD };
        let cover = layout(phone, asked(400, 400, Fit::Cover, false));
        assert_eq!((cover.canvas, cover.crop), ((400, 400), Rect { x: 420, y: 0, width: 1080, height: 1080 }));
        assert_eq!(layout(phone, asked(540, 0, Fit::Contain, false)).scaled, (960, 540));
    }

    #[test]
    fn a_crop_is_of_the_upright_picture() {
        let cropped = |shape: Shape, crop: &str, size: Size| layout(shape, Size { crop: Some(crop.parse().expect("a crop")), ..size });
        let plain = asked(0, 0, Fit::Contain, false);
        let right = cropped(HD, "0.5,0,0.5,1", plain);
        assert_eq!((right.canvas, right.crop), ((960, 1080), Rect { x: 960, y: 0, width: 960, height: 1080 }));
        // The top of a phone's upright picture is the left of the frame where it is turned clockwise, and the right where it is mirrored too
        let phone = |mirrored| Shape { orientation: Orientation { mirrored, turns: 1 }, ..HD };
        let top = cropped(phone(false), "0,0,1,0.25", plain);
        assert_eq!((top.canvas, top.crop), ((1080, 480), Rect { x: 0, y: 0, width: 480, height: 1080 }));
        assert_eq!(cropped(phone(true), "0,0,1,0.25", plain).crop, Rect { x: 1440, y: 0, width: 480, height: 1080 });
        let cover = cropped(HD, "0,0,0.5,1", asked(540, 540, Fit::Cover, false));
        assert_eq!((cover.canvas, cover.crop), ((540, 540), Rect { x: 0, y: 60, width: 960, height: 960 }));
    }

    #[test]
    fn absurd_sizes_are_refused_or_stay_within_a_pixel() {
        let huge = HD.layout(&asked(65_000, 65_000, Fit::Fill, true), 1 << 27);
        assert_eq!(huge.map_err(|e| e.kind()), Err(ErrorKind::TooLarge));
        let tall = Shape { width: 16, height: 4000, ..HD };
        assert_eq!(layout(tall, asked(1, 0, Fit::Contain, false)).canvas, (1, 250));
        assert_eq!(layout(HD, asked(1920, 1, Fit::Contain, false)).canvas, (2, 1));
    }

    #[test]
    fn matrices_are_mirrors_and_quarter_turns() {
        const ONE: i32 = 1 << 16;
        let of = |a: i32, b: i32, c: i32, d: i32| Orientation::of_matrix(&[a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30]);
        assert_eq!(of(1, 0, 0, 1), Orientation::UPRIGHT);
        assert_eq!(of(0, 1, -1, 0), Orientation { mirrored: false, turns: 1 });
        assert_eq!(of(-1, 0, 0, -1), Orientation { mirrored: false, turns: 2 });
        assert_eq!(of(0, -1, 1, 0), Orientation { mirrored: false, turns: 3 });
        assert_eq!(of(-1, 0, 0, 1), Orientation { mirrored: true, turns: 0 });
        assert_eq!(of(1, 0, 0, -1), Orientation { mirrored: true, turns: 2 });
        assert_eq!(of(0, 0, 0, 0), Orientation::UPRIGHT);
    }
}
