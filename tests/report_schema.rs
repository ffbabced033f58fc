//! `docs/report.schema.json` describes what the program prints: an independent validator (jsonschema for Python) accepts real reports, also if
//! no object may have a field that the schema does not name, and refuses reports that are wrong.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use crate::origin::{Origin, Rule};
use crate::support::{Run, hlsnap, hlsnap_with, start_hlsnap};
use serde_json::{Value, json};

const SCHEMA: &str = "docs/report.schema.json";

/// What is wrong with a value: with the schema as it is, and if objects have no other fields.
struct Faults {
    open: Vec<String>,
    closed: Vec<String>,
}

/// Validates values against definitions of the schema; `""` is the schema as a whole.
fn validate(cases: &[(&str, Value)]) -> Vec<Faults> {
    let python = Command::new("script/python").arg("schema").output().expect("script/python runs");
    assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
    let python = String::from_utf8(python.stdout).expect("a path");
    let mut command = Command::new(python.trim());
    command.args(["tests/schema/check.py", SCHEMA]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("Python runs");
    let lines: String =
        cases.iter().map(|(definition, value)| json!({"definition": definition, "value": value}).to_string() + "\n").collect();
    child.stdin.take().expect("a pipe").write_all(lines.as_bytes()).expect("Python reads");
    let output = child.wait_with_output().expect("Python ends");
    let faults = |list: &Value| list.as_array().expect("a list").iter().map(ToString::to_string).collect();
    let found: Vec<_> =
        json_lines(&output.stdout).iter().map(|line| Faults { open: faults(&line["open"]), closed: faults(&line["closed"]) }).collect();
    assert_eq!(found.len(), cases.len(), "the validator failed");
    found
}

/// Asserts that the values are valid by their definition, by the schema as a whole, and have no field that the schema does not name.
fn assert_valid(cases: Vec<(&str, Value)>) {
    let count = cases.len();
    let whole = cases.iter().map(|(_, value)| ("", value.clone())).collect::<Vec<_>>();
    let cases = [cases, whole].concat();
    for (number, (faults, (definition, value))) in validate(&cases).into_iter().zip(&cases).enumerate() {
        assert_eq!(faults.open, Vec::<String>::new(), "{definition}: {value}");
        assert!(number >= count || faults.closed.is_empty(), "{definition}: {:?}: {value}", faults.closed);
    }
}

fn json_lines(stdout: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(stdout).lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// What a command prints with `--json` as one object, whatever its exit code.
#[track_caller]
fn printed(code: i32, arguments: &[&str]) -> Value {
    let run = hlsnap(&[arguments, &["--json"]].concat());
    assert_eq!(run.code, code, "{arguments:?}: {}", run.stderr);
    run.json()
}

fn fixture(name: &str) -> String {
    format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A snapshot of `/ladder-ts/master.m3u8`.
fn snapshot(origin: &Origin) -> Value {
    printed(0, &[&origin.url("/ladder-ts/master.m3u8")])
}

#[test]
fn reports_of_snapshots_are_valid() {
    let origin = Origin::start();
    let url = |path: &str| origin.url(path);
    let first = snapshot(&origin);
    let hash = first["verdict"]["hash"].as_str().expect("a hash").to_owned();
    let mut reports = vec![
        first,
        printed(0, &[&url("/ladder-fmp4/master.m3u8"), "-w", "64", "-f", "webp", "--at", "3"]),
        printed(0, &[&url("/live/master.m3u8"), "-f", "png"]),
        printed(0, &[&url("/live/master.m3u8"), "--at", "-4s", "--compare", &hash]),
        printed(0, &[&fixture("movie.mp4")]),
        printed(0, &[&fixture("av1/untagged.mp4"), "-f", "avif"]),
        printed(0, &[&fixture("hdr/pq.mp4"), "-w", "64"]),
        printed(40, &[&url("/ladder-ts/v0.m3u8"), "--compare", &hash, "--at", "0", "--fail-on", "black,flat,frozen"]),
    ];
    origin.rule("/ladder-ts/v0.m3u8", Rule::Status(404, None));
    reports.push(snapshot(&origin));
    assert!(reports[8]["notes"].is_array(), "a skipped Variant is noted");
    assert_eq!(reports[7]["verdict"]["failed"], json!(["frozen"]));
    assert!(reports[2]["frame"]["program_date_time"].is_string() && reports[4]["segment"]["media_sequence_number"].is_null());
    assert_valid(reports.into_iter().map(|report| ("Report", report)).collect());
}

#[test]
fn reports_of_many_pictures_are_valid() {
    let origin = Origin::start();
    let url = origin.url("/ladder-ts/master.m3u8");
    let broken = origin.url("/ladder-ts/v0.m3u8");
    let mut reports = vec![
        printed(0, &["sheet", &url, "--count", "4", "-o", "sheet.png"]),
        printed(0, &["sheet", &origin.url("/live/master.m3u8"), "--count", "2"]),
        printed(0, &["storyboard", &url, "--every", "2s", "-o", "board"]),
        printed(0, &["animate", &url, "--for", "1s", "-w", "64", "-o", "a.gif"]),
    ];
    origin.rule("/ladder-ts/v0-1.ts", Rule::Status(404, None));
    reports.push(printed(50, &["sheet", &broken, "--every", "2s"]));
    assert_eq!(reports[4]["pictures"][1]["error"]["kind"], "http_status");
    let run = hlsnap(&["series", &broken, "--every", "2s", "--json"]);
    let mut lines = json_lines(&run.stdout);
    assert_eq!((run.code, lines.len()), (50, 4), "{}", run.stderr);
    reports.extend(lines.pop());
    let lines = lines.into_iter().map(|line| ("SeriesPictureReport", line));
    assert_valid(reports.into_iter().map(|report| ("PicturesReport", report)).chain(lines).collect());
}

#[test]
fn results_of_lists_and_inspections_are_valid() {
    let origin = Origin::start();
    let url = origin.url("/ladder-ts/v0.m3u8");
    let list = format!("{url}\n{{\"url\": \"{url}\", \"id\": \"a\"}}\n{}\n{{\"url\": 1}}\n", origin.url("/none.m3u8"));
    let run: Run = hlsnap_with(&["batch", "-"], list.as_bytes(), tempfile::tempdir().expect("a folder"));
    let lines = json_lines(&run.stdout);
    assert_eq!((run.code, lines.len()), (50, 4), "{}", run.stderr);
    let definition = |line: &Value| if line["error"].is_null() { "BatchPicture" } else { "BatchFailure" };
    let lines = lines.into_iter().map(|line| (definition(&line), line));
    let inspected = ["/ladder-fmp4/master.m3u8", "/live/master.m3u8", "/ll/index.m3u8", "/ladder-ts/v0.m3u8"];
    let inspections = inspected.map(|path| ("Inspection", printed(0, &["inspect", &origin.url(path)])));
    assert_valid(lines.chain(inspections).collect());
}

#[test]
fn errors_and_events_are_valid() {
    let origin = Origin::start();
    let missing = origin.url("/none.m3u8");
    let errors = [
        printed(12, &[&missing]),
        printed(2, &[&missing, "--at", "yesterday"]),
        printed(22, &[&origin.url("/ladder-ts/v0.m3u8"), "--at", "2030-01-01T00:00:00Z"]),
        printed(30, &[&origin.url("/ladder-ts/v0.m3u8"), "-o", "/proc/none/a.jpg"]),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("channels"), format!("{missing}\n")).expect("written");
    let mut watch = start_hlsnap(&["watch", "channels", "--every", "1s", "--down-after", "1"], folder.path(), Stdio::piped());
    let mut line = String::new();
    let read = BufReader::new(watch.stdout.take().expect("a pipe")).read_line(&mut line);
    watch.kill().expect("it runs");
    watch.wait().expect("it ends");
    read.expect("an event");
    let event: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(event["to"], "down");
    assert_valid(errors.into_iter().map(|error| ("ErrorObject", error)).chain([("WatchEvent", event)]).collect());
}

/// The blocks of JSON in a page, each with the definition that its first line names.
fn examples(page: &str) -> Vec<(&str, Value)> {
    let parts = page.split("```json ").skip(1).filter_map(|rest| rest.split("```").next()?.split_once('\n'));
    parts.map(|(name, json)| (name, serde_json::from_str(json).unwrap_or_else(|e| panic!("{name}: {e}")))).collect()
}

#[test]
fn the_examples_in_the_documentation_are_valid() {
    let page = std::fs::read_to_string("docs/report.md").expect("the page");
    let examples = examples(&page);
    assert_eq!(examples.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["Report", "SeriesPictureReport", "WatchEvent", "ErrorObject"]);
    assert_valid(examples);
}

#[test]
fn wrong_reports_are_refused() {
    let origin = Origin::start();
    let right = snapshot(&origin);
    let without = ["/url", "/width", "/live", "/variant", "/frame/color", "/frame/pts_seconds", "/verdict/hash", "/cost/requests"];
    let without = without.map(|at| {
        let (parent, field) = at.rsplit_once('/').expect("a pointer");
        let mut wrong = right.clone();
        let removed = wrong.pointer_mut(parent).and_then(Value::as_object_mut).and_then(|object| object.remove(field));
        assert!(removed.is_some(), "{at}");
        wrong
    });
    let with = [
        ("/width", json!("640")),
        ("/width", json!(-1)),
        ("/bytes", json!(1.5)),
        ("/live", json!("yes")),
        ("/format", json!("bmp")),
        ("/encrypted", json!("rot13")),
        ("/frame", Value::Null),
        ("/frame/rotation", json!(45)),
        ("/frame/program_date_time", json!("yesterday")),
        ("/frame/color/range", json!("tv")),
        ("/variant/bandwidth", json!("2M")),
        ("/verdict/mean_luma", json!(2)),
        ("/verdict/hash", json!("zz")),
        ("/verdict/dominant_color", json!("red")),
        ("/cost", json!([])),
    ];
    let with = with.map(|(at, value)| {
        let mut wrong = right.clone();
        *wrong.pointer_mut(at).unwrap_or_else(|| panic!("{at}")) = value;
        wrong
    });
    let errors = [json!({"error": {"kind": "sad", "message": "x", "url": null}}), json!({"error": "x"}), json!({})];
    let mut unnamed = right.clone();
    unnamed["extra"] = json!(1);
    let wrong = without.into_iter().chain(with).map(|value| ("Report", value));
    let mut cases: Vec<_> = wrong.chain(errors.map(|value| ("ErrorObject", value))).collect();
    let refused = cases.len();
    cases.push(("Report", unnamed));
    let faults = validate(&cases);
    for (faults, (_, value)) in faults.iter().zip(&cases).take(refused) {
        assert!(!faults.open.is_empty(), "accepted: {value}");
    }
    // A later version may add fields
    assert!(faults[refused].open.is_empty() && !faults[refused].closed.is_empty());
}
