//! The events of Lambda, distinguished by their JSON.

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use lambda_http::request::LambdaRequest;
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind};

/// The options of one request, by name.
pub(super) type EventOptions = Map<String, Value>;

/// The maximum number of requests in one event: more reports would not fit into Lambda's response.
const MAX_REQUESTS: usize = 4_000;

#[derive(Debug)]
pub(super) enum Event {
    /// A function URL, API Gateway (both versions), or an Application Load Balancer.
    Http(Box<LambdaRequest>),
    /// A batch from SQS.
    Queue(Vec<SqsMessage>),
    /// One request, from a direct invocation, a schedule, or an EventBridge rule.
    One(EventOptions),
    /// `{"requests": […]}`, from the same sources.
    Many(Vec<Value>),
}

impl Event {
    /// Fails with `usage` for any other event.
    pub fn parse(payload: &str) -> Result<Self, Error> {
        let unknown = |why: &str| {
            Error::usage(
                format!("the event {why}"),
                "send {\"url\": …}, {\"requests\": […]}, or an event of SQS, EventBridge, a function URL, API Gateway or ALB",
            )
        };
        let value: Value = serde_json::from_str(payload).map_err(|e| unknown("is not JSON").with_source(e))?;
        let Value::Object(object) = value else { return Err(unknown("is not an object")) };
        if object.get("requestContext").is_some_and(Value::is_object) {
            let request = serde_json::from_str(payload).map_err(|_| unknown("is an unknown kind of HTTP event"))?;
            return Ok(Self::Http(Box::new(request)));
        }
        if let Some(Value::Array(records)) = object.get("Records") {
            let is_of_sqs = |record: &Value| record.get("eventSource").and_then(Value::as_str) == Some("aws:sqs");
            if !records.iter().all(is_of_sqs) {
                return Err(unknown("has records that are not of SQS"));
            }
            let batch: SqsEvent = serde_json::from_str(payload).map_err(|e| unknown("is not a batch of SQS").with_source(e))?;
            return Ok(Self::Queue(batch.records));
        }
        // A rule without its own input forwards the whole event, with the request as its detail
        if let (Some(Value::Object(detail)), true) = (object.get("detail"), object.contains_key("detail-type")) {
            return Self::from_object(detail.clone());
        }
        Self::from_object(object)
    }

    /// Parses the body of a queued message: a direct event, or a bare URL.
    pub fn from_message(body: &str) -> Result<Self, Error> {
        let body = body.trim();
        if body.starts_with("http://") || body.starts_with("https://") {
            return Ok(Self::One(EventOptions::from_iter([("url".to_owned(), body.into())])));
        }
        let invalid = |e: serde_json::Error| {
            Error::usage("the message is not a JSON object", "send {\"url\": …} or {\"requests\": […]}").with_source(e)
        };
        serde_json::from_str(body).map_err(invalid).and_then(Self::from_object)
    }

    fn from_object(mut object: EventOptions) -> Result<Self, Error> {
        match object.remove("requests") {
            None => Ok(Self::One(object)),
            Some(Value::Array(requests)) if requests.len() <= MAX_REQUESTS => {
                // Options beside the list are the defaults of its requests
                let with_defaults = |request| match request {
                    Value::Object(own) => Value::Object(object.clone().into_iter().chain(own).collect()),
                    Value::String(url) => Value::Object(object.clone().into_iter().chain([("url".to_owned(), url.into())]).collect()),
                    other => other,
                };
                Ok(Self::Many(requests.into_iter().map(with_defaults).collect()))
            }
            Some(Value::Array(_)) => Err(Error::new(ErrorKind::TooLarge, format!("more than {MAX_REQUESTS} requests in one event"))
                .with_hint("send them through a queue")),
            Some(_) => Err(Error::usage("requests is not a list", "send {\"requests\": [{\"url\": …}, …]}")),
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
    fn events_are_distinguished_by_their_json() {
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
        let url = |body: &str| match Event::from_message(body) {
            Ok(Event::One(request)) => request.get("url").and_then(Value::as_str).map(str::to_owned),
            _ => None,
        };
        assert_eq!(url(" https://h/x.m3u8\n").as_deref(), Some("https://h/x.m3u8"));
        assert_eq!(url(r#"{"url": "https://h/x.m3u8"}"#).as_deref(), Some("https://h/x.m3u8"));
        assert!(Event::from_message("not json").is_err());
    }
}
