//! The faults, and how the origin commits them.

use std::{path::Path, time::Duration};

use crate::origin::Rule;

/// What a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    Playlist,
    Key,
    Init,
    Media,
}

/// What goes wrong with a resource, each time that it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Status(u16),
    /// A reset instead of an answer.
    Reset,
    StallInHeaders,
    StallInBody,
    /// Everything comes but the last bytes.
    StallAtEnd,
    Endless,
    /// The body is shorter than Content-Length.
    Truncated,
    /// The same, but only the last bytes are missing.
    TruncatedAtEnd,
    /// 200 without a byte.
    Empty,
    /// 200 with a page of HTML.
    Html,
    /// 200 with a resource of another type: media for a playlist, a playlist for media, 16 other bytes for a key.
    WrongType,
    RedirectLoop,
    /// A playlist without segments.
    NoSegments,
    /// A playlist that lists gaps only.
    OnlyGaps,
    /// The right answer, a little later.
    Slow,
}

/// Statuses of every class that a client must tell apart.
const STATUSES: [u16; 9] = [204, 400, 401, 403, 404, 410, 429, 500, 503];
const A_LITTLE: Duration = Duration::from_millis(300);
/// So many bytes of a resource come before its fault: fewer than a key frame has.
const COME: usize = 200;
/// So many bytes are missing at the end: fewer than the last frame has.
const MISSING: usize = 20;
const HTML: &[u8] = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><p>Please sign in.</p></body></html>";
const OTHER_KEY: [u8; 16] = [0x5a; 16];
const PLAYLIST: &str = "application/vnd.apple.mpegurl";

impl Fault {
    /// All faults that a resource can have.
    pub fn of(resource: Resource) -> Vec<Self> {
        let mut all: Vec<_> = STATUSES.into_iter().map(Self::Status).collect();
        all.extend([Self::Reset, Self::StallInHeaders, Self::StallInBody, Self::Endless, Self::Truncated]);
        all.extend([Self::Empty, Self::Html, Self::WrongType, Self::RedirectLoop, Self::Slow]);
        if resource == Resource::Media {
            all.extend([Self::StallAtEnd, Self::TruncatedAtEnd]);
        }
        if resource == Resource::Playlist {
            all.extend([Self::NoSegments, Self::OnlyGaps]);
        }
        all
    }

    /// Whether the segment is gone for good, as a live window moves on.
    pub fn is_gone(self) -> bool {
        matches!(self, Self::Status(403 | 404 | 410))
    }

    /// Whether the first key frame comes whole, and in time.
    pub fn spares_the_key_frame(self) -> bool {
        matches!(self, Self::Slow | Self::StallAtEnd | Self::TruncatedAtEnd)
    }

    /// The rule of the origin for a resource of `size` bytes at `path`.
    pub fn rule(self, resource: Resource, path: &str, size: usize) -> Rule {
        let come = COME.min(size / 2);
        match self {
            Self::Status(status) => Rule::Status(status, None),
            Self::Reset => Rule::Reset,
            Self::StallInHeaders => Rule::StallInHeaders,
            Self::StallInBody => Rule::SilentFrom(come),
            Self::StallAtEnd => Rule::SilentFrom(size.saturating_sub(MISSING)),
            Self::TruncatedAtEnd => Rule::LostFrom(size.saturating_sub(MISSING)),
            Self::Endless => endless(resource, path),
            Self::Truncated => Rule::LostFrom(come),
            Self::Empty => Rule::Body(Vec::new(), "application/octet-stream"),
            Self::Html => Rule::Body(HTML.into(), "text/html"),
            Self::WrongType => match resource {
                Resource::Playlist => Rule::Body(crate::stream::fixture("ladder-ts/v0-0.ts"), "video/mp2t"),
                Resource::Key => Rule::Body(OTHER_KEY.into(), "application/octet-stream"),
                Resource::Init | Resource::Media => Rule::Body(crate::stream::fixture("ladder-ts/v0.m3u8"), PLAYLIST),
            },
            Self::RedirectLoop => Rule::Redirect(path.to_owned()),
            Self::NoSegments => Rule::Body(b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:9\n".into(), PLAYLIST),
            Self::OnlyGaps => {
                let text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:9\n#EXT-X-GAP\n#EXTINF:2,\nnone.ts\n";
                Rule::Body(text.into(), PLAYLIST)
            }
            Self::Slow => Rule::Delay(A_LITTLE),
        }
    }
}

fn endless(resource: Resource, path: &str) -> Rule {
    match resource {
        Resource::Playlist => Rule::Endless,
        Resource::Key => Rule::Forever(vec![0; 4096], "application/octet-stream"),
        Resource::Media if Path::new(path).extension().is_some_and(|ending| ending == "ts") => {
            let null_packet = [&[0x47, 0x1f, 0xff, 0x10][..], &[0xff; 184]].concat();
            Rule::Forever(null_packet.repeat(350), "video/mp2t")
        }
        Resource::Init | Resource::Media => {
            let free_box = [&b"\0\x01\0\0free"[..], &vec![0; 65_528]].concat();
            Rule::Forever(free_box, "video/mp4")
        }
    }
}
