//! Cropping, scaling and changing formats, by libswscale, and planes to be read.

use std::ptr;

use ffmpeg_next::{self as ff, software::scaling::Flags};
use ffmpeg_sys_next as ffi;

use super::{
    colour::{Colour, is_rgb},
    error::{check, failure, no_memory},
};
use crate::{
    error::{Error, ErrorKind},
    render::{Chroma, Coefficients, Layout, View},
};

/// Crops and scales to `format`. Between YUV formats the numbers keep their meaning; to RGB the frame's own matrix is taken, and from
/// RGB to YUV that of JFIF.
pub(super) fn scaled(
    video: &ff::frame::Video,
    colour: &Colour,
    layout: &Layout,
    format: ff::format::Pixel,
) -> Result<ff::frame::Video, Error> {
    let (width, height) = layout.scaled;
    let mut source = video.clone_reference()?;
    crop(&mut source, layout)?;
    let mut target = ff::frame::Video::new(format, width, height);
    let int = |pixels: u32| i32::try_from(pixels).unwrap_or(i32::MAX);
    let (flags, parameters) = scaling((source.width(), source.height()), layout.scaled);
    let jfif = table_of(Coefficients::BT601);
    // Between YUV formats the table has no effect
    let own = colour.coefficients().map_or(jfif, table_of);
    // SAFETY: `source` and `target` hold buffers of the sizes and formats that are named here; the context is freed before the end. The
    // coefficient tables and the filter's two parameters are read at once. `sws_scale` reads and writes whole rows of those buffers alone.
    unsafe {
        if (*target.as_ptr()).buf.first().is_none_or(|buffer| buffer.is_null()) {
            return Err(no_memory());
        }
        let context = ffi::sws_getContext(
            int(source.width()),
            int(source.height()),
            source.format().into(),
            int(width),
            int(height),
            format.into(),
            flags.bits(),
            ptr::null_mut(),
            ptr::null_mut(),
            parameters.as_ref().map_or(ptr::null(), |parameters| parameters.as_ptr()),
        );
        if context.is_null() {
            return Err(Error::new(ErrorKind::Unsupported, format!("frames of the format {:?} cannot be converted", source.format())));
        }
        let from_rgb = is_rgb(source.format());
        let (table, full) = if from_rgb { (jfif, true) } else { (own, colour.full_range) };
        ffi::sws_setColorspaceDetails(context, own.as_ptr(), full.into(), table.as_ptr(), full.into(), 0, 1 << 16, 1 << 16);
        let (from, to) = (source.as_ptr(), target.as_mut_ptr());
        let rows = ffi::sws_scale(
            context,
            (*from).data.as_ptr().cast(),
            (*from).linesize.as_ptr(),
            0,
            int(source.height()),
            (*to).data.as_ptr(),
            (*to).linesize.as_ptr(),
        );
        ffi::sws_freeContext(context);
        if rows != int(height) {
            return Err(Error::internal(format!("libswscale gave {rows} of {height} rows")));
        }
    }
    Ok(target)
}

/// How and with what parameters. Exact and with all the chroma there is: the shortcuts shift colours.
///
/// The numbers are scaled as they are, in gamma light, and by filters that leave no halo, or a faint one (docs/scaling.md has the figures).
fn scaling(from: (u32, u32), to: (u32, u32)) -> (Flags, Option<[f64; 2]>) {
    let (filter, parameters) = match (from, to) {
        _ if from == to => (Flags::BICUBIC, None),
        ((width, height), (across, down)) if width / 2 >= across && height / 2 >= down => (Flags::AREA, None),
        // B and C: half of the usual C, and half of its halo
        _ => (Flags::BICUBIC, Some([0.0, 0.3])),
    };
    (filter | Flags::ACCURATE_RND | Flags::FULL_CHR_H_INT | Flags::FULL_CHR_H_INP, parameters)
}

/// What Cr and Cb add to R and B and take from G, in 65536ths and for the limited range, as libswscale has them (`ff_yuv2rgb_coeffs`).
fn table_of(Coefficients { red, blue }: Coefficients) -> [i32; 4] {
    let green = 1.0 - red - blue;
    let (of_red, of_blue) = (2.0 * (1.0 - red), 2.0 * (1.0 - blue));
    let shares = [of_red, of_blue, of_blue * blue / green, of_red * red / green];
    #[expect(clippy::cast_possible_truncation, reason = "below 2^18")]
    shares.map(|share| (share * 65536.0 * 255.0 / 224.0).round() as i32)
}

/// Bits of a frame's first component; 8 for unknown formats.
pub(super) fn depth_of(video: &ff::frame::Video) -> u32 {
    // SAFETY: returns null or a static descriptor.
    let descriptor = unsafe { ffi::av_pix_fmt_desc_get(video.format().into()).as_ref() };
    descriptor.and_then(|descriptor| u32::try_from(descriptor.comp.first()?.depth).ok()).unwrap_or(8)
}

fn crop(video: &mut ff::frame::Video, layout: &Layout) -> Result<(), Error> {
    let cut = layout.crop;
    let (right, bottom) = (video.width() - cut.x - cut.width, video.height() - cut.y - cut.height);
    // SAFETY: the frame is a reference of our own, so its fields may be changed; the call checks that the crop lies inside.
    let done = unsafe {
        let frame = video.as_mut_ptr();
        (*frame).crop_left = cut.x as usize;
        (*frame).crop_top = cut.y as usize;
        (*frame).crop_right = right as usize;
        (*frame).crop_bottom = bottom as usize;
        ffi::av_frame_apply_cropping(frame, ffi::AV_FRAME_CROP_UNALIGNED as i32)
    };
    check(done).map(|_| ()).map_err(|e| failure("the frame cannot be cropped", e))
}

/// The planes of a frame of 8 bits, whose chroma is sampled so.
pub(super) fn views_of(video: &ff::frame::Video, chroma: Chroma) -> Result<[View<'_>; 3], Error> {
    let (width, height) = (video.width() as usize, video.height() as usize);
    let (across, down) = chroma.shift();
    let (less_wide, less_high) = (width.div_ceil(1 << across), height.div_ceil(1 << down));
    Ok([view(video, 0, width, height)?, view(video, 1, less_wide, less_high)?, view(video, 2, less_wide, less_high)?])
}

/// One plane of a frame, `width` bytes in each row.
pub(super) fn view(video: &ff::frame::Video, index: usize, width: usize, height: usize) -> Result<View<'_>, Error> {
    // SAFETY: the frame outlives the view. It holds `height` rows of at least `width` bytes in this plane, `linesize` bytes apart
    // (frame.h); the callers ask for no more than its format and size have. Frames that lie upside down have a negative
    // `linesize`: no decoder here makes them, and they are refused.
    unsafe {
        match ((*video.as_ptr()).data.get(index), (*video.as_ptr()).linesize.get(index).map(|stride| usize::try_from(*stride))) {
            (Some(data), Some(Ok(stride))) if !data.is_null() && stride >= width && height > 0 => {
                let bytes = std::slice::from_raw_parts(*data, stride * (height - 1) + width);
                Ok(View { bytes, stride, width, height })
            }
            _ => Err(Error::internal("the frame lacks a plane")),
        }
    }
}

/// Another reference to the same buffers.
pub(super) trait CloneReference: Sized {
    fn clone_reference(&self) -> Result<Self, Error>;
}

impl CloneReference for ff::frame::Video {
    fn clone_reference(&self) -> Result<Self, Error> {
        let mut other = Self::empty();
        // SAFETY: `other` is blank, and `self` holds reference-counted buffers, as every decoder's frame does.
        let done = unsafe { ffi::av_frame_ref(other.as_mut_ptr(), self.as_ptr()) };
        check(done).map_err(|e| failure("a frame cannot be referenced", e))?;
        Ok(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::{Orientation, Rect};

    #[test]
    fn edges_have_no_halo() {
        use ff::color::{Primaries, Space, TransferCharacteristic};
        let (matrix, primaries, transfer) = (Space::BT709, Primaries::BT709, TransferCharacteristic::BT709);
        let colour = Colour { matrix, full_range: false, primaries, transfer, guessed: Vec::new() };
        let (width, height) = (1200, 40);
        let mut video = ff::frame::Video::new(ff::format::Pixel::YUV420P, width, height);
        for plane in 0..3 {
            video.data_mut(plane).fill(128);
        }
        let stride = video.stride(0);
        for row in video.data_mut(0).chunks_mut(stride) {
            row.iter_mut().enumerate().for_each(|(x, luma)| *luma = if (601..901).contains(&x) { 235 } else { 18 });
        }
        for (across, most) in [(400, 0), (533, 0), (600, 0), (700, 8), (1100, 8), (1800, 8)] {
            let scaled_to = (across, height * across / width);
            let crop = Rect { x: 0, y: 0, width, height };
            let layout = Layout { crop, scaled: scaled_to, orientation: Orientation::UPRIGHT, canvas: scaled_to, offset: (0, 0) };
            let small = scaled(&video, &colour, &layout, ff::format::Pixel::YUV420P).expect("scaled");
            let luma = view(&small, 0, across as usize, 1).expect("a row").to_plane().bytes;
            let (low, high) = (luma.iter().min().expect("samples"), luma.iter().max().expect("samples"));
            assert!(18 - most <= *low && *high <= 235 + most, "{across}: {low} to {high}");
            assert!(*low <= 18 && *high >= 235, "{across}: {low} to {high}");
        }
    }
}
