//! Who may be asked: schemes, hosts, and addresses at the moment of connecting.
//!
//! Names are resolved once for each connection, by [`Resolver`], which gives the connector those addresses alone that may be asked: what is
//! checked is what is connected to, whatever a further answer of the DNS would say. Literals skip the resolver, and are checked in the
//! URL, in whose parser every spelling of an address has become one.
//!
//! Where a proxy is in the way it resolves names, not we. Then a name is resolved here too before it is asked for, and refused where one of
//! its addresses may not be asked or none is known; that the proxy will find the same is for the proxy to see to. Its own address is the
//! operator's, and may be private.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::address::is_public;
use crate::{
    error::{Error, ErrorKind},
    request::{HostPattern, NetworkPolicy},
};

/// What a job may ask for. The same for playlists, keys, inits, segments and redirects.
#[derive(Debug, Clone)]
pub(super) struct AddressPolicy {
    allow_private: bool,
    allow_downgrade: bool,
    /// Empty: any host.
    hosts: Arc<[HostPattern]>,
    proxies: Arc<Matcher>,
    /// The proxies' own names.
    proxy_names: Arc<[String]>,
}

impl AddressPolicy {
    pub fn new(reach: &NetworkPolicy) -> Self {
        let proxies = match &reach.proxy {
            Some(proxy) => Matcher::builder().all(proxy.clone()).build(),
            None => Matcher::from_system(),
        };
        let names = ["http://example.com/", "https://example.com/"].into_iter().filter_map(|any| {
            let proxy = proxies.intercept(&any.parse().ok()?)?;
            Some(proxy.uri().host()?.to_ascii_lowercase())
        });
        Self {
            allow_private: reach.allow_private,
            allow_downgrade: reach.allow_downgrade,
            hosts: reach.allow_hosts.as_slice().into(),
            proxy_names: names.collect(),
            proxies: Arc::new(proxies),
        }
    }

    /// Checks what the URL itself says. Addresses behind names are checked when they are resolved, see [`Resolver`] and
    /// [`Policy::check_behind_proxy`].
    pub fn check(&self, url: &Url) -> Result<(), Error> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Error::new(ErrorKind::NotAllowed, format!("the scheme {}: may not be asked for", url.scheme())).with_url(url));
        }
        if !self.hosts.is_empty() && !self.hosts.iter().any(|pattern| pattern.matches(url)) {
            let host = url.host_str().unwrap_or_default();
            let error = Error::new(ErrorKind::NotAllowed, format!("the host {host} is not among those that may be asked"));
            return Err(error.with_url(url).with_hint("the operator allows hosts by --allow-host, CDNs of the segments too"));
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            _ => None,
        };
        match literal {
            Some(address) if !self.may_connect(address) => Err(refused().with_url(url)),
            _ => Ok(()),
        }
    }

    /// Checks where a redirect leads to, besides what is checked of every URL: what was asked for in secret is not answered in the open.
    pub fn check_redirect(&self, from: &Url, to: &Url) -> Result<(), Error> {
        if self.allow_downgrade || from.scheme() != "https" || to.scheme() == "https" {
            return Ok(());
        }
        Err(Error::new(ErrorKind::NotAllowed, format!("a redirect leads from https: to {}:", to.scheme()))
            .with_url(to)
            .with_hint("pass --allow-downgrade if that is meant"))
    }

    /// Checks the addresses of a name that somebody else will resolve, or that the [`Resolver`] lets pass.
    pub async fn check_behind_proxy(&self, url: &Url) -> Result<(), Error> {
        let Some(Host::Domain(name)) = url.host().filter(|_| !self.allow_private) else {
            return Ok(());
        };
        let goes_by_proxy = url.as_str().parse::<Uri>().is_ok_and(|uri| self.proxies.intercept(&uri).is_some());
        if !goes_by_proxy && !self.is_proxy(name) {
            return Ok(());
        }
        let unknown = || {
            Error::new(ErrorKind::NotAllowed, "the address cannot be checked, since only the proxy can tell it")
                .with_url(url)
                .with_hint("pass --allow-private to leave addresses to the proxy")
        };
        let found: Vec<_> = tokio::net::lookup_host((name, 0)).await.map_err(|e| unknown().with_source(e))?.collect();
        match found.iter().all(|address| is_public(address.ip())) {
            _ if found.is_empty() => Err(unknown()),
            true => Ok(()),
            false => Err(refused().with_url(url)),
        }
    }

    /// Whether any request may go by a proxy.
    pub fn uses_proxies(&self) -> bool {
        !self.proxy_names.is_empty()
    }

    fn may_connect(&self, address: IpAddr) -> bool {
        self.allow_private || is_public(address)
    }

    fn is_proxy(&self, name: &str) -> bool {
        self.proxy_names.iter().any(|proxy| proxy.eq_ignore_ascii_case(name))
    }
}

fn refused() -> Error {
    Error::new(ErrorKind::NotAllowed, "private, loopback, link-local and reserved addresses may not be asked")
        .with_hint("pass --allow-private if this origin is meant")
}

/// The system's resolver; where private addresses may not be asked, it answers with public ones alone.
#[derive(Debug, Clone)]
pub(super) struct Resolver(pub AddressPolicy);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let some = !found.is_empty();
            let is_proxy = policy.is_proxy(name.as_str());
            let usable: Vec<_> = found.into_iter().filter(|address| is_proxy || policy.may_connect(address.ip())).collect();
            if usable.is_empty() && some {
                return Err(refused().into());
            }
            Ok(Box::new(usable.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrecy_is_not_lost_on_the_way() {
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
