//! Which URLs a job may request: schemes, hosts, and addresses at the time of connecting.
//!
//! [`Resolver`] resolves a name once per connection and passes only allowed addresses to the connector. So the checked address is the
//! connected one, and DNS rebinding has no effect. IP literals skip the resolver and are checked in the URL, whose parser normalizes every
//! spelling of an address.
//!
//! A proxy resolves names itself. Before a request through a proxy, hlsnap also resolves the name and refuses it if any address is forbidden
//! or none is found. Whether the proxy gets the same addresses is up to the proxy. The proxy's own address comes from the operator and may
//! be private.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::{address::is_public, connector::Connecting};
use crate::{
    error::{Error, ErrorKind},
    request::{HostPattern, NetworkPolicy},
};

/// Decides which URLs a job may request. The same rules hold for playlists, keys, inits, segments and redirects.
#[derive(Debug, Clone)]
pub(super) struct AddressPolicy {
    allow_private: bool,
    allow_downgrade: bool,
    /// The allowed hosts; if empty, any.
    hosts: Arc<[HostPattern]>,
    proxies: Arc<Matcher>,
    /// The host names of the proxies.
    proxy_names: Arc<[String]>,
}

impl AddressPolicy {
    pub fn new(network: &NetworkPolicy) -> Self {
        let proxies = match &network.proxy {
            Some(proxy) => Matcher::builder().all(proxy.clone()).build(),
            None => Matcher::from_system(),
        };
        let names = ["http://example.com/", "https://example.com/"].into_iter().filter_map(|example| {
            let proxy = proxies.intercept(&example.parse().ok()?)?;
            Some(proxy.uri().host()?.to_ascii_lowercase())
        });
        Self {
            allow_private: network.allow_private,
            allow_downgrade: network.allow_downgrade,
            hosts: network.allow_hosts.as_slice().into(),
            proxy_names: names.collect(),
            proxies: Arc::new(proxies),
        }
    }

    /// Checks the URL itself. [`Resolver`] and [`check_proxied_host`](Self::check_proxied_host) check the addresses of names.
    ///
    /// Fails with `not_allowed`.
    pub fn check(&self, url: &Url) -> Result<(), Error> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Error::new(ErrorKind::NotAllowed, format!("the scheme {}: is not allowed", url.scheme())).with_url(url));
        }
        if !self.hosts.is_empty() && !self.hosts.iter().any(|pattern| pattern.matches(url)) {
            let host = url.host_str().unwrap_or_default();
            let error = Error::new(ErrorKind::NotAllowed, format!("the host {host} is not allowed"));
            return Err(error.with_url(url).with_hint("the operator allows hosts with --allow-host, including the CDNs of segments"));
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            _ => None,
        };
        match literal {
            Some(address) if !self.allows_address(address) => Err(address_refused().with_url(url)),
            _ => Ok(()),
        }
    }

    /// Refuses a redirect from https: to another scheme, which would expose what the first request kept secret.
    pub fn check_redirect(&self, from: &Url, to: &Url) -> Result<(), Error> {
        if self.allow_downgrade || from.scheme() != "https" || to.scheme() == "https" {
            return Ok(());
        }
        Err(Error::new(ErrorKind::NotAllowed, format!("a redirect leads from https: to {}:", to.scheme()))
            .with_url(to)
            .with_hint("pass --allow-downgrade to follow it"))
    }

    /// Checks the addresses of a host that a proxy will resolve, or that has the proxy's own name, which [`Resolver`] does not check.
    pub async fn check_proxied_host(&self, url: &Url) -> Result<(), Error> {
        let Some(Host::Domain(name)) = url.host().filter(|_| !self.allow_private) else {
            return Ok(());
        };
        let uses_proxy = url.as_str().parse::<Uri>().is_ok_and(|uri| self.proxies.intercept(&uri).is_some());
        if !uses_proxy && !self.is_proxy(name) {
            return Ok(());
        }
        let unknown = || {
            Error::new(ErrorKind::NotAllowed, "the address cannot be checked, since only the proxy resolves it")
                .with_url(url)
                .with_hint("pass --allow-private to leave this check to the proxy")
        };
        let found: Vec<_> = tokio::net::lookup_host((name, 0)).await.map_err(|e| unknown().with_source(e))?.collect();
        match found.iter().all(|address| is_public(address.ip())) {
            _ if found.is_empty() => Err(unknown()),
            true => Ok(()),
            false => Err(address_refused().with_url(url)),
        }
    }

    /// Whether any request may go through a proxy.
    pub fn uses_proxies(&self) -> bool {
        !self.proxy_names.is_empty()
    }

    fn allows_address(&self, address: IpAddr) -> bool {
        self.allow_private || is_public(address)
    }

    fn is_proxy(&self, name: &str) -> bool {
        self.proxy_names.iter().any(|proxy| proxy.eq_ignore_ascii_case(name))
    }
}

fn address_refused() -> Error {
    Error::new(ErrorKind::NotAllowed, "private, loopback, link-local and reserved addresses are not allowed")
        .with_hint("pass --allow-private if you trust this origin")
}

/// The system's resolver. Unless private addresses are allowed, it returns only public ones.
#[derive(Debug, Clone)]
pub(super) struct Resolver(pub AddressPolicy);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Connecting::name_is_resolved();
            let exists = !found.is_empty();
            let is_proxy = policy.is_proxy(name.as_str());
            let usable: Vec<_> = found.into_iter().filter(|address| is_proxy || policy.allows_address(address.ip())).collect();
            if usable.is_empty() && exists {
                return Err(address_refused().into());
            }
            Ok(Box::new(usable.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_from_https_to_http_is_refused() {
        let kind = |allow_downgrade, from: &str, to: &str| {
            let policy = AddressPolicy::new(&NetworkPolicy { allow_downgrade, ..NetworkPolicy::default() });
            let urls = Url::parse(from).ok().zip(Url::parse(to).ok());
            urls.map(|(from, to)| policy.check_redirect(&from, &to).map_err(|e| e.kind()))
        };
        assert_eq!(kind(false, "https://a/", "http://a/"), Some(Err(ErrorKind::NotAllowed)));
        assert_eq!(kind(true, "https://a/", "http://a/"), Some(Ok(())));
        for (from, to) in [("https://a/", "https://b/"), ("http://a/", "https://a/"), ("http://a/", "http://b/")] {
            assert_eq!(kind(false, from, to), Some(Ok(())), "{from} {to}");
        }
    }
}
