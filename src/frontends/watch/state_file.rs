//! Keeps the reported states in a file, so that the next watch goes on from them and reports only changes.

use std::{
    collections::HashMap,
    fs,
    io::ErrorKind as Io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ring::digest;
use serde::{Deserialize, Serialize};

use crate::{
    channels::Channel,
    error::{Error, ErrorKind},
    hex::encode_hex,
    store::{Destination, PutOptions, Stores},
    watch::KnownState,
};

/// Changes are written at most this often.
const PACE: Duration = Duration::from_secs(1);
/// 100,000 channels take 9 MB.
const MAX_BYTES: u64 = 64 << 20;

/// The file of `--state`.
pub(super) struct StateFile {
    path: PathBuf,
    states: Mutex<States>,
}

#[derive(Default)]
struct States {
    /// The states by [`key`].
    by_key: HashMap<String, KnownState>,
    is_changed: bool,
}

/// The content of the file.
#[derive(Serialize, Deserialize)]
struct Content {
    channels: HashMap<String, KnownState>,
}

/// Hashes an id, because ids may be URLs with secrets.
fn key(id: &str) -> String {
    let digest = digest::digest(&digest::SHA256, id.as_bytes());
    encode_hex(digest.as_ref().get(..16).unwrap_or_default())
}

impl StateFile {
    /// Reads the file, if it exists. Fails with `usage` if it is no file of states.
    pub fn open(path: PathBuf) -> Result<Self, Error> {
        let by_key = match fs::metadata(&path) {
            Err(error) if error.kind() == Io::NotFound => HashMap::new(),
            Err(error) => return Err(unreadable(&path).with_source(error)),
            Ok(metadata) if metadata.len() > MAX_BYTES => return Err(unreadable(&path)),
            Ok(_) => {
                let bytes = fs::read(&path).map_err(|e| unreadable(&path).with_source(e))?;
                let content: Content = serde_json::from_slice(&bytes).map_err(|e| unreadable(&path).with_source(e))?;
                content.channels
            }
        };
        Ok(Self { path, states: Mutex::new(States { by_key, is_changed: false }) })
    }

    /// The states of the channels of a list. Forgets all others.
    pub fn known(&self, channels: &[Channel]) -> HashMap<String, KnownState> {
        let mut states = self.lock();
        let keys: HashMap<String, &String> = channels.iter().map(|channel| (key(&channel.id), &channel.id)).collect();
        states.by_key.retain(|key, _| keys.contains_key(key));
        states.by_key.iter().filter_map(|(key, state)| Some(((*keys.get(key)?).clone(), *state))).collect()
    }

    /// Remembers a state that has been reported.
    pub fn set(&self, id: &str, state: KnownState) {
        let mut states = self.lock();
        states.by_key.insert(key(id), state);
        states.is_changed = true;
    }

    /// Writes the states if they have changed. A failure is logged: the watch goes on.
    pub async fn save(&self, stores: &Stores) {
        let content = {
            let mut states = self.lock();
            if !std::mem::take(&mut states.is_changed) {
                return;
            }
            Content { channels: states.by_key.clone() }
        };
        let written = match serde_json::to_vec(&content) {
            Ok(json) => Destination::Path(self.path.clone()).put(json.into(), &PutOptions::default(), stores).await,
            Err(error) => Err(Error::internal("the states cannot be written as JSON").with_source(error)),
        };
        if let Err(error) = written {
            self.lock().is_changed = true;
            tracing::warn!("the states cannot be kept: {}", error.one_line());
        }
    }

    /// Waits a moment, and then writes the states. Never ends if there is no file.
    pub async fn save_regularly(this: Option<&Self>, stores: &Stores) {
        tokio::time::sleep(PACE).await;
        match this {
            Some(states) => states.save(stores).await,
            None => std::future::pending().await,
        }
    }

    fn lock(&self) -> MutexGuard<'_, States> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unreadable(path: &Path) -> Error {
    let message = format!("--state {} is not a file of states", path.display());
    Error::new(ErrorKind::Usage, message).with_hint("name a file that an earlier watch wrote, or one that does not exist yet")
}
