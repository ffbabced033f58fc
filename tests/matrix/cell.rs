//! The dimensions of the matrix: the kind of stream, the entry URL, and the location of the fault.

use super::fault::{Fault, Resource};

/// A kind of stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamKind {
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

impl StreamKind {
    pub fn is_live(self) -> bool {
        !matches!(self, Self::Recording | Self::RecordedTransport)
    }

    pub fn is_transport(self) -> bool {
        matches!(self, Self::LiveTransport | Self::RecordedTransport)
    }
}

/// The URL given to the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// The URL of the only Media Playlist.
    MediaPlaylist,
    /// The URL of a Multivariant Playlist with two Variants; the fault is in the better one.
    MultivariantPlaylist,
}

/// Where the fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    Multivariant,
    Media,
    /// The Media Playlist, from its second request on.
    Reload,
    IFramePlaylist,
    /// A segment of the I-frame Playlist.
    IFrameSegment,
    Init,
    /// The key of the segment that has the wanted picture.
    Key,
    /// The segment that has the wanted picture: the newest one of a live stream, the first one of a recording.
    Newest,
    /// The segment of an explicit time.
    Middle,
    /// The newest independent Part.
    Part,
    /// The Part that a preload hint names.
    HintedPart,
}

impl Location {
    pub fn resource(self) -> Resource {
        match self {
            Self::Multivariant | Self::Media | Self::Reload | Self::IFramePlaylist => Resource::Playlist,
            Self::Key => Resource::Key,
            Self::Init => Resource::Init,
            Self::IFrameSegment | Self::Newest | Self::Middle | Self::Part | Self::HintedPart => Resource::Media,
        }
    }

    fn exists(self, kind: StreamKind, entry: Entry) -> bool {
        match self {
            Self::Multivariant | Self::IFramePlaylist => entry == Entry::MultivariantPlaylist,
            // The program does not use I-frame Playlists of live streams
            Self::IFrameSegment => entry == Entry::MultivariantPlaylist && kind == StreamKind::Recording,
            Self::Reload => kind.is_live(),
            Self::Init => !kind.is_transport(),
            Self::Part | Self::HintedPart => kind == StreamKind::LowLatency,
            Self::Media | Self::Key | Self::Newest | Self::Middle => true,
        }
    }
}

/// One cell of the matrix.
#[derive(Debug, Clone, Copy)]
pub struct Cell {
    pub kind: StreamKind,
    pub entry: Entry,
    pub location: Location,
    pub fault: Fault,
}

/// All cells of these locations.
pub fn cells(kind: StreamKind, locations: &[Location]) -> Vec<Cell> {
    let mut all = Vec::new();
    for &location in locations {
        for entry in [Entry::MediaPlaylist, Entry::MultivariantPlaylist].into_iter().filter(|entry| location.exists(kind, *entry)) {
            all.extend(Fault::of(location.resource()).into_iter().map(|fault| Cell { kind, entry, location, fault }));
        }
    }
    all
}
