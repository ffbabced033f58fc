//! Writes the files of a storyboard, and remembers what the documents say about them.

use super::sprite::FinishedSprite;
use crate::{
    error::Error,
    storyboard::{self, I_FRAME_INIT, Sheet, Storyboard, UrlForm},
};

/// A file of a storyboard, by its name in the storyboard's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OutputFile {
    pub name: String,
    pub bytes: Vec<u8>,
    pub media_type: &'static str,
}

/// Where the files of a storyboard go.
pub(crate) trait StoryboardFolder {
    /// Writes a file whole, or fails with `output`.
    async fn write(&self, file: OutputFile) -> Result<(), Error>;

    /// Removes a file of an earlier `write`.
    async fn remove(&self, name: &str) -> Result<(), Error>;
}

/// The storyboard of the files that were written.
pub(super) struct StoryboardWriter<'a, F> {
    folder: &'a F,
    pub storyboard: Storyboard,
    /// Bytes of the sprites.
    pub bytes: u64,
}

impl<'a, F: StoryboardFolder> StoryboardWriter<'a, F> {
    pub fn new(folder: &'a F, storyboard: Storyboard) -> Self {
        Self { folder, storyboard, bytes: 0 }
    }

    /// Writes a complete sprite. Returns whether there was one.
    pub async fn add(&mut self, sprite: Option<FinishedSprite>) -> Result<bool, Error> {
        let Some(FinishedSprite { sheet, image, i_frames }) = sprite else { return Ok(false) };
        if let Some(image) = image {
            self.bytes += image.len() as u64;
            let media_type = self.storyboard.format.media_type();
            self.folder.write(OutputFile { name: self.storyboard.sheet_name(&sheet), bytes: image, media_type }).await?;
            self.folder.write(OutputFile { name: sheet.i_frame_name(), bytes: i_frames, media_type: "video/mp4" }).await?;
        }
        self.storyboard.sheets.push(sheet);
        Ok(true)
    }

    /// Takes the sheets that end at `until` at the latest out of a live storyboard. Their files are removed later, by [`remove`](Self::remove):
    /// documents that players have still name them.
    pub fn forget_before(&mut self, until: f64) -> Vec<Sheet> {
        let is_old = |sheet: &Sheet| sheet.tiles.last().is_some_and(|last| last.end <= until);
        // The newest sheet stays, so that the documents are never empty
        let count =
            self.storyboard.sheets.iter().take_while(|sheet| is_old(sheet)).count().min(self.storyboard.sheets.len().saturating_sub(1));
        let old: Vec<Sheet> = self.storyboard.sheets.drain(..count).collect();
        for (index, sheet) in old.iter().enumerate() {
            let next = old.get(index + 1).or(self.storyboard.sheets.first());
            self.storyboard.tiles_before += sheet.tiles.len() as u64;
            if next.is_some_and(|next| next.follows_discontinuity) {
                self.storyboard.discontinuity_sequence += 1;
                self.storyboard.domain_start = None;
            } else if self.storyboard.domain_start.is_none() {
                self.storyboard.domain_start = sheet.program_date_time;
            }
        }
        old
    }

    /// Removes the files of sheets.
    pub async fn remove(&self, sheets: &[Sheet]) -> Result<(), Error> {
        for sheet in sheets.iter().filter(|sheet| sheet.bytes > 0) {
            self.folder.remove(&self.storyboard.sheet_name(sheet)).await?;
            self.folder.remove(&sheet.i_frame_name()).await?;
        }
        Ok(())
    }

    pub async fn write_documents(&self, urls: &UrlForm) -> Result<(), Error> {
        let board = &self.storyboard;
        let playlist = "application/vnd.apple.mpegurl";
        let init = storyboard::init_segment(board.tile);
        let text = |name: &str, text: String, media_type| OutputFile { name: name.to_owned(), bytes: text.into_bytes(), media_type };
        let mut files = vec![
            OutputFile { name: I_FRAME_INIT.to_owned(), bytes: init, media_type: "video/mp4" },
            text("storyboard.vtt", storyboard::webvtt(board, urls), "text/vtt"),
            text("storyboard.json", storyboard::mux_json(board, urls), "application/json"),
            text("images.m3u8", storyboard::image_playlist(board, urls), playlist),
            text("iframes.m3u8", storyboard::i_frame_playlist(board, urls), playlist),
            text("storyboard.m3u8", storyboard::multivariant(board, urls), playlist),
        ];
        files.extend(storyboard::mpd(board, urls).map(|mpd| text("thumbnails.mpd", mpd, "application/dash+xml")));
        for file in files {
            self.folder.write(file).await?;
        }
        Ok(())
    }
}
