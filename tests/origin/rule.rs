//! Rules change what a path answers.

use std::time::Duration;

/// One answer. Rules without bytes of their own use the file at the path.
#[derive(Debug, Clone)]
pub enum Rule {
    /// The file, as without a rule.
    File,
    /// A status without a body, and optionally `Retry-After` in seconds.
    Status(u16, Option<u64>),
    /// 302 to a URL or a path.
    Redirect(String),
    /// 302 to a URL or a path, with `Set-Cookie`.
    RedirectWithCookie(String, &'static str),
    /// These bytes, with this content type.
    Body(Vec<u8>, &'static str),
    /// These bytes, in pieces of this size.
    InPieces(Vec<u8>, usize),
    /// These bytes, but only after a request for the other path. 504 if none arrives within a second.
    AfterRequest(&'static str, Vec<u8>),
    /// These bytes as a playlist, with this `Content-Encoding`.
    Encoded(Vec<u8>, &'static str),
    /// The file, one byte per interval.
    Trickle(Duration),
    /// The file, followed by this many bytes of TS null packets.
    WithNullPackets(usize),
    /// Closes the connection after this many bytes of the body.
    CutAt(usize),
    /// Sends nothing more after this many bytes of the body.
    StallAt(usize),
    /// Closes the connection at this offset of the file, whichever range is requested. `Content-Length` is that of the full answer.
    CutAtOffset(usize),
    /// Sends nothing from this offset of the file on, whichever range is requested. The connection stays open.
    StallAtOffset(usize),
    /// Stops in the middle of the headers.
    StallInHeaders,
    /// Resets the connection instead of an answer.
    Reset,
    /// Repeats these bytes forever, whichever range is requested.
    Repeat(Vec<u8>, &'static str),
    /// Sends nothing, not even a header, for this long.
    Delay(Duration),
    /// The file in pieces of this size, without `Content-Length`.
    Chunked(usize),
    /// 200 with the whole file, whichever range is requested.
    IgnoreRange,
    /// The file, compressed.
    Gzip,
    /// The file, compressed.
    Brotli,
    /// The file, with `Set-Cookie`.
    SetCookie(&'static str),
    /// The file, or 403 without this cookie.
    RequireCookie(&'static str),
    /// A playlist that never ends.
    EndlessPlaylist,
}
