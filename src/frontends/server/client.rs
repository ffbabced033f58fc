//! Who sends a request: the peer of the connection, or the client that trusted proxies name.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::Request;
use ipnet::IpNet;

use crate::{error::Error, frontends::http::Peer};

const FORWARDED: &str = "x-forwarded-for";
/// The longest chain of proxies that is followed.
const MAX_PROXIES: usize = 16;

/// The address of a client; `None` if the request came without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Client(pub Option<IpAddr>);

impl Client {
    /// The key of rate limits: an IPv4 address, or the /64 of one IPv6 customer.
    pub fn network(self) -> Option<IpAddr> {
        self.0.map(|address| match address {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
            IpAddr::V4(_) => address,
        })
    }
}

/// The networks of trusted proxies, whose `X-Forwarded-For` names the client.
#[derive(Debug, Default)]
pub(super) struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Reads `10.0.0.0/8`, `fd00::/8`, or single addresses. Fails with `usage`.
    pub fn parse(networks: &[String]) -> Result<Self, Error> {
        let parse = |text: &String| {
            let address = text.parse::<IpAddr>().map(IpNet::from);
            let invalid = || {
                Error::usage(
                    format!("--trusted-proxies {text:?} is not a network"),
                    "give the proxies' networks, such as 10.0.0.0/8 or fd00::/8",
                )
            };
            address.or_else(|_| text.parse()).map_err(|_| invalid())
        };
        Ok(Self(networks.iter().map(parse).collect::<Result<_, _>>()?))
    }

    /// The client of a request. Each proxy appends its own peer to the header, so the right-most address is the peer of the nearest proxy.
    /// Addresses to the left of the first one that is no trusted proxy may be forged.
    pub fn client(&self, request: &Request) -> Client {
        let Some(Peer(peer)) = request.extensions().get::<Peer>() else { return Client(None) };
        let mut client = peer.to_canonical();
        let lines = request.headers().get_all(FORWARDED).iter().rev().filter_map(|line| line.to_str().ok());
        for entry in lines.flat_map(|line| line.rsplit(',')).take(MAX_PROXIES) {
            let is_trusted = self.0.iter().any(|network| network.contains(&client));
            let (true, Some(before)) = (is_trusted, address(entry.trim())) else { break };
            client = before;
        }
        Client(Some(client))
    }
}

/// Parses an address as proxies write it: some append the port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address = text.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip())).or_else(bare);
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(proxies: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let networks: Vec<_> = proxies.iter().map(|text| (*text).to_owned()).collect();
        let mut request = Request::builder();
        for line in forwarded {
            request = request.header(FORWARDED, *line);
        }
        let mut request = request.body(axum::body::Body::empty()).unwrap_or_default();
        request.extensions_mut().extend(
            peer.parse()
                .map(|peer| {
                    let mut extensions = axum::http::Extensions::new();
                    extensions.insert(Peer(peer));
                    extensions
                })
                .unwrap_or_default(),
        );
        let client = Proxies::parse(&networks).unwrap_or_default().client(&request);
        client.0.map_or_else(String::new, |address| address.to_string())
    }

    #[test]
    fn only_trusted_proxies_name_the_client() {
        assert_eq!(client(&[], "192.0.2.1", &["198.51.100.9"]), "192.0.2.1");
        assert_eq!(client(&["10.0.0.0/8"], "192.0.2.1", &["198.51.100.9"]), "192.0.2.1");
        assert_eq!(client(&["10.0.0.0/8"], "10.1.2.3", &["198.51.100.9"]), "198.51.100.9");
        assert_eq!(client(&["10.0.0.0/8"], "10.1.2.3", &["6.6.6.6, 198.51.100.9"]), "198.51.100.9", "the left end may be forged");
        assert_eq!(client(&["10.0.0.0/8"], "10.1.2.3", &["6.6.6.6, 198.51.100.9, 10.9.9.9"]), "198.51.100.9");
        assert_eq!(client(&["10.0.0.0/8"], "10.1.2.3", &["6.6.6.6", "198.51.100.9", "10.9.9.9"]), "198.51.100.9");
        assert_eq!(client(&["10.0.0.0/8"], "::ffff:10.1.2.3", &["198.51.100.9:4711"]), "198.51.100.9");
        assert_eq!(client(&["fd00::/8"], "fd00::1", &["[2001:db8::7]:4711"]), "2001:db8::7");
        for lost in ["unknown", "", "_hidden", "1.2.3.4.5"] {
            assert_eq!(client(&["10.1.2.3"], "10.1.2.3", &[lost]), "10.1.2.3", "{lost:?}");
        }
        let many = vec!["10.0.0.1"; 100].join(",");
        assert_eq!(client(&["10.0.0.0/8"], "10.1.2.3", &[&many]), "10.0.0.1");
    }

    #[test]
    fn one_customer_of_ipv6_is_one_client() {
        let network = |text: &str| Client(text.parse().ok()).network().map_or_else(String::new, |network| network.to_string());
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
        assert!(Proxies::parse(&["10.0.0.0/33".to_owned()]).is_err());
    }
}
