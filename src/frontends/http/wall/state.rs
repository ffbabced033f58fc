//! The state of the wall's router.

use std::sync::Arc;

use axum::response::Response;
use tokio::sync::Semaphore;

use super::large::LargePictureCache;
use crate::{
    error::{Error, ErrorKind},
    frontends::http::response::problem,
    watch::{Board, LargePictures},
};

/// How many clients may follow the board at the same time.
const MAX_STREAMS: usize = 256;

/// The state of the router.
#[derive(Clone)]
pub(super) struct Wall {
    pub board: Arc<Board>,
    pub large: Arc<LargePictureCache>,
    /// Permits of streams.
    pub streams: Arc<Semaphore>,
}

impl Wall {
    pub fn new(board: Arc<Board>, large: Arc<dyn LargePictures>) -> Self {
        Self { board, large: Arc::new(LargePictureCache::new(large)), streams: Arc::new(Semaphore::new(MAX_STREAMS)) }
    }
}

/// `not_found`, for an id that is not on the list.
pub(super) fn no_such_channel(id: &str) -> Response {
    problem(&Error::new(ErrorKind::NotFound, format!("no channel has the id {id:?}")).with_hint("see /channels.json"))
}
