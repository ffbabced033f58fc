//! Connections that outlive a job.

use std::{sync::Arc, time::Duration};

use reqwest::{ClientBuilder, Proxy, redirect};
use url::Url;

use super::{
    connector::ConnectorLayer,
    host_facts::HostFacts,
    lanes::Lanes,
    policy::{AddressPolicy, Resolver},
    tls,
    traffic::Traffic,
};
use crate::{error::Error, request::NetworkPolicy};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The connections of a process, and the addresses they may reach. Cheap to clone. State of one picture is in its `Job`.
#[derive(Debug, Clone)]
pub struct Client {
    pub(super) http: reqwest::Client,
    /// `None` if one connection to a host is enough.
    pub(super) lanes: Option<Lanes>,
    pub(super) hosts: Arc<HostFacts>,
    pub(super) policy: AddressPolicy,
    pub(super) traffic: Arc<Traffic>,
}

impl Client {
    /// Fails with `usage` if the proxy or the certificate file is invalid.
    pub fn new(network: &NetworkPolicy) -> Result<Self, Error> {
        let policy = AddressPolicy::new(network);
        let tls = tls_settings(network)?;
        let (network, own_policy) = (network.clone(), policy.clone());
        let new_client = move |layer| media_client(&network, &tls, &own_policy, layer);
        Ok(Self {
            http: new_client(ConnectorLayer::default())?,
            // Those who share a proxy would pay for its connections
            lanes: (!policy.uses_proxies()).then(|| Lanes::new(new_client)),
            hosts: Arc::default(),
            policy,
            traffic: Arc::default(),
        })
    }

    /// The same client with one connection to a host, for many jobs at a time: how long each takes does not matter.
    pub(crate) fn without_lanes(self) -> Self {
        Self { lanes: None, ..self }
    }

    /// The total cost of all jobs of this client and its clones.
    pub(crate) fn traffic(&self) -> &Arc<Traffic> {
        &self.traffic
    }

    /// Fails with `not_allowed` if the URL itself is forbidden. Each job checks the resolved addresses and the redirects.
    pub(crate) fn check(&self, url: &Url) -> Result<(), Error> {
        self.policy.check(url)
    }

    /// An HTTP client for object stores. The operator names them, so the policy does not apply: a store may have a private address.
    pub(crate) fn for_stores(network: &NetworkPolicy) -> Result<reqwest::Client, Error> {
        build(builder(network)?)
    }
}

/// A client for playlists and media.
fn media_client(
    network: &NetworkPolicy,
    tls: &TlsSettings,
    policy: &AddressPolicy,
    layer: ConnectorLayer,
) -> Result<reqwest::Client, Error> {
    let mut builder = builder_with(network, tls)?
        // The job follows redirects, since it checks and counts each
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        // HTTP/2's default window of 64 KB would stall a segment once per round trip
        .http2_initial_stream_window_size(2 << 20)
        .http2_initial_connection_window_size(4 << 20)
        .dns_resolver(Resolver(policy.clone()))
        .connector_layer(layer);
    // A proxy may send the responses of several origins over one connection. If it and we parse a header differently, one origin could
    // forge the response of another. On a direct connection an origin can only harm itself.
    if !policy.uses_proxies() {
        builder = builder
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .http1_allow_spaces_after_header_name_in_responses(true)
            .http1_ignore_invalid_headers_in_responses(true);
    }
    build(builder)
}

/// How certificates are verified. Clients that share it share TLS sessions too.
enum TlsSettings {
    Verified(Box<rustls::ClientConfig>),
    Unverified,
}

fn tls_settings(network: &NetworkPolicy) -> Result<TlsSettings, Error> {
    if network.insecure {
        // Fails only if a provider is installed already
        let _ = rustls::crypto::ring::default_provider().install_default();
        return Ok(TlsSettings::Unverified);
    }
    tls::configuration(network.cacert.as_deref()).map(|configuration| TlsSettings::Verified(Box::new(configuration)))
}

pub(super) fn builder(network: &NetworkPolicy) -> Result<ClientBuilder, Error> {
    builder_with(network, &tls_settings(network)?)
}

fn builder_with(network: &NetworkPolicy, tls: &TlsSettings) -> Result<ClientBuilder, Error> {
    let mut builder = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT);
    if let Some(proxy) = &network.proxy {
        let proxy = Proxy::all(proxy).map_err(|_| Error::usage("--proxy is not a valid URL", "give http://host:port"))?;
        builder = builder.proxy(proxy);
    }
    Ok(match tls {
        TlsSettings::Verified(configuration) => builder.tls_backend_preconfigured((**configuration).clone()),
        TlsSettings::Unverified => builder.tls_backend_rustls().tls_danger_accept_invalid_certs(true),
    })
}

pub(super) fn build(builder: ClientBuilder) -> Result<reqwest::Client, Error> {
    builder.build().map_err(|e| Error::internal("the HTTP client cannot be created").with_source(e))
}
