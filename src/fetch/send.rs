//! Sends one request as the policy allows, and follows redirects.

use hyper_util::client::legacy::connect::HttpInfo;
use reqwest::{
    Response,
    header::{ACCEPT_ENCODING, HeaderValue, LOCATION, RANGE},
};
use url::Url;

use super::{
    connector::Connecting, content_coding::ACCEPTED, failure::from_reqwest, host_facts::host_key, job::Job, lanes::Route, range::Range,
};
use crate::error::{self, Error, ErrorKind};

impl Job {
    /// Sends a request and those that redirects lead to. Returns the last response with its URL.
    pub(super) async fn follow_redirects(&self, url: &Url, range: Range) -> Result<(Url, Response), Error> {
        let mut url = url.clone();
        for _ in 0..=self.limits.max_redirects {
            self.check_policy(&url).await?;
            let response = Box::pin(self.send(&url, range)).await?;
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok((url, response));
            }
            let target = redirect_target(&url, &response)?;
            self.client.policy.check_redirect(&url, &target)?;
            url = target;
        }
        let limit = self.limits.max_redirects;
        Err(Error::new(ErrorKind::TooLarge, format!("more than {limit} redirects"))
            .with_url(&url)
            .with_hint("check the origin for a redirect loop"))
    }

    async fn check_policy(&self, url: &Url) -> Result<(), Error> {
        self.client.policy.check(url)?;
        self.before_deadline(self.client.policy.check_proxied_host(url)).await.map_err(|e| e.with_url(url))
    }

    async fn send(&self, url: &Url, range: Range) -> Result<Response, Error> {
        let mut headers = self.headers.for_url(url);
        if let Some(range) = range.header() {
            headers.insert(RANGE, range);
            // A range of a compressed body counts compressed bytes
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        } else {
            headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static(ACCEPTED));
            headers.extend(self.known_version.iter().flat_map(|known| known.conditions()));
        }
        self.meter.count_request().map_err(|e| e.with_url(url))?;
        let host = host_key(url).unwrap_or_default();
        let request = async {
            let request = self.http(&host).await.get(url.clone()).headers(headers);
            Ok(Connecting::watch(host, self.on_connected(url), request.send()).await)
        };
        let (response, timing) = self.in_time(url, request).await?;
        let response = response.map_err(|error| from_reqwest(error).with_url(url))?;
        self.client.hosts.learn(url, range.header().is_some(), response.status(), response.headers(), timing);
        self.headers.keep_cookies(response.headers(), url);
        if let Some(info) = response.extensions().get::<HttpInfo>() {
            self.meter.count_connection(info.local_addr());
        }
        tracing::debug!("{} {} {:?} {range:?}", response.status().as_u16(), error::redacted(url), response.version());
        Ok(response)
    }

    /// The client whose connections lead to a host by the job's route.
    async fn http(&self, host: &str) -> reqwest::Client {
        let lane = match (self.route, &self.client.lanes) {
            (Route::Lane(index), Some(lanes)) => lanes.client(index, host).await,
            _ => None,
        };
        lane.unwrap_or_else(|| self.client.http.clone())
    }
}

fn redirect_target(url: &Url, response: &Response) -> Result<Url, Error> {
    let location = response.headers().get(LOCATION).map(|value| escaped_location(value.as_bytes()));
    location.and_then(|location| url.join(&location).ok()).ok_or_else(|| {
        Error::new(ErrorKind::HttpStatus, "the origin redirects without a valid Location")
            .with_origin_status(response.status().as_u16())
            .with_url(url)
    })
}

/// A Location as text. Percent-encodes bytes that are not UTF-8, so that the origin gets back the same bytes.
fn escaped_location(location: &[u8]) -> String {
    let escaped =
        || location.iter().map(|byte| if byte.is_ascii() { char::from(*byte).to_string() } else { format!("%{byte:02X}") }).collect();
    std::str::from_utf8(location).map_or_else(|_| escaped(), str::to_owned)
}
