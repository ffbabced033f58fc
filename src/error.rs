//! What can go wrong, once: [`ErrorKind`] is the one table of names, exit codes and HTTP statuses.

use std::{error, fmt};

use url::Url;

/// The kinds of failure. Each has one name, one exit code and one HTTP status on every face.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request makes no sense.
    Usage,
    /// Policy forbids it: host, scheme, private address, output, signature.
    NotAllowed,
    /// DNS, connect, TLS, reset.
    Unreachable,
    /// The origin answered 4xx or 5xx.
    HttpStatus,
    /// The deadline passed.
    Timeout,
    /// A limit on bytes, pixels, entries or redirects was hit.
    TooLarge,
    /// Not HLS, or broken past reading.
    BadPlaylist,
    /// Audio or subtitles only; no Variant can be decoded.
    NoVideo,
    /// Nothing at that time; an empty or gap-only window.
    NotFound,
    /// DRM, or a key that is missing, of the wrong size or wrong.
    Encrypted,
    /// No clean frame could be decoded.
    Undecodable,
    /// A codec or feature that this build lacks.
    Unsupported,
    /// The picture could not be written; nothing half-written is left.
    Output,
    /// A picture that was not to be like that: it is written all the same.
    Verdict,
    /// Our fault.
    Internal,
}

impl ErrorKind {
    /// The table: kind, name, exit code, HTTP status.
    pub const TABLE: [(Self, &'static str, u8, u16); 15] = [
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

    /// The status of the HTTP face.
    pub fn http_status(self) -> u16 {
        self.row().3
    }

    /// Whether a retry of the request may succeed: connection failures, resets, truncated bodies and stalls.
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
            Self::Unreachable | Self::HttpStatus | Self::Timeout | Self::NotFound | Self::Output | Self::Internal => false,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A failure: what happened, where, and what to do about it.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    details: Box<ErrorDetails>,
}

/// Boxed, so that a `Result` on the way of the bytes stays small.
#[derive(Debug, Default)]
struct ErrorDetails {
    url: Option<FailedUrl>,
    media_sequence_number: Option<u64>,
    byte_range: Option<(u64, Option<u64>)>,
    status: Option<u16>,
    is_before_connection: bool,
    is_body_too_large: bool,
    hint: Option<String>,
    source: Option<Box<dyn error::Error + Send + Sync>>,
}

/// The URL a failure happened at. Only its redacted form is ever shown.
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
    /// A failure of `kind`; `message` says what happened, without a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), details: Box::default() }
    }

    /// A request that makes no sense; `hint` says what to write instead.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message).with_hint(hint)
    }

    /// Our own fault: asks for a report.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
            .with_hint("please report this with the output of `hlsnap --version` and, if you can, the playlist")
    }

    /// Adds the URL the failure happened at, unless one is set. Messages and reports show it redacted.
    #[must_use]
    pub fn with_url(mut self, url: &Url) -> Self {
        self.details.url.get_or_insert_with(|| FailedUrl { url: url.clone(), redacted: redacted(url) });
        self
    }

    /// The Media Sequence Number of the segment it happened in.
    #[must_use]
    pub fn with_media_sequence_number(mut self, media_sequence_number: u64) -> Self {
        self.details.media_sequence_number.get_or_insert(media_sequence_number);
        self
    }

    /// The bytes that were asked for: the first, and the last where one was named.
    #[must_use]
    pub fn with_byte_range(mut self, first: u64, last: Option<u64>) -> Self {
        self.details.byte_range.get_or_insert((first, last));
        self
    }

    /// The HTTP status that the origin answered with.
    #[must_use]
    pub fn with_origin_status(mut self, status: u16) -> Self {
        self.details.status = Some(status);
        self
    }

    /// No connection to the host was made, so its other resources cannot be had either.
    #[must_use]
    pub fn before_connection(mut self) -> Self {
        self.details.is_before_connection = true;
        self
    }

    /// What the user can do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.details.hint = Some(hint.into());
        self
    }

    /// The failure underneath.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        self.details.source = Some(source.into());
        self
    }

    /// Its kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What happened, with the failures underneath, and where in the stream; without the URL and the hint.
    pub fn message(&self) -> String {
        let mut text = self.message.clone();
        let mut inner = self.details.source.as_deref().map(|s| s as &(dyn error::Error + 'static));
        while let Some(one) = inner {
            let said = one.to_string();
            if !text.contains(&said) {
                text = format!("{text}: {said}");
            }
            inner = one.source();
        }
        if let Some(number) = self.details.media_sequence_number {
            text = format!("{text}, in Media Sequence Number {number}");
        }
        match self.details.byte_range {
            Some((first, Some(last))) => format!("{text}, bytes {first}-{last}"),
            Some((first, None)) => format!("{text}, from byte {first}"),
            None => text,
        }
    }

    /// Where it happened, redacted.
    pub fn url(&self) -> Option<&str> {
        self.details.url.as_ref().map(|failed| failed.redacted.as_str())
    }

    /// The URL as it was requested, secrets included: for comparison, never for output.
    pub(crate) fn full_url(&self) -> Option<&Url> {
        self.details.url.as_ref().map(|failed| &failed.url)
    }

    /// Marks a body that exceeds the limit for its kind of resource.
    #[must_use]
    pub(crate) fn for_large_body(mut self) -> Self {
        self.details.is_body_too_large = true;
        self
    }

    /// Whether one body exceeds the limit for its kind of resource, as opposed to a limit of the whole job.
    pub(crate) fn is_body_too_large(&self) -> bool {
        self.details.is_body_too_large
    }

    /// Whether the origin no longer has the resource: live windows move on, and recordings lose their first segments.
    pub(crate) fn is_gone(&self) -> bool {
        self.kind == ErrorKind::HttpStatus && matches!(self.details.status, Some(403 | 404 | 410))
    }

    /// The HTTP status that the origin answered with.
    pub fn origin_status(&self) -> Option<u16> {
        self.details.status
    }

    /// Whether no connection to the host was made.
    pub fn is_before_connection(&self) -> bool {
        self.details.is_before_connection
    }

    /// What the user can do.
    pub fn hint(&self) -> Option<&str> {
        self.details.hint.as_deref()
    }
}

impl fmt::Display for Error {
    /// One line: what happened, where, what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        f.write_str(&one_line(&self.message()))?;
        if let Some(url) = self.url() {
            write!(f, ", {url}")?;
        }
        if let Some(hint) = self.hint() {
            write!(f, "; {}", one_line(hint))?;
        }
        Ok(())
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.details.source.as_deref().map(|source| source as _)
    }
}

/// The URL without what may be secret: no user name, password, query values or fragment.
pub fn redacted(url: &Url) -> String {
    let mut shown = url.clone();
    // Both fail only for URLs that cannot have a user name, such as `data:`.
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
