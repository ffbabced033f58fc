//! Who may be asked. Each test has a network of its own in which every address answers: what is refused is seen not to be connected to.

mod origin;
mod support;

use std::{
    net::{IpAddr, Ipv4Addr},
    process::{Command, Output},
};

use support::alone::{Dns, Everywhere, Reply, alone, name};

/// Where the stream itself is.
const PUBLIC: &str = "93.184.216.34";
const PUBLIC_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(93, 184, 216, 34));

/// Spellings of hosts that may not be asked, as they stand in a URL.
const FORBIDDEN: [&str; 83] = [
    // Loopback, in every form that inet_aton knows
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
    // Link-local, and clouds' metadata
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "169.254.170.2",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
    // Carriers, benchmarks, documentation, relays, multicast, reserved, broadcast
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
    // IPv4 inside of IPv6: mapped, compatible, translated, NAT64, 6to4, Teredo
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

/// Addresses that names stand for; they are asked by name.
const BEHIND_NAMES: [&str; 14] = [
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

fn hlsnap(url: &str, options: &[&str], variables: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_hlsnap"));
    let guard: &[&str] = if options.contains(&"--allow-private") { &[] } else { &["--allow-private=false"] };
    command.args([url, "--retries", "0"]).args(guard).args(options).current_dir(folder.path()).env_clear();
    command.envs(variables.iter().copied()).output().expect("the program runs")
}

#[track_caller]
fn refused(url: &str) {
    refused_with(url, &[], &[]);
}

#[track_caller]
fn refused_with(url: &str, options: &[&str], variables: &[(&str, &str)]) {
    let done = hlsnap(url, options, variables);
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.code() == Some(10) && said.starts_with("hlsnap: not_allowed: "), "{url}: {said}");
}

/// What the server answers: what a path says is done with the URL behind the question mark.
fn answer(target: &str) -> Reply {
    let path = target.strip_prefix("http://").map_or(target, |rest| rest.find('/').map_or("/", |at| &rest[at..]));
    let (what, url) = path.split_once('?').unwrap_or((path, ""));
    let playlist = |lines: &str| (200, String::new(), format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{lines}").into_bytes());
    let own = "http://93.184.216.34/media.ts";
    match what {
        "/to" => (302, format!("Location: {url}\r\n"), Vec::new()),
        "/segment" => playlist(&format!("#EXTINF:2,\n{url}\n#EXT-X-ENDLIST\n")),
        "/init" => playlist(&format!("#EXT-X-MAP:URI=\"{url}\"\n#EXTINF:2,\n{own}\n#EXT-X-ENDLIST\n")),
        "/key" => playlist(&format!("#EXT-X-KEY:METHOD=AES-128,URI=\"{url}\"\n#EXTINF:2,\n{own}\n#EXT-X-ENDLIST\n")),
        "/variant" => (200, String::new(), format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{url}\n").into_bytes()),
        // The same as a segment, in a playlist that is in its Variant's URL
        "/data" => {
            let lines = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{url}\n#EXT-X-ENDLIST\n");
            let lines = lines.replace('%', "%25").replace('#', "%23").replace('\n', "%0A");
            (200, String::new(), format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\ndata:,{lines}\n").into_bytes())
        }
        "/media.ts" => (200, String::new(), std::fs::read(origin::fixtures().join("ladder-ts/v0-0.ts")).expect("the segment")),
        _ => (404, String::new(), Vec::new()),
    }
}

#[test]
fn literals_in_every_spelling() {
    alone("literals_in_every_spelling", || {
        let mut everywhere = Everywhere::start(answer);
        for host in FORBIDDEN {
            for url in [format!("http://{host}/media.ts"), format!("https://{host}:80/media.ts")] {
                refused(&url);
                everywhere.untouched(&url);
            }
        }
        // No host at all, for a URL: nothing is asked either
        for host in ["[fe80::1%25lo]", "[fe80::1%lo]", "127.0.0.256", "1.2.3.4.5", "0x100000000", "[::ffff:127.0.0.1", "127.0.0.1%00"] {
            let code = hlsnap(&format!("http://{host}/media.ts"), &[], &[]).status.code();
            assert!(matches!(code, Some(2 | 10)), "{host}: {code:?}");
            everywhere.untouched(host);
        }
        // Were they allowed, they would be seen: what cannot be connected to at all aside
        let mut connected = 0;
        for host in FORBIDDEN {
            hlsnap(&format!("http://{host}/media.ts"), &["--allow-private", "--timeout", "2"], &[]);
            connected += usize::from(!everywhere.addresses().is_empty());
        }
        assert!(connected > 70, "{connected} of {} are seen where they may be asked", FORBIDDEN.len());
    });
}

#[test]
fn whatever_leads_to_them() {
    alone("whatever_leads_to_them", || {
        let mut everywhere = Everywhere::start(answer);
        for host in FORBIDDEN {
            for way in ["to", "segment", "init", "key", "variant", "data"] {
                let url = format!("http://{PUBLIC}/{way}?http://{host}/media.ts");
                refused(&url);
                let seen = everywhere.addresses();
                assert!(!seen.is_empty() && seen.iter().all(|address| *address == PUBLIC_ADDRESS), "{url}: {seen:?}");
            }
        }
        // The same ways, to where they may lead
        for way in ["to", "segment", "variant", "data"] {
            let inner = if way == "variant" {
                format!("http://{PUBLIC}/segment?http://1.1.1.1/media.ts")
            } else {
                "http://1.1.1.1/media.ts".to_owned()
            };
            let done = hlsnap(&format!("http://{PUBLIC}/{way}?{inner}"), &[], &[]);
            assert!(done.status.success(), "{way}: {}", String::from_utf8_lossy(&done.stderr));
            assert!(everywhere.addresses().contains(&IpAddr::V4(Ipv4Addr::new(1, 1, 1, 1))), "{way}");
        }
    });
}

#[test]
fn names_by_their_addresses() {
    alone("names_by_their_addresses", || {
        let (mut everywhere, dns) = (Everywhere::start(answer), Dns::start());
        for address in BEHIND_NAMES {
            let host = name("x", &[address]);
            refused(&format!("http://{host}/media.ts"));
            everywhere.untouched(address);
            assert!(dns.asked_for(&host) > 0, "{host} was resolved");
            for way in ["to", "segment"] {
                refused(&format!("http://{PUBLIC}/{way}?http://{host}/media.ts"));
                assert!(everywhere.addresses().iter().all(|seen| *seen == PUBLIC_ADDRESS), "{way} {address}");
            }
        }
        // Of several, only those that may be asked
        let done = hlsnap(&format!("http://{}/media.ts", name("both", &["10.0.0.1", PUBLIC])), &[], &[]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        assert_eq!(everywhere.addresses(), [PUBLIC_ADDRESS]);
    });
}

#[test]
fn a_resolver_that_changes_its_answer() {
    alone("a_resolver_that_changes_its_answer", || {
        let (mut everywhere, dns) = (Everywhere::start(answer), Dns::start());
        for private in ["127.0.0.1", "10.0.0.1", "169.254.169.254"] {
            let host = name("flip", &[PUBLIC, private]);
            // What was checked is what is connected to: there is no second question in between
            let done = hlsnap(&format!("http://{host}/media.ts"), &[], &[]);
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            assert_eq!((everywhere.addresses(), dns.asked_for(&host)), (vec![PUBLIC_ADDRESS], 1));
            // Every further connection is a further check
            let host = name("flip", &["1.1.1.1", private]);
            refused(&format!("http://{host}/segment?http://{host}/media.ts"));
            assert_eq!((everywhere.addresses(), dns.asked_for(&host)), (vec![IpAddr::V4(Ipv4Addr::new(1, 1, 1, 1))], 2));
        }
    });
}

#[test]
fn a_proxy_is_the_operators_and_what_lies_behind_it_is_checked() {
    alone("a_proxy_is_the_operators_and_what_lies_behind_it_is_checked", || {
        let (mut everywhere, _dns) = (Everywhere::start(answer), Dns::start());
        let proxy_address: IpAddr = "10.9.9.9".parse().expect("an address");
        let by_name = format!("http://{}:80", name("x", &["10.9.9.9"]));
        for proxy in ["http://10.9.9.9:80", &by_name] {
            for (options, variables) in [(vec!["--proxy", proxy], vec![]), (vec![], vec![("http_proxy", proxy), ("https_proxy", proxy)])] {
                for host in
                    ["10.0.0.1", "[::1]", "2130706433", "localhost", &name("x", &["169.254.169.254"]), &name("both", &["10.0.0.1", PUBLIC])]
                {
                    refused_with(&format!("http://{host}/media.ts"), &options, &variables);
                    everywhere.untouched(host);
                }
                // What only the proxy could resolve
                refused_with("http://unknown.test/media.ts", &options, &variables);
                everywhere.untouched("the proxy");
                // By redirect
                refused_with(&format!("http://{PUBLIC}/to?http://10.0.0.1/media.ts"), &options, &variables);
                assert_eq!(everywhere.addresses(), [proxy_address]);
                let url = format!("http://{}/media.ts", name("x", &[PUBLIC]));
                let done = hlsnap(&url, &options, &variables);
                assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
                assert_eq!(everywhere.take(), [(proxy_address, url)]);
            }
        }
        // Where it is asked for as an origin it is one like any other
        refused_with(&format!("{by_name}/media.ts"), &[], &[("http_proxy", &by_name), ("no_proxy", ".test")]);
        everywhere.untouched("the proxy");
    });
}
