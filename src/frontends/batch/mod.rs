//! Takes a picture for each line of a list: `hlsnap batch` without the command line.
//!
//! ```text
//! list -> requested lines -> host permit -> capture and write -> result
//! ```
//!
//! Memory does not grow with the list: a limited number of lines wait or run at a time, and a resumed run keeps only hashes.

mod line;
mod resume;
mod run;

pub(super) use line::LineResult;
#[cfg(test)]
pub(super) use line::{BatchFailure, BatchPicture};
pub(super) use resume::DoneLines;
pub(super) use run::{Batch, BatchSink, Summary};
