//! The state of the router.

use std::sync::Arc;

use super::{
    job_permits::JobPermits,
    memory::{Jobs, Memory, PictureMemory},
    observer::Observer,
    recall::Recall,
    recent::Recent,
    shared::{SharedFile, SharedInspection, SharedSnapshot, SharedStoryboard},
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
    pub(super) memory: Option<Arc<dyn PictureMemory>>,
    results: Option<Arc<dyn Memory>>,
    /// Keeps the last storyboards if there is no memory.
    recent: Arc<Recent>,
    pub(super) observer: Observer,
    snapshots: SingleFlight<SharedSnapshot>,
    files: SingleFlight<SharedFile>,
    storyboards: SingleFlight<SharedStoryboard>,
    inspections: SingleFlight<SharedInspection>,
}

impl HttpFrontend {
    /// `jobs` is how many pictures are made at the same time.
    pub fn new(settings: Settings, client: Client, jobs: usize, observer: Observer, memory: Option<Arc<dyn PictureMemory>>) -> Arc<Self> {
        Arc::new(Self {
            settings,
            client,
            permits: JobPermits::new(jobs),
            results: memory.as_ref().map(|memory| memory.results()),
            memory,
            recent: Arc::default(),
            observer,
            snapshots: SingleFlight::default(),
            files: SingleFlight::default(),
            storyboards: SingleFlight::default(),
            inspections: SingleFlight::default(),
        })
    }

    /// The number of running jobs, and of jobs that wait for a permit.
    #[cfg(feature = "fleet")]
    pub fn job_counts(&self) -> (usize, usize) {
        (self.permits.running(), self.permits.waiting())
    }

    pub(super) fn snapshots(&self) -> Recall<'_, SharedSnapshot> {
        self.recall(&self.snapshots, self.results.clone())
    }

    pub(super) fn files(&self) -> Recall<'_, SharedFile> {
        self.recall(&self.files, self.results.clone())
    }

    pub(super) fn inspections(&self) -> Recall<'_, SharedInspection> {
        self.recall(&self.inspections, self.results.clone())
    }

    pub(super) fn storyboards(&self) -> Recall<'_, SharedStoryboard> {
        self.recall(&self.storyboards, Some(self.storyboard_memory()))
    }

    /// The memory that keeps storyboards until players have their sprites.
    pub(super) fn storyboard_memory(&self) -> Arc<dyn Memory> {
        self.results.clone().unwrap_or_else(|| Arc::clone(&self.recent) as Arc<dyn Memory>)
    }

    fn recall<'a, T>(&'a self, flights: &'a SingleFlight<T>, memory: Option<Arc<dyn Memory>>) -> Recall<'a, T> {
        Recall { memory, flights, observer: &self.observer }
    }

    /// The resources of jobs.
    pub(super) fn jobs(&self) -> Jobs {
        Jobs { client: self.client.clone(), permits: self.permits.clone() }
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
