//! One picture's way through the network: requests under one deadline and one budget.

use std::{
    error::Error as _,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use reqwest::{
    Response, StatusCode,
    header::{ACCEPT_ENCODING, HeaderValue, LOCATION, RANGE},
};
use url::Url;

use super::{
    Body, Client, Meter,
    body::BodyOutcome,
    content_coding,
    header_rules::HeaderRules,
    retry::{Retries, is_transient_status, retry_after},
};
use crate::{
    error::{Error, ErrorKind},
    report::Cost,
    request::{Limits, RequestHeaders},
};

/// Bytes of a resource: from `first`, up to and with `last` where one is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first byte.
    pub first: u64,
    /// The last byte; `None` is the resource's end.
    pub last: Option<u64>,
}

impl Range {
    /// The whole resource.
    pub const ALL: Self = Self { first: 0, last: None };

    /// `length` bytes from `first`; at least one byte.
    pub fn of(first: u64, length: u64) -> Self {
        Self { first, last: Some(first.saturating_add(length.max(1) - 1)) }
    }

    fn header(self) -> Option<HeaderValue> {
        let text = match self {
            Self::ALL => return None,
            Self { first, last: Some(last) } => format!("bytes={first}-{last}"),
            Self { first, last: None } => format!("bytes={first}-"),
        };
        HeaderValue::from_str(&text).ok()
    }
}

/// One job: deadline, budget, meter, and the origin that the caller's headers are for. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Job {
    pub(super) client: Client,
    pub(super) meter: Arc<Meter>,
    pub(super) deadline: Instant,
    /// The seconds from the start to the deadline, and whether the deadline is only that of a share.
    time: (f64, bool),
    pub(super) limits: Limits,
    /// The most bytes of one answer of unknown size: it may have no end.
    pub(super) most_unsized: u64,
    caller: Arc<HeaderRules>,
    /// Only a playlist that is itself a local file may name local files, and only below its folder.
    pub(super) local_root: Option<Arc<std::path::Path>>,
}

impl Job {
    /// A job whose time starts now. `playlist` is what was asked for, and whose origin the caller's headers belong to.
    ///
    /// Fails with `usage` where a header cannot be sent.
    pub fn new(client: &Client, playlist: &Url, access: &RequestHeaders, limits: &Limits) -> Result<Self, Error> {
        let deadline = Instant::now() + limits.timeout.min(Duration::from_secs(86_400));
        let local = Some(playlist).filter(|url| url.scheme() == "file");
        let local_root = local.and_then(|url| {
            let folder = url.to_file_path().ok()?.parent()?.canonicalize().ok()?;
            Some(Arc::from(folder))
        });
        Ok(Self {
            meter: Arc::new(Meter::new(limits)),
            deadline,
            time: (limits.timeout.as_secs_f64(), false),
            limits: *limits,
            most_unsized: limits.max_segment_bytes,
            caller: Arc::new(HeaderRules::new(access, playlist)?),
            local_root,
            client: client.clone(),
        })
    }

    /// What the job has cost so far.
    pub fn cost(&self) -> Cost {
        self.meter.cost()
    }

    /// What it may cost.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The failure that the deadline has passed.
    pub fn timeout(&self) -> Error {
        let what = match self.time {
            (limit, false) => format!("not done within {limit} s"),
            (share, true) => format!("not done within {share:.1} s, its share of the time"),
        };
        Error::new(ErrorKind::Timeout, what).with_hint("raise --timeout if the origin is only slow")
    }

    /// The same job with a part of the time that is left: 0 to 1. An answer of unknown size then has half of the bytes that are left.
    #[must_use]
    pub fn within(&self, share: f64) -> Self {
        let mut job = self.clone();
        if share < 1.0 {
            let left = self.deadline.saturating_duration_since(Instant::now()).mul_f64(share.max(0.0));
            job.deadline = Instant::now() + left;
            job.time = (left.as_secs_f64(), true);
            job.most_unsized = job.most_unsized.min(self.meter.bytes_left() / 2);
        }
        job
    }

    /// Whether nothing more may be downloaded.
    pub fn is_spent(&self) -> bool {
        self.meter.is_spent()
    }

    /// When the job must be done.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Opens a resource for reading as it arrives. Redirects are followed, passing failures tried again. An answer that does not hold the
    /// range reliably is asked for again without one.
    pub async fn open(&self, url: &Url, range: Range) -> Result<Body, Error> {
        match url.scheme() {
            "file" => Body::local(self, url, range),
            "data" => Body::data(self, url, range),
            _ => Box::pin(self.open_from(url, range, range)).await,
        }
    }

    /// Opens `range` of a resource by asking for `asked` of it.
    pub(super) async fn open_from(&self, url: &Url, range: Range, mut asked: Range) -> Result<Body, Error> {
        let mut retries = Retries::new(&self.limits);
        loop {
            let (error, wish) = match self.follow(url, asked).await {
                Ok((final_url, response)) if response.status().is_success() => {
                    match Body::remote(self, final_url.clone(), response, range, asked).await {
                        Ok(BodyOutcome::Body(body)) => return Ok(*body),
                        Ok(BodyOutcome::Unusable(why)) if asked != Range::ALL => {
                            tracing::info!("asking again without a range: the origin sent {why}");
                            asked = Range::ALL;
                            continue;
                        }
                        Ok(BodyOutcome::Unusable(why)) => {
                            return Err(Error::new(ErrorKind::Unreachable, format!("the origin sent {why}"))
                                .with_url(&final_url)
                                .with_hint("try again"));
                        }
                        Err(error) if error.kind().is_transient() => (error, None),
                        Err(error) => return Err(error),
                    }
                }
                Ok((_, response)) if response.status() == StatusCode::RANGE_NOT_SATISFIABLE && asked.first > 0 => {
                    return Ok(Body::ended(self, url, range));
                }
                Ok((final_url, response)) => {
                    let wish = retry_after(response.headers());
                    let error = status_error(response.status()).with_url(&final_url);
                    if !is_transient_status(response.status()) {
                        return Err(error);
                    }
                    (error, wish)
                }
                Err(error) if error.kind().is_transient() => (error, None),
                Err(error) => return Err(error),
            };
            let Some(wait) = retries.next_wait(wish) else {
                return Err(error);
            };
            self.pause(wait, error).await?;
        }
    }

    /// Reads a whole small resource. Fails with `too_large` beyond `most` bytes.
    pub async fn read(&self, url: &Url, range: Range, most: u64) -> Result<(Url, Bytes), Error> {
        let mut body = self.open(url, range).await?;
        let bytes = body.read_to_end(BytesMut::new(), most).await?;
        Ok((body.url().clone(), bytes))
    }

    /// Waits before a further try; gives up at once with `error` where the deadline would pass meanwhile.
    pub(super) async fn pause(&self, wait: Duration, error: Error) -> Result<(), Error> {
        if Instant::now() + wait >= self.deadline {
            return Err(error);
        }
        tracing::info!("trying again in {} ms: {error}", wait.as_millis());
        self.meter.retry();
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// Fails once the deadline has passed.
    pub fn check_deadline(&self) -> Result<(), Error> {
        if Instant::now() < self.deadline { Ok(()) } else { Err(self.timeout()) }
    }

    /// Runs one step of `work`: under the deadline, and no longer than a step may take.
    pub(super) async fn in_time<T>(&self, url: &Url, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let step = self.limits.idle_timeout;
        let end = self.deadline.min(Instant::now() + step);
        match tokio::time::timeout_at(end.into(), work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(e)) => Err(e.with_url(url)),
            Err(_) => {
                self.check_deadline().map_err(|e| e.with_url(url))?;
                let what = format!("nothing came for {} s", step.as_secs_f64());
                Err(Error::new(ErrorKind::Timeout, what).with_url(url).with_hint("see whether the origin is well"))
            }
        }
    }

    async fn before_deadline<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::time::timeout_at(self.deadline.into(), work).await.unwrap_or_else(|_| Err(self.timeout()))
    }

    /// One request, and those that it is redirected to.
    pub(super) async fn follow(&self, url: &Url, range: Range) -> Result<(Url, Response), Error> {
        let mut url = url.clone();
        for _ in 0..=self.limits.max_redirects {
            self.client.policy.check(&url)?;
            self.before_deadline(self.client.policy.check_behind_proxy(&url)).await.map_err(|e| e.with_url(&url))?;
            let response = self.send(&url, range).await?;
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok((url, response));
            }
            let next = response.headers().get(LOCATION).and_then(|text| url.join(&readable(text.as_bytes())).ok());
            let next = next.ok_or_else(|| {
                Error::new(ErrorKind::HttpStatus, "the origin redirects to nowhere")
                    .with_origin_status(response.status().as_u16())
                    .with_url(&url)
            })?;
            self.client.policy.check_redirect(&url, &next)?;
            url = next;
        }
        let most = self.limits.max_redirects;
        Err(Error::new(ErrorKind::TooLarge, format!("more than {most} redirects"))
            .with_url(&url)
            .with_hint("look for a redirect loop at the origin"))
    }

    async fn send(&self, url: &Url, range: Range) -> Result<Response, Error> {
        let mut headers = self.caller.headers(url);
        if let Some(range) = range.header() {
            headers.insert(RANGE, range);
            // Ranges of a compressed body count other bytes
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        } else {
            headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static(content_coding::ACCEPTED));
        }
        let request = self.client.http.get(url.clone()).headers(headers);
        self.meter.request().map_err(|e| e.with_url(url))?;
        let response = self.in_time(url, async { request.send().await.map_err(from_reqwest) }).await?;
        self.caller.answered(response.headers(), url);
        let info = response.extensions().get::<hyper_util::client::legacy::connect::HttpInfo>();
        if let Some(info) = info {
            self.meter.connection(info.local_addr());
        }
        tracing::debug!("{} {} {:?} {range:?}", response.status().as_u16(), crate::error::redacted(url), response.version());
        Ok(response)
    }
}

/// A Location as text: bytes that are no UTF-8 are escaped, and so go back to the origin as they came.
fn readable(location: &[u8]) -> String {
    let escaped =
        || location.iter().map(|byte| if byte.is_ascii() { char::from(*byte).to_string() } else { format!("%{byte:02X}") }).collect();
    std::str::from_utf8(location).map_or_else(|_| escaped(), str::to_owned)
}

fn status_error(status: StatusCode) -> Error {
    let hint = match status.as_u16() {
        401 | 403 => "the origin may want a token or a cookie, or another program's name: see --header, --cookie, --user-agent, --referer",
        404 | 410 => "check the URL, or whether the stream is on the air",
        429 => "ask less often",
        500.. => "the origin is in trouble: try again later",
        _ => "see what the origin says to `curl -i`",
    };
    let reason = status.canonical_reason().unwrap_or("no reason known");
    Error::new(ErrorKind::HttpStatus, format!("the origin answered {} {reason}", status.as_u16()))
        .with_origin_status(status.as_u16())
        .with_hint(hint)
}

/// What kind of failure reqwest met. Its own text may hold the URL, so the message comes from the underlying error.
pub(super) fn from_reqwest(error: reqwest::Error) -> Error {
    let is_connect = error.is_connect();
    let failure = transport_failure(&error.without_url());
    if is_connect { failure.before_connection() } else { failure }
}

fn transport_failure(error: &reqwest::Error) -> Error {
    let mut inner: Option<&(dyn std::error::Error + 'static)> = error.source();
    while let Some(one) = inner {
        if is_old_tls(one) {
            return Error::new(ErrorKind::Unreachable, "the origin speaks an old version of TLS, and 1.2 or newer is needed")
                .with_hint("ask the origin's operator for TLS 1.2 or 1.3, or see whether it answers over http:");
        }
        if let Some(ours) = one.downcast_ref::<Error>() {
            return Error::new(ours.kind(), ours.message()).with_hint(ours.hint().unwrap_or_default());
        }
        inner = one.source();
    }
    let deepest = deepest(error);
    if error.is_timeout() {
        Error::new(ErrorKind::Timeout, "the origin cannot be connected to in time").with_hint("check the host and the network")
    } else if error.is_connect() {
        Error::new(ErrorKind::Unreachable, format!("the origin cannot be connected to: {deepest}"))
            .with_hint("check the host, the port and the certificate")
    } else if error.is_body() || error.is_decode() {
        Error::new(ErrorKind::Unreachable, format!("the answer broke off: {deepest}")).with_hint("try again")
    } else if error.is_builder() {
        Error::new(ErrorKind::Usage, format!("the request cannot be made: {deepest}"))
    } else {
        Error::new(ErrorKind::Unreachable, format!("the origin gave no answer: {deepest}")).with_hint("try again")
    }
}

/// Whether a handshake failed because the other side knows neither TLS 1.2 nor 1.3.
fn is_old_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    use rustls::{AlertDescription, PeerIncompatible};
    let mut inner = error;
    // An error in one of I/O is not its source
    while let Some(held) = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        inner = held;
    }
    match inner.downcast_ref() {
        Some(rustls::Error::AlertReceived(alert)) => *alert == AlertDescription::ProtocolVersion,
        Some(rustls::Error::PeerIncompatible(why)) => {
            matches!(why, PeerIncompatible::ServerDoesNotSupportTls12Or13 | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig)
        }
        _ => false,
    }
}

fn deepest(error: &reqwest::Error) -> String {
    let mut one: &dyn std::error::Error = error;
    while let Some(inner) = one.source() {
        one = inner;
    }
    one.to_string()
}
