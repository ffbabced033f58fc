//! A memory of a few results, for frontends without a larger one: a player requests a sprite right after its document.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use futures_util::{FutureExt, future::BoxFuture};

use super::memory::{Memory, Remembered};

const MAX_ENTRIES: usize = 8;

/// The latest results.
#[derive(Default)]
pub(super) struct Recent(Mutex<Vec<(String, Remembered)>>);

impl fmt::Debug for Recent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recent").finish_non_exhaustive()
    }
}

impl Recent {
    fn find(&self, key: &str) -> Option<Remembered> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|(_, remembered)| remembered.life.is_usable());
        entries.iter().find(|(known, _)| known == key).map(|(_, remembered)| remembered.clone())
    }

    /// Adds a result, and drops the oldest one if there are too many.
    fn add(&self, key: String, remembered: Remembered) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|(known, _)| *known != key);
        if entries.len() >= MAX_ENTRIES {
            entries.remove(0);
        }
        entries.push((key, remembered));
    }
}

impl Memory for Recent {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Option<Remembered>> {
        async move { self.find(key) }.boxed()
    }

    fn keep(&self, key: String, remembered: Remembered) -> BoxFuture<'_, ()> {
        async move { self.add(key, remembered) }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::{super::life::Life, *};

    fn remembered(number: usize, life: Duration) -> Remembered {
        Remembered { value: Ok(Arc::new(number)), life: Life::of(life), retry_at: None, size: 0 }
    }

    #[test]
    fn results_are_kept_for_a_time_and_in_a_limited_number() {
        let recent = Recent::default();
        let find = |key: &str| recent.find(key).and_then(|found| found.value.ok()?.downcast_ref::<usize>().copied());
        recent.add("short".to_owned(), remembered(0, Duration::ZERO));
        assert_eq!(find("short"), None);
        for number in 0..=MAX_ENTRIES {
            recent.add(number.to_string(), remembered(number, Duration::from_secs(60)));
        }
        assert_eq!((find("0"), find("1"), find(&MAX_ENTRIES.to_string())), (None, Some(1), Some(MAX_ENTRIES)));
    }
}
