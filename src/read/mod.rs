//! Reads media: downloads the byte spans of a plan in order, decrypts them, and joins them into one stream for the demuxer.
//!
//! ```text
//! SegmentSpan -> ByteSpan -> SpanDownload -> SegmentDecryptor -> JoinedStream [InitFilter] -> demuxer
//!                            [DownloadCache]  (protection)
//! ```
//!
//! [`SegmentReader`] drives them, one span after the other.

mod byte_spans;
mod download_cache;
mod init_filter;
mod joined_stream;
mod parallel_ranges;
mod prefetch;
mod segment_reader;
mod span_download;
mod waves;

pub(crate) use byte_spans::{ByteSpan, SegmentSpan, continues};
pub(crate) use download_cache::DownloadCache;
pub(crate) use prefetch::prefetch;
pub(crate) use segment_reader::SegmentReader;
pub(crate) use waves::routes_for;
