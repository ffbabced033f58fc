//! Keeps results for those who need them again soon: a player asks for a sprite right after its document.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

const MAX_ENTRIES: usize = 8;

/// The latest results, each until a time.
pub(super) struct Recent<T>(Mutex<Vec<Entry<T>>>);

struct Entry<T> {
    key: String,
    value: Arc<T>,
    end: Instant,
}

impl<T> fmt::Debug for Recent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recent").finish_non_exhaustive()
    }
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Recent<T> {
    /// The result with this key, unless its time is over.
    pub fn get(&self, key: &str) -> Option<Arc<T>> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        entries.retain(|entry| entry.end > now);
        entries.iter().find(|entry| entry.key == key).map(|entry| Arc::clone(&entry.value))
    }

    /// Keeps a result for a time, and gives up the oldest one if there are too many.
    pub fn keep(&self, key: String, value: Arc<T>, time: Duration) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|entry| entry.key != key);
        if entries.len() >= MAX_ENTRIES {
            entries.remove(0);
        }
        entries.push(Entry { key, value, end: Instant::now() + time });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_kept_for_a_time_and_in_a_limited_number() {
        let recent = Recent::default();
        recent.keep("short".to_owned(), Arc::new(0), Duration::ZERO);
        assert_eq!(recent.get("short"), None);
        for number in 0..=MAX_ENTRIES {
            recent.keep(number.to_string(), Arc::new(number), Duration::from_secs(60));
        }
        assert_eq!(recent.get("0"), None);
        assert_eq!(recent.get("1").as_deref(), Some(&1));
        assert_eq!(recent.get(&MAX_ENTRIES.to_string()).as_deref(), Some(&MAX_ENTRIES));
    }
}
