//! An event: the JSON object that reports a change of state.

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use super::{
    sample::Sample,
    state::{ChannelState, Transition},
};
use crate::{
    channels::Channel,
    error::ErrorKind,
    report::Verdict,
    time::{rfc3339, round_to_millisecond},
};

/// A change of a channel's state, for JSON lines and webhooks.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "WatchEvent"))]
pub struct Event {
    /// When the change was decided.
    #[serde(serialize_with = "date")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub time: DateTime<Utc>,
    /// Id of the channel.
    pub channel: String,
    /// Its name, else its id.
    pub name: String,
    /// The previous state.
    pub from: ChannelState,
    /// The new state.
    pub to: ChannelState,
    /// When the condition began.
    #[serde(serialize_with = "date")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub since: DateTime<Utc>,
    /// The name of the failure's kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// The trouble, in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The destination of the sample's picture, if it was stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// Content check of the sample's picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Age of the sample's picture by its Program Date Time, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<f64>,
}

impl Event {
    /// The event of a transition that `sample` caused. `picture`: the destination of the sample's picture.
    pub fn new(channel: &Channel, transition: Transition, sample: &Sample, picture: Option<String>) -> Self {
        let Transition { from, to, since, kind, message } = transition;
        let shown = sample.picture.as_ref();
        Self {
            time: sample.time,
            name: channel.name.clone().unwrap_or_else(|| channel.shown_id()),
            channel: channel.shown_id(),
            from,
            to,
            since,
            kind: kind.map(ErrorKind::name),
            message,
            picture: picture.filter(|_| shown.is_some()),
            verdict: shown.map(|picture| picture.verdict.clone()),
            age_seconds: sample.age_seconds().map(round_to_millisecond),
        }
    }
}

fn date<S: Serializer>(date: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*date))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn an_event_has_the_fields_of_the_contract() {
        let time = DateTime::from_timestamp(1_700_000_000, 5_000_000).expect("a date");
        let sample = Sample { time, seconds: 0.0, playlist: None, picture: None, failure: None, requests: 1, bytes: 0 };
        let channel = Channel { id: "news".to_owned(), name: Some("News".to_owned()), ..Channel::default() };
        let transition = Transition {
            from: ChannelState::Ok,
            to: ChannelState::Down,
            since: time - TimeDelta::seconds(20),
            kind: Some(ErrorKind::HttpStatus),
            message: Some("the origin answered 404".to_owned()),
        };
        let event = Event::new(&channel, transition, &sample, Some("news.jpg".to_owned()));
        // An event has no picture if its sample has none
        let expected = r#"{"time":"2023-11-14T22:13:20.005Z","channel":"news","name":"News","from":"ok","to":"down","#.to_owned()
            + r#""since":"2023-11-14T22:13:00.005Z","kind":"http_status","message":"the origin answered 404"}"#;
        assert_eq!(serde_json::to_string(&event).expect("JSON"), expected);
    }
}
