//! Lists of channels, the input of `batch` and `watch`. Bytes in, [`Channel`]s out.
//!
//! ```text
//! bytes -> lines -> URL or JSON lines | M3U | TOML -> Channel
//! ```
//!
//! A [`ListReader`] reads a list piece by piece, in memory that does not grow with the list, and passes on each bad line as an error of
//! that line. [`parse`] reads a whole list, whose channels must have distinct ids. The first line that is neither empty nor a comment
//! determines the format. Nothing here opens files or sends requests.

mod channel;
mod entry;
mod extinf;
mod format;
mod lines;
mod list;
mod m3u;
mod reader;
mod shard;
#[cfg(test)]
mod tests;
mod toml_list;
mod watch_options;

pub use channel::{BadLine, Channel, ListItem};
pub use list::{MAX_LIST_BYTES, parse};
pub use reader::ListReader;
pub use shard::Shard;
pub use watch_options::{WATCH_OPTIONS, WatchOptions};
