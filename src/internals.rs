//! Parts of the crate for its own tests and fuzzers. Not part of the public interface: anything here may change in any release.

/// Playlists.
pub mod hls {
    pub use crate::hls::*;
}

/// Demuxing and decoding.
pub mod libav {
    pub use crate::libav::*;
}

/// Ciphers.
pub mod cipher {
    pub use crate::protection::cipher::*;
}

/// Decoded frames to encoded pictures.
pub mod render {
    pub use crate::render::*;
}

/// Requests and their parts.
pub mod request {
    pub use crate::request::*;
}

/// Samples, states and events of channels.
#[cfg(feature = "fleet")]
pub mod watch {
    pub use crate::{channels::Channel, watch::*};
}

/// The documents beside the sheets of a storyboard.
#[cfg(feature = "frontends")]
pub mod storyboard {
    pub use crate::storyboard::*;
}

/// Parsers of untrusted text.
#[cfg(all(feature = "http", feature = "lambda"))]
pub mod fuzz_entry {
    pub use crate::frontends::fuzz_entry::*;
}

/// Posting to webhooks.
#[cfg(feature = "fleet")]
pub mod fetch {
    pub use crate::fetch::{PostFailure, Poster};
}

/// Sound of pictures and of segments, and pixels.
#[cfg(feature = "frontends")]
pub mod capture {
    pub use crate::capture::PicturePixels;
    #[cfg(feature = "fleet")]
    pub use crate::capture::{SoundFacts, SoundLevel, picture_and_sound, sound_of_newest_segment};
}

/// The wall, without a watch.
#[cfg(feature = "fleet")]
pub mod wall {
    pub use crate::{
        channels::Channel,
        frontends::wall::*,
        watch::{
            Board, ChannelState, LargePicture, LargePictures, PictureSample, PlaylistSample, Sample, SampleFailure, Sound, Transition,
        },
    };
}

/// Hooks for packages in other languages.
#[cfg(feature = "frontends")]
pub mod bindings {
    pub use crate::frontends::bindings::*;
}
