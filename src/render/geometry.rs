//! From the size of a coded frame to that of the picture: sample aspect ratio, orientation, crop, fit.

use crate::{
    error::{Error, ErrorKind},
    libav::Frame,
    request::{Crop, Fit, Size},
};

/// The size of a frame, and how it is to be displayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameGeometry {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Width to height of a pixel: 4:3 is `(4, 3)`.
    pub sample_aspect_ratio: (u32, u32),
    /// How the frame becomes upright.
    pub orientation: Orientation,
}

/// A mirroring, then a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Orientation {
    /// Whether left and right are swapped first.
    pub mirrored: bool,
    /// Degrees clockwise: 0, 90, 180 or 270.
    pub rotation: u16,
}

impl Orientation {
    /// The frame is upright already.
    pub const UPRIGHT: Self = Self { mirrored: false, rotation: 0 };

    /// The orientation that a frame's display matrix signals.
    pub fn of(frame: &Frame) -> Self {
        frame.display_matrix.map_or(Self::UPRIGHT, |matrix| Self::from_display_matrix(&matrix))
    }

    /// Interprets a display matrix (ISO/IEC 14496-12, 6.2.2; libavutil/display.h). Angles are rounded to multiples of 90 degrees.
    fn from_display_matrix(matrix: &[i32; 9]) -> Self {
        // A pixel at (x, y) is shown at (a*x + c*y, b*x + d*y)
        let [a, b, _, c, d, ..] = matrix.map(f64::from);
        let mirrored = a * d - b * c < 0.0;
        // Mirroring swaps the sign of x before the rotation
        let (a, b) = if mirrored { (-a, -b) } else { (a, b) };
        if a == 0.0 && b == 0.0 {
            return Self::UPRIGHT;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 3")]
        let quarters = (b.atan2(a).to_degrees() / 90.0).round().rem_euclid(4.0) as u16;
        Self { mirrored, rotation: quarters * 90 }
    }

    /// Whether the rotation swaps width and height.
    pub fn swaps_sides(self) -> bool {
        matches!(self.rotation, 90 | 270)
    }
}

/// A rectangle of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rect {
    /// From the left.
    pub x: u32,
    /// From the top.
    pub y: u32,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// The steps from a frame to the picture, in this order: crop, scale, orient, place on the canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// The part of the coded frame that is kept.
    pub crop: Rect,
    /// The size that it is scaled to, before it is oriented.
    pub scaled: (u32, u32),
    /// How it becomes upright.
    pub orientation: Orientation,
    /// The size of the picture.
    pub canvas: (u32, u32),
    /// The position on the canvas.
    pub offset: (u32, u32),
}

impl FrameGeometry {
    /// The geometry that a frame signals.
    pub fn of(frame: &Frame) -> Self {
        let (width, height) = frame.size();
        Self { width, height, sample_aspect_ratio: frame.sample_aspect_ratio, orientation: Orientation::of(frame) }
    }

    /// Width and height as displayed: with square pixels, upright.
    fn display_size(&self) -> (u32, u32) {
        let (across, down) = self.sample_aspect_ratio;
        // As in players, only the width changes
        let size = (scale(self.width, across, down), self.height);
        if self.orientation.swaps_sides() { (size.1, size.0) } else { size }
    }

    /// Lays out the picture of `size`. Fails with `too_large` beyond `max_pixels`.
    pub fn layout(&self, size: &Size, max_pixels: u64) -> Result<Layout, Error> {
        let region = size.crop.map_or(SourceRegion::WHOLE, SourceRegion::of);
        let cropped = region.size(self.display_size());
        let Fitted { canvas, scaled, kept } = fit(cropped, size);
        for (width, height) in [canvas, scaled] {
            if u64::from(width) * u64::from(height) > max_pixels || width.max(height) > Size::LARGEST_SIDE {
                let what =
                    format!("a picture of {width}x{height} exceeds the limit of {max_pixels} pixels, or of {} a side", Size::LARGEST_SIDE);
                return Err(Error::new(ErrorKind::TooLarge, what).with_hint("ask for a smaller --width"));
            }
        }
        let swaps_sides = self.orientation.swaps_sides();
        let before_orientation = |size: (u32, u32)| if swaps_sides { (size.1, size.0) } else { size };
        let crop = region.middle(kept, cropped).before_orientation(self.orientation).in_pixels(self.width, self.height);
        let offset = (((canvas.0 - scaled.0) / 2) & !1, ((canvas.1 - scaled.1) / 2) & !1);
        Ok(Layout { crop, scaled: before_orientation(scaled), orientation: self.orientation, canvas, offset })
    }
}

/// A region of a picture, in fractions of its width and height.
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
        let fraction = |millionths: u32| f64::from(millionths) / f64::from(Crop::WHOLE);
        Self { x: fraction(crop.x), y: fraction(crop.y), width: fraction(crop.width), height: fraction(crop.height) }
    }

    fn size(self, whole: (u32, u32)) -> (u32, u32) {
        (pixels(self.width, whole.0).max(1), pixels(self.height, whole.1).max(1))
    }

    /// The middle of the region, if `kept` pixels of its `all` remain.
    fn middle(self, kept: (u32, u32), all: (u32, u32)) -> Self {
        let (across, down) = (f64::from(kept.0) / f64::from(all.0.max(1)), f64::from(kept.1) / f64::from(all.1.max(1)));
        let (x, y) = (self.x + self.width * (1.0 - across) / 2.0, self.y + self.height * (1.0 - down) / 2.0);
        Self { x, y, width: self.width * across, height: self.height * down }
    }

    /// The same region before the frame is mirrored and rotated.
    fn before_orientation(mut self, orientation: Orientation) -> Self {
        for _ in 0..orientation.rotation / 90 {
            self = Self { x: self.y, y: 1.0 - self.x - self.width, width: self.height, height: self.width };
        }
        if orientation.mirrored {
            self.x = 1.0 - self.x - self.width;
        }
        self
    }

    fn in_pixels(self, width: u32, height: u32) -> Rect {
        let (kept_width, kept_height) = (pixels(self.width, width).clamp(1, width), pixels(self.height, height).clamp(1, height));
        // A chroma sample covers two pixels
        let start = |fraction: f64, all: u32, kept: u32| pixels(fraction, all).min(all - kept) & !1;
        Rect { x: start(self.x, width, kept_width), y: start(self.y, height, kept_height), width: kept_width, height: kept_height }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float outside of the range is saturated")]
fn pixels(fraction: f64, of: u32) -> u32 {
    (fraction * f64::from(of)).round() as u32
}

/// How a displayed picture fits the requested size.
struct Fitted {
    canvas: (u32, u32),
    /// The size of the picture on the canvas.
    scaled: (u32, u32),
    /// The size of the part of the displayed picture that is kept.
    kept: (u32, u32),
}

fn fit(display: (u32, u32), size: &Size) -> Fitted {
    let (width, height) = display;
    let limit = |requested: u32, available: u32| if size.enlarge { requested } else { requested.min(available) };
    let uncropped = |scaled| Fitted { canvas: scaled, scaled, kept: display };
    match (size.width, size.height) {
        (None, None) => uncropped(display),
        (Some(w), None) => {
            let w = limit(w, width);
            uncropped((w, scale(height, w, width)))
        }
        (None, Some(h)) => {
            let h = limit(h, height);
            uncropped((scale(width, h, height), h))
        }
        (Some(w), Some(h)) => match size.fit {
            Fit::Contain => uncropped(inside(display, (w, h), size.enlarge)),
            Fit::Pad => Fitted { canvas: (w, h), scaled: inside(display, (w, h), size.enlarge), kept: display },
            Fit::Fill => uncropped((limit(w, width), limit(h, height))),
            Fit::Cover => {
                // Without enlarging, the box shrinks in its own proportions until the picture covers it
                let (w, h) = if size.enlarge { (w, h) } else { inside((w, h), (width.min(w), height.min(h)), false) };
                let is_wider = u64::from(width) * u64::from(h) > u64::from(height) * u64::from(w);
                let kept = if is_wider { (scale(height, w, h).min(width), height) } else { (width, scale(width, h, w).min(height)) };
                Fitted { canvas: (w, h), scaled: (w, h), kept }
            }
        },
    }
}

/// The largest size in the proportions of `size` inside `bounds`.
fn inside(size: (u32, u32), bounds: (u32, u32), enlarge: bool) -> (u32, u32) {
    let (width, height) = size;
    if !enlarge && width <= bounds.0 && height <= bounds.1 {
        return size;
    }
    let is_wider = u64::from(width) * u64::from(bounds.1) >= u64::from(height) * u64::from(bounds.0);
    if is_wider {
        (bounds.0, scale(height, bounds.0, width).min(bounds.1))
    } else {
        (scale(width, bounds.1, height).min(bounds.0), bounds.1)
    }
}

/// `value * by / of`, rounded, at least 1.
fn scale(value: u32, by: u32, of: u32) -> u32 {
    let of = u64::from(of.max(1));
    let scaled = (u64::from(value) * u64::from(by) + of / 2) / of;
    u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HD: FrameGeometry = FrameGeometry { width: 1920, height: 1080, sample_aspect_ratio: (1, 1), orientation: Orientation::UPRIGHT };

    fn size(width: u32, height: u32, fit: Fit, enlarge: bool) -> Size {
        let side = |pixels| (pixels > 0).then_some(pixels);
        Size { width: side(width), height: side(height), fit, enlarge, crop: None }
    }

    fn layout(geometry: FrameGeometry, size: Size) -> Layout {
        geometry.layout(&size, 1 << 28).expect("a layout")
    }

    #[test]
    fn display_size_follows_aspect_ratio_and_rotation() {
        let geometry = |width, height, sample_aspect_ratio, rotation| FrameGeometry {
            width,
            height,
            sample_aspect_ratio,
            orientation: Orientation { mirrored: false, rotation },
        };
        assert_eq!(geometry(720, 576, (64, 45), 0).display_size(), (1024, 576));
        assert_eq!(geometry(800, 640, (64, 45), 0).display_size(), (1138, 640));
        assert_eq!(geometry(1920, 1080, (1, 1), 90).display_size(), (1080, 1920));
        assert_eq!(geometry(864, 480, (80, 81), 0).display_size(), (853, 480));
    }

    #[test]
    fn one_side_keeps_the_proportions_and_only_enlarge_enlarges() {
        assert_eq!(layout(HD, size(320, 0, Fit::Contain, false)).canvas, (320, 180));
        assert_eq!(layout(HD, size(0, 540, Fit::Contain, false)).canvas, (960, 540));
        assert_eq!(layout(HD, size(3840, 0, Fit::Contain, false)).canvas, (1920, 1080));
        assert_eq!(layout(HD, size(3840, 0, Fit::Contain, true)).canvas, (3840, 2160));
    }

    #[test]
    fn each_fit_has_its_canvas_size_and_crop() {
        assert_eq!(layout(HD, size(400, 400, Fit::Contain, false)).canvas, (400, 225));
        let fill = layout(HD, size(400, 400, Fit::Fill, false));
        assert_eq!((fill.canvas, fill.scaled), ((400, 400), (400, 400)));
        let pad = layout(HD, size(400, 400, Fit::Pad, false));
        assert_eq!((pad.canvas, pad.scaled, pad.offset), ((400, 400), (400, 225), (0, 86)));
        let cover = layout(HD, size(400, 400, Fit::Cover, false));
        assert_eq!((cover.canvas, cover.scaled, cover.crop), ((400, 400), (400, 400), Rect { x: 420, y: 0, width: 1080, height: 1080 }));
        assert_eq!(layout(HD, size(4000, 4000, Fit::Cover, false)).canvas, (1080, 1080));
    }

    #[test]
    fn the_crop_of_a_rotated_frame_is_in_its_own_coordinates() {
        let phone = FrameGeometry { orientation: Orientation { mirrored: false, rotation: 90 }, ..HD };
        let cover = layout(phone, size(400, 400, Fit::Cover, false));
        assert_eq!((cover.canvas, cover.crop), ((400, 400), Rect { x: 420, y: 0, width: 1080, height: 1080 }));
        assert_eq!(layout(phone, size(540, 0, Fit::Contain, false)).scaled, (960, 540));
    }

    #[test]
    fn crops_are_in_the_coordinates_of_the_upright_picture() {
        let cropped =
            |geometry: FrameGeometry, crop: &str, size: Size| layout(geometry, Size { crop: Some(crop.parse().expect("a crop")), ..size });
        let plain = size(0, 0, Fit::Contain, false);
        let right = cropped(HD, "0.5,0,0.5,1", plain);
        assert_eq!((right.canvas, right.crop), ((960, 1080), Rect { x: 960, y: 0, width: 960, height: 1080 }));
        // The top of a phone's upright picture is the left of a frame that is rotated clockwise, and the right if it is mirrored too
        let phone = |mirrored| FrameGeometry { orientation: Orientation { mirrored, rotation: 90 }, ..HD };
        let top = cropped(phone(false), "0,0,1,0.25", plain);
        assert_eq!((top.canvas, top.crop), ((1080, 480), Rect { x: 0, y: 0, width: 480, height: 1080 }));
        assert_eq!(cropped(phone(true), "0,0,1,0.25", plain).crop, Rect { x: 1440, y: 0, width: 480, height: 1080 });
        let cover = cropped(HD, "0,0,0.5,1", size(540, 540, Fit::Cover, false));
        assert_eq!((cover.canvas, cover.crop), ((540, 540), Rect { x: 0, y: 60, width: 960, height: 960 }));
    }

    #[test]
    fn extreme_sizes_are_refused_or_have_at_least_one_pixel() {
        let huge = HD.layout(&size(65_000, 65_000, Fit::Fill, true), 1 << 27);
        assert_eq!(huge.map_err(|e| e.kind()), Err(ErrorKind::TooLarge));
        let tall = FrameGeometry { width: 16, height: 4000, ..HD };
        assert_eq!(layout(tall, size(1, 0, Fit::Contain, false)).canvas, (1, 250));
        assert_eq!(layout(HD, size(1920, 1, Fit::Contain, false)).canvas, (2, 1));
    }

    #[test]
    fn display_matrices_are_mirrorings_and_rotations() {
        const ONE: i32 = 1 << 16;
        let of =
            |a: i32, b: i32, c: i32, d: i32| Orientation::from_display_matrix(&[a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30]);
        assert_eq!(of(1, 0, 0, 1), Orientation::UPRIGHT);
        assert_eq!(of(0, 1, -1, 0), Orientation { mirrored: false, rotation: 90 });
        assert_eq!(of(-1, 0, 0, -1), Orientation { mirrored: false, rotation: 180 });
        assert_eq!(of(0, -1, 1, 0), Orientation { mirrored: false, rotation: 270 });
        assert_eq!(of(-1, 0, 0, 1), Orientation { mirrored: true, rotation: 0 });
        assert_eq!(of(1, 0, 0, -1), Orientation { mirrored: true, rotation: 180 });
        assert_eq!(of(0, 0, 0, 0), Orientation::UPRIGHT);
    }
}
