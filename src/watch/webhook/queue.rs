//! Events that wait for delivery: a lane for each channel, which delivers one event at a time to keep their order.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;

/// One event that waits.
#[derive(Debug, Clone)]
pub(super) struct QueuedEvent {
    /// Its position among all events.
    number: u64,
    /// The channel it belongs to.
    pub channel: Arc<str>,
    /// The ID of the message, the same at every attempt.
    pub id: String,
    /// The body of the message.
    pub body: Bytes,
    /// When it was queued.
    pub queued_at: Instant,
}

/// The events of one channel.
#[derive(Debug, Default)]
struct Lane {
    events: VecDeque<QueuedEvent>,
    /// Whether the first one is being delivered.
    is_busy: bool,
}

impl Lane {
    /// The number of the oldest event that is not being delivered.
    fn oldest_waiting(&self) -> Option<u64> {
        self.events.get(usize::from(self.is_busy)).map(|event| event.number)
    }
}

/// The events of all channels, at most `capacity` of them.
#[derive(Debug)]
pub(super) struct EventQueue {
    lanes: HashMap<Arc<str>, Lane>,
    /// Channels whose first event can be taken, the longest waiting first.
    ready: VecDeque<Arc<str>>,
    length: usize,
    capacity: usize,
    next_number: u64,
}

impl EventQueue {
    pub fn new(capacity: usize) -> Self {
        Self { lanes: HashMap::new(), ready: VecDeque::new(), length: 0, capacity: capacity.max(1), next_number: 0 }
    }

    /// The number of events, including those being delivered.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Appends an event. Returns whether one was dropped for it: the oldest that is not being delivered, or the new one if all are.
    pub fn push(&mut self, channel: &str, id: String, body: Bytes, queued_at: Instant) -> bool {
        let is_full = self.length >= self.capacity;
        if is_full && !self.drop_oldest() {
            return true;
        }
        let channel = self.lanes.get_key_value(channel).map_or_else(|| Arc::from(channel), |(known, _)| Arc::clone(known));
        let lane = self.lanes.entry(Arc::clone(&channel)).or_default();
        if lane.events.is_empty() {
            self.ready.push_back(Arc::clone(&channel));
        }
        lane.events.push_back(QueuedEvent { number: self.next_number, channel, id, body, queued_at });
        self.next_number += 1;
        self.length += 1;
        is_full
    }

    fn drop_oldest(&mut self) -> bool {
        let waiting = self.lanes.iter().filter_map(|(channel, lane)| Some((lane.oldest_waiting()?, channel)));
        let Some(channel) = waiting.min().map(|(_, channel)| Arc::clone(channel)) else { return false };
        let Some(lane) = self.lanes.get_mut(&channel) else { return false };
        lane.events.remove(usize::from(lane.is_busy));
        self.length -= 1;
        if lane.events.is_empty() {
            self.lanes.remove(&channel);
            self.ready.retain(|ready| *ready != channel);
        }
        true
    }

    /// The next event of a channel without a running delivery. It stays in the queue until [`finish`](Self::finish).
    pub fn take(&mut self) -> Option<QueuedEvent> {
        let channel = self.ready.pop_front()?;
        let lane = self.lanes.get_mut(&channel)?;
        lane.is_busy = true;
        lane.events.front().cloned()
    }

    /// Removes the event of `channel` that is being delivered. Then the channel's next one can be taken.
    pub fn finish(&mut self, channel: &Arc<str>) {
        let Some(lane) = self.lanes.get_mut(channel).filter(|lane| lane.is_busy) else { return };
        lane.is_busy = false;
        lane.events.pop_front();
        self.length -= 1;
        if lane.events.is_empty() {
            self.lanes.remove(channel);
        } else {
            self.ready.push_back(Arc::clone(channel));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(queue: &mut EventQueue, channel: &str, id: &str) -> bool {
        queue.push(channel, id.to_owned(), Bytes::new(), Instant::now())
    }

    fn take(queue: &mut EventQueue) -> Option<String> {
        queue.take().map(|event| event.id)
    }

    #[test]
    fn a_channel_delivers_one_event_at_a_time_and_keeps_its_order() {
        let mut queue = EventQueue::new(10);
        for (channel, id) in [("a", "a1"), ("a", "a2"), ("b", "b1"), ("a", "a3")] {
            assert!(!push(&mut queue, channel, id));
        }
        assert_eq!([take(&mut queue), take(&mut queue), take(&mut queue)], [Some("a1".into()), Some("b1".into()), None]);
        assert_eq!(queue.len(), 4);
        queue.finish(&"a".into());
        assert_eq!([take(&mut queue), take(&mut queue)], [Some("a2".into()), None]);
        queue.finish(&"b".into());
        queue.finish(&"b".into());
        queue.finish(&"a".into());
        assert_eq!([take(&mut queue), take(&mut queue)], [Some("a3".into()), None]);
        queue.finish(&"a".into());
        assert_eq!((queue.len(), queue.lanes.len(), queue.ready.len()), (0, 0, 0));
    }

    #[test]
    fn a_full_queue_drops_the_oldest_event_that_is_not_being_delivered() {
        let mut queue = EventQueue::new(3);
        for (channel, id) in [("a", "a1"), ("b", "b1"), ("a", "a2")] {
            assert!(!push(&mut queue, channel, id));
        }
        assert_eq!(take(&mut queue), Some("a1".into()));
        assert!(push(&mut queue, "c", "c1"), "b1 is dropped");
        assert!(push(&mut queue, "c", "c2"), "a2 is dropped");
        assert_eq!(queue.len(), 3);
        queue.finish(&"a".into());
        assert_eq!([take(&mut queue), take(&mut queue)], [Some("c1".into()), None]);
        queue.finish(&"c".into());
        assert_eq!([take(&mut queue), take(&mut queue)], [Some("c2".into()), None]);
    }

    #[test]
    fn a_new_event_is_dropped_if_all_others_are_being_delivered() {
        let mut queue = EventQueue::new(1);
        assert!(!push(&mut queue, "a", "a1"));
        assert_eq!(take(&mut queue), Some("a1".into()));
        assert!(push(&mut queue, "b", "b1"));
        queue.finish(&"a".into());
        assert_eq!((take(&mut queue), queue.len()), (None, 0));
    }
}
