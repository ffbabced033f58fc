//! Three planes of 8 bits, and what is done to them whole: turning, mirroring, a canvas.

use super::geometry::Orientation;

/// How many pixels share a chroma sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chroma {
    /// 4:2:0: two across, two down.
    Half,
    /// 4:4:4: none.
    Full,
}

impl Chroma {
    /// Binary logarithms of the pixels that share a sample, across and down.
    pub fn shift(self) -> (usize, usize) {
        match self {
            Self::Half => (1, 1),
            Self::Full => (0, 0),
        }
    }
}

/// One plane, rows without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plane {
    /// Samples across.
    pub width: usize,
    /// Samples down.
    pub height: usize,
    /// `width * height` samples, row by row from the top.
    pub bytes: Vec<u8>,
}

impl Plane {
    /// A plane of one value.
    pub fn filled(width: usize, height: usize, value: u8) -> Self {
        Self { width, height, bytes: vec![value; width * height] }
    }

    /// A row from the top.
    pub fn row(&self, row: usize) -> Option<&[u8]> {
        self.bytes.get(row * self.width..(row + 1) * self.width)
    }

    /// A row from the top.
    pub fn row_mut(&mut self, row: usize) -> Option<&mut [u8]> {
        self.bytes.get_mut(row * self.width..(row + 1) * self.width)
    }

    fn mirror(&mut self) {
        self.bytes.chunks_exact_mut(self.width.max(1)).for_each(<[u8]>::reverse);
    }

    /// A quarter turn clockwise.
    fn turn(&self) -> Self {
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
        match orientation.turns % 4 {
            1 => self.turn(),
            2 => {
                self.bytes.reverse();
                self
            }
            3 => {
                let mut turned = self.turn();
                turned.bytes.reverse();
                turned
            }
            _ => self,
        }
    }

    fn on_canvas(&self, width: usize, height: usize, at: (usize, usize), value: u8) -> Self {
        let mut canvas = Self::filled(width, height, value);
        for row in 0..self.height {
            let start = (row + at.1) * width + at.0;
            if let (Some(from), Some(to)) = (self.row(row), canvas.bytes.get_mut(start..start + self.width)) {
                to.copy_from_slice(from);
            }
        }
        canvas
    }
}

/// A plane somewhere else, whose rows may have gaps between them.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// From the first sample of the first row to the last one of the last row at least.
    pub bytes: &'a [u8],
    /// From one row's first sample to the next one's.
    pub stride: usize,
    /// Samples across.
    pub width: usize,
    /// Samples down.
    pub height: usize,
}

impl View<'_> {
    /// A row from the top.
    pub fn row(&self, row: usize) -> Option<&[u8]> {
        let start = row * self.stride;
        self.bytes.get(start..start + self.width)
    }

    /// A copy without gaps.
    pub fn to_plane(self) -> Plane {
        let mut bytes = Vec::with_capacity(self.width * self.height);
        (0..self.height).filter_map(|row| self.row(row)).for_each(|row| bytes.extend_from_slice(row));
        Plane { width: self.width, height: self.height, bytes }
    }
}

/// Y, Cb and Cr.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planes {
    chroma: Chroma,
    /// Luma.
    pub y: Plane,
    /// Blue's difference.
    pub cb: Plane,
    /// Red's difference.
    pub cr: Plane,
}

impl Planes {
    /// Planes of one colour: Y, Cb, Cr.
    pub fn filled(width: u32, height: u32, chroma: Chroma, [y, cb, cr]: [u8; 3]) -> Self {
        let (w, h) = (width as usize, height as usize);
        let (cw, ch) = Self::chroma_size(w, h, chroma);
        Self { chroma, y: Plane::filled(w, h, y), cb: Plane::filled(cw, ch, cb), cr: Plane::filled(cw, ch, cr) }
    }

    /// Y, Cb and Cr, whose sizes must fit `chroma`.
    pub(super) fn of(chroma: Chroma, [y, cb, cr]: [Plane; 3]) -> Self {
        Self { chroma, y, cb, cr }
    }

    /// All three, to be read.
    pub fn views(&self) -> [View<'_>; 3] {
        [&self.y, &self.cb, &self.cr].map(|plane| View {
            bytes: &plane.bytes,
            stride: plane.width,
            width: plane.width,
            height: plane.height,
        })
    }

    fn chroma_size(width: usize, height: usize, chroma: Chroma) -> (usize, usize) {
        let (x, y) = chroma.shift();
        (width.div_ceil(1 << x), height.div_ceil(1 << y))
    }

    /// How chroma is sampled.
    pub fn chroma(&self) -> Chroma {
        self.chroma
    }

    /// Pixels across and down.
    pub fn size(&self) -> (u32, u32) {
        (u32::try_from(self.y.width).unwrap_or(u32::MAX), u32::try_from(self.y.height).unwrap_or(u32::MAX))
    }

    /// Brings them upright.
    #[must_use]
    pub fn oriented(self, orientation: Orientation) -> Self {
        if orientation == Orientation::UPRIGHT {
            return self;
        }
        let Self { chroma, y, cb, cr } = self;
        Self { chroma, y: y.oriented(orientation), cb: cb.oriented(orientation), cr: cr.oriented(orientation) }
    }

    /// Puts them on a black canvas, `offset` pixels from its left and top; both must be even for 4:2:0.
    #[must_use]
    pub fn on_canvas(self, canvas: (u32, u32), offset: (u32, u32)) -> Self {
        if canvas == self.size() {
            return self;
        }
        let (width, height) = (canvas.0 as usize, canvas.1 as usize);
        let (x, y) = (offset.0 as usize, offset.1 as usize);
        let (chroma_width, chroma_height) = Self::chroma_size(width, height, self.chroma);
        let shift = self.chroma.shift();
        let coloured = |plane: &Plane| plane.on_canvas(chroma_width, chroma_height, (x >> shift.0, y >> shift.1), 128);
        Self { chroma: self.chroma, cb: coloured(&self.cb), cr: coloured(&self.cr), y: self.y.on_canvas(width, height, (x, y), 0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane() -> Plane {
        Plane { width: 3, height: 2, bytes: vec![1, 2, 3, 4, 5, 6] }
    }

    #[test]
    fn turns_are_clockwise_and_mirrors_come_first() {
        let turned = |mirrored, turns| plane().oriented(Orientation { mirrored, turns });
        assert_eq!(turned(false, 1), Plane { width: 2, height: 3, bytes: vec![4, 1, 5, 2, 6, 3] });
        assert_eq!(turned(false, 2), Plane { width: 3, height: 2, bytes: vec![6, 5, 4, 3, 2, 1] });
        assert_eq!(turned(false, 3), Plane { width: 2, height: 3, bytes: vec![3, 6, 2, 5, 1, 4] });
        assert_eq!(turned(true, 0), Plane { width: 3, height: 2, bytes: vec![3, 2, 1, 6, 5, 4] });
        assert_eq!(turned(true, 1), Plane { width: 2, height: 3, bytes: vec![6, 3, 5, 2, 4, 1] });
    }

    #[test]
    fn a_canvas_is_black_around_the_picture() {
        let planes = Planes::filled(2, 2, Chroma::Half, [200, 90, 60]).on_canvas((4, 6), (2, 2));
        assert_eq!(planes.y.bytes, [[0; 8].as_slice(), &[0, 0, 200, 200], &[0, 0, 200, 200], &[0; 8]].concat());
        assert_eq!(planes.cb.bytes, [128, 128, 128, 90, 128, 128]);
    }
}
