//! The error type. [`ErrorKind`] is the only table of names, exit codes and HTTP statuses.

use std::{error, fmt, sync::Arc};

use url::Url;

/// The kinds of failure. Each has one name, one exit code and one HTTP status on every frontend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request is invalid.
    Usage,
    /// The policy forbids it: host, scheme, private address, output, signature.
    NotAllowed,
    /// DNS, connect, TLS, reset.
    Unreachable,
    /// The origin answered 4xx or 5xx.
    HttpStatus,
    /// The deadline passed, or the origin stalled.
    Timeout,
    /// A limit on bytes, requests, pixels, entries or redirects is exceeded.
    TooLarge,
    /// The playlist is not HLS, or too damaged to read.
    BadPlaylist,
    /// The stream has only audio or subtitles, or no Variant can be decoded.
    NoVideo,
    /// Nothing exists at the requested time, or the playlist holds no segments but gaps.
    NotFound,
    /// DRM, or a key that is missing, of the wrong size or wrong.
    Encrypted,
    /// No clean frame could be decoded.
    Undecodable,
    /// A codec or feature that this build lacks.
    Unsupported,
    /// The picture cannot be written. No partial file is left.
    Output,
    /// A content check failed. The picture is written all the same.
    Verdict,
    /// Some of many pictures could not be had. The others are written.
    Partial,
    /// A bug in hlsnap.
    Internal,
}

impl ErrorKind {
    /// Kind, name, exit code and HTTP status.
    pub const TABLE: [(Self, &'static str, u8, u16); 16] = [
        (Self::Usage, "usage", 2, 400),
        (Self::NotAllowed, "not_allowed", 10, 403),
        (Self::Unreachable, "unreachable", 11, 502),
        (Self::HttpStatus, "http_status", 12, 502),
        (Self::Timeout, "timeout", 13, 504),
        (Self::TooLarge, "too_large", 14, 502),
        (Self::BadPlaylist, "bad_playlist", 20, 422),
        (Self::NoVideo, "no_video", 21, 422),
        (Self::NotFound, "not_found", 22, 404),
        (Self::Encrypted, "encrypted", 23, 422),
        (Self::Undecodable, "undecodable", 24, 422),
        (Self::Unsupported, "unsupported", 25, 422),
        (Self::Output, "output", 30, 500),
        (Self::Verdict, "verdict", 40, 200),
        (Self::Partial, "partial", 50, 207),
        (Self::Internal, "internal", 70, 500),
    ];

    fn row(self) -> (Self, &'static str, u8, u16) {
        Self::TABLE.into_iter().find(|row| row.0 == self).unwrap_or((Self::Internal, "internal", 70, 500))
    }

    /// The name in messages, in JSON (`error.kind`) and as Lambda's `errorType`.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// The exit code of the command line.
    pub fn exit_code(self) -> u8 {
        self.row().2
    }

    /// The status of the HTTP frontend.
    pub fn http_status(self) -> u16 {
        self.row().3
    }

    /// Whether the same request may succeed if sent again: connection failures, resets, truncated bodies and stalls.
    pub(crate) fn is_transient(self) -> bool {
        matches!(self, Self::Unreachable | Self::Timeout)
    }

    /// Whether the same request fails the same way every time.
    pub(crate) fn is_permanent(self) -> bool {
        match self {
            Self::Usage
            | Self::NotAllowed
            | Self::BadPlaylist
            | Self::NoVideo
            | Self::Encrypted
            | Self::Undecodable
            | Self::Unsupported
            | Self::TooLarge
            | Self::Verdict => true,
            Self::Unreachable | Self::HttpStatus | Self::Timeout | Self::NotFound | Self::Output | Self::Partial | Self::Internal => false,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A failure: what happened, where, and what to do about it.
///
/// `Display` prints the message, the location in the stream and the URL, but not the causes: [`source`](error::Error::source) returns
/// them. [`one_line`](Self::one_line) prints everything.
#[derive(Debug, Clone)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    details: Box<ErrorDetails>,
}

/// Boxed to keep `Result<_, Error>` small.
#[derive(Debug, Clone, Default)]
struct ErrorDetails {
    url: Option<FailedUrl>,
    media_sequence_number: Option<u64>,
    status: Option<u16>,
    is_connect_failure: bool,
    is_body_too_large: bool,
    is_channel_list: bool,
    hint: Option<String>,
    source: Option<Arc<dyn error::Error + Send + Sync>>,
}

/// The URL that failed. Only its redacted form is ever printed.
#[derive(Clone)]
struct FailedUrl {
    url: Url,
    redacted: String,
}

impl fmt::Debug for FailedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted)
    }
}

impl Error {
    /// An error of `kind`. `message` says what happened, without a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), details: Box::default() }
    }

    /// A mistake in what the caller passed; `hint` says what to pass instead.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message).with_hint(hint)
    }

    /// A bug in hlsnap. The hint asks for a report.
    #[doc(hidden)]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
            .with_hint("please report this with the output of `hlsnap --version` and, if you can, the playlist")
    }

    /// Adds the URL that failed, unless one is set. Messages and reports show it redacted.
    #[must_use]
    pub(crate) fn with_url(mut self, url: &Url) -> Self {
        self.details.url.get_or_insert_with(|| FailedUrl { url: url.clone(), redacted: redacted(url) });
        self
    }

    /// Adds the Media Sequence Number of the segment that failed, unless one is set.
    #[must_use]
    pub(crate) fn with_media_sequence_number(mut self, media_sequence_number: u64) -> Self {
        self.details.media_sequence_number.get_or_insert(media_sequence_number);
        self
    }

    /// Sets the HTTP status of the origin's response.
    #[must_use]
    pub(crate) fn with_origin_status(mut self, status: u16) -> Self {
        self.details.status = Some(status);
        self
    }

    /// Marks a failure to connect: the host's other resources are unreachable, too.
    #[must_use]
    pub(crate) fn with_connect_failure(mut self) -> Self {
        self.details.is_connect_failure = true;
        self
    }

    /// Sets what the user can do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.details.hint = Some(hint.into());
        self
    }

    /// Sets the cause.
    #[must_use]
    #[doc(hidden)]
    pub fn with_source(mut self, source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        self.details.source = Some(Arc::from(source.into()));
        self
    }

    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Describes what happened, with its causes, and where in the stream. Holds neither the URL nor the hint.
    pub fn message(&self) -> String {
        let mut text = self.message.clone();
        let mut next = self.cause();
        while let Some(cause) = next {
            // An inner `Error` prints its own causes
            let (cause_text, inner) = match cause.downcast_ref::<Self>() {
                Some(error) => (error.one_line(), None),
                None => (cause.to_string(), cause.source()),
            };
            if !text.contains(&cause_text) {
                text = format!("{text}: {cause_text}");
            }
            next = inner;
        }
        text + &self.location()
    }

    /// Everything on a single line: what happened, its causes, where, and what to do.
    pub fn one_line(&self) -> String {
        one_line(&self.message(), self.url(), self.hint())
    }

    fn cause(&self) -> Option<&(dyn error::Error + 'static)> {
        self.details.source.as_deref().map(|source| source as _)
    }

    fn location(&self) -> String {
        self.details.media_sequence_number.map(|number| format!(", in Media Sequence Number {number}")).unwrap_or_default()
    }

    /// The URL that failed, redacted.
    pub fn url(&self) -> Option<&str> {
        self.details.url.as_ref().map(|failed| failed.redacted.as_str())
    }

    /// The URL as requested, secrets included: for comparison, never for output.
    pub(crate) fn full_url(&self) -> Option<&Url> {
        self.details.url.as_ref().map(|failed| &failed.url)
    }

    /// Marks a body that exceeds the limit for its kind of resource.
    #[must_use]
    pub(crate) fn with_body_too_large(mut self) -> Self {
        self.details.is_body_too_large = true;
        self
    }

    /// Whether one body exceeds the limit for its kind of resource, as opposed to a limit of the whole job.
    pub(crate) fn is_body_too_large(&self) -> bool {
        self.details.is_body_too_large
    }

    /// Marks the error of a playlist that is a list of channels, for which some frontends have commands.
    #[must_use]
    pub(crate) fn with_channel_list(mut self) -> Self {
        self.details.is_channel_list = true;
        self
    }

    /// Whether the playlist is a list of channels.
    pub(crate) fn is_channel_list(&self) -> bool {
        self.details.is_channel_list
    }

    /// Whether the origin no longer has the resource: live windows move on, and recordings lose their first segments.
    pub(crate) fn is_gone(&self) -> bool {
        self.kind == ErrorKind::HttpStatus && matches!(self.details.status, Some(403 | 404 | 410))
    }

    /// The HTTP status of the origin's response.
    pub fn origin_status(&self) -> Option<u16> {
        self.details.status
    }

    /// Whether connecting to the host failed.
    pub fn is_connect_failure(&self) -> bool {
        self.details.is_connect_failure
    }

    /// A remedy for the user.
    pub fn hint(&self) -> Option<&str> {
        self.details.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", without_line_breaks(&self.message), self.location())?;
        self.url().map_or(Ok(()), |url| write!(f, ", {url}"))
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.cause()
    }
}

/// An error's parts on a single line.
pub(crate) fn one_line(message: &str, url: Option<&str>, hint: Option<&str>) -> String {
    let mut line = without_line_breaks(message);
    if let Some(url) = url {
        line = format!("{line}, {url}");
    }
    if let Some(hint) = hint {
        line = format!("{line}; {}", without_line_breaks(hint));
    }
    line
}

fn without_line_breaks(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The innermost cause of `error`, or `error` itself.
pub(crate) fn root_cause<'a>(error: &'a (dyn error::Error + 'static)) -> &'a (dyn error::Error + 'static) {
    let mut root = error;
    while let Some(cause) = root.source() {
        root = cause;
    }
    root
}

/// The URL without possible secrets: user name, password, query and fragment.
pub fn redacted(url: &Url) -> String {
    let mut shown = url.clone();
    // Both fail only for URLs that cannot have a user name, such as `data:`
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_fragment(None);
    if shown.query().is_some() {
        shown.set_query(Some("..."));
    }
    if shown.scheme() == "data" {
        return "data:...".to_owned();
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use std::{error::Error as _, io};

    use super::*;

    #[test]
    fn display_leaves_the_causes_to_source_and_one_line_prints_everything() {
        let inner =
            Error::new(ErrorKind::Unreachable, "the body broke off").with_source(io::Error::other("connection reset")).with_hint("retry");
        let outer =
            Error::new(ErrorKind::Undecodable, "no frame").with_source(inner).with_media_sequence_number(7).with_hint("try\nanother time");
        assert_eq!(outer.to_string(), "no frame, in Media Sequence Number 7");
        assert_eq!(outer.source().map(ToString::to_string).as_deref(), Some("the body broke off"));
        assert_eq!(outer.message(), "no frame: the body broke off: connection reset; retry, in Media Sequence Number 7");
        assert_eq!(outer.one_line(), format!("{}; try another time", outer.message()));
        assert_eq!(root_cause(&outer).to_string(), "connection reset");
    }
}
