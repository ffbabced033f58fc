//! The faults, and the rules of the origin that cause them.

use std::{path::Path, time::Duration};

use crate::origin::{PLAYLIST, Rule, fixture, null_packets};

/// The type of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    Playlist,
    Key,
    Init,
    Media,
}

/// What goes wrong at each request of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Status(u16),
    /// A reset instead of an answer.
    Reset,
    StallInHeaders,
    StallInBody,
    /// A stall before the last bytes.
    StallAtEnd,
    Endless,
    /// The body is shorter than Content-Length.
    Truncated,
    /// Only the last bytes are missing.
    TruncatedAtEnd,
    /// 200 with an empty body.
    Empty,
    /// 200 with an HTML page.
    Html,
    /// 200 with a resource of another type: media instead of a playlist, a playlist instead of media, another key.
    WrongType,
    RedirectLoop,
    /// A playlist without segments.
    NoSegments,
    /// A playlist with gaps only.
    OnlyGaps,
    /// The right answer after a short delay.
    Slow,
}

/// Statuses that a client must distinguish.
const STATUSES: [u16; 9] = [204, 400, 401, 403, 404, 410, 429, 500, 503];
const SHORT_DELAY: Duration = Duration::from_millis(300);
/// Bytes of a resource before its fault: fewer than a key frame has.
const BEFORE_FAULT: usize = 200;
/// Bytes missing at the end: fewer than the last frame has.
const CUT_OFF: usize = 20;
const HTML: &[u8] = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><p>Please sign in.</p></body></html>";
const OTHER_KEY: [u8; 16] = [0x5a; 16];

impl Fault {
    /// All faults that apply to a resource.
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

    /// Whether the segment is gone for good, as after a live window moved on.
    pub fn is_gone(self) -> bool {
        matches!(self, Self::Status(403 | 404 | 410))
    }

    /// Whether the first key frame arrives complete and in time.
    pub fn spares_the_key_frame(self) -> bool {
        matches!(self, Self::Slow | Self::StallAtEnd | Self::TruncatedAtEnd)
    }

    /// The rule of the origin for a resource of `size` bytes at `path`.
    pub fn rule(self, resource: Resource, path: &str, size: usize) -> Rule {
        let before_fault = BEFORE_FAULT.min(size / 2);
        match self {
            Self::Status(status) => Rule::Status(status, None),
            Self::Reset => Rule::Reset,
            Self::StallInHeaders => Rule::StallInHeaders,
            Self::StallInBody => Rule::StallAtOffset(before_fault),
            Self::StallAtEnd => Rule::StallAtOffset(size.saturating_sub(CUT_OFF)),
            Self::TruncatedAtEnd => Rule::CutAtOffset(size.saturating_sub(CUT_OFF)),
            Self::Endless => endless(resource, path),
            Self::Truncated => Rule::CutAtOffset(before_fault),
            Self::Empty => Rule::Body(Vec::new(), "application/octet-stream"),
            Self::Html => Rule::Body(HTML.into(), "text/html"),
            Self::WrongType => match resource {
                Resource::Playlist => Rule::Body(fixture("ladder-ts/v0-0.ts"), "video/mp2t"),
                Resource::Key => Rule::Body(OTHER_KEY.into(), "application/octet-stream"),
                Resource::Init | Resource::Media => Rule::Body(fixture("ladder-ts/v0.m3u8"), PLAYLIST),
            },
            Self::RedirectLoop => Rule::Redirect(path.to_owned()),
            Self::NoSegments => Rule::Body(b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:9\n".into(), PLAYLIST),
            Self::OnlyGaps => {
                let text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:9\n#EXT-X-GAP\n#EXTINF:2,\nnone.ts\n";
                Rule::Body(text.into(), PLAYLIST)
            }
            Self::Slow => Rule::Delay(SHORT_DELAY),
        }
    }
}

fn endless(resource: Resource, path: &str) -> Rule {
    match resource {
        Resource::Playlist => Rule::EndlessPlaylist,
        Resource::Key => Rule::Repeat(vec![0; 4096], "application/octet-stream"),
        Resource::Media if Path::new(path).extension().is_some_and(|ending| ending == "ts") => {
            Rule::Repeat(null_packets(350), "video/mp2t")
        }
        Resource::Init | Resource::Media => {
            let free_box = [&b"\0\x01\0\0free"[..], &vec![0; 65_528]].concat();
            Rule::Repeat(free_box, "video/mp4")
        }
    }
}
