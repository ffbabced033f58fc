//! Connections that outlive a job, and what every request carries.

use std::{sync::Arc, time::Duration};

use reqwest::{
    Proxy,
    header::{COOKIE, HeaderMap, HeaderName, HeaderValue, REFERER, USER_AGENT},
    redirect,
};

use super::{
    policy::{Policy, Resolver},
    tls,
};
use crate::{
    error::{Error, ErrorKind},
    request::{Access, Limits},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections, with how origins are asked. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    pub(super) http: reqwest::Client,
    pub(super) policy: Policy,
    pub(super) limits: Limits,
    /// What the caller gave for the playlist's own origin.
    pub(super) own_headers: Arc<HeaderMap>,
    pub(super) header_everywhere: bool,
}

impl Client {
    /// Fails with `usage` where a header, a proxy or a certificate file cannot be used.
    pub fn new(access: &Access, limits: &Limits) -> Result<Self, Error> {
        let policy = Policy { allow_private: access.allow_private };
        let agent = access.user_agent.clone().unwrap_or_else(|| concat!("hlsnap/", env!("CARGO_PKG_VERSION")).to_owned());
        let mut builder = reqwest::Client::builder()
            .default_headers(HeaderMap::from_iter([(USER_AGENT, value("--user-agent", &agent)?)]))
            // Redirects are followed by the job, which checks and counts each.
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .cookie_store(true)
            .referer(false)
            // A segment may fill a round trip's worth at once: HTTP/2's default window of 64 KB would wait in between.
            .http2_initial_stream_window_size(2 << 20)
            .http2_initial_connection_window_size(4 << 20)
            .dns_resolver(Resolver(policy));
        if let Some(proxy) = &access.proxy {
            let proxy = Proxy::all(proxy).map_err(|_| Error::new(ErrorKind::Usage, "--proxy is no URL").hint("give http://host:port"))?;
            builder = builder.proxy(proxy);
        }
        builder = if access.insecure {
            // Fails only where a provider is installed already: then there is one.
            let _ = rustls::crypto::ring::default_provider().install_default();
            builder.tls_backend_rustls().tls_danger_accept_invalid_certs(true)
        } else {
            builder.tls_backend_preconfigured(tls::configuration(access.cacert.as_deref())?)
        };
        let http = builder.build().map_err(|e| Error::internal("the HTTP client cannot be set up").because(e))?;
        let own_headers = Arc::new(own_headers(access)?);
        Ok(Self { http, policy, limits: *limits, own_headers, header_everywhere: access.header_everywhere })
    }
}

fn own_headers(access: &Access) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    for (name, text) in &access.headers {
        let known = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| Error::new(ErrorKind::Usage, format!("--header {name:?} is no header's name")).hint("write 'Name: value'"))?;
        headers.append(known, value("--header", text)?);
    }
    if let Some(cookie) = &access.cookie {
        headers.insert(COOKIE, value("--cookie", cookie)?);
    }
    if let Some(referer) = &access.referer {
        headers.insert(REFERER, value("--referer", referer)?);
    }
    Ok(headers)
}

fn value(option: &str, text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text).map_err(|_| {
        Error::new(ErrorKind::Usage, format!("{option}: the value holds characters that no header may have")).hint("use printable ASCII")
    })
}
