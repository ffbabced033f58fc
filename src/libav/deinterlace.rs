//! Frames of two fields: told by their flags and by what they show, and given without combs.

use std::slice;

use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

use super::{
    error::{check, failure},
    scale::CloneReference,
};
use crate::{
    error::Error,
    render::{Combs, Layout, PixelSample, PlaneMut, Rect},
};

/// Of a frame that is flagged as progressive, only every so many rows of cells are looked at,
const SPARSE: usize = 10;
/// and one cell in so many of those must show combs. They must also come from motion: grain, dither and scan lines look like combs.
const LIKELY: usize = 20;
/// Sizes that are interlaced at all: broadcasts', and those of their scaled or cropped kin below.
const MOST_LINES: u32 = 1088;

/// Planes of YUV, one sample after the other.
struct PlaneForm {
    /// Bits of a sample.
    depth: u32,
    planes: usize,
    /// How much smaller chroma is, as powers of two.
    shift: (usize, usize),
}

impl PlaneForm {
    /// `None` for forms that no decoder of interlaced video has.
    fn of(video: &ff::frame::Video) -> Option<Self> {
        // SAFETY: returns null or a static descriptor.
        let descriptor = unsafe { ffi::av_pix_fmt_desc_get(video.format().into()).as_ref()? };
        let luma = descriptor.comp.first()?;
        let (depth, step) = (u32::try_from(luma.depth).ok()?, luma.step);
        let flagged = |flag: i32| descriptor.flags & u64::from(flag.cast_unsigned()) != 0;
        let other = [ffi::AV_PIX_FMT_FLAG_RGB, ffi::AV_PIX_FMT_FLAG_BE, ffi::AV_PIX_FMT_FLAG_HWACCEL].into_iter().any(flagged);
        let planar = flagged(ffi::AV_PIX_FMT_FLAG_PLANAR) || descriptor.nb_components == 1;
        let plain = !other && planar && (8..=16).contains(&depth) && step == if depth == 8 { 1 } else { 2 };
        let shift = (usize::from(descriptor.log2_chroma_w), usize::from(descriptor.log2_chroma_h));
        plain.then_some(Self { depth, planes: usize::from(descriptor.nb_components), shift })
    }
}

/// What is to be shown instead of a frame that is woven of two fields, and where in it: `None` for one that may be shown as it is.
pub(super) fn without_combs(video: &ff::frame::Video, layout: &Layout) -> Result<Option<(ff::frame::Video, Layout)>, Error> {
    let Some(form) = PlaneForm::of(video) else { return Ok(None) };
    let told = video.is_interlaced();
    if !told && video.width().min(video.height()) > MOST_LINES {
        return Ok(None);
    }
    let step = if told { 1 } else { SPARSE };
    // SAFETY: the planes are only read.
    let combs = unsafe { combs(video, &form, step) };
    let cells = (video.width() as usize / 8) * (video.height() as usize / 8) / step;
    // SAFETY: as above.
    if combs.count() == 0 || (!told && (combs.count() * LIKELY < cells || !unsafe { are_from_motion(&combs, video, &form) })) {
        return Ok(None);
    }
    let bottom_first = told && !video.is_top_first();
    let mut own = video.clone_reference()?;
    if layout.scaled.1 <= layout.crop.height / 2 {
        let crop = layout.crop;
        let halved = Rect { y: (crop.y / 2) & !1, height: (crop.height / 2).max(1), ..crop };
        take_field(&mut own, bottom_first);
        return Ok(Some((own, Layout { crop: halved, ..*layout })));
    }
    // SAFETY: the frame is a reference of our own, and the call gives it buffers of its own.
    check(unsafe { ffi::av_frame_make_writable(own.as_mut_ptr()) }).map_err(|e| failure("the frame cannot be copied", e))?;
    // Combs of a frame that was looked at here and there are looked at everywhere now
    // SAFETY: the frame is ours alone, and no two planes are borrowed at once.
    unsafe {
        let combs = if told { combs } else { self::combs(&own, &form, 1) };
        for index in 0..form.planes {
            let shift = if matches!(index, 1 | 2) { form.shift } else { (0, 0) };
            if form.depth == 8 {
                with_plane::<u8, _>(&own, index, shift, |plane| combs.deinterlace(plane, bottom_first.into(), shift));
            } else {
                with_plane::<u16, _>(&own, index, shift, |plane| combs.deinterlace(plane, bottom_first.into(), shift));
            }
        }
    }
    Ok(Some((own, *layout)))
}

/// # Safety
/// Nobody else may change the frame's planes meanwhile.
unsafe fn combs(video: &ff::frame::Video, form: &PlaneForm, step: usize) -> Combs {
    let nothing = Combs::default();
    // SAFETY: the caller's; the planes are not changed.
    unsafe {
        if form.depth == 8 {
            with_plane::<u8, _>(video, 0, (0, 0), |plane| Combs::of(plane, form.depth, step)).unwrap_or(nothing)
        } else {
            with_plane::<u16, _>(video, 0, (0, 0), |plane| Combs::of(plane, form.depth, step)).unwrap_or(nothing)
        }
    }
}

/// # Safety
/// Nobody else may change the frame's planes meanwhile.
unsafe fn are_from_motion(combs: &Combs, video: &ff::frame::Video, form: &PlaneForm) -> bool {
    // SAFETY: the caller's; the planes are not changed.
    let answer = unsafe {
        if form.depth == 8 {
            with_plane::<u8, _>(video, 0, (0, 0), |plane| combs.are_from_motion(plane, form.depth))
        } else {
            with_plane::<u16, _>(video, 0, (0, 0), |plane| combs.are_from_motion(plane, form.depth))
        }
    };
    answer.unwrap_or(false)
}

/// Lends a plane whose samples are `T`s.
///
/// # Safety
/// The frame's buffers must not be read or written elsewhere meanwhile; they must be the frame's own where `work` changes them.
unsafe fn with_plane<T: PixelSample, R>(
    video: &ff::frame::Video,
    index: usize,
    shift: (usize, usize),
    work: impl FnOnce(&mut PlaneMut<'_, T>) -> R,
) -> Option<R> {
    let (width, height) = ((video.width() as usize).div_ceil(1 << shift.0), (video.height() as usize).div_ceil(1 << shift.1));
    // SAFETY: the frame holds `height` rows of at least `width` samples in this plane, `linesize` bytes apart (frame.h); libavutil aligns
    // planes and rows to more than a sample's size, which is looked at. Rows that lie upside down, with a negative `linesize`, are refused.
    unsafe {
        let frame = video.as_ptr();
        let (data, stride) = ((*frame).data.get(index).copied()?, usize::try_from(*(*frame).linesize.get(index)?).ok()?);
        if data.is_null() || width == 0 || height == 0 || stride < width * size_of::<T>() {
            return None;
        }
        let samples = data.cast::<T>();
        if !samples.is_aligned() || stride % size_of::<T>() != 0 {
            return None;
        }
        let stride = stride / size_of::<T>();
        let samples = slice::from_raw_parts_mut(samples, stride * (height - 1) + width);
        Some(work(&mut PlaneMut { samples, stride, width, height }))
    }
}

/// Leaves every second line: those of the first field in time.
fn take_field(video: &mut ff::frame::Video, bottom: bool) {
    // SAFETY: the frame is a reference of our own, so its fields may be changed; every second row of a buffer lies within it.
    unsafe {
        let frame = video.as_mut_ptr();
        for (data, stride) in (*frame).data.iter_mut().zip(&mut (*frame).linesize) {
            if !data.is_null() {
                if bottom {
                    *data = data.offset(*stride as isize);
                }
                *stride *= 2;
            }
        }
        (*frame).height /= 2;
    }
}
