//! A picture that is taken and brought to its place: what the command line and Lambda share.

use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::Utc;

use crate::{
    capture::{self, Snapshot},
    error::{Error, ErrorKind},
    fetch::Client,
    report::{DeliveryFacts, Report, SnapshotFacts},
    request::{Options, SnapshotRequest},
    store::{Destination, Output, PutOptions, Stores},
};

/// Where a picture goes, and how.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    pub output: Output,
    report_output: Option<Output>,
    no_clobber: bool,
    cache_control: Option<String>,
}

impl Delivery {
    /// What `asked` says of it; `usual` is where it says nothing.
    pub fn of(asked: &Options, usual: &str) -> Result<Self, Error> {
        let report_output = asked.report_output.as_deref().map(|text| Output::parse("--report-output", text)).transpose()?;
        Ok(Self {
            output: Output::parse("--output", asked.output.as_deref().unwrap_or(usual))?,
            report_output,
            no_clobber: asked.no_clobber,
            cache_control: asked.cache_control.clone(),
        })
    }

    /// Every place that something goes to.
    pub fn outputs(&self) -> impl Iterator<Item = &Output> {
        [Some(&self.output), self.report_output.as_ref()].into_iter().flatten()
    }

    /// Fails with `output` where something could surely not be written.
    pub fn check(&self, stores: &Stores) -> Result<(), Error> {
        self.outputs().try_for_each(|output| output.check(stores))
    }

    /// Takes the picture and writes it, and then its report where that was asked for, within the request's time.
    pub async fn make(&self, request: &SnapshotRequest, client: &Client, stores: &Stores) -> Result<Report, Error> {
        let began = Instant::now();
        let Snapshot { picture, facts } = capture::take(request, client).await?;
        let left = request.limits.timeout.saturating_sub(began.elapsed());

        let storing = Instant::now();
        let now = Utc::now();
        let place = self.output.destination(&facts, now)?;
        put(&place, picture.into(), &self.manner_of_picture(&facts), stores, left).await?;
        let took = storing.elapsed();
        let report_place = self.report_output.as_ref().map(|output| output.destination(&facts, now)).transpose()?;
        let delivered = DeliveryFacts { output: place.name(), store: took, total: began.elapsed() };
        let report = Report::new(facts, Some(delivered));

        if let Some(place) = report_place {
            let text = serde_json::to_vec(&report).map_err(|e| Error::internal("the report cannot be written as JSON").with_source(e))?;
            let manner = PutOptions { content_type: "application/json", no_clobber: self.no_clobber, ..PutOptions::default() };
            put(&place, text.into(), &manner, stores, left.saturating_sub(took)).await?;
        }
        Ok(report)
    }

    fn manner_of_picture(&self, facts: &SnapshotFacts) -> PutOptions {
        let metadata = [
            ("url", Some(facts.url.clone())),
            ("pdt", facts.presentation.date_text()),
            ("msn", facts.segment.media_sequence_number.map(|number| number.to_string())),
            ("seconds", Some(facts.presentation.rounded_seconds().to_string())),
            ("width", Some(facts.size.0.to_string())),
            ("height", Some(facts.size.1.to_string())),
            ("hash", Some(facts.verdict.hash.clone())),
        ];
        PutOptions {
            content_type: facts.format.media_type(),
            cache_control: self.cache_control.clone(),
            metadata: metadata.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
            no_clobber: self.no_clobber,
        }
    }
}

/// Puts within `left`; an object that is not answered for in time may be there or not, but never in part.
async fn put(place: &Destination, bytes: Bytes, manner: &PutOptions, stores: &Stores, left: Duration) -> Result<(), Error> {
    tokio::time::timeout(left, place.put(bytes, manner, stores)).await.unwrap_or_else(|_| {
        let what = format!("{} was not written in time", place.name());
        Err(Error::new(ErrorKind::Output, what).with_hint("see why it is slow, or raise --timeout"))
    })
}
