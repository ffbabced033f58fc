//! WebVTT: one cue for each tile, whose text is the sheet's URL with a media fragment (W3C Media Fragments URI 1.0, section 4.2.2).

use std::fmt::Write;

use super::{model::Storyboard, url_form::UrlForm};

/// The text of `storyboard.vtt`. Cues do not overlap, and the last one ends with the video.
///
/// A tile without a picture has no cue. A player then shows no preview, or leaves the one before, instead of a black rectangle.
pub fn webvtt(storyboard: &Storyboard, urls: &UrlForm) -> String {
    let mut text = "WEBVTT\n".to_owned();
    let (width, height) = storyboard.tile;
    for (sheet, tile, (x, y)) in storyboard.pictures() {
        let (start, end) = (Milliseconds::of(tile.start), Milliseconds::of(tile.end.min(storyboard.end)));
        // WebVTT forbids cues without duration (section 4.1)
        if start < end {
            let url = urls.url(&storyboard.sheet_name(sheet));
            let (start, end) = (start.timestamp(), end.timestamp());
            _ = write!(text, "\n{start} --> {end}\n{url}#xywh={x},{y},{width},{height}\n");
        }
    }
    text
}

/// A time as WebVTT writes it. Adjacent cues round their common moment to the same value.
#[derive(PartialEq, PartialOrd)]
struct Milliseconds(u64);

impl Milliseconds {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float outside of the range is saturated")]
    fn of(seconds: f64) -> Self {
        Self((seconds * 1e3).round() as u64)
    }

    /// `HH:MM:SS.mmm`; hours have more digits if needed.
    fn timestamp(&self) -> String {
        let seconds = self.0 / 1000;
        format!("{:02}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, self.0 % 1000)
    }
}
