//! Many pictures of numbered frames: sheets whose tiles are read one by one, and recordings that are made of repeated segments.

#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::indexing_slicing, reason = "a wrong test should fail loudly")]

use std::fmt::Write;

use image::DynamicImage;
use serde_json::Value;

use crate::{
    origin::{Origin, fixture},
    support::{Run, frame_number, hlsnap},
};

/// A sheet without labels and gaps, and the report on it.
pub struct Tiles {
    pub run: Run,
    pub report: Value,
    pub sheet: DynamicImage,
}

impl Tiles {
    /// Takes a sheet of tiles that are 160 pixels wide. Some tiles may be empty.
    #[track_caller]
    pub fn take(url: &str, options: &[&str]) -> Self {
        let run = run_sheet(url, options);
        assert!(matches!(run.code, 0 | 50), "{}", run.stderr);
        let sheet = image::open(run.path("sheet.png")).unwrap_or_else(|e| panic!("{e}; {}", run.stderr));
        Self { report: run.json(), sheet, run }
    }

    pub fn pictures(&self) -> &[Value] {
        self.report["pictures"].as_array().expect("pictures")
    }

    /// The pixels of a tile; `None` if it is empty.
    pub fn tile(&self, index: usize) -> Option<DynamicImage> {
        let picture = &self.pictures()[index];
        let side = |name: &str, of: &Value| of[name].as_u64().map(|side| u32::try_from(side).expect("a side"));
        let (x, y) = (side("x", picture)?, side("y", picture)?);
        let (width, height) = (side("tile_width", &self.report)?, side("tile_height", &self.report)?);
        Some(self.sheet.crop_imm(x, y, width, height))
    }

    /// The numbers of the frames in the tiles; `None` for an empty tile.
    #[track_caller]
    pub fn frames(&self) -> Vec<Option<u16>> {
        (0..self.pictures().len()).map(|index| self.tile(index).map(|tile| frame_number(&tile))).collect()
    }

    /// The moments of the tiles.
    pub fn moments(&self) -> Vec<f64> {
        self.pictures().iter().map(|picture| picture["seconds"].as_f64().expect("seconds")).collect()
    }
}

/// Runs `hlsnap sheet` with tiles that are 160 pixels wide, and no labels and gaps.
pub fn run_sheet(url: &str, options: &[&str]) -> Run {
    hlsnap(&[&["sheet", url, "-o", "sheet.png", "--json", "--labels=false", "--gap=0", "--tile-width=160"], options].concat())
}

/// The frames of the tiles of a sheet, all of which it has.
#[track_caller]
pub fn tile_frames(url: &str, options: &[&str]) -> Vec<u16> {
    let tiles = Tiles::take(url, options);
    tiles.run.succeeds();
    tiles.frames().into_iter().map(|frame| frame.expect("no tile is empty")).collect()
}

/// A Media Playlist of `segments` segments of 2 s, which repeat those of the ladder's smallest Variant with timestamps that go on. At
/// `/long/index.m3u8`; `tags` stand before each segment.
pub fn long_recording(origin: &Origin, segments: u64, tags: impl Fn(u64) -> String) -> String {
    let mut text = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n".to_owned();
    let parts = [0, 1, 2].map(|part| fixture(&format!("ladder-ts/v2-{part}.ts")));
    for number in 0..segments {
        let (round, part) = (number / 3, usize::try_from(number % 3).expect("small"));
        write!(text, "{}#EXTINF:2.000,\n{number}.ts\n", tags(number)).expect("formatted");
        origin.put(&format!("/long/{number}.ts"), shifted(&parts[part], round * 6 * 90_000));
    }
    text.push_str("#EXT-X-ENDLIST\n");
    origin.put("/long/index.m3u8", text);
    origin.url("/long/index.m3u8")
}

/// The frame of a [`long_recording`] that is shown at a moment.
pub fn repeated_frame(moment: f64) -> u16 {
    // Moments are decimal fractions of seconds
    ((moment * 25.0 + 1e-6) as u64 % 150) as u16
}

/// A transport stream with all timestamps later by ticks of 90 kHz.
pub fn shifted(stream: &[u8], ticks: u64) -> Vec<u8> {
    let mut shifted = stream.to_vec();
    for packet in shifted.chunks_exact_mut(188) {
        let (starts, control) = (packet[1] & 0x40 != 0, packet[3] >> 4 & 3);
        let field = if control & 2 != 0 { usize::from(packet[4]) + 1 } else { 0 };
        if field > 6 && packet[5] & 0x10 != 0 {
            let base = (u64::from(u32::from_be_bytes(packet[6..10].try_into().expect("4"))) << 1) | u64::from(packet[10] >> 7);
            let base = base + ticks;
            packet[6..10].copy_from_slice(&u32::try_from(base >> 1 & 0xffff_ffff).expect("32 bits").to_be_bytes());
            packet[10] = (packet[10] & 0x7f) | ((base & 1) as u8 * 0x80);
        }
        let pes = &mut packet[4 + field..];
        if !starts || control & 1 == 0 || !pes.starts_with(&[0, 0, 1]) || pes[3] < 0xc0 {
            continue;
        }
        for stamp in 0..usize::from(pes[7] >> 7) + usize::from(pes[7] >> 6 & 1) {
            shift_stamp(&mut pes[9 + 5 * stamp..14 + 5 * stamp], ticks);
        }
    }
    shifted
}

/// Adds ticks to a PTS or DTS (ISO/IEC 13818-1, section 2.4.3.7).
fn shift_stamp(stamp: &mut [u8], ticks: u64) {
    let bits = |byte: u8, shift: u32| u64::from(byte) << shift;
    let old = bits(stamp[0] >> 1 & 7, 30) | bits(stamp[1], 22) | bits(stamp[2] >> 1, 15) | bits(stamp[3], 7) | bits(stamp[4] >> 1, 0);
    let new = (old + ticks) & 0x1_ffff_ffff;
    let byte = |shift: u32, mask: u64| (new >> shift & mask) as u8;
    stamp[0] = stamp[0] & 0xf1 | byte(30, 7) << 1;
    stamp[1] = byte(22, 0xff);
    stamp[2] = byte(15, 0x7f) << 1 | 1;
    stamp[3] = byte(7, 0xff);
    stamp[4] = byte(0, 0x7f) << 1 | 1;
}
