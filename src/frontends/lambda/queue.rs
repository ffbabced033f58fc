//! Batches of SQS: only failed messages return to the queue.

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

/// `{"batchItemFailures": […]}`. A message group of a FIFO queue is processed in order, and after a failure the rest of the group returns
/// too, which keeps the order.
pub(super) async fn respond(worker: &Worker, messages: Vec<SqsMessage>, deadline: Deadline, metrics: &mut Metrics) -> Result<Value, Error> {
    let groups = groups(messages);
    let each = groups.iter().map(|group| async move {
        let mut own = Metrics::default();
        (in_order(worker, group, deadline, &mut own).await, own)
    });
    let mut failures = Vec::new();
    let mut results = stream::iter(each).buffered(worker.jobs());
    while let Some((failed, own)) = results.next().await {
        metrics.add(own);
        failures.extend(failed.into_iter().map(|id| json!({ "itemIdentifier": id })));
    }
    Ok(json!({ "batchItemFailures": failures }))
}

/// Groups messages that must keep their order. Each message of a standard queue is a group of its own.
fn groups(messages: Vec<SqsMessage>) -> Vec<Vec<SqsMessage>> {
    let mut single = Vec::new();
    let mut ordered: BTreeMap<String, Vec<SqsMessage>> = BTreeMap::new();
    for message in messages {
        match message.attributes.get("MessageGroupId").cloned() {
            Some(group) => ordered.entry(group).or_default().push(message),
            None => single.push(vec![message]),
        }
    }
    single.into_iter().chain(ordered.into_values()).collect()
}

/// The identifiers of the messages that must return to the queue.
async fn in_order(worker: &Worker, group: &[SqsMessage], deadline: Deadline, metrics: &mut Metrics) -> Vec<String> {
    let id = |message: &SqsMessage| message.message_id.clone().unwrap_or_default();
    for (index, message) in group.iter().enumerate() {
        let Err(error) = one(worker, message, deadline, metrics).await else { continue };
        if worker.settings.drop_permanent && error.kind().is_permanent() {
            tracing::error!(
                message_id = id(message),
                kind = error.kind().name(),
                "dropped a message that cannot succeed: {}",
                error.one_line()
            );
            continue;
        }
        tracing::warn!(message_id = id(message), kind = error.kind().name(), "a message returns to the queue: {}", error.one_line());
        return group.iter().skip(index).map(id).collect();
    }
    Vec::new()
}

async fn one(worker: &Worker, message: &SqsMessage, deadline: Deadline, metrics: &mut Metrics) -> Result<(), Error> {
    let requests = match Event::from_message(message.body.as_deref().unwrap_or_default()) {
        Ok(Event::Many(requests)) => requests,
        Ok(Event::One(request)) => vec![Value::Object(request)],
        Ok(Event::Http(_) | Event::Queue(_)) => Vec::new(),
        Err(error) => {
            metrics.count_failure();
            return Err(error);
        }
    };
    let results = direct::all(worker, &requests, deadline, true, metrics).await;
    // A failure that a retry may cure comes first: it keeps the message
    let mut failures: Vec<Error> = results.into_iter().filter_map(Result::err).collect();
    failures.sort_by_key(|error| error.kind().is_permanent());
    failures.into_iter().next().map_or(Ok(()), Err)
}
