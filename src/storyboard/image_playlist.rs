//! The image playlist: a Media Playlist of sheets (Image Media Playlist for HLS, version 0.4).

use super::{
    model::{Sheet, Storyboard},
    playlist_text::{PlaylistEntry, PlaylistText, seconds},
    url_form::UrlForm,
};

/// The text of `images.m3u8`. EXTINF ends a sheet that is not full. A sheet without any picture has EXT-X-GAP; the format cannot say that a
/// single tile is missing.
pub fn image_playlist(storyboard: &Storyboard, urls: &UrlForm) -> String {
    // Players differ in whether the tag holds for one segment or until it changes
    let tiles = format!(
        "#EXT-X-TILES:RESOLUTION={}x{},LAYOUT={}x{},DURATION={}\n",
        storyboard.tile.0,
        storyboard.tile.1,
        storyboard.columns,
        storyboard.rows,
        seconds(storyboard.interval)
    );
    let entry = |sheet: &Sheet| PlaylistEntry {
        uri: urls.url(&storyboard.sheet_name(sheet)),
        start: sheet.start(),
        end: sheet.end(),
        follows_discontinuity: sheet.follows_discontinuity,
        program_date_time: sheet.program_date_time,
        is_gap: sheet.is_missing(),
        tags: tiles.clone(),
    };
    let playlist = PlaylistText {
        kind: "EXT-X-IMAGES-ONLY",
        is_live: storyboard.is_live,
        least_target: storyboard.sheet_duration(),
        media_sequence: storyboard.sheets.first().map_or(0, |sheet| sheet.number),
        discontinuity_sequence: storyboard.discontinuity_sequence,
        map: None,
        entries: storyboard.sheets.iter().map(entry).collect(),
    };
    playlist.write()
}
