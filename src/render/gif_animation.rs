//! Animated GIF (GIF89a) by the crate `gif`: one palette for all frames, and after the first only what changes.

use gif::{DisposalMethod, Encoder, EncodingError, Frame, Repeat};

use super::{
    animation_frames::{AnimationFrame, end_ticks},
    gif_palette::Palette,
};
use crate::error::{Error, ErrorKind};

/// GIF counts in hundredths of a second.
const TICKS_PER_SECOND: u32 = 100;
/// A pixel stays as it is while its components differ by no more than this from those it was drawn for: grain is not worth its bytes.
const UNSEEN_DIFFERENCE: u8 = 4;

/// How many colors a GIF has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GifColors {
    /// The size of the palette, with the color that stands for "unchanged".
    pub count: usize,
    /// Whether ordered dithering hides the steps between them.
    pub is_dithered: bool,
}

/// Encodes an animation that loops for ever. The frames must be equal in size. Fails with `too_large` beyond 65535 pixels a side.
pub fn encode(frames: &[AnimationFrame], colors: GifColors) -> Result<Vec<u8>, Error> {
    let (width, height) = frames.first().map_or((0, 0), |frame| frame.image.dimensions());
    let (Ok(width), Ok(height)) = (u16::try_from(width), u16::try_from(height)) else {
        let what = format!("an animation of {width}x{height} is too large for GIF");
        return Err(Error::new(ErrorKind::TooLarge, what).with_hint("ask for a smaller --width"));
    };
    let palette = Palette::new(frames, colors.count - 1, colors.is_dithered);
    let mut encoder = Encoder::new(Vec::new(), width, height, palette.bytes()).map_err(failure)?;
    encoder.set_repeat(Repeat::Infinite).map_err(failure)?;
    let mut canvas = Canvas::new(palette, width, height);
    let mut start = 0;
    for (frame, end) in frames.iter().zip(end_ticks(frames, TICKS_PER_SECOND)) {
        let delay = u16::try_from(end - start).unwrap_or(u16::MAX);
        encoder.write_frame(&Frame { delay, ..canvas.draw(frame) }).map_err(failure)?;
        start = end;
    }
    encoder.into_inner().map_err(failure)
}

fn failure(error: EncodingError) -> Error {
    Error::internal("the GIF cannot be encoded").with_source(error)
}

/// The pixels that a viewer shows after the last frame.
struct Canvas {
    palette: Palette,
    size: (u16, u16),
    /// Index and original color of each pixel. Empty before the first frame.
    pixels: Vec<(u8, [u8; 3])>,
    /// The index that leaves a pixel as it is: the first one after the palette.
    unchanged: u8,
}

impl Canvas {
    fn new(palette: Palette, width: u16, height: u16) -> Self {
        let unchanged = u8::try_from(palette.bytes().len() / 3).unwrap_or(u8::MAX);
        Self { palette, size: (width, height), pixels: Vec::new(), unchanged }
    }

    /// Draws a frame over the previous ones. Its rectangle holds all pixels that change, and is a single pixel if none does.
    fn draw(&mut self, frame: &AnimationFrame) -> Frame<'static> {
        let width = usize::from(self.size.0).max(1);
        let colors = frame.image.as_raw().as_chunks::<3>().0.iter().copied().enumerate();
        let place = |pixel: usize| (pixel % width, pixel / width);
        if self.pixels.is_empty() {
            self.pixels = colors.map(|(pixel, color)| (self.palette.index(color, place(pixel)), color)).collect();
            let buffer: Vec<u8> = self.pixels.iter().map(|pixel| pixel.0).collect();
            return Frame {
                dispose: DisposalMethod::Keep,
                width: self.size.0,
                height: self.size.1,
                buffer: buffer.into(),
                ..Frame::default()
            };
        }
        let mut changes = vec![self.unchanged; self.pixels.len()];
        let mut bounds = Bounds::default();
        for ((shown, change), (pixel, color)) in self.pixels.iter_mut().zip(&mut changes).zip(colors) {
            if is_near(shown.1, color) {
                continue;
            }
            let index = self.palette.index(color, place(pixel));
            if index != shown.0 {
                *change = index;
                bounds.include(place(pixel));
            }
            *shown = (index, color);
        }
        bounds.cut(&changes, width, self.unchanged)
    }
}

fn is_near(one: [u8; 3], other: [u8; 3]) -> bool {
    one.into_iter().zip(other).all(|(a, b)| a.abs_diff(b) <= UNSEEN_DIFFERENCE)
}

/// The smallest rectangle around some pixels.
#[derive(Default)]
struct Bounds(Option<Rectangle>);

struct Rectangle {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl Bounds {
    fn include(&mut self, (x, y): (usize, usize)) {
        let first = Rectangle { left: x, top: y, right: x, bottom: y };
        let rectangle = self.0.get_or_insert(first);
        (rectangle.left, rectangle.right) = (rectangle.left.min(x), rectangle.right.max(x));
        // Pixels come row by row
        rectangle.bottom = y;
    }

    /// The part of a picture inside the bounds, or its first pixel without any.
    fn cut(self, indices: &[u8], width: usize, transparent: u8) -> Frame<'static> {
        let Rectangle { left, top, right, bottom } = self.0.unwrap_or(Rectangle { left: 0, top: 0, right: 0, bottom: 0 });
        let rows = indices.chunks(width).take(bottom + 1).skip(top);
        let buffer: Vec<u8> = rows.filter_map(|row| row.get(left..=right)).flatten().copied().collect();
        let short = |pixels: usize| u16::try_from(pixels).unwrap_or(u16::MAX);
        Frame {
            dispose: DisposalMethod::Keep,
            transparent: Some(transparent),
            left: short(left),
            top: short(top),
            width: short(right - left + 1),
            height: short(bottom - top + 1),
            buffer: buffer.into(),
            ..Frame::default()
        }
    }
}
