//! Connections that outlive a job.

use std::time::Duration;

use reqwest::{ClientBuilder, Proxy, redirect};
use url::Url;

use super::{
    policy::{AddressPolicy, Resolver},
    tls,
};
use crate::{
    error::{Error, ErrorKind},
    request::NetworkPolicy,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections, with how far they may reach. Cheap to clone; what belongs to one picture is its [`Job`](super::Job)'s.
#[derive(Debug, Clone)]
pub struct Client {
    pub(super) http: reqwest::Client,
    pub(super) policy: AddressPolicy,
}

impl Client {
    /// Fails with `usage` where a host pattern, a proxy or a certificate file cannot be used.
    pub fn new(reach: &NetworkPolicy) -> Result<Self, Error> {
        let policy = AddressPolicy::new(reach);
        let mut builder = builder(reach)?
            // Redirects are followed by the job, which checks and counts each.
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            // A segment may fill a round trip's worth at once: HTTP/2's default window of 64 KB would wait in between.
            .http2_initial_stream_window_size(2 << 20)
            .http2_initial_connection_window_size(4 << 20)
            .dns_resolver(Resolver(policy.clone()));
        // A proxy's connection may carry the answers of several origins, and there a header that two programs read differently could pass
        // one origin's bytes off as another's. A connection of our own to one origin has nobody to deceive.
        if !policy.uses_proxies() {
            builder = builder
                .http1_allow_obsolete_multiline_headers_in_responses(true)
                .http1_allow_spaces_after_header_name_in_responses(true)
                .http1_ignore_invalid_headers_in_responses(true);
        }
        Ok(Self { http: built(builder)?, policy })
    }

    /// Fails with `not_allowed` where a URL itself says that it may not be asked for. What is behind its host, and where it leads, each job checks.
    pub fn check(&self, url: &Url) -> Result<(), Error> {
        self.policy.check(url)
    }

    /// Connections to what the operator named: object stores. No policy is in their way, for a store may well have a private address.
    pub fn for_stores(reach: &NetworkPolicy) -> Result<reqwest::Client, Error> {
        built(builder(reach)?)
    }
}

fn builder(reach: &NetworkPolicy) -> Result<ClientBuilder, Error> {
    let mut builder = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT);
    if let Some(proxy) = &reach.proxy {
        let proxy = Proxy::all(proxy).map_err(|_| Error::new(ErrorKind::Usage, "--proxy is no URL").with_hint("give http://host:port"))?;
        builder = builder.proxy(proxy);
    }
    if reach.insecure {
        // Fails only where a provider is installed already: then there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(builder.tls_backend_rustls().tls_danger_accept_invalid_certs(true))
    } else {
        Ok(builder.tls_backend_preconfigured(tls::configuration(reach.cacert.as_deref())?))
    }
}

fn built(builder: ClientBuilder) -> Result<reqwest::Client, Error> {
    builder.build().map_err(|e| Error::internal("the HTTP client cannot be set up").with_source(e))
}
