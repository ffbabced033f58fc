//! The header of a sheet: a title, and a smaller line of details.

use super::{
    label,
    text::{self, TextLine},
};

/// The font size of the title, in those of labels.
const TITLE: f32 = 1.3;
/// The space around the lines, and between them, in font sizes of labels.
const PADDING: f32 = 0.75;
const LINE_GAP: f32 = 0.7;

/// One or two lines of text above the tiles.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    title: String,
    details: Option<String>,
    /// The font size of labels, in pixels.
    em: f32,
}

/// A line of a header.
pub struct HeaderLine {
    /// The text, as wide as the header at most.
    pub line: TextLine,
    /// The left end of its baseline, in pixels.
    pub baseline: (u32, u32),
    /// Whether it is the title, which stands out.
    pub is_title: bool,
}

impl Header {
    /// A header whose text suits tiles of this width in pixels.
    pub fn new(title: String, details: Option<String>, tile_width: u32) -> Self {
        Self { title, details, em: label::font_size(tile_width) }
    }

    /// The height in pixels, for [`Grid::header`](super::Grid::header).
    pub fn height(&self) -> u32 {
        self.rows().last().map_or(0, |(.., baseline)| baseline + self.padding())
    }

    fn padding(&self) -> u32 {
        label::pixels(PADDING * self.em)
    }

    /// Text, font size and baseline of each line.
    fn rows(&self) -> Vec<(&str, f32, u32)> {
        let mut rows = Vec::with_capacity(2);
        let mut top = self.padding();
        for (text, em) in [(Some(self.title.as_str()), TITLE * self.em), (self.details.as_deref(), self.em)] {
            if let Some(text) = text {
                let baseline = top + label::pixels(text::cap_height(em));
                rows.push((text, em, baseline));
                top = baseline + label::pixels(LINE_GAP * self.em);
            }
        }
        rows
    }

    /// Sets the lines for a sheet of this width in pixels.
    pub fn lines(&self, width: u32) -> impl Iterator<Item = HeaderLine> {
        let padding = self.padding();
        let available = width.saturating_sub(2 * padding) as f32;
        self.rows().into_iter().enumerate().map(move |(index, (text, em, baseline))| HeaderLine {
            line: TextLine::new(text, em, available),
            baseline: (padding, baseline),
            is_title: index == 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_height_grows_with_the_tiles_and_the_lines() {
        let height = |details: Option<&str>, tile_width| Header::new("Title".into(), details.map(Into::into), tile_width).height();
        assert_eq!(height(None, 320), 15 + 19 + 15);
        assert_eq!(height(Some("1920x1080"), 320), 15 + 19 + 14 + 14 + 15);
        assert!(height(Some(""), 160) > height(None, 160) && height(None, 160) < height(None, 320));
    }

    #[test]
    fn lines_stay_between_the_paddings() {
        let header = Header::new("A long title ".repeat(40), Some("details ".repeat(100)), 160);
        let lines: Vec<_> = header.lines(300).collect();
        assert_eq!(lines.iter().map(|line| line.is_title).collect::<Vec<_>>(), [true, false]);
        for HeaderLine { line, baseline, .. } in &lines {
            assert!(line.width() > 250.0 && line.width() <= 284.0 && baseline.0 == 8, "{} {baseline:?}", line.width());
        }
        assert!(header.lines(0).all(|line| line.line.width() < 0.1));
    }
}
