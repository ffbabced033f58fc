//! A network namespace for one test (Linux). It has loopback alone, where every address answers: each connection is seen, and none
//! leaves the machine.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream, UdpSocket},
    process::Command,
    sync::{Arc, Mutex},
};

/// Set for the copy of the test that runs inside of the namespace.
const INSIDE: &str = "HLSNAP_TEST_INSIDE";

/// Runs `test` in its own network and mount namespaces. This test binary starts itself there, with the test `name` alone. Fails if
/// namespaces cannot be created.
#[track_caller]
pub fn in_isolated_network(name: &str, test: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        set_up();
        return test();
    }
    // Root needs no user namespace, other users do
    let options = ["-nm", "-rnm"];
    let works = |option: &&str| Command::new("unshare").args([option, "true"]).output().is_ok_and(|output| output.status.success());
    let option = options.into_iter().find(works).expect("this test needs `unshare`: run it as root, or allow user namespaces");
    let output = Command::new("unshare")
        .args([option, "--"])
        .arg(std::env::current_exe().expect("this binary"))
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .expect("unshare runs");
    let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    // Pass on the rows of the table of faults
    stdout.lines().filter(|line| line.starts_with('|')).for_each(|row| println!("{row}"));
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}\n{stderr}");
}

/// Routes every address to this machine.
fn set_up() {
    run_program("ip", &["link", "set", "lo", "up"]);
    run_program("ip", &["route", "add", "local", "0.0.0.0/0", "dev", "lo"]);
    run_program("ip", &["-6", "route", "add", "local", "::/0", "dev", "lo"]);
}

/// Runs a system program, which must succeed.
#[track_caller]
pub fn run_program(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|e| panic!("{program} is needed: {e}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Status, header lines and body.
pub type Reply = (u16, String, Vec<u8>);
type Log = Mutex<Vec<(IpAddr, String)>>;

/// A server on port 80 of every address, with a log of its requests.
pub struct CatchAllServer {
    seen: Arc<Log>,
    /// The kernel's count of opened connections at the last look.
    opened: u64,
}

impl CatchAllServer {
    /// `answer` makes a reply from the target of a request: a path or a whole URL.
    pub fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 80)).expect("port 80 of the namespace");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, log, answer) = (stream.expect("a connection"), Arc::clone(&log), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &log, &*answer));
            }
        });
        Self { seen, opened: connections_opened() }
    }

    /// The addresses connected to since the last call, with the targets requested there. Fails if a connection bypassed this server.
    #[track_caller]
    pub fn take_requests(&mut self) -> Vec<(IpAddr, String)> {
        let seen = std::mem::take(&mut *self.seen.lock().expect("the log"));
        let opened = connections_opened();
        assert_eq!(opened - self.opened, seen.len() as u64, "connections opened and seen: {seen:?}");
        self.opened = opened;
        seen
    }

    /// Asserts that no connection was opened since the last call.
    #[track_caller]
    pub fn assert_no_connection(&mut self, context: &str) {
        let seen = self.take_requests();
        assert!(seen.is_empty(), "{context}: {seen:?}");
    }

    /// The addresses connected to since the last call.
    #[track_caller]
    pub fn take_addresses(&mut self) -> Vec<IpAddr> {
        self.take_requests().into_iter().map(|(address, _)| address).collect()
    }
}

/// The kernel's count of connections opened in this namespace (RFC 4022, tcpActiveOpens).
fn connections_opened() -> u64 {
    let text = std::fs::read_to_string("/proc/net/snmp").expect("the kernel's counters");
    let rows: Vec<Vec<&str>> = text.lines().filter(|line| line.starts_with("Tcp:")).map(|line| line.split(' ').collect()).collect();
    let column = rows[0].iter().position(|name| *name == "ActiveOpens").expect("the counter");
    rows[1][column].parse().expect("a number")
}

fn serve(mut stream: TcpStream, log: &Log, answer: &dyn Fn(&str) -> Reply) {
    let address = stream.local_addr().expect("its address").ip().to_canonical();
    let mut lines = BufReader::new(stream.try_clone().expect("a handle")).lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    let target = first.split(' ').nth(1).unwrap_or_default();
    log.lock().expect("the log").push((address, target.to_owned()));
    let (status, headers, body) = answer(target);
    let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n", body.len());
    // The client may have closed the connection
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}

/// The DNS server of the namespace. Names spell their addresses in hexadecimal: `x-ADDRESS` has one, `both-ADDRESS-ADDRESS` has two, and
/// `flip-ADDRESS-ADDRESS` has the first one in the first answer and the second one from then on.
pub struct DnsServer {
    queries: Arc<Mutex<Vec<String>>>,
    _configuration: tempfile::NamedTempFile,
}

impl DnsServer {
    pub fn start() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53)).expect("port 53 of the namespace");
        let mut configuration = tempfile::NamedTempFile::new().expect("a file");
        configuration.write_all(b"nameserver 127.0.0.1\noptions timeout:1 attempts:1\n").expect("written");
        run_program("mount", &["--bind", configuration.path().to_str().expect("a name"), "/etc/resolv.conf"]);
        let queries = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&queries);
        std::thread::spawn(move || {
            let mut packet = [0; 512];
            while let Ok((count, from)) = socket.recv_from(&mut packet) {
                let _ = socket.send_to(&dns_answer(&packet[..count], &log), from);
            }
        });
        Self { queries, _configuration: configuration }
    }

    /// The number of queries for IPv4 addresses of a name.
    pub fn query_count(&self, name: &str) -> usize {
        self.queries.lock().expect("the log").iter().filter(|query| *query == name).count()
    }
}

/// The name with this prefix and these addresses.
pub fn host_name(prefix: &str, addresses: &[&str]) -> String {
    let mut name = prefix.to_owned();
    for address in addresses {
        match address.parse().expect("an address") {
            IpAddr::V4(v4) => write!(name, "-{:08x}", v4.to_bits()),
            IpAddr::V6(v6) => write!(name, "-{:032x}", v6.to_bits()),
        }
        .expect("formatted");
    }
    name + ".test"
}

const A: u16 = 1;
const AAAA: u16 = 28;

/// The answer to a DNS query (RFC 1035, section 4).
fn dns_answer(packet: &[u8], log: &Mutex<Vec<String>>) -> Vec<u8> {
    let mut at = 12;
    let mut labels = Vec::new();
    while packet[at] != 0 {
        let length = usize::from(packet[at]);
        labels.push(String::from_utf8_lossy(&packet[at + 1..at + 1 + length]).to_lowercase());
        at += length + 1;
    }
    let (kind, end) = (u16::from_be_bytes([packet[at + 1], packet[at + 2]]), at + 5);
    let name = labels.join(".");
    let mut words = labels[0].split('-');
    let prefix = words.next().unwrap_or_default();
    let mut addresses: Vec<IpAddr> = words.filter_map(address).collect();
    if prefix == "flip" && addresses.len() == 2 {
        let first = !log.lock().expect("the log").contains(&name);
        addresses.remove(usize::from(first));
    }
    if kind == A {
        log.lock().expect("the log").push(name);
    }
    let known = !addresses.is_empty();
    addresses.retain(|address| address.is_ipv4() == (kind == A) && matches!(kind, A | AAAA));
    let mut answer = packet[..2].to_vec();
    answer.extend([0x85, if known { 0x80 } else { 0x83 }, 0, 1, 0, u8::try_from(addresses.len()).expect("few"), 0, 0, 0, 0]);
    answer.extend(&packet[12..end]);
    for address in addresses {
        let bytes = match address {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        };
        answer.extend([0xc0, 12]);
        answer.extend(kind.to_be_bytes());
        answer.extend([0, 1, 0, 0, 0, 0, 0, u8::try_from(bytes.len()).expect("few")]);
        answer.extend(bytes);
    }
    answer
}

/// An address of 8 or 32 hexadecimal digits.
fn address(hexadecimal: &str) -> Option<IpAddr> {
    match hexadecimal.len() {
        8 => u32::from_str_radix(hexadecimal, 16).ok().map(|bits| Ipv4Addr::from_bits(bits).into()),
        32 => u128::from_str_radix(hexadecimal, 16).ok().map(|bits| Ipv6Addr::from_bits(bits).into()),
        _ => None,
    }
}
