//! What searches of one stream share, by discontinuity sequence number.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::libav::{DomainState, HeaderReader};

/// The shared state of searches, by discontinuity sequence number.
#[derive(Default)]
pub(super) struct DomainStates {
    states: Mutex<HashMap<u64, DomainState>>,
    headers: SharedHeaders,
}

/// The parameter sets of a stream, by discontinuity sequence number: some streams send them once. Clones share their content.
#[derive(Clone, Default)]
pub(super) struct SharedHeaders(Arc<Mutex<HashMap<u64, HeaderReader>>>);

impl SharedHeaders {
    /// Forgets what precedes a discontinuity sequence number.
    pub fn forget_before(&self, domain: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|known, _| *known >= domain);
    }
}

impl DomainStates {
    /// States that know the parameter sets in `headers`, and add to them.
    pub fn new(headers: &SharedHeaders) -> Self {
        Self { states: Mutex::default(), headers: headers.clone() }
    }

    pub fn get(&self, domain: u64) -> DomainState {
        let known = self.states.lock().unwrap_or_else(PoisonError::into_inner).get(&domain).cloned();
        known.unwrap_or_else(|| DomainState {
            anchor: None,
            headers: self.headers.0.lock().unwrap_or_else(PoisonError::into_inner).get(&domain).cloned(),
        })
    }

    pub fn set(&self, domain: u64, state: DomainState) {
        if let Some(headers) = &state.headers {
            self.headers.0.lock().unwrap_or_else(PoisonError::into_inner).entry(domain).or_insert_with(|| headers.clone());
        }
        self.states.lock().unwrap_or_else(PoisonError::into_inner).insert(domain, state);
    }
}
