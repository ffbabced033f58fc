//! Planes of samples: views of them, and pictures of three planes that can be mirrored, rotated and put on a canvas.

use super::geometry::Orientation;

/// Chroma subsampling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chroma {
    /// 4:2:0: half the width and height of luma.
    Half,
    /// 4:4:4: the size of luma.
    Full,
}

impl Chroma {
    /// Binary logarithms of how much smaller chroma is than luma, horizontally and vertically.
    pub fn shift(self) -> (usize, usize) {
        match self {
            Self::Half => (1, 1),
            Self::Full => (0, 0),
        }
    }
}

/// A plane of 8 bits, rows without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plane {
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `width * height` samples, row by row from the top.
    pub bytes: Vec<u8>,
}

impl Plane {
    /// A plane of one value.
    pub fn filled(width: usize, height: usize, value: u8) -> Self {
        Self { width, height, bytes: vec![value; width * height] }
    }

    /// A row, counted from the top.
    pub fn row(&self, row: usize) -> Option<&[u8]> {
        self.bytes.get(row * self.width..(row + 1) * self.width)
    }

    /// A row, counted from the top.
    pub fn row_mut(&mut self, row: usize) -> Option<&mut [u8]> {
        self.bytes.get_mut(row * self.width..(row + 1) * self.width)
    }

    fn mirror(&mut self) {
        self.bytes.chunks_exact_mut(self.width.max(1)).for_each(<[u8]>::reverse);
    }

    /// Rotates clockwise by 90 degrees.
    fn rotated(&self) -> Self {
        let (width, height) = (self.height, self.width);
        let mut bytes = Vec::with_capacity(self.bytes.len());
        for column in 0..self.width {
            bytes.extend(self.bytes.iter().skip(column).step_by(self.width.max(1)).rev());
        }
        Self { width, height, bytes }
    }

    fn oriented(mut self, orientation: Orientation) -> Self {
        if orientation.mirrored {
            self.mirror();
        }
        match orientation.rotation {
            90 => self.rotated(),
            180 => {
                self.bytes.reverse();
                self
            }
            270 => {
                let mut rotated = self.rotated();
                rotated.bytes.reverse();
                rotated
            }
            _ => self,
        }
    }

    fn on_canvas(&self, (width, height): (usize, usize), (x, y): (usize, usize), value: u8) -> Self {
        let mut canvas = Self::filled(width, height, value);
        for row in 0..self.height {
            let start = (row + y) * width + x;
            if let (Some(from), Some(to)) = (self.row(row), canvas.bytes.get_mut(start..start + self.width)) {
                to.copy_from_slice(from);
            }
        }
        canvas
    }
}

/// Samples of 8 bits, or of more bits in 16.
pub trait Sample: Copy + Into<i32> + TryFrom<i32> {}

impl Sample for u8 {}
impl Sample for u16 {}

/// A borrowed plane, whose rows may have gaps between them.
#[derive(Debug, Clone, Copy)]
pub struct PlaneView<'a, T = u8> {
    /// At least from the first sample of the first row to the last sample of the last row.
    pub samples: &'a [T],
    /// Samples from the start of a row to that of the next.
    pub stride: usize,
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl<'a, T> PlaneView<'a, T> {
    /// A row, counted from the top.
    pub fn row(&self, row: usize) -> Option<&'a [T]> {
        let start = row * self.stride;
        self.samples.get(start..start + self.width)
    }
}

impl PlaneView<'_> {
    /// A copy without gaps.
    pub fn to_plane(self) -> Plane {
        let mut bytes = Vec::with_capacity(self.width * self.height);
        (0..self.height).filter_map(|row| self.row(row)).for_each(|row| bytes.extend_from_slice(row));
        Plane { width: self.width, height: self.height, bytes }
    }
}

/// A mutably borrowed plane, whose rows may have gaps between them.
#[derive(Debug)]
pub struct PlaneViewMut<'a, T = u8> {
    /// As [`PlaneView::samples`].
    pub samples: &'a mut [T],
    /// Samples from the start of a row to that of the next.
    pub stride: usize,
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl<T> PlaneViewMut<'_, T> {
    /// A row, counted from the top.
    pub fn row(&self, row: usize) -> Option<&[T]> {
        let start = row * self.stride;
        self.samples.get(start..start + self.width)
    }

    /// A row, counted from the top.
    pub fn row_mut(&mut self, row: usize) -> Option<&mut [T]> {
        let start = row * self.stride;
        self.samples.get_mut(start..start + self.width)
    }
}

/// A picture of three planes: Y, Cb and Cr.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planes {
    chroma: Chroma,
    /// Luma.
    pub y: Plane,
    /// The blue difference.
    pub cb: Plane,
    /// The red difference.
    pub cr: Plane,
}

impl Planes {
    /// A picture of one color.
    pub fn filled(width: u32, height: u32, chroma: Chroma, [y, cb, cr]: [u8; 3]) -> Self {
        let (w, h) = (width as usize, height as usize);
        let (cw, ch) = Self::chroma_size(w, h, chroma);
        Self { chroma, y: Plane::filled(w, h, y), cb: Plane::filled(cw, ch, cb), cr: Plane::filled(cw, ch, cr) }
    }

    /// The sizes of the planes must agree with `chroma`.
    pub(super) fn new(chroma: Chroma, [y, cb, cr]: [Plane; 3]) -> Self {
        Self { chroma, y, cb, cr }
    }

    fn chroma_size(width: usize, height: usize, chroma: Chroma) -> (usize, usize) {
        let (x, y) = chroma.shift();
        (width.div_ceil(1 << x), height.div_ceil(1 << y))
    }

    /// The chroma subsampling.
    pub fn chroma(&self) -> Chroma {
        self.chroma
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        (u32::try_from(self.y.width).unwrap_or(u32::MAX), u32::try_from(self.y.height).unwrap_or(u32::MAX))
    }

    /// Y, Cb and Cr of a pixel, counted from the left and the top; `None` outside of the picture.
    pub fn at(&self, x: usize, y: usize) -> Option<[u8; 3]> {
        let shift = self.chroma.shift();
        let chroma = |plane: &Plane| plane.row(y >> shift.1)?.get(x >> shift.0).copied();
        Some([*self.y.row(y)?.get(x)?, chroma(&self.cb)?, chroma(&self.cr)?])
    }

    /// Mirrors and rotates.
    #[must_use]
    pub(super) fn oriented(self, orientation: Orientation) -> Self {
        if orientation == Orientation::UPRIGHT {
            return self;
        }
        let Self { chroma, y, cb, cr } = self;
        Self { chroma, y: y.oriented(orientation), cb: cb.oriented(orientation), cr: cr.oriented(orientation) }
    }

    /// Puts the picture on a black canvas, `offset` pixels from its left and top; both must be even for 4:2:0.
    #[must_use]
    pub(super) fn on_canvas(self, canvas: (u32, u32), offset: (u32, u32)) -> Self {
        let (width, height) = (canvas.0 as usize, canvas.1 as usize);
        let (x, y) = (offset.0 as usize, offset.1 as usize);
        let chroma_canvas = Self::chroma_size(width, height, self.chroma);
        let shift = self.chroma.shift();
        let chroma_on_canvas = |plane: &Plane| plane.on_canvas(chroma_canvas, (x >> shift.0, y >> shift.1), 128);
        Self {
            chroma: self.chroma,
            cb: chroma_on_canvas(&self.cb),
            cr: chroma_on_canvas(&self.cr),
            y: self.y.on_canvas((width, height), (x, y), 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane() -> Plane {
        Plane { width: 3, height: 2, bytes: vec![1, 2, 3, 4, 5, 6] }
    }

    #[test]
    fn mirroring_comes_before_clockwise_rotation() {
        let oriented = |mirrored, rotation| plane().oriented(Orientation { mirrored, rotation });
        assert_eq!(oriented(false, 90), Plane { width: 2, height: 3, bytes: vec![4, 1, 5, 2, 6, 3] });
        assert_eq!(oriented(false, 180), Plane { width: 3, height: 2, bytes: vec![6, 5, 4, 3, 2, 1] });
        assert_eq!(oriented(false, 270), Plane { width: 2, height: 3, bytes: vec![3, 6, 2, 5, 1, 4] });
        assert_eq!(oriented(true, 0), Plane { width: 3, height: 2, bytes: vec![3, 2, 1, 6, 5, 4] });
        assert_eq!(oriented(true, 90), Plane { width: 2, height: 3, bytes: vec![6, 3, 5, 2, 4, 1] });
    }

    #[test]
    fn a_canvas_is_black_around_the_picture() {
        let planes = Planes::filled(2, 2, Chroma::Half, [200, 90, 60]).on_canvas((4, 6), (2, 2));
        assert_eq!(planes.y.bytes, [[0; 8].as_slice(), &[0, 0, 200, 200], &[0, 0, 200, 200], &[0; 8]].concat());
        assert_eq!(planes.cb.bytes, [128, 128, 128, 90, 128, 128]);
    }
}
