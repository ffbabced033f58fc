//! The lines by which a Multivariant Playlist names the image playlist and the I-frame Playlist.

use super::{bandwidth::Bandwidth, model::Storyboard, url_form::UrlForm};

/// `EXT-X-IMAGE-STREAM-INF` of `images.m3u8`, a line (Image Media Playlist for HLS, version 0.4). RESOLUTION is that of one tile.
pub fn image_stream_inf(storyboard: &Storyboard, urls: &UrlForm) -> String {
    line("EXT-X-IMAGE-STREAM-INF", storyboard, &Bandwidth::of_sheets(storyboard), storyboard.format.name(), &urls.url("images.m3u8"))
}

/// `EXT-X-I-FRAME-STREAM-INF` of `iframes.m3u8`, a line (RFC 8216bis section 4.4.6.3). `mjpg` is Apple's codec name for JPEG.
pub fn i_frame_stream_inf(storyboard: &Storyboard, urls: &UrlForm) -> String {
    line("EXT-X-I-FRAME-STREAM-INF", storyboard, &Bandwidth::of_i_frames(storyboard), "mjpg", &urls.url("iframes.m3u8"))
}

fn line(tag: &str, storyboard: &Storyboard, bandwidth: &Bandwidth, codecs: &str, uri: &str) -> String {
    let (width, height) = storyboard.tile;
    let Bandwidth { peak, average } = bandwidth;
    format!("#{tag}:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},RESOLUTION={width}x{height},CODECS=\"{codecs}\",URI=\"{uri}\"\n")
}

/// The text of `storyboard.m3u8`: both lines, to be added to the stream's Multivariant Playlist. `iframes.m3u8` is left out if no tile has an
/// I-frame.
pub fn multivariant(storyboard: &Storyboard, urls: &UrlForm) -> String {
    let has_i_frames = storyboard.sheets.iter().flat_map(|sheet| &sheet.tiles).any(|tile| tile.i_frame.is_some());
    let i_frames = if has_i_frames { i_frame_stream_inf(storyboard, urls) } else { String::new() };
    format!("#EXTM3U\n#EXT-X-VERSION:7\n{}{i_frames}", image_stream_inf(storyboard, urls))
}
