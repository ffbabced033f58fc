//! The wall's HTTP server: the page, the board as JSON, pictures, and a stream of changes.
//!
//! ```text
//! request -> access (who is it?) -> page | channels | pictures | events -> response
//! ```

mod access;
mod channels;
mod events;
mod large;
mod pictures;
mod state;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    http::{
        HeaderMap, StatusCode, Uri,
        header::{CACHE_CONTROL, LOCATION, SET_COOKIE},
    },
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};

use super::{
    page::{PageFile, with_page_headers},
    response::{self, problem},
};
use crate::{
    error::{Error, ErrorKind},
    watch::{Board, LargePictures},
};
use access::Admission;
use state::Wall;

pub use access::WallAccess;

const PAGE: PageFile = PageFile::html(include_str!("../../../../assets/wall/index.html"));
const SIGN_IN: PageFile = PageFile::html(include_str!("../../../../assets/wall/sign-in.html"));
const STYLE: PageFile = PageFile::css(include_str!("../../../../assets/wall/wall.css"));
const SCRIPT: PageFile = PageFile::script(include_str!("../../../../assets/wall/wall.js"));
/// Paths that are open to everyone: probes and Prometheus have no session, and the sign-in page uses the wall's style.
const OPEN_PATHS: [&str; 3] = ["/healthz", "/metrics", "/wall.css"];

/// How long open requests may take after a signal. Streams end at once.
const GRACE_PERIOD: Duration = Duration::from_secs(5);

/// The routes of the wall. `more` adds others, which the same rules protect.
pub fn router(board: Arc<Board>, access: WallAccess, large: Arc<dyn LargePictures>, more: Router) -> Router {
    let file = |file: PageFile| get(move |headers: HeaderMap| async move { file.response(&headers) });
    Router::new()
        .route("/", file(PAGE))
        .route("/wall.css", file(STYLE))
        .route("/wall.js", file(SCRIPT))
        .route("/channels.json", get(channels::list))
        .route("/channels/{file}", get(channels::detail))
        .route("/pictures/{file}", get(pictures::newest))
        .route("/pictures/{id}/large.jpg", get(pictures::large))
        .route("/events", get(events::stream))
        .route("/healthz", get(|| async { response::health() }))
        .with_state(Wall::new(board, large))
        .merge(more)
        .fallback(|uri: Uri| async move { no_such_path(&uri) })
        .method_not_allowed_fallback(|| async { response::no_such_method() })
        .layer(middleware::from_fn_with_state(Arc::new(access), admit))
}

/// Listens until SIGTERM or SIGINT. The board's owner must close it on the same signals, because that ends the streams.
///
/// Calls `on_listening` with the address. Fails with `usage` if the address cannot be used.
pub async fn serve(router: Router, address: SocketAddr, on_listening: impl FnOnce(SocketAddr) -> Result<(), Error>) -> Result<(), Error> {
    super::serve(router, address, GRACE_PERIOD, on_listening).await
}

/// Admits a request, starts a session, or refuses the request.
async fn admit(State(access): State<Arc<WallAccess>>, request: Request, next: Next) -> Response {
    if OPEN_PATHS.contains(&request.uri().path()) {
        return match access.check_open(request.headers()) {
            Ok(()) => with_page_headers(next.run(request).await),
            Err(error) => with_page_headers(problem(&error)),
        };
    }
    match access.admit(request.uri(), request.headers()) {
        Ok(Admission::Allowed) => with_page_headers(next.run(request).await),
        Ok(Admission::Session(cookie)) => {
            let headers = [(LOCATION, "./"), (SET_COOKIE, cookie.as_str()), (CACHE_CONTROL, "no-store")];
            with_page_headers((StatusCode::SEE_OTHER, headers).into_response())
        }
        Err(_) if request.uri().path() == "/" && access.has_token() => {
            (StatusCode::FORBIDDEN, SIGN_IN.response(&HeaderMap::new())).into_response()
        }
        Err(error) => with_page_headers(problem(&error)),
    }
}

fn no_such_path(uri: &Uri) -> Response {
    let paths = "use /, /channels.json, /channels/ID.json, /pictures/ID.jpg, /pictures/ID/large.jpg, /events, /metrics or /healthz";
    problem(&Error::new(ErrorKind::NotFound, format!("nothing is at {}", uri.path())).with_hint(paths))
}
