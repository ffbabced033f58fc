//! Batches of SQS: only the messages that failed come back.

use std::collections::BTreeMap;

use aws_lambda_events::sqs::SqsMessage;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::{
    direct,
    event::Event,
    metrics::Metrics,
    worker::{Deadline, Worker},
};
use crate::error::Error;

/// `{"batchItemFailures": […]}`. Messages of one group of a FIFO queue are worked off one after the other, and after a failure the
/// rest of the group comes back too, so that their order stays.
pub(super) async fn answer(works: &Worker, messages: Vec<SqsMessage>, deadline: Deadline, metrics: &mut Metrics) -> Result<Value, Error> {
    let groups = groups(messages);
    let each = groups.iter().map(|group| async move {
        let mut own = Metrics::default();
        (in_order(works, group, deadline, &mut own).await, own)
    });
    let mut failures = Vec::new();
    let mut done = stream::iter(each).buffered(works.jobs());
    while let Some((failed, own)) = done.next().await {
        metrics.add(own);
        failures.extend(failed.into_iter().map(|id| json!({ "itemIdentifier": id })));
    }
    Ok(json!({ "batchItemFailures": failures }))
}

/// Messages that must keep their order; those of a standard queue are each alone.
fn groups(messages: Vec<SqsMessage>) -> Vec<Vec<SqsMessage>> {
    let mut alone = Vec::new();
    let mut ordered: BTreeMap<String, Vec<SqsMessage>> = BTreeMap::new();
    for message in messages {
        match message.attributes.get("MessageGroupId").cloned() {
            Some(group) => ordered.entry(group).or_default().push(message),
            None => alone.push(vec![message]),
        }
    }
    alone.into_iter().chain(ordered.into_values()).collect()
}

/// The identifiers of the messages that must come back.
async fn in_order(works: &Worker, group: &[SqsMessage], deadline: Deadline, metrics: &mut Metrics) -> Vec<String> {
    let id = |message: &SqsMessage| message.message_id.clone().unwrap_or_default();
    for (place, message) in group.iter().enumerate() {
        let Err(error) = one(works, message, deadline, metrics).await else { continue };
        if works.settings.drop_permanent && error.kind().is_permanent() {
            tracing::error!(
                message_id = id(message),
                kind = error.kind().name(),
                "a message that can never work is let go: {}",
                error.one_line()
            );
            continue;
        }
        tracing::warn!(message_id = id(message), kind = error.kind().name(), "a message goes back: {}", error.one_line());
        return group.iter().skip(place).map(id).collect();
    }
    Vec::new()
}

async fn one(works: &Worker, message: &SqsMessage, deadline: Deadline, metrics: &mut Metrics) -> Result<(), Error> {
    let requests = match Event::of_message(message.body.as_deref().unwrap_or_default()) {
        Ok(Event::Many(requests)) => requests,
        Ok(Event::One(request)) => vec![Value::Object(request)],
        Ok(Event::Http(_) | Event::Queue(_)) => Vec::new(),
        Err(error) => {
            metrics.count(Err(&error));
            return Err(error);
        }
    };
    let outcomes = direct::all(works, &requests, deadline, true, metrics).await;
    // One that may work at the next try keeps the message
    let mut failures: Vec<Error> = outcomes.into_iter().filter_map(Result::err).collect();
    failures.sort_by_key(|error| error.kind().is_permanent());
    failures.into_iter().next().map_or(Ok(()), Err)
}
