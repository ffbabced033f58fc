//! Errors of HTTP statuses and of connections.

use std::{error::Error as StdError, io};

use reqwest::StatusCode;

use crate::error::{Error, ErrorKind, root_cause};

/// The error for a status of 4xx or 5xx, or another one that carries no resource.
pub(super) fn status_error(status: StatusCode) -> Error {
    let hint = match status.as_u16() {
        401 | 403 => "the origin may require a token, a cookie or another User-Agent: see --header, --cookie, --user-agent and --referer",
        404 | 410 => "check the URL, or whether the stream is live",
        429 => "send requests less often",
        500.. => "the origin has a problem: try again later",
        _ => "compare with what `curl -i` prints",
    };
    let reason = status.canonical_reason().unwrap_or("(unknown status)");
    Error::new(ErrorKind::HttpStatus, format!("the origin answered {} {reason}", status.as_u16()))
        .with_origin_status(status.as_u16())
        .with_hint(hint)
}

/// Whether a response with this status may be due to the requested range, so that a request without one may succeed. Not 408 and 429:
/// they ask the client to wait.
pub fn may_refuse_ranges(status: u16) -> bool {
    matches!(status, 400..=407 | 409..=428 | 430..=501)
}

/// The error for a failure in reqwest. reqwest's own text may hold the URL, so the message quotes the root cause.
pub(super) fn from_reqwest(error: reqwest::Error) -> Error {
    let is_connect = error.is_connect();
    let failure = transport_error(&error.without_url());
    if is_connect { failure.with_connect_failure() } else { failure }
}

fn transport_error(error: &reqwest::Error) -> Error {
    let mut cause: Option<&(dyn StdError + 'static)> = error.source();
    while let Some(inner) = cause {
        if is_old_tls(inner) {
            return Error::new(ErrorKind::Unreachable, "the origin supports no TLS version of 1.2 or newer")
                .with_hint("ask the origin's operator for TLS 1.2 or 1.3, or try http:");
        }
        // From the resolver's policy check
        if let Some(ours) = inner.downcast_ref::<Error>() {
            return Error::new(ours.kind(), ours.message()).with_hint(ours.hint().unwrap_or_default());
        }
        cause = inner.source();
    }
    let cause = root_cause(error);
    if error.is_timeout() {
        Error::new(ErrorKind::Timeout, "the connection to the origin timed out").with_hint("check the host and the network")
    } else if error.is_connect() {
        Error::new(ErrorKind::Unreachable, format!("cannot connect to the origin: {cause}"))
            .with_hint("check the host, the port and the certificate")
    } else if error.is_body() || error.is_decode() {
        Error::new(ErrorKind::Unreachable, format!("the response broke off: {cause}")).with_hint("try again")
    } else if error.is_builder() {
        Error::new(ErrorKind::Usage, format!("the request is invalid: {cause}"))
    } else {
        Error::new(ErrorKind::Unreachable, format!("the origin sent no response: {cause}")).with_hint("try again")
    }
}

/// Whether the handshake failed because the server supports neither TLS 1.2 nor 1.3.
fn is_old_tls(error: &(dyn StdError + 'static)) -> bool {
    use rustls::{AlertDescription, PeerIncompatible};
    let mut inner = error;
    // `io::Error::source` skips the error that it wraps
    while let Some(wrapped) = inner.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        inner = wrapped;
    }
    match inner.downcast_ref() {
        Some(rustls::Error::AlertReceived(alert)) => *alert == AlertDescription::ProtocolVersion,
        Some(rustls::Error::PeerIncompatible(why)) => {
            matches!(why, PeerIncompatible::ServerDoesNotSupportTls12Or13 | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig)
        }
        _ => false,
    }
}
