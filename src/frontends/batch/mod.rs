//! Takes a picture for each line of a list: `hlsnap batch`, without its command line.
//!
//! ```text
//! list -> lines that are wanted -> host permit -> capture and write -> result
//! ```
//!
//! Memory does not grow with the list: so many lines wait or run at the same time, and of a resumed run only hashes are kept.

mod line;
mod resume;
mod run;

pub(super) use line::LineResult;
pub(super) use resume::DoneLines;
pub(super) use run::{Batch, BatchSink, Summary};
