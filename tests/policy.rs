//! The network policy. Each test has a network namespace in which every address answers, and asserts that refused addresses get no
//! connection.

use std::{
    net::{IpAddr, Ipv4Addr},
    process::{Command, Output},
};

use crate::support::isolated_network::{CatchAllServer, DnsServer, Reply, host_name, in_isolated_network};

/// The address of the stream.
const PUBLIC: &str = "93.184.216.34";
const PUBLIC_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(93, 184, 216, 34));

/// Spellings of forbidden hosts in a URL.
const FORBIDDEN: [&str; 83] = [
    // Loopback, in every form that inet_aton accepts
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0x7f.0.0.1",
    "0X7F.0.0.1",
    "017700000001",
    "0177.0.0.1",
    "0177.1",
    "127.0.0.0x1",
    "127.0.0.01",
    "127.0.0.1.",
    "%31%32%37.0.0.1",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "localhost",
    "LOCALHOST",
    // This host
    "0",
    "0.0.0.0",
    "0x0",
    "0.1.2.3",
    // Private
    "10.0.0.1",
    "10.255.255.255",
    "167772161",
    "0xa000001",
    "012.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "192.168.1.1",
    "3232235777",
    "0xc0a80101",
    "0300.0250.1.1",
    "192.168.257",
    // Link-local addresses, and metadata services of clouds
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "169.254.170.2",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
    // Carrier-grade NAT, benchmarks, documentation, 6to4 relays, multicast, reserved, broadcast
    "100.64.0.1",
    "100.127.255.254",
    "198.18.0.1",
    "198.19.255.254",
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.1",
    "192.88.99.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    // IPv6: loopback, unspecified, unique local, link-local, site-local, multicast, documentation, discard
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[fd00::1]",
    "[fd00:ec2::254]",
    "[fc00::1]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[100::1]",
    // IPv4 within IPv6: mapped, compatible, translated, NAT64, 6to4, Teredo; and SRv6 SIDs
    "[::ffff:127.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[0:0:0:0:0:ffff:10.0.0.1]",
    "[::127.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::10.0.0.1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::1]",
    "[64:ff9b:1::8.8.8.8]",
    "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::1]",
    "[2001:0:4136:e378::1]",
    "[5f00::1]",
];

/// Forbidden addresses that names resolve to.
const RESOLVED: [&str; 14] = [
    "127.0.0.1",
    "10.0.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "192.168.1.1",
    "168.63.129.16",
    "::1",
    "fd00:ec2::254",
    "fe80::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::1",
    "2001::1",
];

/// Runs the program, with private addresses forbidden unless an option allows them.
fn hlsnap(url: &str, options: &[&str], variables: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_hlsnap"));
    let policy: &[&str] = if options.contains(&"--allow-private") { &[] } else { &["--allow-private=false"] };
    command.args([url, "--retries", "0"]).args(policy).args(options).current_dir(folder.path()).env_clear();
    command.envs(variables.iter().copied()).output().expect("the program runs")
}

#[track_caller]
fn assert_refused(url: &str) {
    assert_refused_with(url, &[], &[]);
}

#[track_caller]
fn assert_refused_with(url: &str, options: &[&str], variables: &[(&str, &str)]) {
    let output = hlsnap(url, options, variables);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(10) && stderr.starts_with("hlsnap: not_allowed: "), "{url}: {stderr}");
}

/// The server's answer: the path decides how it refers to the URL in the query.
fn answer(target: &str) -> Reply {
    let path = target.strip_prefix("http://").map_or(target, |rest| rest.find('/').map_or("/", |at| &rest[at..]));
    let (kind, url) = path.split_once('?').unwrap_or((path, ""));
    let playlist = |lines: &str| (200, String::new(), format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{lines}").into_bytes());
    let own = "http://93.184.216.34/media.ts";
    match kind {
        "/to" => (302, format!("Location: {url}\r\n"), Vec::new()),
        "/segment" => playlist(&format!("#EXTINF:2,\n{url}\n#EXT-X-ENDLIST\n")),
        "/init" => playlist(&format!("#EXT-X-MAP:URI=\"{url}\"\n#EXTINF:2,\n{own}\n#EXT-X-ENDLIST\n")),
        "/key" => playlist(&format!("#EXT-X-KEY:METHOD=AES-128,URI=\"{url}\"\n#EXTINF:2,\n{own}\n#EXT-X-ENDLIST\n")),
        "/variant" => (200, String::new(), format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{url}\n").into_bytes()),
        // A segment of a playlist that is the data: URL of a Variant
        "/data" => {
            let lines = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{url}\n#EXT-X-ENDLIST\n");
            let lines = lines.replace('%', "%25").replace('#', "%23").replace('\n', "%0A");
            (200, String::new(), format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\ndata:,{lines}\n").into_bytes())
        }
        "/media.ts" => (200, String::new(), crate::origin::fixture("ladder-ts/v0-0.ts")),
        _ => (404, String::new(), Vec::new()),
    }
}

#[test]
fn forbidden_addresses_are_refused_in_every_spelling() {
    in_isolated_network("policy::forbidden_addresses_are_refused_in_every_spelling", || {
        let mut server = CatchAllServer::start(answer);
        for host in FORBIDDEN {
            for url in [format!("http://{host}/media.ts"), format!("https://{host}:80/media.ts")] {
                assert_refused(&url);
                server.assert_no_connection(&url);
            }
        }
        // Invalid hosts get no connection either
        for host in ["[fe80::1%25lo]", "[fe80::1%lo]", "127.0.0.256", "1.2.3.4.5", "0x100000000", "[::ffff:127.0.0.1", "127.0.0.1%00"] {
            let code = hlsnap(&format!("http://{host}/media.ts"), &[], &[]).status.code();
            assert!(matches!(code, Some(2 | 10)), "{host}: {code:?}");
            server.assert_no_connection(host);
        }
        // If allowed, most of these hosts do get a connection
        let mut connected = 0;
        for host in FORBIDDEN {
            hlsnap(&format!("http://{host}/media.ts"), &["--allow-private", "--timeout", "2"], &[]);
            connected += usize::from(!server.take_addresses().is_empty());
        }
        assert!(connected > 70, "{connected} of {} hosts get a connection if allowed", FORBIDDEN.len());
    });
}

#[test]
fn forbidden_addresses_are_refused_whatever_refers_to_them() {
    in_isolated_network("policy::forbidden_addresses_are_refused_whatever_refers_to_them", || {
        let mut server = CatchAllServer::start(answer);
        for host in FORBIDDEN {
            for kind in ["to", "segment", "init", "key", "variant", "data"] {
                let url = format!("http://{PUBLIC}/{kind}?http://{host}/media.ts");
                assert_refused(&url);
                let seen = server.take_addresses();
                assert!(!seen.is_empty() && seen.iter().all(|address| *address == PUBLIC_ADDRESS), "{url}: {seen:?}");
            }
        }
        // The same references to an allowed host are followed
        for kind in ["to", "segment", "variant", "data"] {
            let inner = if kind == "variant" {
                format!("http://{PUBLIC}/segment?http://1.1.1.1/media.ts")
            } else {
                "http://1.1.1.1/media.ts".to_owned()
            };
            let output = hlsnap(&format!("http://{PUBLIC}/{kind}?{inner}"), &[], &[]);
            assert!(output.status.success(), "{kind}: {}", String::from_utf8_lossy(&output.stderr));
            assert!(server.take_addresses().contains(&IpAddr::V4(Ipv4Addr::new(1, 1, 1, 1))), "{kind}");
        }
    });
}

#[test]
fn names_of_forbidden_addresses_are_refused() {
    in_isolated_network("policy::names_of_forbidden_addresses_are_refused", || {
        let (mut server, dns) = (CatchAllServer::start(answer), DnsServer::start());
        for address in RESOLVED {
            let host = host_name("x", &[address]);
            assert_refused(&format!("http://{host}/media.ts"));
            server.assert_no_connection(address);
            assert!(dns.query_count(&host) > 0, "{host} is resolved");
            for kind in ["to", "segment"] {
                assert_refused(&format!("http://{PUBLIC}/{kind}?http://{host}/media.ts"));
                assert!(server.take_addresses().iter().all(|seen| *seen == PUBLIC_ADDRESS), "{kind} {address}");
            }
        }
        // Of several addresses, only allowed ones are used
        let output = hlsnap(&format!("http://{}/media.ts", host_name("both", &["10.0.0.1", PUBLIC])), &[], &[]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(server.take_addresses(), [PUBLIC_ADDRESS]);
    });
}

#[test]
fn a_name_that_resolves_differently_is_checked_for_each_connection() {
    in_isolated_network("policy::a_name_that_resolves_differently_is_checked_for_each_connection", || {
        let (mut server, dns) = (CatchAllServer::start(answer), DnsServer::start());
        for private in ["127.0.0.1", "10.0.0.1", "169.254.169.254"] {
            let host = host_name("flip", &[PUBLIC, private]);
            // The address that was checked is used, without a second query
            let output = hlsnap(&format!("http://{host}/media.ts"), &[], &[]);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            assert_eq!((server.take_addresses(), dns.query_count(&host)), (vec![PUBLIC_ADDRESS], 1));
            // Each further connection is checked again
            let host = host_name("flip", &["1.1.1.1", private]);
            assert_refused(&format!("http://{host}/segment?http://{host}/media.ts"));
            assert_eq!((server.take_addresses(), dns.query_count(&host)), (vec![IpAddr::V4(Ipv4Addr::new(1, 1, 1, 1))], 2));
        }
    });
}

#[test]
fn a_proxy_may_be_private_but_its_targets_are_checked() {
    in_isolated_network("policy::a_proxy_may_be_private_but_its_targets_are_checked", || {
        let (mut server, _dns) = (CatchAllServer::start(answer), DnsServer::start());
        let proxy_address: IpAddr = "10.9.9.9".parse().expect("an address");
        let by_name = format!("http://{}:80", host_name("x", &["10.9.9.9"]));
        for proxy in ["http://10.9.9.9:80", &by_name] {
            for (options, variables) in [(vec!["--proxy", proxy], vec![]), (vec![], vec![("http_proxy", proxy), ("https_proxy", proxy)])] {
                for host in [
                    "10.0.0.1",
                    "[::1]",
                    "2130706433",
                    "localhost",
                    &host_name("x", &["169.254.169.254"]),
                    &host_name("both", &["10.0.0.1", PUBLIC]),
                ] {
                    assert_refused_with(&format!("http://{host}/media.ts"), &options, &variables);
                    server.assert_no_connection(host);
                }
                // A name that only the proxy could resolve
                assert_refused_with("http://unknown.test/media.ts", &options, &variables);
                server.assert_no_connection("the proxy");
                // A redirect
                assert_refused_with(&format!("http://{PUBLIC}/to?http://10.0.0.1/media.ts"), &options, &variables);
                assert_eq!(server.take_addresses(), [proxy_address]);
                let url = format!("http://{}/media.ts", host_name("x", &[PUBLIC]));
                let output = hlsnap(&url, &options, &variables);
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                assert_eq!(server.take_requests(), [(proxy_address, url)]);
            }
        }
        // As an origin, the proxy's address is forbidden as any other
        assert_refused_with(&format!("{by_name}/media.ts"), &[], &[("http_proxy", &by_name), ("no_proxy", ".test")]);
        server.assert_no_connection("the proxy");
    });
}
