//! `hlsnap serve` on one machine: signed URLs, CORS, rate limits, the access log, `/openapi.json` and `/metrics`.

use std::{
    fs::File,
    io::Write,
    process::{Command, Stdio},
};

use crate::origin::{Origin, fixture};
use crate::support::{
    hlsnap, hlsnap_with,
    http_server::{Answer, Server},
    wait_for,
};
use reqwest::Method;
use serde_json::Value;

const OPEN: [&str; 2] = ["--allow-any", "--allow-private"];
const PAGE: &str = "https://page.example";

/// The document as tests/serve/check.py reads it.
fn check(kind: &str, document: &[u8]) -> Value {
    let output = |command: &mut Command| {
        let mut child =
            command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        child.stdin.take().expect("a pipe").write_all(document).expect("written");
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{command:?} fails for {}", String::from_utf8_lossy(document));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let python = output(Command::new("bash").args(["-c", "cat >/dev/null; exec script/python serve"]));
    serde_json::from_str(&output(Command::new(python.trim()).args(["-B", "tests/serve/check.py", kind]))).expect("JSON")
}

/// The rounded value of a sample whose labels include these.
#[track_caller]
fn sample(samples: &Value, name: &str, labels: &[(&str, &str)]) -> u64 {
    let found = samples[name].as_array().unwrap_or_else(|| panic!("{name} is missing"));
    let is_wanted =
        |found: &&Value| labels.iter().all(|(label, text)| found.pointer(&format!("/0/{label}")).and_then(Value::as_str) == Some(text));
    let sample = found.iter().find(is_wanted).unwrap_or_else(|| panic!("{name}{labels:?} is missing in {found:?}"));
    sample[1].as_u64().expect("a number")
}

fn signed(arguments: &[&str]) -> Vec<String> {
    let run = hlsnap(&[&["sign", "--key", "secret"], arguments].concat());
    String::from_utf8(run.succeeds().stdout.clone()).expect("UTF-8").lines().map(str::to_owned).collect()
}

#[test]
fn signed_urls_are_answered_by_a_server_with_the_same_key() {
    let origin = Origin::start();
    let server = Server::start(&["--allow-private"], &[("HLSNAP_KEY", "secret")]);
    let stream = origin.url("/ladder-ts/v0.m3u8");
    let path = format!("/snapshot.jpg?url={stream}&width=64");
    let urls = signed(&[&server.url(&path), &path, "--expires", "1h"]);
    assert_eq!(urls.len(), 2);
    for url in &urls {
        let path = url.trim_start_matches(&server.url(""));
        assert_eq!(server.get(path).picture().width(), 64, "{url}");
        server.get(&path.replace("width=64", "width=65")).fails(403, "not_allowed");
    }
    server.get(&signed(&[&format!("/inspect.json?url={stream}")])[0]).json();
    server.get(&path).fails(403, "not_allowed");
    // These paths need no signature
    for open in ["/healthz", "/openapi.json", "/metrics"] {
        assert_eq!(server.get(open).status, 200, "{open}");
    }
}

#[test]
fn sign_reads_lines_and_names_lines_that_it_cannot_sign() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines = b"/snapshot.jpg?url=http://h/x\n\nhttp://s/sheet.jpg?url=http://h/x\n";
    let run = hlsnap_with(&["sign", "-", "--key", "secret", "--expires", "2100-01-01T00:00:00Z"], lines, folder);
    let text = String::from_utf8_lossy(&run.succeeds().stdout).into_owned();
    let starts: Vec<_> = text.lines().map(|line| line.split("&sig=").next().unwrap_or_default()).collect();
    let query = "expires=4102444800&url=http%3A%2F%2Fh%2Fx";
    assert_eq!(starts, [format!("/snapshot.jpg?{query}"), format!("http://s/sheet.jpg?{query}")]);
    let run = hlsnap_with(&["sign", "-", "--key", "secret"], b"/snapshot.jpg?url=http://h/x\n/nothing?a=secret\n", run.folder);
    run.fails(2, "usage");
    assert!(run.last_line().contains("line 2") && !run.last_line().contains("secret"), "{}", run.last_line());
    hlsnap(&["sign", "/snapshot.jpg?url=http://h/x"]).fails(2, "usage");
}

#[test]
fn pages_of_allowed_origins_may_read_answers_and_their_facts() {
    let origin = Origin::start();
    let path = format!("/snapshot.jpg?url={}&width=64", origin.url("/ladder-ts/v0.m3u8"));
    let one = Server::start(&[&OPEN[..], &["--cors", PAGE]].concat(), &[]);
    let answer = one.get_with(&path, &[("origin", PAGE)]);
    assert_eq!((answer.status, answer.header("access-control-allow-origin"), answer.header("vary")), (200, PAGE, ""));
    for name in ["x-hlsnap-age", "x-hlsnap-requests", "x-hlsnap-missing", "etag", "age"] {
        let exposed = answer.header("access-control-expose-headers");
        assert!(exposed.split(',').any(|other| other == name), "{name} is not in {exposed}");
    }
    let again = one.get_with(&path, &[("origin", PAGE), ("if-none-match", answer.header("etag"))]);
    assert_eq!((again.status, again.header("access-control-allow-origin")), (304, PAGE));
    let asked = [("origin", PAGE), ("access-control-request-method", "GET"), ("access-control-request-headers", "if-none-match")];
    let preflight = one.send(Method::OPTIONS, &path, &asked);
    assert_eq!((preflight.status, preflight.header("access-control-allow-methods")), (200, "GET,HEAD"));
    assert_eq!(preflight.header("access-control-allow-headers"), "if-none-match");

    let several = Server::start(&[], &[("HLSNAP_ALLOW_ANY", "true"), ("HLSNAP_CORS", "https://a.example,https://page.example")]);
    let allowed = |page: &str| {
        let answer = several.get_with("/snapshot.jpg", &[("origin", page)]);
        assert_eq!(answer.header("vary"), "origin");
        answer.fails(400, "usage");
        answer.header("access-control-allow-origin").to_owned()
    };
    assert_eq!([allowed(PAGE), allowed("https://b.example")], [PAGE, ""]);
    let any = Server::start(&["--allow-any", "--cors", "*"], &[]).get_with("/openapi.json", &[("origin", "https://b.example")]);
    assert_eq!((any.header("access-control-allow-origin"), any.header("vary")), ("*", ""));
    hlsnap(&["serve", "--allow-any", "--cors", "page.example"]).fails(2, "usage");
}

#[test]
fn a_client_that_sends_too_many_requests_has_to_wait() {
    let server = Server::start(&["--allow-any", "--rate-limit", "3/m"], &[]);
    // Without trusted proxies, the header is ignored
    let ask = |number: u32| server.get_with("/openapi.json", &[("x-forwarded-for", &format!("192.0.2.{number}"))]);
    let statuses: Vec<_> = (0..5).map(|number| ask(number).status).collect();
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    let refused = ask(9);
    refused.fails(429, "not_allowed");
    let seconds: u32 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=20).contains(&seconds), "{seconds}");
    for path in ["/healthz", "/metrics"] {
        assert_eq!(server.get(path).status, 200, "{path} is not limited");
    }
    let samples = check("metrics", &server.get("/metrics").body);
    assert_eq!(sample(&samples, "hlsnap_http_requests_total", &[("route", "/openapi.json"), ("status", "429")]), 3);
}

#[test]
fn trusted_proxies_name_the_client() {
    let options = ["--allow-any", "--rate-limit", "1/m", "--trusted-proxies", "127.0.0.0/8", "--trusted-proxies", "10.0.0.0/8"];
    let server = Server::start(&options, &[]);
    let ask = |forwarded: &str| server.get_with("/openapi.json", &[("x-forwarded-for", forwarded)]).status;
    assert_eq!([ask("192.0.2.1"), ask("192.0.2.1"), ask("192.0.2.2")], [200, 429, 200]);
    // A client's own text is to the left of the addresses that proxies append
    assert_eq!([ask("203.0.113.1, 192.0.2.1"), ask("203.0.113.2, 192.0.2.2, 10.0.0.7")], [429, 429]);
    // One customer has a /64
    assert_eq!([ask("2001:db8::1"), ask("[2001:db8::2]:443"), ask("2001:db8:0:1::1")], [200, 429, 200]);
    hlsnap(&["serve", "--allow-any", "--trusted-proxies", "10.0.0.0/99"]).fails(2, "usage");
    hlsnap(&["serve", "--allow-any", "--rate-limit", "10/h"]).fails(2, "usage");
}

#[test]
fn the_access_log_has_a_line_for_each_request_and_no_secrets() {
    let (origin, folder) = (Origin::start(), tempfile::tempdir().expect("a folder"));
    let path = folder.path().join("log");
    let log = File::create(&path).expect("a file");
    let variables = [("HLSNAP_KEY", "secret"), ("HLSNAP_ALLOW_PRIVATE", "1"), ("HLSNAP_ACCESS_LOG", "true")];
    let server = Server::start_with(&[], &variables, log.into());
    let stream = origin.url("/ladder-ts/v0.m3u8?token=hidden").replace('?', "%3F");
    let signed = signed(&[&format!("/snapshot.jpg?url={stream}&width=64")]).remove(0);
    let picture = server.get_with(&signed, &[("user-agent", "a \"browser\"")]);
    server.send(Method::HEAD, &signed, &[]);
    server.get(&signed.replace("width=64", "width=65&unknown=hidden"));
    server.get("/healthz");
    server.get("/nothing");
    let text = || std::fs::read_to_string(&path).expect("the log");
    wait_for(|| text().lines().count() >= 4);
    let log = text();
    let sig = signed.rsplit("sig=").next().expect("a signature");
    assert!(!log.contains(sig) && !log.contains("hidden") && !log.contains("secret"), "{log}");
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 4, "probes have no line: {log}");
    let field = |name: &str| lines.iter().map(|line| line[name].clone()).collect::<Vec<_>>();
    assert_eq!(field("status"), [200, 200, 403, 404]);
    assert_eq!(field("method"), ["GET", "HEAD", "GET", "GET"]);
    assert_eq!(field("bytes")[..2], [picture.body.len(), 0]);
    assert_eq!(field("error"), [Value::Null, Value::Null, "not_allowed".into(), "not_found".into()]);
    assert_eq!((&lines[0]["client"], &lines[0]["user_agent"]), (&"127.0.0.1".into(), &"a \"browser\"".into()));
    assert_eq!(lines[0]["query"], format!("url={}...&width=64&sig=...", origin.url("/ladder-ts/v0.m3u8?")));
}

#[test]
fn the_description_is_valid_and_names_every_route_and_parameter() {
    let server = Server::start(&[], &[("HLSNAP_KEY", "secret")]);
    let document = check("openapi", &server.get("/openapi.json").body);
    assert_eq!(document["security"], serde_json::json!([{"signature": []}]));
    let paths = document["paths"].as_object().expect("paths");
    // Both ways: the server has each path of the description, and the description has each path of the server's own list
    for path in paths.keys() {
        assert_ne!(server.get(path).status, 404, "{path}");
    }
    let hint = server.get("/nothing").fails(404, "not_found")["hint"].as_str().expect("a hint").to_owned();
    let mut stem = String::new();
    for word in hint.split([' ', ',']).filter(|word| word.contains(['/', '.'])) {
        let path = if word.starts_with('/') { word.to_owned() } else { format!("{stem}{word}") };
        stem = path.split('.').next().unwrap_or_default().to_owned();
        assert!(paths.contains_key(&path), "{path} is not described");
    }
    let names = |path: &str| {
        let parameters = document["paths"][path]["get"]["parameters"].as_array().expect("parameters").iter();
        let name = |one: &Value| one["$ref"].as_str().expect("a reference").rsplit('/').next().unwrap_or_default().to_owned();
        parameters.map(name).filter(|name| name != "expires").collect::<Vec<_>>().join(", ")
    };
    // For a misspelled parameter, the server lists the parameters of the path
    let open = Server::start(&["--allow-any"], &[]);
    for path in paths.keys().filter(|path| !document["paths"][*path]["get"]["parameters"].is_null()) {
        let problem = open.get(&format!("{path}?nonsense=1")).fails(400, "usage");
        assert_eq!(problem["hint"], format!("use {}", names(path)), "{path}");
    }
    assert_eq!(document["components"]["parameters"]["quality"]["schema"]["maximum"], 100);
    assert_eq!(document["components"]["responses"]["504"]["description"], "timeout");
    assert_eq!(open.get("/openapi.json").json()["security"], serde_json::json!([]));
}

#[test]
fn metrics_count_requests_jobs_and_bytes() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    let url = origin.url("/ladder-ts/master.m3u8");
    let pictures: Vec<Answer> = [
        "/snapshot.png?at=3&width=64&",
        "/report.json?width=96&",
        "/sheet.jpg?columns=1&rows=1&tile_width=64&",
        "/storyboard.vtt?columns=1&rows=1&count=1&tile_width=64&",
        "/animated.gif?for=0.5&fps=2&width=64&",
        "/inspect.json?",
    ]
    .iter()
    .map(|path| server.get(&format!("{path}url={url}")))
    .collect();
    for answer in &pictures {
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    }
    server.get(&format!("/snapshot.jpg?url={}", origin.url("/none.m3u8"))).fails(502, "http_status");
    server.get("/snapshot.jpg").fails(400, "usage");
    for _ in 0..2 {
        server.get("/nothing").fails(404, "not_found");
    }
    let answer = server.get("/metrics");
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let samples = check("metrics", &answer.body);
    let count = |name: &str, labels: &[(&str, &str)]| sample(&samples, name, labels);
    for kind in ["snapshot", "report", "sheet", "storyboard", "animation", "inspect"] {
        assert_eq!(count("hlsnap_pictures_total", &[("kind", kind), ("result", "ok")]), 1, "{kind}");
        let durations = if kind == "snapshot" { 2 } else { 1 };
        assert_eq!(count("hlsnap_picture_duration_seconds_count", &[("kind", kind)]), durations, "{kind}");
    }
    assert_eq!(count("hlsnap_pictures_total", &[("kind", "snapshot"), ("result", "http_status")]), 1);
    let bytes = pictures[0].body.len() as u64;
    assert_eq!(count("hlsnap_picture_bytes_sum", &[("kind", "snapshot")]), bytes);
    assert_eq!(count("hlsnap_http_requests_total", &[("route", "/snapshot.png"), ("status", "200")]), 1);
    assert_eq!(count("hlsnap_http_requests_total", &[("route", "/snapshot.jpg"), ("status", "400")]), 1);
    assert_eq!(count("hlsnap_http_requests_total", &[("route", "other"), ("status", "404")]), 2);
    // Including the requests of failed jobs
    assert_eq!(count("hlsnap_origin_requests_total", &[]), origin.requests().len() as u64);
    let received: u64 = pictures[0].header("x-hlsnap-bytes-received").parse().expect("a number");
    assert!(count("hlsnap_received_bytes_total", &[]) > received && received > 1000);
    assert_eq!([count("hlsnap_jobs_running", &[]), count("hlsnap_jobs_waiting", &[])], [0, 0]);
    assert_eq!(count("hlsnap_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), 1);
    assert!(count("process_resident_memory_bytes", &[]) > 1_000_000 && count("process_start_time_seconds", &[]) > 1_700_000_000);
}

#[test]
fn waiting_jobs_are_measured() {
    let origin = Origin::start();
    let server = Server::start(&[&OPEN[..], &["--jobs", "1"]].concat(), &[]);
    origin.rule("/slow.m3u8", crate::origin::Rule::Delay(std::time::Duration::from_secs(60)));
    let open = |number: u32| {
        let mut stream = std::net::TcpStream::connect(server.url("").trim_start_matches("http://")).expect("connected");
        // Requests of one stream would share the playlist, and wait for it without a job
        let path = format!("/snapshot.jpg?url={}%3F{number}", origin.url("/slow.m3u8"));
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).expect("sent");
        stream
    };
    let _open = [open(64), open(65), open(66)];
    let has_line = |line: &str| String::from_utf8_lossy(&server.get("/metrics").body).lines().any(|one| one == line);
    wait_for(|| has_line("hlsnap_jobs_running 1") && has_line("hlsnap_jobs_waiting 2"));
}

#[test]
fn a_head_request_has_the_headers_of_get_and_no_body() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    origin.put("/one.ts", fixture("ladder-ts/v0-0.ts"));
    let path = format!("/snapshot.jpg?url={}&width=64&strip", origin.url("/one.ts"));
    let (get, head) = (server.get(&path), server.send(Method::HEAD, &path, &[]));
    assert_eq!((head.status, head.body.len()), (200, 0));
    for name in ["content-type", "content-length", "etag", "cache-control", "x-hlsnap-width"] {
        assert!(!get.header(name).is_empty() && get.header(name) == head.header(name), "{name}: {:?}", head.headers);
    }
    let failed = server.send(Method::HEAD, "/snapshot.jpg", &[]);
    assert_eq!((failed.status, failed.body.len(), failed.header("cache-control")), (400, 0, "no-store"));
}

#[test]
fn the_function_refuses_settings_that_it_would_ignore() {
    for (name, value) in [("HLSNAP_RATE_LIMIT", "1/s"), ("HLSNAP_CORS", "*"), ("HLSNAP_ACCESS_LOG", "true")] {
        let mut function = Command::new(env!("CARGO_BIN_EXE_bootstrap"));
        let output = function.env_clear().envs([(name, value), ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1")]).output().expect("it ends");
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.starts_with("hlsnap: usage: ") && message.contains(name), "{message}");
    }
}
