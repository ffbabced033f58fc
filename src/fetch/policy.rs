//! Who may be asked: schemes, and addresses at the moment of connecting.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::{
    error::{Error, ErrorKind},
    request::{HostPattern, Reach},
};

/// What a job may ask for. The same for playlists, inits, segments and redirects.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    allow_private: bool,
    /// Empty: any host.
    hosts: Arc<[HostPattern]>,
}

impl Policy {
    pub fn new(reach: &Reach) -> Self {
        Self { allow_private: reach.allow_private, hosts: reach.allow_hosts.as_slice().into() }
    }

    /// Checks what the URL itself says. Addresses behind names are checked when they are resolved, see [`Resolver`].
    pub fn check(&self, url: &Url) -> Result<(), Error> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Error::new(ErrorKind::NotAllowed, format!("the scheme {}: may not be asked for", url.scheme())).at(url));
        }
        if !self.hosts.is_empty() && !self.hosts.iter().any(|pattern| pattern.matches(url)) {
            let host = url.host_str().unwrap_or_default();
            let error = Error::new(ErrorKind::NotAllowed, format!("the host {host} is not among those that may be asked"));
            return Err(error.at(url).hint("the operator allows hosts by --allow-host, CDNs of the segments too"));
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            _ => None,
        };
        match literal {
            Some(address) if !self.allow_private && !is_public(address) => Err(refused().at(url)),
            _ => Ok(()),
        }
    }
}

fn refused() -> Error {
    Error::new(ErrorKind::NotAllowed, "private, loopback and link-local addresses may not be asked")
        .hint("pass --allow-private if this origin is meant")
}

/// The system's resolver; where private addresses may not be asked, it answers with public ones alone.
#[derive(Debug, Clone)]
pub(super) struct Resolver(pub Policy);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.0.allow_private;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let some = !found.is_empty();
            let usable: Vec<_> = found.into_iter().filter(|address| allow_private || is_public(address.ip())).collect();
            if usable.is_empty() && some {
                return Err(refused().into());
            }
            Ok(Box::new(usable.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is one of the open internet (IANA special-purpose registries, RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || (a == 100 && (64..128).contains(&b)) // shared address space of carriers, RFC 6598
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99) // 6to4 relays
        || (a == 198 && (b == 18 || b == 19)) // benchmarks, RFC 2544
        || a >= 240)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let inner = |high: u16, low: u16| is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match address.segments() {
        // IPv4 within: mapped, NAT64 and 6to4 lead where the inner address leads
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => inner(high, low),
        [0x2001, 0xdb8, ..] => false,
        [0x2001, second, ..] => second >= 0x200,
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_inside_are_told_from_those_outside() {
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "64:ff9b:1::1",
            "::127.0.0.1",
        ] {
            assert!(text.parse().is_ok_and(|address| !is_public(address)), "{text} must not be asked");
        }
        for text in ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450::1", "2001:4860:4860::8888", "64:ff9b::101:101"] {
            assert!(text.parse().is_ok_and(is_public), "{text} is public");
        }
    }

    #[test]
    fn literals_are_checked_in_every_spelling() {
        let policy = Policy::new(&Reach { allow_private: false, ..Reach::default() });
        for text in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "file:///x",
            "ftp://1.1.1.1/",
        ] {
            let kind = Url::parse(text).map(|url| policy.check(&url).map_err(|e| e.kind()));
            assert_eq!(kind, Ok(Err(ErrorKind::NotAllowed)), "{text}");
        }
    }
}
