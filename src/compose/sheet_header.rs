//! The head line of a sheet: which stream it shows.

use url::Url;

use super::collection::Collection;
use crate::{
    render::{Header, time_label},
    report::FrameFacts,
};

/// The title is the name in the URL, after the host; the details are the stream's size, frame rate, codec and duration.
pub(super) fn header(collection: &Collection, facts: Option<&FrameFacts>, tile_width: u32) -> Header {
    let playlist = collection.track.playlist();
    let variant = collection.track.variant.as_ref();
    let size = variant.and_then(|variant| variant.resolution).or(facts.map(|facts| facts.coded_size));
    let codec = facts.map(|facts| codec_name(facts.codec));
    let rate = variant.and_then(|variant| variant.frame_rate).map(|rate| format!("{} fps", (rate * 1000.0).round() / 1000.0));
    let duration = if playlist.is_live() {
        format!("live, {}", time_label(playlist.duration(), false))
    } else {
        time_label(playlist.duration(), false)
    };
    let details = [size.map(|(width, height)| format!("{width}×{height}")), rate, codec, Some(duration)];
    let details: Vec<_> = details.into_iter().flatten().collect();
    Header::new(title(&collection.presentation.redacted_url()), Some(details.join(" • ")), tile_width)
}

/// The host and the path of a URL; the name of a local file.
fn title(url: &str) -> String {
    let Ok(parsed) = Url::parse(url) else { return url.to_owned() };
    let path = parsed.path();
    match parsed.host_str() {
        Some(host) => format!("{host}{path}"),
        None => path.rsplit('/').next().unwrap_or(path).to_owned(),
    }
}

fn codec_name(codec: &str) -> String {
    match codec {
        "h264" => "H.264".to_owned(),
        "hevc" => "HEVC".to_owned(),
        "mpeg2video" => "MPEG-2".to_owned(),
        other => other.to_uppercase(),
    }
}
