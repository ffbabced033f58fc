//! The Lambda function against a replacement of the Runtime API: events, deadlines, errors, logs, memory. `script/lambda-parts` tests it
//! with AWS's event shapes and an emulator.

use std::time::{Duration, Instant};

use crate::origin::{Origin, Rule};
use crate::support::{
    file_names, frame_number,
    lambda_runtime::{Function, Outcome},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// The picture in a response.
fn picture(answer: &Value) -> image::DynamicImage {
    let text = answer["image_base64"].as_str().expect("a picture");
    image::load_from_memory(&STANDARD.decode(text).expect("base64")).expect("an image")
}

/// An SQS event with these bodies.
fn sqs(bodies: &[Value]) -> Value {
    let record = |(index, body): (usize, &Value)| {
        let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        json!({
            "messageId": format!("message-{index}"), "receiptHandle": "handle", "body": body, "attributes": {}, "messageAttributes": {},
            "md5OfBody": "", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:pictures",
            "awsRegion": "eu-central-1",
        })
    };
    json!({ "Records": bodies.iter().enumerate().map(record).collect::<Vec<_>>() })
}

/// The IDs of the messages that are returned to the queue.
fn returned_messages(answer: &Value) -> Vec<String> {
    let failures = answer["batchItemFailures"].as_array().expect("a list");
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn a_direct_event_is_answered_with_report_and_picture() {
    let origin = Origin::start();
    let mut function = Function::start(&[]);
    let answer = function.answer(&json!({"url": origin.url("/ladder-ts/master.m3u8"), "at": 3, "format": "png", "width": "320"}));
    assert_eq!(frame_number(&picture(&answer)), 75);
    assert_eq!((&answer["width"], &answer["format"], &answer["output"]), (&320.into(), &"png".into(), &Value::Null));
    assert_eq!((&answer["cost"]["requests"], &answer["cost"]["connections"]), (&3.into(), &1.into()));
}

#[test]
fn connections_are_reused_across_invocations() {
    let origin = Origin::start();
    let mut function = Function::start(&[]);
    let event = json!({"url": origin.url("/ladder-ts/v0.m3u8")});
    for _ in 0..5 {
        function.answer(&event);
    }
    let connections: std::collections::HashSet<_> = origin.requests().iter().map(|request| request.connection).collect();
    // An aborted download closes its connection, a complete one leaves it for the next request
    assert!(connections.len() <= 5, "{} connections for 5 pictures", connections.len());
}

#[test]
fn cookies_and_headers_do_not_pass_from_one_request_to_the_next() {
    let origin = Origin::start();
    origin.rule("/ladder-ts/v1.m3u8", Rule::SetCookie("id=first; Path=/"));
    let mut function = Function::start(&[]);
    function.answer(&json!({"url": origin.url("/ladder-ts/v1.m3u8"), "headers": {"X-Token": "secret"}}));
    let first = origin.requests().len();
    function.answer(&json!({"url": origin.url("/ladder-ts/v0.m3u8")}));
    let second = origin.requests().split_off(first);
    assert!(!second.is_empty());
    for request in second {
        assert!(!request.headers.contains_key("cookie") && !request.headers.contains_key("x-token"), "{:?}", request.headers);
    }
}

#[test]
fn many_requests_are_answered_in_their_order() {
    let origin = Origin::start();
    let mut function = Function::start(&[]);
    let url = origin.url("/ladder-ts/v0.m3u8");
    let mut requests: Vec<_> = (0..10).map(|index| json!({"at": f64::from(index) * 0.5})).collect();
    requests[4] = json!({"url": origin.url("/none.m3u8")});
    let answer = function.answer(&json!({"url": url, "format": "png", "requests": requests}));
    let results = answer["results"].as_array().expect("a list");
    assert_eq!(results.len(), 10);
    for (index, result) in (0u16..).zip(results) {
        if index == 4 {
            assert_eq!((&result["error"]["kind"], &result["error"]["status"]), (&"http_status".into(), &404.into()));
        } else {
            // 25 frames a second
            assert_eq!(frame_number(&picture(result)), index * 25 / 2, "{index}");
        }
    }
}

#[test]
fn failures_report_their_kind() {
    let origin = Origin::start();
    let mut function = Function::start(&[("HLSNAP_ALLOW_HOST", "127.0.0.1")]);
    let message = function.fails(&json!({"url": origin.url("/none.m3u8?token=secret")}), "http_status");
    assert!(message.contains("404") && !message.contains("secret"), "{message}");
    function.fails(&json!({"url": origin.url("/x.m3u8"), "widht": 5}), "usage");
    function.fails(&json!({}), "usage");
    function.fails(&json!([]), "usage");
    function.fails(&json!({"url": "/etc/passwd"}), "not_allowed");
    function.fails(&json!({"url": "http://example.com/x.m3u8"}), "not_allowed");
    function.fails(&json!({"url": origin.url("/ladder-ts/v0.m3u8"), "output": "/tmp/x.jpg"}), "not_allowed");
    function.fails(&json!({"url": origin.url("/ladder-ts/v0.m3u8"), "output": "-"}), "not_allowed");
    function.fails(&json!({"url": origin.url("/ladder-ts/v0.m3u8"), "proxy": "http://127.0.0.1:1"}), "usage");
    origin.rule("/x.m3u8", Rule::Body(b"<html>".to_vec(), "text/html"));
    function.fails(&json!({"url": origin.url("/x.m3u8")}), "bad_playlist");
}

#[test]
fn private_addresses_are_refused_unless_the_operator_allows_them() {
    let origin = Origin::start();
    let mut function = Function::start(&[("HLSNAP_ALLOW_PRIVATE", "false")]);
    function.fails(&json!({"url": origin.url("/ladder-ts/v0.m3u8")}), "not_allowed");
    assert_eq!(origin.requests().len(), 0, "no request was sent");
}

#[test]
fn a_slow_origin_times_out_before_the_deadline() {
    let origin = Origin::start();
    origin.rule("/slow.m3u8", Rule::Delay(Duration::from_secs(30)));
    let mut function = Function::start(&[]);
    let began = Instant::now();
    let outcome = function.invoke_within(&json!({"url": origin.url("/slow.m3u8")}), 2000);
    assert!(matches!(&outcome, Outcome::Error(kind, _) if kind == "timeout"), "{outcome:?}");
    assert!(began.elapsed() < Duration::from_secs(2), "it took {:?}", began.elapsed());
    // An HTTP event gets a response instead
    let event = json!({
        "version": "2.0", "rawPath": "/snapshot.jpg", "rawQueryString": format!("url={}", origin.url("/slow.m3u8")), "headers": {},
        "requestContext": {"http": {"method": "GET", "path": "/snapshot.jpg"}, "stage": "$default"}, "isBase64Encoded": false,
    });
    let mut function = Function::start(&[("HLSNAP_ALLOW_ANY", "true")]);
    match function.invoke_within(&event, 2000) {
        Outcome::Response(answer) => assert_eq!(answer["statusCode"], 504, "{answer}"),
        Outcome::Error(kind, message) => panic!("{kind}: {message}"),
    }
}

#[test]
fn only_the_failed_messages_of_a_batch_are_returned() {
    let origin = Origin::start();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("{msn}-{width}.jpg");
    let output = path.to_str().expect("a name");
    let allow = format!("{}/*", folder.path().display());
    let good = json!({"url": origin.url("/ladder-ts/v0.m3u8"), "output": output});
    let gone = json!({"url": origin.url("/none.m3u8"), "output": output});
    let wrong = json!({"url": origin.url("/ladder-ts/v0.m3u8"), "output": output, "width": "wide"});
    let batch = sqs(&[good.clone(), gone, wrong, "no json".into(), json!({"requests": [good, {"at": "start"}]})]);
    let mut function = Function::start(&[("HLSNAP_ALLOW_OUTPUT", &allow)]);
    assert_eq!(returned_messages(&function.answer(&batch)), ["message-1", "message-2", "message-3", "message-4"]);
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 1, "the same file, written twice");
    // With this setting, messages that can never succeed are dropped
    let mut function = Function::start(&[("HLSNAP_ALLOW_OUTPUT", &allow), ("HLSNAP_DROP_PERMANENT", "true")]);
    assert_eq!(returned_messages(&function.answer(&batch)), ["message-1"]);
}

#[test]
fn a_message_without_an_output_is_returned() {
    let origin = Origin::start();
    let mut function = Function::start(&[]);
    let answer = function.answer(&sqs(&[origin.url("/ladder-ts/v0.m3u8").into()]));
    assert_eq!(returned_messages(&answer), ["message-0"]);
    assert_eq!(origin.requests().len(), 0, "nothing is requested for a picture without an output");
}

#[test]
fn a_failure_in_a_fifo_queue_returns_the_rest_of_its_group() {
    let origin = Origin::start();
    let folder = tempfile::tempdir().expect("a folder");
    let output = |name: &str| folder.path().join(name).to_str().expect("a name").to_owned();
    let good = |name: &str| json!({"url": origin.url("/ladder-ts/v0.m3u8"), "output": output(name)});
    let gone = json!({"url": origin.url("/none.m3u8"), "output": output("gone.jpg")});
    let mut batch = sqs(&[good("a1.jpg"), gone, good("a3.jpg"), good("b4.jpg")]);
    for (index, group) in ["a", "a", "a", "b"].iter().enumerate() {
        batch["Records"][index]["attributes"]["MessageGroupId"] = json!(group);
    }
    let mut function = Function::start(&[("HLSNAP_ALLOW_OUTPUT", &format!("{}/*", folder.path().display()))]);
    assert_eq!(returned_messages(&function.answer(&batch)), ["message-1", "message-2"]);
    assert_eq!(file_names(folder.path()), ["a1.jpg", "b4.jpg"]);
}

#[test]
fn a_picture_too_large_for_the_response_fails_with_a_hint_at_output() {
    let origin = Origin::start();
    let mut function = Function::start(&[]);
    let url = origin.url("/ladder-ts/v0.m3u8");
    let requests = vec![json!({"url": url, "quality": 100, "width": 4000, "enlarge": true}); 40];
    // A debug build is slow with that many pixels
    let Outcome::Response(answer) = function.invoke_within(&json!({ "requests": requests }), 200_000) else { panic!("no response") };
    assert!(answer.to_string().len() < 6_291_556, "the response exceeds Lambda's limit");
    let results = answer["results"].as_array().expect("a list");
    assert!(results[0]["image_base64"].is_string());
    let last = &results[39]["error"];
    assert_eq!(last["kind"], "too_large", "{last}");
    assert!(last["hint"].as_str().is_some_and(|hint| hint.contains("output")), "{last}");
}

#[test]
fn every_log_line_is_json_with_the_request_id() {
    let origin = Origin::start();
    let mut function = Function::start(&[("HLSNAP_LOG", "debug")]);
    function.answer(&json!({"url": origin.url("/ladder-ts/v0.m3u8?token=secret")}));
    function.fails(&json!({"url": origin.url("/none.m3u8")}), "http_status");
    let lines = function.end();
    let metrics: Vec<_> = lines.iter().filter(|line| line.get("_aws").is_some()).collect();
    assert_eq!(metrics.len(), 2);
    assert_eq!((&metrics[0]["Pictures"], &metrics[0]["Failures"], &metrics[0]["Requests"]), (&1.into(), &0.into(), &2.into()));
    assert_eq!((&metrics[1]["Pictures"], &metrics[1]["Failures"]), (&0.into(), &1.into()));
    let directive = &metrics[0]["_aws"]["CloudWatchMetrics"][0];
    assert_eq!((&directive["Namespace"], &directive["Dimensions"]), (&"hlsnap".into(), &json!([["FunctionName"]])));
    // Lines before the first invocation have no request ID
    for line in lines.iter().skip_while(|line| line["message"].as_str().is_some_and(|text| text.starts_with("sandbox: "))) {
        let text = line.to_string();
        assert!(text.contains("8476a536-e9f4-11e8-9739-2dfe598c3fcd"), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
}

#[test]
fn invalid_settings_end_the_function_with_one_line() {
    for (name, text) in [("HLSNAP_ALOW_HOST", "a"), ("HLSNAP_JOBS", "many")] {
        let run = std::process::Command::new(env!("CARGO_BIN_EXE_bootstrap")).env_clear().env(name, text).output().expect("it starts");
        let stderr = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(2), "{stderr}");
        assert!(stderr.lines().count() == 1 && stderr.starts_with("hlsnap: usage: ") && stderr.contains(name), "{stderr}");
    }
}

#[test]
fn memory_is_flat_over_200_invocations() {
    let origin = Origin::start();
    let mut function = Function::start(&[]);
    let url = origin.url("/ladder-fmp4/master.m3u8");
    // The peak still grows during the first invocations, until two allocations coincide
    let mut peaks = Vec::new();
    for _ in 0..5 {
        for _ in 0..50 {
            function.answer(&json!({"url": url, "at": 1}));
        }
        peaks.push(function.peak_memory());
    }
    assert!(peaks[4] <= peaks[1] + peaks[1] / 20, "peaks after 50, 100, 150, 200, 250: {peaks:?} KiB");
}

#[test]
fn an_http_event_with_an_invalid_query_fails_and_the_function_goes_on() {
    let mut function = Function::start(&[("HLSNAP_ALLOW_ANY", "true")]);
    let event = |query: &str| {
        json!({
            "version": "2.0", "rawPath": "/healthz", "rawQueryString": query, "headers": {}, "isBase64Encoded": false,
            "requestContext": {"http": {"method": "GET", "path": "/healthz"}},
        })
    };
    function.fails(&event("a b"), "usage");
    assert_eq!(function.answer(&event(""))["statusCode"], 200);
}
