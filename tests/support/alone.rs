//! A network of a test's own (Linux): nothing but loopback, on which every address there is answers, so that whatever is asked is seen and
//! nothing can leave the machine.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream, UdpSocket},
    process::Command,
    sync::{Arc, Mutex},
};

const INSIDE: &str = "HLSNAP_TEST_ALONE";

/// Runs `inside` in a network and mounts of its own: this test binary is started once more there, with the test `name` alone. Fails where
/// that cannot be had.
#[track_caller]
pub fn alone(name: &str, inside: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        set_up();
        return inside();
    }
    // Root may do it as it is; others need user namespaces
    let ways = ["-nm", "-rnm"];
    let can = |way: &&str| Command::new("unshare").args([way, "true"]).output().is_ok_and(|done| done.status.success());
    let way =
        ways.into_iter().find(can).expect("this test needs `unshare` and the right to use it: run it as root, or allow user namespaces");
    let done = Command::new("unshare")
        .args([way, "--"])
        .arg(std::env::current_exe().expect("this binary"))
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .expect("unshare runs");
    let said = [done.stdout, done.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    // Rows of tables are for those who asked for them
    said[0].lines().filter(|line| line.starts_with('|')).for_each(|row| println!("{row}"));
    assert!(done.status.success() && said[0].contains("1 passed"), "{}\n{}", said[0], said[1]);
}

/// Every address is one of this machine's.
fn set_up() {
    run("ip", &["link", "set", "lo", "up"]);
    run("ip", &["route", "add", "local", "0.0.0.0/0", "dev", "lo"]);
    run("ip", &["-6", "route", "add", "local", "::/0", "dev", "lo"]);
}

#[track_caller]
pub fn run(program: &str, arguments: &[&str]) {
    let done = Command::new(program).args(arguments).output().unwrap_or_else(|e| panic!("{program} is needed: {e}"));
    assert!(done.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Status, headers and body.
pub type Reply = (u16, String, Vec<u8>);
type Log = Mutex<Vec<(IpAddr, String)>>;

/// A server at port 80 of every address, and what it was asked.
pub struct Everywhere {
    seen: Arc<Log>,
    /// Connections that were begun by anybody, before the server.
    opened: u64,
}

impl Everywhere {
    /// `answer` makes a reply from the target of a request, whose path or whole URL it is.
    pub fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 80)).expect("port 80 in a network of our own");
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

    /// The addresses that were connected to since the last call, with what was asked there. Fails where a connection was begun that this
    /// server has not seen.
    #[track_caller]
    pub fn take(&mut self) -> Vec<(IpAddr, String)> {
        let seen = std::mem::take(&mut *self.seen.lock().expect("the log"));
        let opened = connections_opened();
        assert_eq!(opened - self.opened, seen.len() as u64, "connections begun, and those seen: {seen:?}");
        self.opened = opened;
        seen
    }

    /// Asserts that nothing was connected to.
    #[track_caller]
    pub fn untouched(&mut self, by: &str) {
        let seen = self.take();
        assert!(seen.is_empty(), "{by}: {seen:?}");
    }

    /// The addresses alone.
    #[track_caller]
    pub fn addresses(&mut self) -> Vec<IpAddr> {
        self.take().into_iter().map(|(address, _)| address).collect()
    }
}

/// The kernel's count of this network (RFC 4022, tcpActiveOpens).
fn connections_opened() -> u64 {
    let text = std::fs::read_to_string("/proc/net/snmp").expect("the kernel's counters");
    let rows: Vec<Vec<&str>> = text.lines().filter(|line| line.starts_with("Tcp:")).map(|line| line.split(' ').collect()).collect();
    let place = rows[0].iter().position(|name| *name == "ActiveOpens").expect("the counter");
    rows[1][place].parse().expect("a number")
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
    // It may have heard enough
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}

/// A DNS server, which the programs of this test ask. A name `x-` and an address in hexadecimal is that address; `flip-` and two of them
/// is the first one when it is asked for the first time, and from then on the second; `both-` is both.
pub struct Dns {
    asked: Arc<Mutex<Vec<String>>>,
    _configuration: tempfile::NamedTempFile,
}

impl Dns {
    pub fn start() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53)).expect("port 53 in a network of our own");
        let mut configuration = tempfile::NamedTempFile::new().expect("a file");
        configuration.write_all(b"nameserver 127.0.0.1\noptions timeout:1 attempts:1\n").expect("written");
        run("mount", &["--bind", configuration.path().to_str().expect("a name"), "/etc/resolv.conf"]);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            let mut packet = [0; 512];
            while let Ok((count, from)) = socket.recv_from(&mut packet) {
                let _ = socket.send_to(&answered(&packet[..count], &log), from);
            }
        });
        Self { asked, _configuration: configuration }
    }

    /// How often IPv4 addresses of this name were asked for.
    pub fn asked_for(&self, name: &str) -> usize {
        self.asked.lock().expect("the log").iter().filter(|asked| *asked == name).count()
    }
}

/// The name of an address, or with a word before it of two.
pub fn name(word: &str, addresses: &[&str]) -> String {
    let mut name = word.to_owned();
    for address in addresses {
        match address.parse().expect("an address") {
            IpAddr::V4(v4) => write!(name, "-{:08x}", v4.to_bits()),
            IpAddr::V6(v6) => write!(name, "-{:032x}", v6.to_bits()),
        }
        .expect("a string takes it");
    }
    name + ".test"
}

const A: u16 = 1;
const AAAA: u16 = 28;

/// An answer to a question (RFC 1035, 4).
fn answered(packet: &[u8], log: &Mutex<Vec<String>>) -> Vec<u8> {
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
    let word = words.next().unwrap_or_default();
    let mut addresses: Vec<IpAddr> = words.filter_map(address).collect();
    if word == "flip" && addresses.len() == 2 {
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

fn address(hexadecimal: &str) -> Option<IpAddr> {
    match hexadecimal.len() {
        8 => u32::from_str_radix(hexadecimal, 16).ok().map(|bits| Ipv4Addr::from_bits(bits).into()),
        32 => u128::from_str_radix(hexadecimal, 16).ok().map(|bits| Ipv6Addr::from_bits(bits).into()),
        _ => None,
    }
}
