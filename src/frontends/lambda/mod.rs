//! The Lambda frontend: `bootstrap` for `provided.al2023`.
//!
//! ```text
//! event -> direct | queue | http_events -> run (a limited number of pictures, within the deadline) -> response, log, metrics
//! ```
//!
//! One client and one set of stores live across invocations. Each message of a queue succeeds or fails on its own. HTTP events go to the HTTP
//! frontend's router.

mod direct;
mod event;
mod http_events;
mod kind;
mod list_keys;
mod log;
mod many;
mod metrics;
mod queue;
mod run;
mod worker;

use std::{process::ExitCode, sync::Arc, time::Instant};

use lambda_runtime::{Context, Diagnostic, LambdaEvent, Runtime, service_fn};
use serde_json::{Value, value::RawValue};
use tracing::Instrument;

use crate::{
    error::Error,
    frontends::{
        remote_limits,
        settings::{Serving, Settings},
    },
};
use event::{Event, EventOptions};
use http_events::HttpEvents;
use kind::EventKind;
use metrics::Metrics;
use worker::{Deadline, Worker};

/// Handles invocations until the execution environment ends.
pub fn run() -> ExitCode {
    crate::libav::configure_process();
    let result = Settings::from_environment().and_then(|settings| {
        log::start(settings.log);
        if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_none() {
            return Err(Error::usage(
                "this program runs in AWS Lambda only",
                "deploy it (deploy/README.md), or use `hlsnap` on the command line",
            ));
        }
        if settings.serving != Serving::default() {
            return Err(Error::usage(
                "HLSNAP_CORS, HLSNAP_RATE_LIMIT, HLSNAP_TRUSTED_PROXIES and HLSNAP_ACCESS_LOG are for `hlsnap serve`",
                "configure CORS and throttling of the function URL or of API Gateway instead",
            ));
        }
        serve(settings)
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hlsnap: {}: {}", error.kind(), error.one_line());
            ExitCode::from(error.kind().exit_code())
        }
    }
}

fn serve(settings: Settings) -> Result<(), Error> {
    let function = Arc::new(Function::new(settings)?);
    function.worker.settings.enter_sandbox()?;
    crate::libav::reserve_picture_memory();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // One thread decodes each picture, others resolve names
        .max_blocking_threads(remote_limits::threads(function.worker.jobs()) + 4)
        .build()
        .map_err(|e| Error::internal("the runtime cannot be started").with_source(e))?;
    let handler = service_fn(move |event| {
        let function = Arc::clone(&function);
        async move { function.invoke(event).await }
    });
    runtime.block_on(Runtime::new(handler).run()).map_err(|e| Error::internal("Lambda's Runtime API failed").with_source(e))
}

/// Counts the requests of an event that are valid, by their options.
pub(super) fn read(payload: &str, are_valid: impl Fn(&EventOptions) -> bool) -> Result<usize, Error> {
    let is_valid = |request: &EventOptions| EventKind::split(request).is_ok_and(|(_, options)| are_valid(&options));
    Ok(match Event::parse(payload)? {
        // Not converted: lambda_http may panic, see `http_events`
        Event::Http(_) => 1,
        Event::One(request) => usize::from(is_valid(&request)),
        Event::Many(requests) => requests.iter().filter_map(Value::as_object).filter(|request| is_valid(request)).count(),
        Event::Queue(messages) => messages.iter().filter_map(|message| Event::from_message(message.body.as_deref()?).ok()).count(),
    })
}

/// The state that lives across invocations.
#[derive(Debug)]
struct Function {
    worker: Worker,
    http_events: HttpEvents,
}

/// An error as Lambda's Runtime API reports it.
#[derive(Debug)]
struct InvocationError(Error);

impl From<InvocationError> for Diagnostic {
    fn from(InvocationError(error): InvocationError) -> Self {
        Self { error_type: error.kind().name().to_owned(), error_message: error.one_line() }
    }
}

impl Function {
    fn new(settings: Settings) -> Result<Self, Error> {
        let worker = Worker::new(settings)?;
        let http_events = HttpEvents::new(&worker);
        Ok(Self { worker, http_events })
    }

    async fn invoke(&self, event: LambdaEvent<Box<RawValue>>) -> Result<Value, InvocationError> {
        let LambdaEvent { payload, context } = event;
        let span = tracing::info_span!("invocation", request_id = %context.request_id);
        let start = Instant::now();
        let mut metrics = Metrics::default();
        let result = self.respond(payload.get(), &context, &mut metrics).instrument(span.clone()).await;
        span.in_scope(|| match &result {
            Ok(_) => tracing::info!(milliseconds = start.elapsed().as_millis(), "answered"),
            Err(error) => tracing::error!(kind = error.kind().name(), "{}", error.one_line()),
        });
        metrics.write(&context);
        result.map_err(InvocationError)
    }

    async fn respond(&self, payload: &str, context: &Context, metrics: &mut Metrics) -> Result<Value, Error> {
        let deadline = Deadline::new(context);
        match Event::parse(payload)? {
            Event::Http(request) => self.http_events.respond(*request, context.clone(), deadline, metrics).await,
            Event::Queue(messages) => queue::respond(&self.worker, messages, deadline, metrics).await,
            Event::One(request) => direct::one(&self.worker, &request, deadline, metrics).await,
            Event::Many(requests) => direct::many(&self.worker, requests, deadline, metrics).await,
        }
    }
}
