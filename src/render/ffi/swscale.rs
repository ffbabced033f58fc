//! Cropping, scaling and pixel format conversion by libswscale.

use std::ptr;

use ffmpeg_next::software::scaling::Flags;
use ffmpeg_sys_next as ffi;

use super::{PixelLayout, VideoFrame};
use crate::{
    error::{Error, ErrorKind},
    libav::PixelFormat,
    render::{color::Color, geometry::Layout, matrix::Coefficients},
};

/// Crops and scales a frame as `layout` says, and converts it to `format`. From YUV to YUV the samples keep matrix and range; to RGB the
/// frame's own matrix applies, and from RGB to YUV that of JFIF. Fails with `unsupported` if libswscale does not know the format.
pub fn scale(video: &VideoFrame, color: &Color, layout: &Layout, format: PixelFormat) -> Result<VideoFrame, Error> {
    let (width, height) = layout.scaled;
    let source = video.cropped(layout.crop)?;
    let mut target = VideoFrame::allocate(format, layout.scaled)?;
    let int = |pixels: u32| i32::try_from(pixels).unwrap_or(i32::MAX);
    let (source_width, source_height) = source.size();
    let (flags, parameters) = filter(source.size(), layout.scaled);
    let jfif = coefficient_table(Coefficients::BT601);
    // From YUV to YUV the tables have no effect
    let own = color.coefficients().map_or(jfif, coefficient_table);
    let (table, full_range) = if PixelLayout::of(source.format()).is_rgb { (jfif, true) } else { (own, color.full_range) };
    // SAFETY: `source` and `target` hold buffers of the sizes and formats that are given here; the context is freed before the end. The
    // coefficient tables and the two filter parameters are only read during the calls. `sws_scale` reads and writes whole rows of those
    // buffers, and nothing else.
    let rows = unsafe {
        let context = ffi::sws_getContext(
            int(source_width),
            int(source_height),
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
        ffi::sws_setColorspaceDetails(context, own.as_ptr(), full_range.into(), table.as_ptr(), full_range.into(), 0, 1 << 16, 1 << 16);
        let (from, to) = (source.as_ptr(), target.as_mut_ptr());
        let (data, strides) = ((*from).data.as_ptr().cast(), (*from).linesize.as_ptr());
        let rows = ffi::sws_scale(context, data, strides, 0, int(source_height), (*to).data.as_ptr(), (*to).linesize.as_ptr());
        ffi::sws_freeContext(context);
        rows
    };
    if rows != int(height) {
        return Err(Error::internal(format!("libswscale wrote {rows} of {height} rows")));
    }
    Ok(target)
}

/// libswscale's flags, and the parameters B and C of a bicubic filter. Exact rounding and full chroma, since the shortcuts shift colors.
///
/// The samples are scaled in gamma light, by filters without a halo or with a faint one (docs/scaling.md has the figures).
fn filter(from: (u32, u32), to: (u32, u32)) -> (Flags, Option<[f64; 2]>) {
    let (filter, parameters) = if from == to {
        (Flags::BICUBIC, None)
    } else if from.0 / 2 >= to.0 && from.1 / 2 >= to.1 {
        (Flags::AREA, None)
    } else {
        // Half of the usual C, and half of its halo
        (Flags::BICUBIC, Some([0.0, 0.3]))
    };
    (filter | Flags::ACCURATE_RND | Flags::FULL_CHR_H_INT | Flags::FULL_CHR_H_INP, parameters)
}

/// libswscale's coefficients (`ff_yuv2rgb_coeffs`): what Cr and Cb add to R and B and subtract from G, in 65536ths, for the limited range.
fn coefficient_table(Coefficients { red, blue }: Coefficients) -> [i32; 4] {
    let green = 1.0 - red - blue;
    let (cr_to_red, cb_to_blue) = (2.0 * (1.0 - red), 2.0 * (1.0 - blue));
    let factors = [cr_to_red, cb_to_blue, cb_to_blue * blue / green, cr_to_red * red / green];
    #[expect(clippy::cast_possible_truncation, reason = "below 2^18")]
    factors.map(|factor| (factor * 65536.0 * 255.0 / 224.0).round() as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        libav::{MatrixCode, PrimariesCode, TransferCode},
        render::geometry::{Orientation, Rect},
    };

    #[test]
    fn edges_have_no_halo() {
        let (matrix, primaries, transfer) = (MatrixCode::BT709, PrimariesCode::BT709, TransferCode::BT709);
        let color = Color { matrix, full_range: false, primaries, transfer, guessed: Vec::new() };
        let (width, height) = (1200, 40);
        let mut video = VideoFrame::allocate(PixelFormat::YUV420P, (width, height)).expect("a frame");
        for index in 0..3 {
            let plane = video.samples_mut::<u8>(index).expect("writable").expect("a plane");
            plane.samples.fill(128);
            if index == 0 {
                for row in plane.samples.chunks_mut(plane.stride) {
                    row.iter_mut().enumerate().for_each(|(x, luma)| *luma = if (601..901).contains(&x) { 235 } else { 18 });
                }
            }
        }
        for (across, most) in [(400, 0), (533, 0), (600, 0), (700, 8), (1100, 8), (1800, 8)] {
            let size = (across, height * across / width);
            let crop = Rect { x: 0, y: 0, width, height };
            let layout = Layout { crop, scaled: size, orientation: Orientation::UPRIGHT, canvas: size, offset: (0, 0) };
            let scaled = scale(&video, &color, &layout, PixelFormat::YUV420P).expect("scaled");
            let luma = scaled.plane(0).expect("a plane").row(0).expect("a row").to_vec();
            let (low, high) = (luma.iter().min().expect("samples"), luma.iter().max().expect("samples"));
            assert!(18 - most <= *low && *high <= 235 + most, "{across}: {low} to {high}");
            assert!(*low <= 18 && *high >= 235, "{across}: {low} to {high}");
        }
    }
}
