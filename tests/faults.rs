//! What goes wrong on the way, one by one: what comes back, when, and what is left behind. `--nocapture` prints the table.

mod origin;
mod support;

use std::{
    io::{Read, Write},
    net::TcpListener,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use origin::{Origin, Rule};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use support::{
    Run,
    alone::{Dns, alone, run},
    hlsnap, hlsnap_with,
    raw::{Asked, Raw},
};

const SEGMENT: &str = "/ladder-ts/v0-0.ts";
const MEDIA: &str = "/ladder-ts/v0.m3u8";
const MODIFIED: &str = "Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT\r\n";
/// The job's deadline; much later than that would be a hang.
const DEADLINE: Duration = Duration::from_secs(5);
const HUNG: Duration = Duration::from_secs(15);

/// Runs against a fault, holds what came back against what should (0 is a picture), and prints a row of the table.
#[track_caller]
fn meets(fault: &str, url: &str, options: &[&str], kind: &str, code: i32) -> Run {
    let began = Instant::now();
    let run = hlsnap(&[&[url, "--timeout", "5"], options].concat());
    let took = began.elapsed();
    row(fault, &if code == 0 { "a picture".to_owned() } else { run.last_line().to_owned() }, took, &run.files().join(" "));
    assert!(took < HUNG, "{fault}: {took:?}");
    if code == 0 {
        assert_eq!((run.code, run.files()), (0, vec!["snapshot.jpg".to_owned()]), "{fault}: {}", run.stderr);
    } else {
        run.fails(code, kind);
    }
    run
}

fn row(fault: &str, came: &str, took: Duration, left: &str) {
    let came = came.trim_start_matches("hlsnap: ").split(", http").next().unwrap_or_default();
    println!("| {fault} | {came} | {:.2} s | {} |", took.as_secs_f64(), if left.is_empty() { "nothing" } else { left });
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(origin::fixtures().join(name)).expect("the fixture")
}

/// A server whose playlist is whole, and whose segment is answered so.
fn segment(answer: impl Fn(Asked) + Send + Sync + 'static) -> Raw {
    Raw::start(move |mut asked| {
        if asked.path == "/x.m3u8" {
            asked.answer("", b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nx.ts\n#EXT-X-ENDLIST\n");
        } else {
            answer(asked);
        }
    })
}

#[test]
fn connections() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    meets("refused", &format!("http://127.0.0.1:{port}/x.m3u8"), &[], "unreachable", 11);
    let reset = Raw::start(Asked::reset);
    meets("reset before an answer", &reset.url("/x.m3u8"), &[], "unreachable", 11);
    assert_eq!(reset.asked(), 3, "and two further tries");
    let reset = segment(|mut asked| {
        asked.say("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nG");
        asked.reset();
    });
    meets("reset in mid-body", &reset.url("/x.m3u8"), &[], "unreachable", 11);
    let nonsense = Raw::start(|mut asked| asked.say("SSH-2.0-OpenSSH_9.6\r\n"));
    meets("an answer that is no HTTP", &nonsense.url("/x.m3u8"), &[], "unreachable", 11);
    let nothing = Raw::start(drop);
    meets("closed without an answer", &nothing.url("/x.m3u8"), &[], "unreachable", 11);
    let endless = Raw::start(|mut asked| {
        asked.say("HTTP/1.1 200 OK\r\n");
        while asked.stream.write_all(&b"X-Filler: 0123456789012345678901234567890123456789\r\n".repeat(100)).is_ok() {}
    });
    meets("headers without an end", &endless.url("/x.m3u8"), &["--retries", "0"], "unreachable", 11);
}

#[test]
fn dns() {
    alone("dns", || {
        let _dns = Dns::start();
        meets("a name that is not there", "http://none.test/x.m3u8", &[], "unreachable", 11);
        // Whoever is asked says nothing
        let _deaf = std::net::UdpSocket::bind("127.0.0.2:53").expect("a port");
        let mut configuration = tempfile::NamedTempFile::new().expect("a file");
        configuration.write_all(b"nameserver 127.0.0.2\noptions timeout:30 attempts:1\n").expect("written");
        run("mount", &["--bind", configuration.path().to_str().expect("a name"), "/etc/resolv.conf"]);
        meets("a DNS server that says nothing", "http://any.test/x.m3u8", &[], "timeout", 13);
    });
}

/// A TLS server with a certificate of its own making, for this name and until then.
fn tls(name: &str, expired: bool) -> u16 {
    let mut parameters = rcgen::CertificateParams::new([name.to_owned()]).expect("a name");
    if expired {
        parameters.not_after = rcgen::date_time_ymd(2020, 1, 1);
    }
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate = parameters.self_signed(&key).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let configuration = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(certificate.der().to_vec())],
            PrivateKeyDer::try_from(key.serialize_der()).expect("a key"),
        )
        .expect("a configuration");
    let configuration = Arc::new(configuration);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let connection = ServerConnection::new(Arc::clone(&configuration)).expect("a connection");
            let mut stream = StreamOwned::new(connection, stream);
            let mut request = [0; 4096];
            // Whoever does not trust us has hung up
            let _ = stream.read(&mut request);
            let _ = stream.write_all(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/x.m3u8\r\nContent-Length: 0\r\n\r\n");
        }
    });
    port
}

#[test]
fn tls_errors() {
    let port = tls("localhost", false);
    meets("a certificate that nobody trusts", &format!("https://localhost:{port}/x.m3u8"), &[], "unreachable", 11);
    meets("another host's certificate", &format!("https://127.0.0.1:{port}/x.m3u8"), &[], "unreachable", 11);
    let expired = tls("localhost", true);
    meets("an expired certificate", &format!("https://localhost:{expired}/x.m3u8"), &[], "unreachable", 11);
    let plain = Raw::start(drop);
    meets("no TLS where TLS should be", &plain.url("/x.m3u8").replace("http:", "https:"), &["--retries", "0"], "unreachable", 11);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = listener.local_addr().expect("an address").port();
    meets("a TLS handshake that stalls", &format!("https://localhost:{silent}/x.m3u8"), &[], "timeout", 13);
    // Trusted, and it leads into the open
    let url = format!("https://localhost:{port}/x.m3u8");
    meets("a redirect from https: to http:", &url, &["--insecure"], "not_allowed", 10);
    meets("the same, where that is allowed", &url, &["--insecure", "--allow-downgrade", "--retries", "0"], "unreachable", 11);
}

#[test]
fn stalls() {
    let origin = Origin::start();
    origin.rule("/silent.m3u8", Rule::Delay(Duration::from_secs(60)));
    meets("a stall before the headers", &origin.url("/silent.m3u8"), &[], "timeout", 13);
    let half = Raw::start(|mut asked| {
        asked.say("HTTP/1.1 200 OK\r\nContent-Le");
        std::thread::sleep(DEADLINE * 2);
    });
    meets("a stall in the headers", &half.url("/x.m3u8"), &[], "timeout", 13);
    origin.rule(SEGMENT, Rule::StallAt(1000));
    meets("a stall in mid-body", &origin.url(MEDIA), &[], "timeout", 13);
    origin.rule(SEGMENT, Rule::Trickle(Duration::from_secs(1)));
    meets("one byte a second", &origin.url(MEDIA), &[], "timeout", 13);
    let playlist = "/slow.m3u8";
    let slow = Raw::start(move |mut asked| {
        asked.say("HTTP/1.1 200 OK\r\n\r\n#EXTM3U\n");
        while asked.stream.write_all(b"#").is_ok() {
            std::thread::sleep(Duration::from_secs(1));
        }
    });
    meets("a playlist at one byte a second", &slow.url(playlist), &[], "timeout", 13);
}

#[test]
fn bodies() {
    let long = segment(|mut asked| {
        asked.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 900000\r\n\r\n");
        asked.say(&bytes("ladder-ts/v0-0.ts")[..1000]);
    });
    meets("less than Content-Length says", &long.url("/x.m3u8"), &[], "unreachable", 11);
    let short = segment(|mut asked| {
        asked.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 940\r\n\r\n");
        asked.say(bytes("ladder-ts/v0-0.ts"));
    });
    meets("more than Content-Length says", &short.url("/x.m3u8"), &[], "undecodable", 24);
    let absurd = Raw::start(|mut asked| asked.say("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n"));
    meets("a Content-Length that is no number", &absurd.url("/x.m3u8"), &["--retries", "0"], "unreachable", 11);
    let cut = segment(|mut asked| {
        asked.say("HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n");
        asked.say(&bytes("ladder-ts/v0-0.ts")[..1000]);
    });
    meets("a chunked body that is cut", &cut.url("/x.m3u8"), &[], "unreachable", 11);
    let chunk = segment(|mut asked| asked.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nG"));
    meets("a chunk of an absurd size", &chunk.url("/x.m3u8"), &[], "unreachable", 11);
    let packed = Raw::start(|mut asked| asked.answer("Content-Encoding: gzip\r\n", b"#EXTM3U\n"));
    meets("gzip that is none", &packed.url("/x.m3u8"), &["--retries", "0"], "unreachable", 11);
    let html = Raw::start(|mut asked| asked.answer("Content-Type: text/html\r\n", b"<html>please log in</html>"));
    meets("200 with HTML for a playlist", &html.url("/x.m3u8"), &[], "bad_playlist", 20);
    let html = segment(|mut asked| asked.answer("Content-Type: text/html\r\n", b"<html>please log in</html>"));
    meets("200 with HTML for a segment", &html.url("/x.m3u8"), &[], "undecodable", 24);
}

#[test]
fn ranges() {
    let origin = Origin::start();
    origin.rule(SEGMENT, Rule::IgnoreRange);
    meets("a Range that is ignored", &origin.url(MEDIA), &[], "", 0);
    let wrong = segment(|mut asked| {
        asked.say("HTTP/1.1 206 Partial Content\r\nConnection: close\r\nContent-Range: bytes 500-999/2000\r\nContent-Length: 500\r\n\r\n");
        asked.say([0; 500]);
    });
    meets("206 with another range", &wrong.url("/x.m3u8"), &[], "unreachable", 11);
    // A cut body is asked for again from where it ended, and then it is of another film
    let changes = [
        ("another ETag", ["ETag: \"a\"\r\n", "ETag: \"b\"\r\n"]),
        ("another Last-Modified", [MODIFIED, "Last-Modified: Wed, 21 Oct 2015 07:28:02 GMT\r\n"]),
        ("another size", ["", ""]),
    ];
    for (what, headers) in changes {
        let changing = segment(move |mut asked| {
            let body = bytes("ladder-ts/v0-0.ts");
            let (first, etag) = if asked.number < 2 { (0, headers[0]) } else { (1000, headers[1]) };
            let size = if what == "another size" { body.len() + 188 * first } else { body.len() };
            let last = body.len() - 1;
            asked.say(format!(
                "HTTP/1.1 206 Partial\r\nConnection: close\r\n{etag}Content-Range: bytes {first}-{last}/{size}\r\nContent-Length: {}\r\n\r\n",
                body.len() - first
            ));
            asked.say(&body[first..first + 1000]);
        });
        meets(&format!("a body that changes between tries: {what}"), &changing.url("/x.m3u8"), &[], "unreachable", 11);
        assert_eq!(changing.asked(), 3, "{what}");
    }
    // The first portion does not reach to the key frame, and then all is asked for
    for (what, second, kind, code) in
        [("the same", MODIFIED, "", 0), ("another", "ETag: \"b\"\r\nLast-Modified: today\r\n", "unreachable", 11)]
    {
        let changing = segment(move |mut asked| {
            let body = [padding(8000), bytes("ladder-ts/v0-0.ts")].concat();
            let range = asked.range.take().expect("a range");
            let (first, last) = range.trim_start_matches("bytes=").split_once('-').expect("a range");
            let first: usize = first.parse().expect("a number");
            let last = last.parse().unwrap_or(usize::MAX).min(body.len() - 1);
            asked.say(format!(
                "HTTP/1.1 206 Partial\r\nConnection: close\r\n{}Content-Range: bytes {first}-{last}/{}\r\nContent-Length: {}\r\n\r\n",
                if first == 0 { MODIFIED } else { second },
                body.len(),
                last + 1 - first
            ));
            asked.say(&body[first..=last]);
        });
        meets(&format!("behind its first portion a body is {what}"), &changing.url("/x.m3u8"), &[], kind, code);
        assert_eq!(changing.asked(), 3, "{what}");
    }
}

/// Null packets of a transport stream.
fn padding(packets: usize) -> Vec<u8> {
    let mut packet = [0xff; 188];
    packet[..4].copy_from_slice(&[0x47, 0x1f, 0xff, 0x10]);
    packet.repeat(packets)
}

#[test]
fn statuses() {
    let origin = Origin::start();
    origin.rules(SEGMENT, vec![Rule::Status(429, Some(1)), Rule::Plain]);
    meets("429 with Retry-After of a second", &origin.url(MEDIA), &[], "", 0);
    origin.rule(SEGMENT, Rule::Status(429, Some(60)));
    meets("429 with Retry-After of a minute", &origin.url(MEDIA), &[], "http_status", 12);
    origin.rules(SEGMENT, vec![Rule::Status(503, None), Rule::Plain]);
    meets("503, then 200", &origin.url(MEDIA), &[], "", 0);
    origin.rule(SEGMENT, Rule::Status(503, None));
    meets("503 again and again", &origin.url(MEDIA), &[], "http_status", 12);
    let early = Raw::start(|mut asked| {
        for _ in 0..100 {
            asked.say("HTTP/1.1 103 Early Hints\r\n\r\n");
        }
        asked.answer("", b"<html>");
    });
    meets("a hundred interim answers", &early.url("/x.m3u8"), &[], "bad_playlist", 20);
}

#[test]
fn things_without_an_end() {
    let origin = Origin::start();
    origin.rule("/endless.m3u8", Rule::Endless);
    meets("a playlist without an end", &origin.url("/endless.m3u8"), &[], "too_large", 14);
    let endless = segment(|mut asked| {
        asked.say("HTTP/1.1 200 OK\r\n\r\n");
        let packets = padding(1000);
        while asked.stream.write_all(&packets).is_ok() {}
    });
    meets("a segment without an end", &endless.url("/x.m3u8"), &[], "too_large", 14);
    origin.rule("/loop.m3u8", Rule::Redirect("/loop.m3u8".into()));
    meets("a redirect loop", &origin.url("/loop.m3u8"), &[], "too_large", 14);
    origin.rule("/nowhere.m3u8", Rule::Redirect("http://".into()));
    meets("a redirect to nowhere", &origin.url("/nowhere.m3u8"), &[], "http_status", 12);
}

#[test]
fn places_to_write_to() {
    alone("places_to_write_to", || {
        let origin = Origin::start();
        let folder = tempfile::tempdir().expect("a folder");
        let disk = folder.path().join("disk");
        std::fs::create_dir(&disk).expect("made");
        run("mount", &["-t", "tmpfs", "-o", "size=8k", "none", disk.to_str().expect("a name")]);
        std::fs::write(disk.join("out.jpg"), "old").expect("written");
        let url = origin.url(MEDIA);
        let began = Instant::now();
        let full = hlsnap_with(&[&url, "-o", "disk/out.jpg"], b"", folder);
        row("disk full", full.last_line(), began.elapsed(), "the older picture");
        assert!(full.code == 30 && full.stderr.contains("hlsnap: output: "), "{}", full.stderr);
        assert_eq!(names(&disk), ["out.jpg"]);
        assert_eq!(std::fs::read(disk.join("out.jpg")).expect("there"), b"old");
        run("umount", &[disk.to_str().expect("a name")]);
    });
    let origin = Origin::start();
    origin.rule(SEGMENT, Rule::Delay(Duration::from_secs(1)));
    let folder = tempfile::tempdir().expect("a folder");
    let gone = folder.path().join("gone");
    std::fs::create_dir(&gone).expect("made");
    let began = Instant::now();
    let child = start(&[&origin.url(MEDIA), "-o", "gone/out.jpg"], folder.path(), Stdio::null());
    wait_for(|| origin.hits().len() == 2);
    std::fs::remove_dir(&gone).expect("removed");
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    row("output directory gone meanwhile", said.trim(), began.elapsed(), &names(folder.path()).join(" "));
    assert!(output.status.code() == Some(30) && said.starts_with("hlsnap: output: "), "{said}");
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn a_stdout_that_nobody_reads() {
    let origin = Origin::start();
    origin.rule(SEGMENT, Rule::Delay(Duration::from_millis(300)));
    let media = origin.url(MEDIA);
    let left = ["snapshot.jpg"];
    // The picture is in its place before its report is told
    let cases: [(&str, &[&str], &[&str]); 4] = [
        ("a picture", &[&media, "-o", "-"], &[]),
        ("a report", &[&media, "--json"], &left),
        ("facts", &["inspect", &media, "--json"], &[]),
        ("an error", &[&media, "--json", "--variant", "#9", "-q", "0"], &[]),
    ];
    for (what, arguments, left) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        let began = Instant::now();
        let mut child = start(arguments, folder.path(), Stdio::piped());
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        row(&format!("a pipe that nobody reads, for {what}"), said.trim(), began.elapsed(), &names(folder.path()).join(" "));
        let (code, kind) = if what == "an error" { (2, "usage") } else { (30, "output") };
        assert!(output.status.code() == Some(code) && said.starts_with(&format!("hlsnap: {kind}: ")), "{what}: {said}");
        assert_eq!(said.lines().count(), 1, "{what}: {said}");
        assert_eq!(names(folder.path()), left, "{what}");
    }
    // A closed stdout is /dev/null before main begins, as some parents mean it, and cannot be told from that
    for (what, options) in [("a picture", "-o -"), ("a report", "--json")] {
        let folder = tempfile::tempdir().expect("a folder");
        let shell = format!("exec {} {media} {options} >&-", env!("CARGO_BIN_EXE_hlsnap"));
        let began = Instant::now();
        let output = Command::new("sh").args(["-c", &shell]).current_dir(folder.path()).output().expect("a shell");
        row(&format!("stdout closed, for {what}"), "nothing said, exit 0", began.elapsed(), &names(folder.path()).join(" "));
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{what}");
    }
}

#[test]
fn signals_in_every_phase() {
    let origin = Origin::start();
    let never = Duration::from_secs(60);
    origin.rule("/silent.m3u8", Rule::Delay(never));
    origin.rule("/ladder-ts/v0-1.ts", Rule::StallAt(1000));
    let (silent, stalled, whole) = (origin.url("/silent.m3u8"), origin.url(MEDIA), origin.url("/ladder-ts/v1.m3u8"));
    // Large, so that it does not fit into a pipe
    let large = ["-f", "png", "-w", "4000", "--height", "2000", "--fit", "fill", "--enlarge", "-o"];
    let fifo = |folder: &Path| run("mkfifo", &[folder.join("fifo").to_str().expect("a name")]);
    let phases: [(&str, Vec<&str>); 4] = [
        ("while the playlist is waited for", vec![&silent]),
        ("while a segment comes", vec![&stalled, "--at", "3"]),
        ("while stdout takes nothing", [&[whole.as_str()][..], &large, &["-"]].concat()),
        ("while a FIFO is opened", [&[whole.as_str()][..], &large, &["fifo"]].concat()),
    ];
    for (phase, arguments) in phases {
        for (signal, number) in [("TERM", 15), ("INT", 2)] {
            let folder = tempfile::tempdir().expect("a folder");
            fifo(folder.path());
            let hits = origin.hits().len();
            let mut child = start(&arguments, folder.path(), Stdio::piped());
            let wanted = if arguments[0] == silent { 1 } else { 2 };
            wait_for(|| origin.hits().len() >= hits + wanted);
            std::thread::sleep(Duration::from_millis(700));
            assert!(child.try_wait().expect("a child").is_none(), "{phase}: it is at work");
            let began = Instant::now();
            run("kill", &[&format!("-{signal}"), &child.id().to_string()]);
            let ended = child.wait().expect("it ends");
            row(&format!("SIG{signal} {phase}"), &format!("{ended}"), began.elapsed(), "");
            assert_eq!(ended.signal(), Some(number), "{phase}");
            assert_eq!(names(folder.path()), ["fifo"], "{phase}");
        }
    }
}

fn start(arguments: &[&str], folder: &Path, stdout: Stdio) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hlsnap"));
    command.args(arguments).args(["--timeout", "30"]).current_dir(folder).env_clear().stdin(Stdio::null()).stdout(stdout);
    command.stderr(Stdio::piped()).spawn().expect("the program starts")
}

#[track_caller]
fn wait_for(what: impl Fn() -> bool) {
    let began = Instant::now();
    while !what() {
        assert!(began.elapsed() < HUNG, "it does not come to that");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder");
    let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
