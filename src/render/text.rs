//! Anti-aliased text of one font, a line at a time.

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, Glyph, PxScale, point};

static FONT: LazyLock<FontRef<'static>> =
    LazyLock::new(|| FontRef::try_from_slice(include_bytes!("../../assets/label-font.ttf")).expect("a font of this crate"));

/// The height of digits and capital letters, in ems.
const CAP_HEIGHT: f32 = 0.72;
const ELLIPSIS: char = '\u{2026}';

/// The height of digits and capital letters at a font size; both are in pixels.
pub fn cap_height(em: f32) -> f32 {
    CAP_HEIGHT * em
}

/// Glyphs in a row.
#[derive(Debug, Clone)]
pub struct TextLine {
    /// Their positions start at the left end of the baseline.
    glyphs: Vec<Glyph>,
    width: f32,
}

impl TextLine {
    /// Sets `text` at the font size `em`. Text wider than `max_width` ends with an ellipsis; both are in pixels. Line breaks and other
    /// white space become spaces, and characters that the font lacks become boxes.
    pub fn new(text: &str, em: f32, max_width: f32) -> Self {
        let mut line = Self { glyphs: Vec::new(), width: 0.0 };
        let ellipsis = advance(ELLIPSIS, em);
        // The text that leaves room for an ellipsis: number of glyphs and width
        let mut shortened = (0, 0.0);
        for character in text.trim().chars().filter_map(printable) {
            line.push(character, em);
            if line.width > max_width {
                line.glyphs.truncate(shortened.0);
                line.width = shortened.1;
                if line.width + ellipsis <= max_width {
                    line.push(ELLIPSIS, em);
                }
                break;
            }
            // A space before the ellipsis would look like a missing word
            if character != ' ' && line.width + ellipsis <= max_width {
                shortened = (line.glyphs.len(), line.width);
            }
        }
        line
    }

    /// The width in pixels.
    pub fn width(&self) -> f32 {
        self.width
    }

    fn push(&mut self, character: char, em: f32) {
        let glyph = FONT.glyph_id(character).with_scale_and_position(scale(em), point(self.width, 0.0));
        self.glyphs.push(glyph);
        self.width += advance(character, em);
    }

    /// Calls `paint` for each pixel that the text touches: x from the left end, y down from the baseline, and the covered part of the
    /// pixel, 0 to 1.
    pub fn for_each_pixel(&self, mut paint: impl FnMut(i32, i32, f32)) {
        for outline in self.glyphs.iter().filter_map(|glyph| FONT.outline_glyph(glyph.clone())) {
            let bounds = outline.px_bounds();
            #[expect(clippy::cast_possible_truncation, reason = "whole numbers; a float outside of the range is saturated")]
            let (left, top) = (bounds.min.x as i32, bounds.min.y as i32);
            outline.draw(|x, y, coverage| paint(left.saturating_add_unsigned(x), top.saturating_add_unsigned(y), coverage.min(1.0)));
        }
    }
}

/// `ab_glyph` scales a font by the distance from its ascent to its descent, not by the em.
fn scale(em: f32) -> PxScale {
    PxScale::from(em * FONT.height_unscaled() / units_per_em())
}

fn advance(character: char, em: f32) -> f32 {
    FONT.h_advance_unscaled(FONT.glyph_id(character)) * em / units_per_em()
}

fn units_per_em() -> f32 {
    FONT.units_per_em().unwrap_or(2048.0)
}

/// What is printed for a character: nothing for control and format characters, and for combining marks, which the font cannot place.
fn printable(character: char) -> Option<char> {
    match character {
        '\u{2010}'..='\u{2012}' => Some('-'),
        _ if character.is_whitespace() => Some(' '),
        '\u{300}'..='\u{36f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' => None,
        _ if character.is_control() => None,
        _ => Some(character),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text that a line shows.
    fn shown(text: &str, max_width: f32) -> String {
        let printable: Vec<char> = (' '..='~').chain([ELLIPSIS]).collect();
        let glyphs = TextLine::new(text, 20.0, max_width).glyphs;
        glyphs.iter().filter_map(|glyph| printable.iter().find(|c| FONT.glyph_id(**c) == glyph.id)).collect()
    }

    #[test]
    fn the_font_has_the_letters_of_europe() {
        for (first, last) in [(' ', '~'), ('\u{a0}', '\u{17f}'), ('Α', 'Ρ'), ('Σ', 'ώ'), ('\u{400}', '\u{45f}'), ('\u{2013}', '\u{2015}')]
        {
            for character in first..=last {
                assert_ne!(FONT.glyph_id(character).0, 0, "{character:?}");
            }
        }
        for character in "…•×“”„’€".chars() {
            assert_ne!(FONT.glyph_id(character).0, 0, "{character:?}");
        }
    }

    #[test]
    fn digits_are_as_high_as_the_cap_height_and_of_one_width() {
        let widths = ('0'..='9').map(|digit| TextLine::new(&digit.to_string(), 100.0, 1000.0).width());
        assert!(widths.clone().all(|width| Some(width) == widths.clone().next() && (50.0..65.0).contains(&width)));
        let (mut top, mut bottom) = (0, 0);
        TextLine::new("0:17", 100.0, 1000.0).for_each_pixel(|_, y, coverage| {
            if coverage > 0.3 {
                (top, bottom) = (top.min(y), bottom.max(y));
            }
        });
        assert!((-74..=-71).contains(&top) && (-1..=1).contains(&bottom), "{top} to {bottom}");
    }

    #[test]
    fn text_that_is_too_wide_ends_with_an_ellipsis() {
        let text = "Evening News";
        let width = TextLine::new(text, 20.0, 1e6).width();
        assert_eq!(shown(text, width), text);
        assert_eq!(shown(text, width - 1.0), "Evening Ne…");
        assert_eq!(shown(text, TextLine::new("Evening …", 20.0, 1e6).width() + 1.0), "Evening…");
        for max_width in 0_u8..200 {
            let line = TextLine::new(text, 20.0, max_width.into());
            assert!(line.width() <= max_width.into(), "{max_width}: {}", line.width());
        }
        assert_eq!(shown(text, 3.0), "");
    }

    #[test]
    fn long_text_takes_no_more_glyphs_than_fit() {
        let line = TextLine::new(&"x".repeat(1 << 20), 20.0, 100.0);
        assert!(line.glyphs.capacity() < 100, "{}", line.glyphs.capacity());
    }

    #[test]
    fn line_breaks_become_spaces_and_invisible_characters_nothing() {
        assert_eq!(shown(" a\nb\tc\u{0}\u{200b}e\u{301}\u{2011} ", 1e6), "a b ce-");
    }
}
