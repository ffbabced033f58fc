//! What a path answers instead of its file.

use std::time::Duration;

/// One answer. Those that change the body take the file that lies at the path.
#[derive(Debug, Clone)]
pub enum Rule {
    /// The file, as if there were no rule.
    Plain,
    /// A status without a body; 503 and 429 with `Retry-After` in seconds where one is given.
    Status(u16, Option<u64>),
    /// 302 to a URL or a path.
    Redirect(String),
    /// 302 to a URL or a path, and a cookie.
    RedirectSetting(String, &'static str),
    /// These bytes, with this content type.
    Body(Vec<u8>, &'static str),
    /// These bytes, so many at a time.
    Pieces(Vec<u8>, usize),
    /// These bytes, once this other path has been asked for; a second too late it is 504.
    After(&'static str, Vec<u8>),
    /// These bytes, which are a playlist packed by this encoding.
    Packed(Vec<u8>, &'static str),
    /// One byte of the file, again and again after so long.
    Trickle(Duration),
    /// The file, and so many bytes of TS null packets behind it.
    Padded(usize),
    /// The connection is closed after so many bytes of the body.
    CutAt(usize),
    /// Nothing more comes after so many bytes of the body.
    StallAt(usize),
    /// No byte of the file at or after this offset ever comes, in any range: the connection is closed there, whatever Content-Length says.
    LostFrom(usize),
    /// No byte of the file at or after this offset ever comes, in any range: the connection stays open.
    SilentFrom(usize),
    /// The answer stops in the middle of its headers.
    StallInHeaders,
    /// The connection is reset before an answer.
    Reset,
    /// These bytes again and again, without an end, whatever range was asked for.
    Forever(Vec<u8>, &'static str),
    /// Nothing comes for so long, not even a header.
    Delay(Duration),
    /// Pieces of so many bytes, without a Content-Length.
    Chunked(usize),
    /// 200 with the whole file, whatever range was asked for.
    IgnoreRange,
    /// Compressed, as a playlist may be.
    Gzip,
    /// Compressed, as a playlist may be.
    Brotli,
    /// The file, and a cookie.
    SetCookie(&'static str),
    /// 403 without this cookie.
    NeedCookie(&'static str),
    /// A playlist that never ends.
    Endless,
}
