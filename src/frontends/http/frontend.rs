//! The state of the router.

use std::sync::Arc;

use super::{
    job_permits::JobPermits,
    observer::Observer,
    recent::Recent,
    shared::{SharedFile, SharedSnapshot, SharedStoryboard},
    single_flight::SingleFlight,
};
use crate::{
    error::Error,
    fetch::Client,
    frontends::{remote_limits, remote_source, settings::Settings},
    request::{Options, PicturesRequest, Source},
};

/// The state of the router.
#[derive(Debug)]
pub(in crate::frontends) struct HttpFrontend {
    pub(super) settings: Settings,
    pub(super) client: Client,
    pub(super) permits: JobPermits,
    pub(super) observer: Observer,
    pub(super) snapshots: SingleFlight<SharedSnapshot>,
    pub(super) files: SingleFlight<SharedFile>,
    pub(super) storyboards: SingleFlight<SharedStoryboard>,
    pub(super) recent_storyboards: Recent<SharedStoryboard>,
}

impl HttpFrontend {
    /// `jobs` is how many pictures are made at the same time.
    pub fn new(settings: Settings, client: Client, jobs: usize, observer: Observer) -> Arc<Self> {
        Arc::new(Self {
            settings,
            client,
            permits: JobPermits::new(jobs),
            observer,
            snapshots: SingleFlight::default(),
            files: SingleFlight::default(),
            storyboards: SingleFlight::default(),
            recent_storyboards: Recent::default(),
        })
    }

    /// How many jobs run, and how many wait until one of them ends.
    pub fn jobs(&self) -> (usize, usize) {
        (self.permits.running(), self.permits.waiting())
    }

    /// The playlist. Fails with `not_allowed` before the request waits for a job permit.
    pub(super) fn source(&self, options: &Options) -> Result<Source, Error> {
        let source = remote_source(options)?;
        if let Source::Url(url) = &source {
            self.client.check(url)?;
        }
        Ok(source)
    }

    /// Bounds a request to the operator's limits.
    pub(super) fn bound(&self, pictures: &mut PicturesRequest) {
        remote_limits::bound(pictures, &self.settings, remote_limits::PICTURES_OF_QUERY, self.permits.jobs());
    }
}
