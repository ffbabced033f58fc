//! The values of the operator's settings, and their defaults.

use std::{fmt, path::PathBuf};

use url::Url;
use wildmatch::WildMatch;

#[cfg(feature = "fleet")]
use crate::channels::Shard;
use crate::request::{NetworkPolicy, Options};

/// The settings of one process.
#[derive(Clone)]
pub(in crate::frontends) struct Settings {
    /// Which hosts may be contacted, and how.
    pub network: NetworkPolicy,
    /// The options that requests start from. Over HTTP, its limits are also the upper limits.
    pub defaults: Options,
    /// Whether the HTTP frontend answers without a list of hosts and without a key.
    pub allow_any: bool,
    /// The key that signs HTTP requests.
    pub key: Option<String>,
    /// The outputs that events may name; empty allows every object store.
    pub(super) allow_outputs: Vec<WildMatch>,
    /// How many pictures are made at a time.
    pub jobs: Option<usize>,
    /// How many of these come from one host.
    pub per_host: Option<usize>,
    /// How many are started in a second.
    pub rate: Option<f64>,
    /// The part of the list of channels.
    #[cfg(feature = "fleet")]
    pub shard: Option<Shard>,
    /// The results of an interrupted run.
    pub resume: Option<PathBuf>,
    /// How many pictures one request may make.
    pub max_pictures: Option<usize>,
    /// The size of `serve`'s memory in bytes; 0 turns it off.
    #[cfg_attr(not(feature = "fleet"), allow(dead_code, reason = "a server that remembers reads it"))]
    pub cache_bytes: Option<u64>,
    /// Whether to enter the sandbox; `None` enters as much of it as the kernel supports.
    pub sandbox: Option<bool>,
    /// Whether to drop queued messages that fail the same way every time.
    pub drop_permanent: bool,
    /// How `hlsnap serve` treats its clients.
    pub serving: Serving,
    /// The outputs of `hlsnap watch`, and the token of its wall.
    pub watching: Watching,
    /// The log level of the Lambda function.
    pub log: tracing::Level,
}

/// How `hlsnap serve` treats its clients. `frontends/server` parses the texts. The Lambda function refuses these settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::frontends) struct Serving {
    /// Origins whose web pages may read answers.
    pub cors: Vec<String>,
    /// How many requests one client may send in a second or minute.
    pub rate_limit: Option<String>,
    /// Networks of trusted proxies, whose `X-Forwarded-For` names the client.
    pub trusted_proxies: Vec<String>,
    /// Whether to write a line on stderr for each request.
    pub access_log: bool,
}

/// The outputs of `hlsnap watch`, and the token of its wall.
#[derive(Clone, Default)]
pub(in crate::frontends) struct Watching {
    /// The file of reported states.
    pub state: Option<PathBuf>,
    /// Receivers of events.
    pub webhooks: Vec<Url>,
    /// The key that signs events.
    pub webhook_key: Option<String>,
    /// The token that opens the wall.
    pub token: Option<String>,
}

impl fmt::Debug for Settings {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("network", &self.network).field("allow_any", &self.allow_any).finish_non_exhaustive()
    }
}

impl Default for Settings {
    /// Servers refuse private addresses.
    fn default() -> Self {
        Self {
            network: NetworkPolicy { allow_private: false, ..NetworkPolicy::default() },
            defaults: Options::default(),
            allow_any: false,
            key: None,
            allow_outputs: Vec::new(),
            jobs: None,
            per_host: None,
            rate: None,
            #[cfg(feature = "fleet")]
            shard: None,
            resume: None,
            max_pictures: None,
            cache_bytes: None,
            sandbox: None,
            drop_permanent: false,
            serving: Serving::default(),
            watching: Watching::default(),
            log: tracing::Level::INFO,
        }
    }
}

impl Settings {
    /// How many pictures of a list are made at the same time: by default four for each processor.
    #[cfg(feature = "fleet")]
    pub fn list_jobs(&self) -> usize {
        self.jobs.unwrap_or_else(|| 4 * std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// How many of them at the same time for one host: by default four.
    #[cfg(feature = "fleet")]
    pub fn list_jobs_per_host(&self) -> usize {
        self.per_host.unwrap_or(4)
    }

    /// The defaults of commands that the user runs: they may contact private addresses.
    pub fn for_user() -> Self {
        Self { network: NetworkPolicy::default(), ..Self::default() }
    }
}
