//! Reading media: the byte spans of a plan, downloaded in order, decrypted, and handed to the demuxer as one stream.

mod byte_spans;
mod decode_permit;
mod download_cache;
mod init_filter;
mod segment_reader;

pub(crate) use byte_spans::{ByteSpan, SegmentSpan, continues};
pub(crate) use download_cache::DownloadCache;
pub(crate) use segment_reader::SegmentReader;
