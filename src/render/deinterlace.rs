//! Finds frames of two fields, by their flags and by what they show, and removes their combs.

use super::{
    combs::Combs,
    ffi::{PixelLayout, VideoFrame},
    geometry::{Layout, Rect},
    planes::Sample,
};
use crate::{error::Error, libav::FieldOrder};

/// Of frames that are flagged as progressive, only every tenth row of cells is checked.
const SPARSE_STEP: usize = 10;
/// Such a frame counts as interlaced if one in this many of the checked cells shows combs, and if the combs come from motion: grain, dither
/// and scan lines look like combs.
const MAX_CELLS_PER_COMBED_CELL: usize = 20;
/// Larger frames are never interlaced: broadcasts are smaller, and so are scaled or cropped ones.
const MAX_INTERLACED_LINES: u32 = 1088;

/// Removes the combs of an interlaced frame. `field_order` is that of frames which are flagged as interlaced; the others are checked for
/// combs from motion. If half of the lines suffices for `layout`, the earlier field alone is kept, and the layout is adapted.
pub fn deinterlace(video: VideoFrame, field_order: Option<FieldOrder>, layout: Layout) -> Result<(VideoFrame, Layout), Error> {
    let PixelLayout { depth, is_plain_yuv, .. } = PixelLayout::of(video.format());
    if !is_plain_yuv {
        return Ok((video, layout));
    }
    if depth == 8 { remove_combs::<u8>(video, field_order, layout) } else { remove_combs::<u16>(video, field_order, layout) }
}

fn remove_combs<T: Sample>(mut video: VideoFrame, field_order: Option<FieldOrder>, layout: Layout) -> Result<(VideoFrame, Layout), Error> {
    let Some(combs) = find_combs::<T>(&video, field_order.is_some()) else { return Ok((video, layout)) };
    let order = field_order.unwrap_or(FieldOrder::TopFirst);
    if layout.scaled.1 <= layout.crop.height / 2 {
        video.keep_earlier_field(order);
        let y = (layout.crop.y / 2) & !1;
        let height = (layout.crop.height / 2).min(video.size().1.saturating_sub(y)).max(1);
        let crop = Rect { y, height, ..layout.crop };
        return Ok((video, Layout { crop, ..layout }));
    }
    let format = PixelLayout::of(video.format());
    // The sparse check has not seen all combs
    let combs = if field_order.is_some() { combs } else { video.samples::<T>(0).map_or(combs, |luma| Combs::find(&luma, format.depth, 1)) };
    for index in 0..format.components {
        let shift = format.plane_shift(index);
        if let Some(mut plane) = video.samples_mut::<T>(index)? {
            combs.interpolate_later_field(&mut plane, order, shift);
        }
    }
    Ok((video, layout))
}

/// The combs, if the frame counts as interlaced.
fn find_combs<T: Sample>(video: &VideoFrame, is_flagged: bool) -> Option<Combs> {
    let (width, height) = video.size();
    if !is_flagged && width.min(height) > MAX_INTERLACED_LINES {
        return None;
    }
    let step = if is_flagged { 1 } else { SPARSE_STEP };
    let depth = PixelLayout::of(video.format()).depth;
    let luma = video.samples::<T>(0)?;
    let combs = Combs::find(&luma, depth, step);
    let cells = (width as usize / 8) * (height as usize / 8) / step;
    let is_interlaced =
        combs.count() > 0 && (is_flagged || (combs.count() * MAX_CELLS_PER_COMBED_CELL >= cells && combs.are_from_motion(&luma, depth)));
    is_interlaced.then_some(combs)
}
