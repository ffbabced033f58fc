//! The private names that pass tags through m3u8-rs unread.

use m3u8_rs::ExtTag;

/// Precedes the names of tags that m3u8-rs must not read. It removes `#EXT-` itself.
pub(super) const PREFIX: &str = "HLSNAP-";
/// Bandwidth of a Variant without BANDWIDTH, which m3u8-rs would drop.
pub(super) const NO_BANDWIDTH: u64 = 0;
/// Private attribute of an I-frame Variant that was EXT-X-IMAGE-STREAM-INF.
pub(super) const IMAGES: &str = "HLSNAP-IMAGES";

/// Names and values of the renamed tags, in order; a missing value is empty.
pub(super) fn passed_tags(tags: &[ExtTag]) -> impl Iterator<Item = (&str, &str)> {
    tags.iter().filter_map(|ExtTag { tag, rest }| Some((tag.strip_prefix(PREFIX)?, rest.as_deref().unwrap_or_default())))
}
