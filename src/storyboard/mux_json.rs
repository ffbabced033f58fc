//! The JSON that Mux gives for a storyboard of one sheet, and an array for several.

use serde::Serialize;

use super::{model::Storyboard, url_form::UrlForm};
use crate::time::round_to_millisecond;

#[derive(Serialize)]
struct OneSheet {
    url: String,
    tile_width: u32,
    tile_height: u32,
    duration: f64,
    tiles: Vec<TileStart>,
}

#[derive(Serialize)]
struct TileStart {
    start: f64,
    x: u64,
    y: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TileOfMany {
    url: String,
    start_time: f64,
    end_time: f64,
    width: u32,
    height: u32,
    coords: Coordinates,
}

#[derive(Serialize)]
struct Coordinates {
    x: u64,
    y: u64,
}

/// The text of `storyboard.json`. Times are in seconds. A tile without a picture is left out; in the form of one sheet, which has no ends,
/// the tile before it stands for its time too.
pub fn mux_json(storyboard: &Storyboard, urls: &UrlForm) -> String {
    let json = match storyboard.sheets.as_slice() {
        [sheet] => serde_json::to_string_pretty(&OneSheet {
            url: urls.url(&storyboard.sheet_name(sheet)),
            tile_width: storyboard.tile.0,
            tile_height: storyboard.tile.1,
            duration: round_to_millisecond(storyboard.end),
            tiles: storyboard.pictures().map(|(_, tile, (x, y))| TileStart { start: round_to_millisecond(tile.start), x, y }).collect(),
        }),
        _ => serde_json::to_string_pretty(&tiles_of_many(storyboard, urls)),
    };
    // Structs of numbers and strings always serialize
    json.unwrap_or_default() + "\n"
}

fn tiles_of_many(storyboard: &Storyboard, urls: &UrlForm) -> Vec<TileOfMany> {
    let tile_of_many = |(sheet, tile, (x, y)): (&_, &super::Tile, _)| TileOfMany {
        url: urls.url(&storyboard.sheet_name(sheet)),
        start_time: round_to_millisecond(tile.start),
        end_time: round_to_millisecond(tile.end.min(storyboard.end)),
        width: storyboard.tile.0,
        height: storyboard.tile.1,
        coords: Coordinates { x, y },
    };
    storyboard.pictures().map(tile_of_many).collect()
}
