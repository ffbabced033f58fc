//! The Lambda face: `bootstrap` for `provided.al2023`.
//!
//! ```text
//! event -> direct | queue | web -> work (pictures, so many at once, within the context's time) -> answer, log, metrics
//! ```
//!
//! One client and one set of stores live across invocations. A message from a queue answers for itself alone; an HTTP event goes to the
//! HTTP face's router.

mod direct;
mod event;
mod log;
mod metrics;
mod queue;
mod web;
mod worker;

use std::{process::ExitCode, sync::Arc, time::Instant};

use lambda_runtime::{Context, Diagnostic, LambdaEvent, Runtime, service_fn};
use serde_json::{Value, value::RawValue};
use tracing::Instrument;

use crate::{
    error::{Error, ErrorKind},
    frontends::settings::Settings,
};
use event::Event;
use metrics::Metrics;
use web::Web;
use worker::{Deadline, Worker};

/// Answers invocations until the environment is taken away.
pub fn run() -> ExitCode {
    crate::libav::configure_process();
    let done = Settings::from_environment().and_then(|settings| {
        log::start(settings.log);
        if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_none() {
            return Err(Error::new(ErrorKind::Usage, "this program is a function of AWS Lambda, which is not here")
                .with_hint("deploy it (deploy/README.md), or use `hlsnap` on the command line"));
        }
        serve(settings)
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hlsnap: {}: {}", error.kind(), error.one_line());
            ExitCode::from(error.kind().exit_code())
        }
    }
}

fn serve(settings: Settings) -> Result<(), Error> {
    let function = Arc::new(Function::new(settings)?);
    function.works.settings.enter_sandbox()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // Each picture decodes on one, others resolve names
        .max_blocking_threads(function.works.jobs() + 4)
        .build()
        .map_err(|e| Error::internal("the runtime cannot be started").with_source(e))?;
    let handler = service_fn(move |event| {
        let function = Arc::clone(&function);
        async move { function.invoked(event).await }
    });
    runtime.block_on(Runtime::new(handler).run()).map_err(|e| Error::internal("Lambda's Runtime API failed").with_source(e))
}

/// How many requests an event holds that `is_read`.
pub(super) fn read(payload: &str, is_read: impl Fn(&Value) -> bool) -> Result<usize, Error> {
    Ok(match Event::parse(payload)? {
        // Whose conversion is lambda_http's, and may panic: see `web`
        Event::Http(_) => 1,
        Event::One(request) => usize::from(is_read(&Value::Object(request))),
        Event::Many(requests) => requests.iter().filter(|request| is_read(request)).count(),
        Event::Queue(messages) => messages.iter().filter_map(|message| Event::of_message(message.body.as_deref()?).ok()).count(),
    })
}

/// What lives across invocations.
#[derive(Debug)]
struct Function {
    works: Worker,
    web: Web,
}

/// A failure as Lambda tells it.
#[derive(Debug)]
struct InvocationError(Error);

impl From<InvocationError> for Diagnostic {
    fn from(InvocationError(error): InvocationError) -> Self {
        Self { error_type: error.kind().name().to_owned(), error_message: error.one_line() }
    }
}

impl Function {
    fn new(settings: Settings) -> Result<Self, Error> {
        let works = Worker::new(settings)?;
        let web = Web::new(&works);
        Ok(Self { works, web })
    }

    async fn invoked(&self, event: LambdaEvent<Box<RawValue>>) -> Result<Value, InvocationError> {
        let LambdaEvent { payload, context } = event;
        let span = tracing::info_span!("invocation", request_id = %context.request_id);
        let began = Instant::now();
        let mut metrics = Metrics::default();
        let done = self.answered(payload.get(), &context, &mut metrics).instrument(span.clone()).await;
        span.in_scope(|| match &done {
            Ok(_) => tracing::info!(milliseconds = began.elapsed().as_millis(), "answered"),
            Err(error) => tracing::error!(kind = error.kind().name(), "{}", error.one_line()),
        });
        metrics.write(&context);
        done.map_err(InvocationError)
    }

    async fn answered(&self, payload: &str, context: &Context, metrics: &mut Metrics) -> Result<Value, Error> {
        let deadline = Deadline::of(context);
        match Event::parse(payload)? {
            Event::Http(request) => self.web.answer(*request, context.clone(), deadline, metrics).await,
            Event::Queue(messages) => queue::answer(&self.works, messages, deadline, metrics).await,
            Event::One(request) => direct::one(&self.works, &request, deadline, metrics).await,
            Event::Many(requests) => direct::many(&self.works, requests, deadline, metrics).await,
        }
    }
}
