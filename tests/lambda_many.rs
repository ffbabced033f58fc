//! The Lambda function: contact sheets and storyboards, by events of every shape.

use std::path::Path;

use crate::origin::{Origin, Rule};
use crate::support::{
    file_names, frame_number,
    lambda_runtime::{Function, Outcome},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use image::{DynamicImage, GenericImageView};
use serde_json::{Value, json};

/// The picture in a response.
fn picture(answer: &Value) -> DynamicImage {
    let text = answer["image_base64"].as_str().unwrap_or_else(|| panic!("no picture: {answer}"));
    image::load_from_memory(&STANDARD.decode(text).expect("base64")).expect("an image")
}

/// The numbers of the frames in the tiles that a report names.
fn frames(report: &Value, picture: &DynamicImage) -> Vec<u16> {
    let number = |value: &Value| u32::try_from(value.as_u64().expect("a number")).expect("a small number");
    let size = (number(&report["tile_width"]), number(&report["tile_height"]));
    let pictures = report["pictures"].as_array().expect("a list").iter().filter(|picture| picture["error"].is_null());
    pictures.map(|tile| frame_number(&picture.crop_imm(number(&tile["x"]), number(&tile["y"]), size.0, size.1))).collect()
}

/// A function that may write below a folder.
fn function_for(folder: &Path) -> Function {
    Function::start(&[("HLSNAP_ALLOW_OUTPUT", &format!("{}/*", folder.display()))])
}

fn output(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().expect("a name").to_owned()
}

#[test]
fn a_sheet_is_answered_with_report_and_picture() {
    let origin = Origin::start();
    let mut function = Function::start(&[]);
    let event = json!({
        "kind": "sheet", "url": origin.url("/ladder-ts/master.m3u8"), "every": "2s", "columns": 2, "tile_width": 160, "format": "png",
        "labels": false,
    });
    let answer = function.answer(&event);
    assert_eq!((&answer["kind"], &answer["columns"], &answer["rows"]), (&"sheet".into(), &2.into(), &2.into()));
    assert_eq!((frames(&answer, &picture(&answer)), &answer["partial"]), (vec![0, 50, 100], &Value::Null));
    let mut with_header = event;
    with_header["header"] = true.into();
    let taller = function.answer(&with_header);
    assert!(picture(&taller).height() > picture(&answer).height() + 10);
    assert_eq!(frames(&taller, &picture(&taller)), [0, 50, 100]);
}

#[test]
fn a_text_as_header_of_a_sheet_is_sent_to_the_origin() {
    let origin = Origin::start();
    let mut function = Function::start(&[]);
    function.answer(&json!({"kind": "sheet", "url": origin.url("/ladder-ts/v0.m3u8"), "count": 1, "header": "X-Token: a"}));
    assert!(origin.requests().iter().all(|request| request.headers.get("x-token").is_some_and(|token| token == "a")));
}

#[test]
fn sheets_and_storyboards_are_written_to_their_outputs() {
    let (origin, folder) = (Origin::start(), tempfile::tempdir().expect("a folder"));
    let mut function = function_for(folder.path());
    let url = origin.url("/ladder-ts/v0.m3u8");
    let sheet = function.answer(&json!({
        "kind": "sheet", "url": url, "every": 2, "labels": false, "output": output(folder.path(), "sheet-{width}.png"),
        "report_output": output(folder.path(), "sheet.json"),
    }));
    assert_eq!((&sheet["image_base64"], &sheet["output"]), (&Value::Null, &output(folder.path(), "sheet-976.png").into()));
    let written = image::open(folder.path().join("sheet-976.png")).expect("a picture");
    assert_eq!(frames(&sheet, &written), [0, 50, 100]);
    let report: Value = serde_json::from_slice(&std::fs::read(folder.path().join("sheet.json")).expect("a report")).expect("JSON");
    assert_eq!(report["pictures"], sheet["pictures"]);

    let storyboard = function.answer(&json!({
        "kind": "storyboard", "url": url, "every": 2, "columns": 2, "rows": 1, "output": output(folder.path(), "board/"),
    }));
    assert_eq!((&storyboard["kind"], &storyboard["pictures"][2]["sprite"]), (&"storyboard".into(), &"storyboard-001.jpg".into()));
    let files = file_names(&folder.path().join("board"));
    for name in ["storyboard-000.jpg", "storyboard-001.jpg", "storyboard.vtt", "storyboard.json", "images.m3u8", "iframes.m3u8"] {
        assert!(files.iter().any(|file| file == name), "{name} is not among {files:?}");
    }
}

#[test]
fn a_series_is_written_by_template_and_its_report_names_the_files() {
    let (origin, folder) = (Origin::start(), tempfile::tempdir().expect("a folder"));
    origin.rule("/ladder-ts/v0-1.ts", Rule::Status(404, None));
    let mut function = function_for(folder.path());
    let event = json!({
        "kind": "series", "url": origin.url("/ladder-ts/v0.m3u8"), "every": 2, "output": output(folder.path(), "{index}.png"),
    });
    let answer = function.answer(&event);
    assert_eq!((&answer["kind"], &answer["partial"]), (&"series".into(), &true.into()));
    assert_eq!(answer["pictures"][1]["error"]["status"], 404);
    let files = file_names(folder.path());
    assert_eq!(files, ["00000.png", "00002.png"]);
    let frames = files.iter().map(|name| frame_number(&image::open(folder.path().join(name)).expect("a picture")));
    assert_eq!(frames.collect::<Vec<_>>(), [0, 100]);
    function.fails(&json!({"kind": "series", "url": origin.url("/ladder-ts/v0.m3u8")}), "usage");
}

#[test]
fn animations_are_answered_or_written() {
    let (origin, folder) = (Origin::start(), tempfile::tempdir().expect("a folder"));
    let mut function = function_for(folder.path());
    let event = json!({"kind": "animation", "url": origin.url("/ladder-ts/v0.m3u8"), "from": 2, "for": 1, "fps": 5, "width": 320});
    let answer = function.answer(&event);
    assert_eq!((&answer["kind"], frame_number(&picture(&answer))), (&"animation".into(), 50));
    let mut to_file = event;
    to_file["output"] = output(folder.path(), "preview.gif").into();
    assert_eq!(function.answer(&to_file)["format"], "gif");
    let bytes = std::fs::read(folder.path().join("preview.gif")).expect("a file");
    assert_eq!(frame_number(&image::load_from_memory(&bytes).expect("a GIF")), 50);
    to_file["output"] = output(folder.path(), "preview.jpg").into();
    function.fails(&to_file, "usage");
}

#[test]
fn requests_of_all_kinds_are_answered_in_their_order() {
    let origin = Origin::start();
    let mut function = Function::start(&[]);
    let requests = json!([{"count": 2}, {"kind": "snapshot", "at": 3}, {"kind": "storyboard"}, {"kind": "sheets"}, {"count": 1}]);
    let event = json!({
        "kind": "sheet", "url": origin.url("/ladder-ts/v0.m3u8"), "format": "png", "labels": false, "requests": requests,
    });
    let answer = function.answer(&event);
    let results = answer["results"].as_array().expect("a list");
    assert_eq!(frames(&results[0], &picture(&results[0])), [0, 75]);
    assert_eq!(frame_number(&picture(&results[1])), 75);
    assert_eq!((&results[2]["error"]["kind"], &results[3]["error"]["kind"]), (&"usage".into(), &"usage".into()));
    assert_eq!(frames(&results[4], &picture(&results[4])), [0]);
}

#[test]
fn messages_of_a_queue_need_an_output_for_every_kind() {
    let (origin, folder) = (Origin::start(), tempfile::tempdir().expect("a folder"));
    let url = origin.url("/ladder-ts/v0.m3u8");
    let bodies = [
        json!({"kind": "sheet", "url": url, "count": 2, "output": output(folder.path(), "sheet.jpg")}),
        json!({"kind": "sheet", "url": url, "count": 2}),
        json!({"kind": "storyboard", "url": url, "count": 2, "output": output(folder.path(), "board")}),
        json!({"kind": "storyboard", "url": url, "count": 2}),
        json!({"kind": "storyboard", "url": url, "count": 2, "output": "/elsewhere"}),
    ];
    let record = |(index, body): (usize, &Value)| {
        json!({
            "messageId": index.to_string(), "receiptHandle": "handle", "body": body.to_string(), "attributes": {}, "messageAttributes": {},
            "md5OfBody": "", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:pictures",
            "awsRegion": "eu-central-1",
        })
    };
    let answer = function_for(folder.path()).answer(&json!({ "Records": bodies.iter().enumerate().map(record).collect::<Vec<_>>() }));
    let wanted: Vec<_> = ["1", "3", "4"].map(|id| json!({ "itemIdentifier": id })).into();
    assert_eq!(answer["batchItemFailures"], Value::from(wanted));
    assert_eq!(file_names(folder.path()), ["board", "sheet.jpg"]);
}

#[test]
fn missing_pictures_make_a_partial_answer_or_with_strict_a_failure() {
    let origin = Origin::start();
    origin.rule("/ladder-ts/v0-1.ts", Rule::Status(404, None));
    let mut function = Function::start(&[]);
    let event = json!({"kind": "sheet", "url": origin.url("/ladder-ts/v0.m3u8"), "every": 2, "labels": false, "format": "png"});
    let answer = function.answer(&event);
    assert_eq!((&answer["partial"], &answer["pictures"][1]["error"]["kind"]), (&true.into(), &"http_status".into()));
    assert_eq!(frames(&answer, &picture(&answer)), [0, 100]);
    assert!(answer["notes"][0].as_str().is_some_and(|note| note.contains("404")), "{}", answer["notes"]);
    let mut strict = event;
    strict["strict"] = true.into();
    function.fails(&strict, "http_status");
}

#[test]
fn invalid_and_forbidden_requests_fail_with_their_kind() {
    let (origin, folder) = (Origin::start(), tempfile::tempdir().expect("a folder"));
    let url = origin.url("/ladder-ts/v0.m3u8");
    let mut function = function_for(folder.path());
    for kind in [json!("film"), json!(5)] {
        function.fails(&json!({"kind": kind, "url": url}), "usage");
    }
    for event in [
        json!({"kind": "storyboard", "url": url}),
        json!({"kind": "sheet", "url": url, "columns": 0}),
        json!({"kind": "sheet", "url": url, "count": 5, "columns": 2, "rows": 2}),
    ] {
        function.fails(&event, "usage");
    }
    let board = output(folder.path(), "board");
    function.fails(&json!({"kind": "storyboard", "url": url, "follow": true, "output": board}), "usage");
    let of_file = output(folder.path(), "{now}.{ext}");
    function.fails(&json!({"kind": "storyboard", "url": url, "output": of_file}), "usage");
    for (kind, output) in [("sheet", "/tmp/x.jpg"), ("sheet", "-"), ("storyboard", "/tmp/x"), ("storyboard", "../x")] {
        function.fails(&json!({"kind": kind, "url": url, "output": output}), "not_allowed");
    }
    function.fails(&json!({"kind": "sheet", "url": "/etc/passwd"}), "not_allowed");
    function.fails(&json!({"kind": "sheet", "url": url, "count": 2001}), "too_large");
    assert_eq!(file_names(folder.path()), [""; 0]);
    let mut small = Function::start(&[("HLSNAP_MAX_PICTURES", "3")]);
    small.fails(&json!({"kind": "sheet", "url": url, "count": 4}), "too_large");
}

#[test]
fn a_storyboard_goes_to_listed_outputs_with_all_its_files() {
    let (origin, folder) = (Origin::start(), tempfile::tempdir().expect("a folder"));
    let only_text = format!("{}/*.vtt", folder.path().display());
    let mut function = Function::start(&[("HLSNAP_ALLOW_OUTPUT", &only_text)]);
    let event = json!({"kind": "storyboard", "url": origin.url("/ladder-ts/v0.m3u8"), "output": output(folder.path(), "board")});
    function.fails(&event, "not_allowed");
    assert_eq!(file_names(folder.path()), [""; 0]);
}

#[test]
fn what_the_deadline_leaves_out_is_missing() {
    let origin = Origin::start();
    origin.rule("/ladder-ts/v0-2.ts", Rule::StallAt(0));
    let mut function = Function::start(&[]);
    let event = json!({"kind": "sheet", "url": origin.url("/ladder-ts/v0.m3u8"), "every": 2, "labels": false, "format": "png"});
    let Outcome::Response(answer) = function.invoke_within(&event, 5_000) else { panic!("no response") };
    assert_eq!((&answer["partial"], &answer["pictures"][2]["error"]["kind"]), (&true.into(), &"timeout".into()));
    assert_eq!(frames(&answer, &picture(&answer)), [0, 50]);
}

#[test]
fn http_events_serve_sheets_and_storyboards() {
    let origin = Origin::start();
    let mut function = Function::start(&[("HLSNAP_KEY", "secret")]);
    let event = |path: &str, query: &str| {
        json!({
            "version": "2.0", "rawPath": format!("/stage{path}"), "rawQueryString": query, "headers": {}, "isBase64Encoded": false,
            "requestContext": {"http": {"method": "GET", "path": path}},
        })
    };
    let signed = |path: &str, query: &str| {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"secret");
        let tag = ring::hmac::sign(&key, format!("{path}?{query}").as_bytes());
        event(path, &format!("{query}&sig={}", crate::support::hex(tag.as_ref())))
    };
    let query = format!("url={}&every=2&columns=3", origin.url("/ladder-ts/v0.m3u8"));
    assert_eq!(function.answer(&event("/sheet.png", &query))["statusCode"], 403);
    let sheet = function.answer(&signed("/sheet.png", &query));
    assert_eq!((&sheet["statusCode"], &sheet["isBase64Encoded"]), (&200.into(), &true.into()));
    let vtt = function.answer(&signed("/storyboard.vtt", &query));
    let text = vtt["body"].as_str().expect("text");
    let url = text.lines().find_map(|line| line.split_once('#')).expect("a cue").0;
    let (path, query) = url.split_once('?').expect("a query");
    let sprite = function.answer(&event(&format!("/{path}"), query));
    let bytes = STANDARD.decode(sprite["body"].as_str().expect("base64")).expect("base64");
    let sprite = image::load_from_memory(&bytes).expect("a picture");
    assert_eq!(sprite.dimensions(), (480, 90));
    assert_eq!([0, 160, 320].map(|x| frame_number(&sprite.crop_imm(x, 0, 160, 90))), [0, 50, 100]);
}
