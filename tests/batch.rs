//! `hlsnap batch`: a picture for each line of a list. The ladder's frames are numbered from 0, 25 a second; every 25th is a key frame.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs::{self, OpenOptions},
    io::{BufRead, BufReader, Read, Write},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::origin::{Origin, PLAYLIST, Rule};
use crate::support::{Run, file_names, frame_number, hlsnap, hlsnap_with, isolated_network::run_program, wait_for};
use serde_json::{Value, json};

const STREAM: &str = "/ladder-ts/v0.m3u8";
/// A port on which nothing listens.
const CLOSED: &str = "http://127.0.0.1:1";

/// Runs `hlsnap batch` over a list on stdin.
fn batch(list: &str, options: &[&str]) -> Run {
    hlsnap_with(&[&["batch", "-"], options].concat(), list.as_bytes(), tempfile::tempdir().expect("a folder"))
}

fn results(stdout: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(stdout);
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// The lines of the results, in their order.
fn lines(results: &[Value]) -> Vec<u64> {
    results.iter().filter_map(|result| result["line"].as_u64()).collect()
}

/// The result of a line.
#[track_caller]
fn result(results: &[Value], line: u64) -> &Value {
    let found: Vec<_> = results.iter().filter(|result| result["line"] == line).collect();
    let [result] = found[..] else { panic!("line {line} of {results:?}") };
    result
}

/// Starts the program in a folder, with its input and its messages piped.
fn start(arguments: &[&str], folder: &Path, stdout: impl Into<Stdio>) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hlsnap"));
    command.args(arguments).current_dir(folder).env_clear().stdin(Stdio::piped()).stdout(stdout).stderr(Stdio::piped());
    command.spawn().expect("the program starts")
}

/// A list of `count` lines that fail at once.
fn failing(count: usize) -> String {
    (0..count).fold(String::new(), |mut list, number| {
        let _ = writeln!(list, "{CLOSED}/{number}.m3u8");
        list
    })
}

#[test]
fn each_line_has_its_picture_and_its_report_in_order_of_finishing() {
    let origin = Origin::start();
    let (slow, stream) = (origin.url("/ladder-ts/v1.m3u8"), origin.url(STREAM));
    origin.rule("/ladder-ts/v1.m3u8", Rule::Delay(Duration::from_millis(1500)));
    let list = format!(
        "# slow\n{slow}\n{}\n{}\n",
        json!({"url": stream, "id": "two", "at": 2, "name": "The second"}),
        json!({"url": format!("{stream}?token=secret"), "at": "4s", "format": "webp"})
    );
    let run = batch(&list, &["-f", "png"]);
    let all = results(&run.succeeds().stdout);
    assert_eq!(all.last().map(|last| &last["line"]), Some(&json!(2)), "{all:?}");
    assert_eq!(result(&all, 2)["id"], slow);
    assert_eq!((&result(&all, 3)["id"], &result(&all, 3)["output"]), (&json!("two"), &json!("00003.png")));
    assert_eq!(result(&all, 4)["id"], format!("{stream}?..."));
    assert!(!String::from_utf8_lossy(&run.stdout).contains("secret"));
    // As `snap --json` reports it
    let single = hlsnap(&[&stream, "--at", "2", "-f", "png", "--json"]).json();
    let names = |value: &Value| value.as_object().map(|object| object.keys().cloned().collect::<BTreeSet<_>>()).unwrap_or_default();
    let added: Vec<_> = names(result(&all, 3)).difference(&names(&single)).cloned().collect();
    assert_eq!((added, names(&single).is_subset(&names(result(&all, 3)))), (vec!["id".to_owned(), "line".to_owned()], true));
    assert_eq!(run.files(), ["00002.png", "00003.png", "00004.webp"]);
    assert_eq!(["00002.png", "00003.png", "00004.webp"].map(|name| frame_number(&run.picture(name))), [0, 50, 100]);
}

#[test]
fn names_are_made_of_ids_names_and_lines_and_stay_in_their_folder() {
    let origin = Origin::start();
    let stream = origin.url(STREAM);
    let list = [
        json!({"url": stream, "id": "bbc.uk", "name": "BBC One"}),
        json!({"url": stream, "id": "../../x"}),
        json!({"url": stream, "id": "own", "output": "own.jpg"}),
        json!({"url": stream, "id": "own", "output": "own/{line}.jpg"}),
    ];
    let list = list.map(|line| line.to_string()).join("\n");
    let run = batch(&list, &["-o", "{line}-{id}-{name}.{ext}", "-w", "32"]);
    assert_eq!(run.code, 50, "{}", run.stderr);
    let files = run.files();
    assert_eq!((files.len(), &files[0][..], &files[2][..]), (3, "00001-bbc.uk-BBC-One.jpg", "own.jpg"));
    assert!(files[1].starts_with("00002--.-..-x-"), "{files:?}");
    assert_eq!(result(&results(&run.stdout), 4)["error"]["kind"], "output");
    for output in ["same.jpg", "{msn}.jpg", "-"] {
        batch(&list, &["-o", output]).fails(2, "usage");
    }
}

#[test]
fn a_bad_line_is_its_own_error_and_the_others_have_their_pictures() {
    let origin = Origin::start();
    let list = format!(
        "{}\n{{\"url\": \"x\", \"widht\": 5, \"id\": \"typo\"}}\nnot:// a url\n{}\n{{\n{}\n{}/x.m3u8\n",
        origin.url(STREAM),
        origin.url("/none.m3u8"),
        json!({"url": origin.url(STREAM), "id": "last"}),
        CLOSED
    );
    let run = batch(&list, &["-w", "32", "--retries", "0"]);
    assert_eq!((run.code, run.stderr.lines().count()), (50, 1), "{}", run.stderr);
    assert!(run.stderr.starts_with("hlsnap: partial: 5 of 7 lines have no picture"), "{}", run.stderr);
    let all = results(&run.stdout);
    let kinds: Vec<_> = (1..=7).map(|line| result(&all, line)["error"]["kind"].as_str().unwrap_or("none")).collect();
    assert_eq!(kinds, ["none", "usage", "usage", "http_status", "usage", "none", "unreachable"]);
    assert_eq!(result(&all, 2)["id"], "typo");
    assert_eq!(result(&all, 4)["error"]["status"], 404);
    assert_eq!(run.files(), ["00001.jpg", "00006.jpg"]);
}

#[test]
fn the_exit_code_is_the_error_of_a_single_line_and_else_partial() {
    let code = |list: &str, options: &[&str]| batch(list, &[options, &["--retries", "0"]].concat()).code;
    assert_eq!(code("", &[]), 0);
    assert_eq!(code("# nothing\n\n", &[]), 0);
    assert_eq!(code(&failing(1), &[]), 11);
    assert_eq!(code(&failing(2), &[]), 50);
    let origin = Origin::start();
    assert_eq!(code(&origin.url(STREAM), &["--compare", "0000000000000000", "--fail-on", "frozen"]), 0);
    let run = batch(&origin.url(STREAM), &[]);
    let hash = results(&run.succeeds().stdout)[0]["verdict"]["hash"].as_str().expect("a hash").to_owned();
    assert_eq!(code(&format!("{0}\n{0}\n", origin.url(STREAM)), &["--compare", &hash, "--fail-on", "frozen"]), 40);
}

#[test]
fn results_come_while_the_list_is_still_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = start(&["batch", "--retries", "0", "--quiet"], folder.path(), Stdio::piped());
    let (mut list, stdout) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
    let mut results = BufReader::new(stdout).lines();
    for line in 1..=3 {
        writeln!(list, "{CLOSED}/{line}.m3u8").and_then(|()| list.flush()).expect("written");
        let result: Value = serde_json::from_str(&results.next().expect("a line").expect("readable")).expect("JSON");
        assert_eq!(result["line"], line);
    }
    drop(list);
    assert!(results.next().is_none());
    assert_eq!(child.wait().expect("the program ends").code(), Some(50));
}

#[test]
fn an_interrupted_run_resumes_where_it_stopped() {
    let origin = Origin::start();
    let folder = tempfile::tempdir().expect("a folder");
    let results_file = folder.path().join("results.jsonl");
    let stuck = "/ladder-ts/v1.m3u8";
    origin.rule(stuck, Rule::Delay(Duration::from_secs(60))).rule("/none.m3u8", Rule::Status(404, None));
    let list = [STREAM, "/single-file/index.m3u8", stuck, "/none.m3u8", "/ladder-fmp4/v0.m3u8"].map(|path| origin.url(path)).join("\n");
    fs::write(folder.path().join("list.txt"), list).expect("written");
    let run = |options: &[&str]| {
        let stdout = OpenOptions::new().create(true).append(true).open(&results_file).expect("opened");
        start(&[&["batch", "list.txt", "-w", "32", "--quiet"], options].concat(), folder.path(), stdout)
    };
    let written = || fs::read(&results_file).expect("readable");

    let mut child = run(&[]);
    wait_for(|| written().split(|byte| *byte == b'\n').count() == 5 && origin.count(stuck) == 1);
    run_program("kill", &["-KILL", &child.id().to_string()]);
    assert_eq!(child.wait().expect("the program ends").signal(), Some(9));
    let before = results(&written());
    assert_eq!(lines(&before).into_iter().collect::<BTreeSet<_>>(), [1, 2, 4, 5].into());
    // As if the run had been killed in the middle of a line
    fs::write(&results_file, [&written()[..], b"{\"line\":3,\"id\":\"ht"].concat()).expect("written");

    origin.rule(stuck, Rule::File).rule("/none.m3u8", Rule::Status(403, None));
    let counts = || [STREAM, "/single-file/index.m3u8", "/ladder-fmp4/v0.m3u8"].map(|path| origin.count(path));
    let counts_before = counts();
    let mut child = run(&["--resume", "results.jsonl"]);
    let mut stderr = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("UTF-8");
    assert_eq!(child.wait().expect("the program ends").code(), Some(50), "{stderr}");
    assert_eq!(counts(), counts_before, "finished lines are not requested again");
    let text = String::from_utf8(written()).expect("UTF-8");
    let (torn, whole): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.ends_with("\"ht"));
    assert_eq!(torn.len(), 1, "the next result begins with a new line");
    let all = results(whole.join("\n").as_bytes());
    assert_eq!(all.len(), 6, "{all:?}");
    let done: BTreeSet<_> =
        all.iter().filter(|result| result.get("error").is_none()).filter_map(|result| result["line"].as_u64()).collect();
    assert_eq!(done, [1, 2, 3, 5].into());
    assert_eq!(file_names(folder.path()), ["00001.jpg", "00002.jpg", "00003.jpg", "00005.jpg", "list.txt", "results.jsonl"]);
    assert!(!run(&["--resume", "none.jsonl"]).wait().expect("the program ends").success());
}

#[test]
fn a_signal_ends_the_run_and_leaves_whole_files_and_results() {
    let origin = Origin::start();
    origin.rule("/ladder-ts/v1.m3u8", Rule::Delay(Duration::from_secs(60)));
    for (signal, number) in [("TERM", 15), ("INT", 2)] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = start(&["batch", "-f", "png", "--quiet"], folder.path(), Stdio::piped());
        let mut list = child.stdin.take().expect("a pipe");
        writeln!(list, "{}\n{}", origin.url("/ladder-ts/v1.m3u8"), origin.url(STREAM)).expect("written");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut first = String::new();
        stdout.read_line(&mut first).expect("a line");
        run_program("kill", &[&format!("-{signal}"), &child.id().to_string()]);
        assert_eq!(child.wait().expect("the program ends").signal(), Some(number));
        assert_eq!(result(&results(first.as_bytes()), 2)["output"], "00002.png");
        assert_eq!(file_names(folder.path()), ["00002.png"]);
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).expect("UTF-8");
        assert_eq!(rest, "");
    }
}

#[test]
fn a_reader_that_closes_the_pipe_ends_the_run_quietly() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = start(&["batch", "--retries", "0"], folder.path(), Stdio::piped());
    let mut list = child.stdin.take().expect("a pipe");
    let list_writer = std::thread::spawn(move || list.write_all(failing(5000).as_bytes()));
    let mut first = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut first).expect("a line");
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
    // The write fails, because the reader is gone
    let _ = list_writer.join();
}

/// Puts documents at an origin that answer late and are no playlists, so that each line costs one request.
fn late_playlists(origin: &Origin, count: usize) -> Vec<String> {
    let path = |number| format!("/late-{number}.m3u8");
    for number in 0..count {
        origin.put(&path(number), "late").rule(&path(number), Rule::Delay(Duration::from_millis(60)));
    }
    (0..count).map(|number| origin.url(&path(number))).collect()
}

#[test]
fn one_host_gets_at_most_per_host_requests_at_once_and_does_not_delay_other_hosts() {
    let (busy, other) = (Origin::start(), Origin::start());
    let list = [late_playlists(&busy, 12), late_playlists(&other, 2)].concat().join("\n");
    let run = batch(&list, &["--jobs", "5", "--per-host", "3"]);
    let all = results(&run.stdout);
    assert_eq!((run.code, all.len()), (50, 14), "{}", run.stderr);
    assert!(all.iter().all(|result| result["error"]["kind"] == "bad_playlist"), "{all:?}");
    assert_eq!((busy.most_at_once(), other.most_at_once()), (3, 2));
    let others_done = lines(&all).iter().take(8).filter(|line| **line > 12).count();
    assert_eq!(others_done, 2, "the other host's lines are last in the list: {:?}", lines(&all));
    let one_at_a_time = Origin::start();
    batch(&late_playlists(&one_at_a_time, 4).join("\n"), &["--jobs", "1"]);
    assert_eq!(one_at_a_time.most_at_once(), 1);
}

#[test]
fn the_parts_of_a_list_are_complete_and_disjoint() {
    let list = failing(60) + "{\n";
    let parts = [1, 2, 3].map(|part| {
        let run = batch(&list, &["--retries", "0", "--shard", &format!("{part}/3")]);
        lines(&results(&run.stdout))
    });
    assert!(parts.iter().all(|part| part.len() > 5), "{parts:?}");
    let mut all = parts.concat();
    all.sort_unstable();
    assert_eq!(all, (1..=61).collect::<Vec<_>>());
    batch(&list, &["--shard", "4/3"]).fails(2, "usage");
}

#[test]
fn lists_are_files_urls_or_stdin_in_any_format() {
    let origin = Origin::start();
    let m3u = "#EXTM3U\r\n#EXTINF:-1 tvg-id=\"one\" group-title=\"A, B\",One\r\nladder-ts/v0.m3u8\r\n#EXTINF:-1,Two\r\n\
               #EXTVLCOPT:http-user-agent=VLC\r\n/ladder-fmp4/v0.m3u8|Referer=http://r/\r\n";
    origin.put("/all.m3u", m3u);
    let run = hlsnap(&["batch", &origin.url("/all.m3u"), "-o", "{id}.{ext}", "-w", "32"]);
    let all = results(&run.succeeds().stdout);
    assert_eq!((&result(&all, 3)["id"], &result(&all, 6)["id"]), (&json!("one"), &json!(origin.url("/ladder-fmp4/v0.m3u8"))));
    assert!(run.files().contains(&"one.jpg".to_owned()), "{:?}", run.files());
    let headers = origin.requests().into_iter().find(|request| request.path == "/ladder-fmp4/v0.m3u8").expect("a request").headers;
    assert_eq!(
        (headers.get("user-agent").map(String::as_str), headers.get("referer").map(String::as_str)),
        (Some("VLC"), Some("http://r/"))
    );

    let toml = format!(
        "[defaults]\nwidth = 64\n\n[[channel]]\nid = \"a\"\nurl = \"{0}\"\n\n[[channel]]\nurl = \"{0}\"\nat = 2\n",
        origin.url(STREAM)
    );
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("list"), toml).expect("written");
    let run = hlsnap_with(&["batch", "list", "-f", "png"], b"", folder);
    let all = results(&run.succeeds().stdout);
    assert_eq!((&result(&all, 4)["id"], &result(&all, 4)["width"], &result(&all, 8)["width"]), (&json!("a"), &json!(64), &json!(64)));
    let run = batch("#EXTM3U\n#EXTINF:-1,One\nv0.m3u8\n", &["--base-url", &origin.url("/ladder-ts/"), "-w", "32"]);
    assert_eq!(result(&results(&run.succeeds().stdout), 3)["id"], origin.url(STREAM));
    hlsnap(&["batch", "none.txt"]).fails(22, "not_found");
    hlsnap(&["batch", &origin.url("/none.txt")]).fails(12, "http_status");
}

#[test]
fn a_list_from_the_network_names_neither_files_nor_outputs() {
    let origin = Origin::start();
    let stream = origin.url(STREAM);
    let list =
        [json!({"url": "/etc/passwd"}), json!({"url": "file:///x"}), json!({"url": stream, "output": "x.jpg"}), json!({"url": stream})];
    origin.put("/list.jsonl", list.map(|line| line.to_string()).join("\n"));
    let run = hlsnap(&["batch", &origin.url("/list.jsonl")]);
    let all = results(&run.stdout);
    let kinds: Vec<_> = (1..=4).map(|line| result(&all, line)["error"]["kind"].as_str().unwrap_or("none")).collect();
    assert_eq!(kinds, ["not_allowed", "not_allowed", "not_allowed", "none"]);
    assert_eq!(run.files(), ["00004.jpg"]);
}

#[test]
fn a_snapshot_of_a_list_of_channels_names_the_commands_for_lists() {
    let origin = Origin::start();
    let list = "#EXTM3U\n#EXTINF:-1 tvg-id=\"a\",A\nhttp://h/a.m3u8\n#EXTINF:-1 tvg-id=\"b\",B\nhttp://h/b.m3u8\n";
    origin.rule("/list.m3u8", Rule::Body(list.into(), PLAYLIST));
    for command in ["snap", "inspect", "sheet"] {
        let run = hlsnap(&[command, &origin.url("/list.m3u8")]);
        let stderr = &run.fails(20, "bad_playlist").stderr;
        assert!(stderr.contains("list of channels") && stderr.contains("`hlsnap batch`") && stderr.contains("`hlsnap watch`"), "{stderr}");
    }
    // The other way round
    let run = batch(&String::from_utf8(origin.file(STREAM)).expect("UTF-8"), &[]);
    assert!(run.stderr.contains("HLS playlist, not a list of channels"), "{}", run.stderr);
}

#[test]
fn memory_does_not_grow_with_the_list() {
    const LINES: usize = 12_000;
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = start(&["batch", "--retries", "0", "--quiet"], folder.path(), Stdio::piped());
    let mut list = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || list.write_all(failing(LINES).as_bytes()));
    let status = format!("/proc/{}/status", child.id());
    let resident = || {
        let text = fs::read_to_string(&status).expect("the status");
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number")
    };
    let mut peaks = Vec::new();
    for (count, line) in BufReader::new(child.stdout.take().expect("a pipe")).lines().enumerate() {
        line.expect("readable");
        if count + 1 == LINES / 4 || count + 500 == LINES {
            peaks.push(resident());
        }
    }
    assert_eq!(child.wait().expect("the program ends").code(), Some(50));
    assert!(writer.join().is_ok_and(|result| result.is_ok()));
    assert_eq!(peaks.len(), 2);
    assert!(peaks[1] < peaks[0] + 4096, "kB: {peaks:?}");
}
