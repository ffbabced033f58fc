//! The I-frame Playlist: each tile as a JPEG of its own, in a fragmented MP4 file for each sheet (RFC 8216bis section 4.4.3.6).

use super::{
    model::{I_FRAME_INIT, Sheet, Storyboard, Tile},
    playlist_text::{PlaylistEntry, PlaylistText},
    url_form::UrlForm,
};
use crate::time::time_delta;

/// The text of `iframes.m3u8`.
///
/// In a recording, an I-frame lasts until the next one, also if tiles between them have none. In a live storyboard, such a tile has
/// EXT-X-GAP, because an entry that players know must not grow. hls.js 1.7 shows no further I-frame once it has met a gap.
pub fn i_frame_playlist(storyboard: &Storyboard, urls: &UrlForm) -> String {
    let entries = storyboard.sheets.iter().flat_map(|sheet| entries(sheet, urls));
    let playlist = PlaylistText {
        kind: "EXT-X-I-FRAMES-ONLY",
        is_live: storyboard.is_live,
        // The I-frames of a sheet appear together, so players need to reload once a sheet
        least_target: if storyboard.is_live { storyboard.sheet_duration() } else { storyboard.interval },
        media_sequence: storyboard.tiles_before,
        discontinuity_sequence: storyboard.discontinuity_sequence,
        map: Some(urls.url(I_FRAME_INIT)),
        entries: if storyboard.is_live { entries.collect() } else { without_gaps(entries, storyboard.end) },
    };
    playlist.write()
}

/// An entry for each tile.
fn entries<'a>(sheet: &'a Sheet, urls: &UrlForm) -> impl Iterator<Item = PlaylistEntry> + use<'a> {
    let uri = urls.url(&sheet.i_frame_name());
    sheet.tiles.iter().enumerate().map(move |(index, tile)| PlaylistEntry {
        uri: uri.clone(),
        start: tile.start,
        end: tile.end,
        follows_discontinuity: sheet.follows_discontinuity && index == 0,
        program_date_time: sheet.program_date_time.and_then(|date| date.checked_add_signed(time_delta(tile.start - sheet.start()))),
        is_gap: tile.i_frame.is_none(),
        tags: byte_range(tile),
    })
}

/// The entries that are no gaps, each until the next one or the end of the video.
fn without_gaps(entries: impl Iterator<Item = PlaylistEntry>, end: f64) -> Vec<PlaylistEntry> {
    let mut kept: Vec<PlaylistEntry> = Vec::new();
    let mut follows_discontinuity = false;
    for mut entry in entries {
        follows_discontinuity |= entry.follows_discontinuity;
        if !entry.is_gap {
            entry.follows_discontinuity = std::mem::take(&mut follows_discontinuity);
            if let Some(previous) = kept.last_mut() {
                previous.end = entry.start;
            }
            entry.end = end;
            kept.push(entry);
        }
    }
    kept
}

fn byte_range(tile: &Tile) -> String {
    let range = tile.i_frame.as_ref();
    range.map(|range| format!("#EXT-X-BYTERANGE:{}@{}\n", range.end.saturating_sub(range.start), range.start)).unwrap_or_default()
}
