//! Captures a picture and writes it to its output. The command line and Lambda share this.

use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::Utc;

use super::report_facts;
use crate::{
    capture::{self, FinishedSnapshot},
    error::{Error, ErrorKind},
    fetch::Client,
    report::{DeliveryFacts, Report, SnapshotFacts},
    request::{NetworkPolicy, Options, SnapshotRequest},
    store::{ChannelName, Destination, NameFacts, Output, PutOptions, Stores},
};

/// The client of object stores, with the network settings of `policy`.
#[cfg(feature = "stores")]
pub(super) fn stores(policy: &NetworkPolicy) -> Stores {
    let policy = policy.clone();
    Stores::new(move || Client::for_stores(&policy).map(object_store::client::HttpClient::new))
}

/// This build has no object stores.
#[cfg(not(feature = "stores"))]
pub(super) fn stores(_: &NetworkPolicy) -> Stores {
    Stores
}

/// The outputs of a picture and of its report.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    pub output: Output,
    report_output: Option<Output>,
    no_clobber: bool,
    cache_control: Option<String>,
}

impl Delivery {
    /// Reads the outputs from `options`; `default` is the picture's output if they name none.
    pub fn new(options: &Options, default: &str) -> Result<Self, Error> {
        Self::parse(options, default, Output::parse)
    }

    /// As [`new`](Self::new), for a Lambda event, which may be a line of a list.
    #[cfg(feature = "lambda")]
    pub fn of_event(options: &Options) -> Result<Self, Error> {
        Self::parse(options, "-", Output::parse_event)
    }

    /// As [`new`](Self::new), for a line of a list.
    #[cfg(feature = "fleet")]
    pub fn of_channel(options: &Options, default: &str) -> Result<Self, Error> {
        Self::parse(options, default, Output::parse_channel)
    }

    fn parse(options: &Options, default: &str, parse: impl Fn(&str, &str) -> Result<Output, Error>) -> Result<Self, Error> {
        Ok(Self {
            output: parse("--output", options.output.as_deref().unwrap_or(default))?,
            report_output: options.report_output.as_deref().map(|text| parse("--report-output", text)).transpose()?,
            no_clobber: options.no_clobber,
            cache_control: options.cache_control.clone(),
        })
    }

    /// The picture's output, and the report's if it has one.
    pub fn outputs(&self) -> impl Iterator<Item = &Output> {
        [Some(&self.output), self.report_output.as_ref()].into_iter().flatten()
    }

    /// Fails with `output` if an output certainly cannot be written.
    pub fn check(&self, stores: &Stores) -> Result<(), Error> {
        self.outputs().try_for_each(|output| output.check(stores))
    }

    /// Captures the picture, writes it and then its report, within the request's timeout.
    pub async fn capture(&self, request: &SnapshotRequest, client: &Client, stores: &Stores) -> Result<Report, Error> {
        self.capture_of(None, request, client, stores).await
    }

    /// As [`capture`](Self::capture), for a channel of a list.
    pub async fn capture_of(
        &self,
        channel: Option<ChannelName<'_>>,
        request: &SnapshotRequest,
        client: &Client,
        stores: &Stores,
    ) -> Result<Report, Error> {
        let start = Instant::now();
        let FinishedSnapshot { picture, facts, .. } = capture::capture(request, client).await?;
        self.deliver(picture.into(), facts, channel, stores, request.limits.timeout.saturating_sub(start.elapsed())).await
    }

    /// Writes a picture and then its report, within `timeout`.
    pub async fn deliver(
        &self,
        picture: Bytes,
        facts: SnapshotFacts,
        channel: Option<ChannelName<'_>>,
        stores: &Stores,
        timeout: Duration,
    ) -> Result<Report, Error> {
        let start = Instant::now();
        let now = Utc::now();
        let names = NameFacts { channel, ..NameFacts::from(&facts) };
        let destination = self.output.destination(&names, now)?;
        let report_destination = self.report_output.as_ref().map(|output| output.destination(&names, now)).transpose()?;
        put(&destination, picture, &self.picture_options(&facts), stores, timeout).await?;
        let store = start.elapsed();
        let delivery = DeliveryFacts { output: destination.name(), store, total: facts.timing.total + store };
        let report = Report::new(facts, Some(delivery));

        if let Some(destination) = report_destination {
            let json = serde_json::to_vec(&report).map_err(|e| Error::internal("the report cannot be written as JSON").with_source(e))?;
            let options = PutOptions { content_type: "application/json", no_clobber: self.no_clobber, ..PutOptions::default() };
            put(&destination, json.into(), &options, stores, timeout.saturating_sub(store)).await?;
        }
        Ok(report)
    }

    fn picture_options(&self, facts: &SnapshotFacts) -> PutOptions {
        PutOptions {
            content_type: facts.format.media_type(),
            cache_control: self.cache_control.clone(),
            metadata: report_facts::object_metadata(facts),
            no_clobber: self.no_clobber,
        }
    }
}

/// Writes within `timeout`. After a timeout the object may exist or not, but it is never partial.
pub(super) async fn put(
    destination: &Destination,
    bytes: Bytes,
    options: &PutOptions,
    stores: &Stores,
    timeout: Duration,
) -> Result<(), Error> {
    tokio::time::timeout(timeout, destination.put(bytes, options, stores)).await.unwrap_or_else(|_| {
        let message = format!("{} was not written in time", destination.name());
        Err(Error::new(ErrorKind::Output, message).with_hint("see why it is slow, or raise --timeout"))
    })
}
