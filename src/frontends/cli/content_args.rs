//! The options of the picture's making that few need, and of what is looked for in it.

use std::path::Path;

use clap::Args;

use crate::{
    capture,
    error::{Error, ErrorKind},
    request::Options,
};

/// How the file is made.
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
#[derive(Debug, Default, PartialEq, Args)]
#[command(next_help_heading = "Picture")]
pub(super) struct EncodingArgs {
    /// Take a part of the picture: X,Y,W,H in fractions of its width and height
    #[arg(long, value_name = "X,Y,W,H")]
    pub crop: Option<String>,
    /// Make a WebP without loss; a PNG always is
    #[arg(long)]
    pub lossless: bool,
    /// Chroma of a JPEG: 420, or 444 for sharp colours [default: 420]
    #[arg(long, value_name = "S")]
    pub subsampling: Option<String>,
    /// Make a JPEG that comes in passes
    #[arg(long)]
    pub progressive: bool,
    /// The most that the file may take, such as 200k: the quality is lowered until it fits
    #[arg(long, value_name = "N")]
    pub max_size: Option<String>,
    /// Leave time, software and colour tags out of the file
    #[arg(long)]
    pub strip: bool,
    /// Put the stream's URL (redacted) into the picture's Exif
    #[arg(long, conflicts_with = "strip")]
    pub describe: bool,
}

/// What is looked for in the picture.
#[derive(Debug, Default, PartialEq, Args)]
#[command(next_help_heading = "Verdict")]
pub(super) struct ContentArgs {
    /// Go on to the next key frames while the picture is black or of one colour, at most so far [default: 30]
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub skip_black: Option<String>,
    /// Take the most telling of up to N key frames, at the price of their bytes [default: 5]
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub best: Option<String>,
    /// Count a slate of colour bars as flat
    #[arg(long)]
    pub detect_bars: bool,
    /// An earlier picture, or the hash of one: whether they are the same is told as `frozen`
    #[arg(long, value_name = "FILE|HASH")]
    pub compare: Option<String>,
    /// Exit with 40, with the picture written, where it is one of these: black,flat,frozen
    #[arg(long, value_name = "LIST")]
    pub fail_on: Option<String>,
}

impl ContentArgs {
    /// Takes what it is compared with: a file, where there is one of that name.
    pub fn compare(&self, asked: &mut Options) -> Result<(), Error> {
        let Some(text) = &self.compare else { return Ok(()) };
        if !Path::new(text).exists() {
            return asked.set("compare", text);
        }
        let unreadable =
            |e| Error::new(ErrorKind::Usage, format!("--compare {text} cannot be read")).with_source(e).with_hint("check the path");
        asked.checks.previous = Some(capture::reference_picture(&std::fs::read(text).map_err(unreadable)?)?);
        Ok(())
    }
}
