//! The only files of the room with `unsafe`: each wraps one C library, libavutil's frames, libswscale, the mjpeg encoder, libwebp,
//! libwebp's animation encoder.

#![allow(unsafe_code, reason = "calls C; each block carries its SAFETY comment")]

pub mod libwebp;
pub mod mjpeg;
mod pixel_layout;
pub mod swscale;
mod video_frame;
#[cfg(feature = "frontends")]
pub mod webp_animation;

pub use pixel_layout::PixelLayout;
pub use video_frame::VideoFrame;
