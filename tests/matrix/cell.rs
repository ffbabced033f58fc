//! The dimensions of the matrix: kinds of stream, ways into them, and places in them.

use crate::fault::{Fault, Resource};

/// A kind of stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Live, fMP4.
    Live,
    /// Live, MPEG-TS.
    LiveTransport,
    /// Recorded, fMP4.
    Recording,
    /// Recorded, MPEG-TS.
    RecordedTransport,
    /// Low-Latency, fMP4.
    LowLatency,
}

impl Kind {
    pub fn is_live(self) -> bool {
        !matches!(self, Self::Recording | Self::RecordedTransport)
    }

    pub fn is_transport(self) -> bool {
        matches!(self, Self::LiveTransport | Self::RecordedTransport)
    }
}

/// Which URL the program is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// That of the only Media Playlist.
    Direct,
    /// That of a Multivariant Playlist with two Variants; the fault is in the better one.
    Ladder,
}

/// Where the fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Multivariant,
    Media,
    /// The Media Playlist, from its second request on.
    Reload,
    IFramePlaylist,
    /// What the I-frame Playlist lists.
    IFrameSegment,
    Init,
    /// The key of the segment that the picture would come from.
    Key,
    /// The segment that the picture would come from: the newest of a live stream, the first of a recording.
    Newest,
    /// A segment that holds an explicit time.
    Middle,
    /// The newest independent Part.
    Part,
    /// The Part that a preload hint names.
    HintedPart,
}

impl Place {
    pub fn resource(self) -> Resource {
        match self {
            Self::Multivariant | Self::Media | Self::Reload | Self::IFramePlaylist => Resource::Playlist,
            Self::Key => Resource::Key,
            Self::Init => Resource::Init,
            Self::IFrameSegment | Self::Newest | Self::Middle | Self::Part | Self::HintedPart => Resource::Media,
        }
    }

    fn exists(self, kind: Kind, way: Way) -> bool {
        match self {
            Self::Multivariant | Self::IFramePlaylist => way == Way::Ladder,
            // The I-frame Playlist of a live stream is not read for a picture
            Self::IFrameSegment => way == Way::Ladder && kind == Kind::Recording,
            Self::Reload => kind.is_live(),
            Self::Init => !kind.is_transport(),
            Self::Part | Self::HintedPart => kind == Kind::LowLatency,
            Self::Media | Self::Key | Self::Newest | Self::Middle => true,
        }
    }
}

/// One cell of the matrix.
#[derive(Debug, Clone, Copy)]
pub struct Cell {
    pub kind: Kind,
    pub way: Way,
    pub place: Place,
    pub fault: Fault,
}

/// All cells of these places.
pub fn cells(kind: Kind, places: &[Place]) -> Vec<Cell> {
    let mut all = Vec::new();
    for &place in places {
        for way in [Way::Direct, Way::Ladder].into_iter().filter(|way| place.exists(kind, *way)) {
            all.extend(Fault::of(place.resource()).into_iter().map(|fault| Cell { kind, way, place, fault }));
        }
    }
    all
}
