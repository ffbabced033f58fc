//! What Lambda was invoked with, told apart by its shape.

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use lambda_http::request::LambdaRequest;
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind};

/// A request's options by name.
pub(super) type EventOptions = Map<String, Value>;

/// So many requests of one event: the reports of more would not fit in Lambda's answer.
const MOST_REQUESTS: usize = 4_000;

#[derive(Debug)]
pub(super) enum Event {
    /// A function URL, API Gateway (both versions), or an Application Load Balancer.
    Http(Box<LambdaRequest>),
    /// A batch from SQS.
    Queue(Vec<SqsMessage>),
    /// One request: invoked directly, by a schedule, or by an EventBridge rule.
    One(EventOptions),
    /// `{"requests": […]}`, from the same.
    Many(Vec<Value>),
}

impl Event {
    /// Fails with `usage` where it is none of these.
    pub fn parse(payload: &str) -> Result<Self, Error> {
        let unknown = |why: &str| {
            Error::new(ErrorKind::Usage, format!("the event {why}"))
                .with_hint("send {\"url\": …}, {\"requests\": […]}, or an event of SQS, EventBridge, a function URL, API Gateway or ALB")
        };
        let value: Value = serde_json::from_str(payload).map_err(|e| unknown("is no JSON").with_source(e))?;
        let Value::Object(object) = value else { return Err(unknown("is no object")) };
        if object.get("requestContext").is_some_and(Value::is_object) {
            let request = serde_json::from_str(payload).map_err(|_| unknown("is of a kind of HTTP event that is not known"))?;
            return Ok(Self::Http(Box::new(request)));
        }
        if let Some(Value::Array(records)) = object.get("Records") {
            let from_queue = |record: &Value| record.get("eventSource").and_then(Value::as_str) == Some("aws:sqs");
            if !records.iter().all(from_queue) {
                return Err(unknown("holds records that are not of SQS"));
            }
            let batch: SqsEvent = serde_json::from_str(payload).map_err(|e| unknown("is no batch of SQS").with_source(e))?;
            return Ok(Self::Queue(batch.records));
        }
        // A rule without an input of its own sends the event as it is; the request is its detail
        if let (Some(Value::Object(detail)), true) = (object.get("detail"), object.contains_key("detail-type")) {
            return Self::of_requests(detail.clone());
        }
        Self::of_requests(object)
    }

    /// The body of a queued message: what could be invoked directly, or a bare URL.
    pub fn of_message(body: &str) -> Result<Self, Error> {
        let body = body.trim();
        if body.starts_with("http://") || body.starts_with("https://") {
            return Ok(Self::One(EventOptions::from_iter([("url".to_owned(), body.into())])));
        }
        let bad = |e: serde_json::Error| {
            Error::new(ErrorKind::Usage, "the message is no JSON object")
                .with_source(e)
                .with_hint("send {\"url\": …} or {\"requests\": […]}")
        };
        serde_json::from_str(body).map_err(bad).and_then(Self::of_requests)
    }

    fn of_requests(mut object: EventOptions) -> Result<Self, Error> {
        match object.remove("requests") {
            None => Ok(Self::One(object)),
            Some(Value::Array(requests)) if requests.len() <= MOST_REQUESTS => {
                // What stands beside the list holds for each of its requests
                let each = |request| match request {
                    Value::Object(own) => Value::Object(object.clone().into_iter().chain(own).collect()),
                    Value::String(url) => Value::Object(object.clone().into_iter().chain([("url".to_owned(), url.into())]).collect()),
                    other => other,
                };
                Ok(Self::Many(requests.into_iter().map(each).collect()))
            }
            Some(Value::Array(_)) => Err(Error::new(ErrorKind::TooLarge, format!("more than {MOST_REQUESTS} requests in one event"))
                .with_hint("send them through a queue")),
            Some(_) => Err(Error::new(ErrorKind::Usage, "requests is no list").with_hint("send {\"requests\": [{\"url\": …}, …]}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(payload: &str) -> String {
        match Event::parse(payload) {
            Ok(Event::Http(_)) => "http".to_owned(),
            Ok(Event::Queue(messages)) => format!("queue {}", messages.len()),
            Ok(Event::One(request)) => format!("one {}", request.get("url").and_then(Value::as_str).unwrap_or_default()),
            Ok(Event::Many(requests)) => format!("many {}", serde_json::to_string(&requests).unwrap_or_default()),
            Err(error) => error.kind().to_string(),
        }
    }

    #[test]
    fn events_are_told_apart() {
        assert_eq!(kind(r#"{"url": "http://h/x"}"#), "one http://h/x");
        assert_eq!(kind(r#"{"version": "0", "detail-type": "t", "source": "s", "detail": {"url": "http://h/x"}}"#), "one http://h/x");
        assert_eq!(
            kind(r#"{"requests": [{"url": "a", "width": 5}, "b"], "width": 9}"#),
            r#"many [{"url":"a","width":5},{"url":"b","width":9}]"#
        );
        assert_eq!(kind(r#"{"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": "{}"}]}"#), "queue 1");
        assert_eq!(kind(r#"{"Records": [{"eventSource": "aws:s3"}]}"#), "usage");
        for payload in ["[]", "null", "5", r#""x""#, r#"{"requests": 5}"#, r#"{"requestContext": {}}"#] {
            assert_eq!(kind(payload), "usage", "{payload}");
        }
    }

    #[test]
    fn messages_may_be_bare_urls() {
        let url = |body: &str| match Event::of_message(body) {
            Ok(Event::One(request)) => request.get("url").and_then(Value::as_str).map(str::to_owned),
            _ => None,
        };
        assert_eq!(url(" https://h/x.m3u8\n").as_deref(), Some("https://h/x.m3u8"));
        assert_eq!(url(r#"{"url": "https://h/x.m3u8"}"#).as_deref(), Some("https://h/x.m3u8"));
        assert!(Event::of_message("not json").is_err());
    }
}
