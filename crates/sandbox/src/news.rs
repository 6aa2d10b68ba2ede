//! Recent events for the page at `/`: requests that met a fault, and a signal at each change.

use crate::{fault::FaultKind, time::current_time};
use axum::http::request::Parts;
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};
use tokio::sync::watch;

/// How many requests are remembered.
const MEMORY: usize = 40;

/// A request that met a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewsItem {
    /// Counted from 1; 0 until it is remembered.
    pub(crate) number: u64,
    /// When it was answered, as the API writes times.
    pub(crate) time: String,
    /// `PUT`.
    pub(crate) method: String,
    /// Its path, without the query.
    pub(crate) path: String,
    /// The fault as text.
    pub(crate) fault: String,
}

impl NewsItem {
    /// The item for a request that met a fault.
    pub(crate) fn from_request(parts: &Parts, fault: &FaultKind) -> Self {
        Self {
            number: 0,
            time: current_time(),
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            fault: fault.to_string(),
        }
    }
}

/// The latest requests that met a fault, and a signal at each of them and at each change.
#[derive(Debug)]
pub(crate) struct News {
    items: Mutex<VecDeque<NewsItem>>,
    bell: watch::Sender<NewsSignal>,
}

/// The state of the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NewsSignal {
    /// How often it was given.
    pub(crate) count: u64,
    /// Whether the server is stopping.
    pub(crate) is_last: bool,
}

impl News {
    pub(crate) fn new() -> Self {
        let bell = watch::Sender::new(NewsSignal { count: 0, is_last: false });
        Self { items: Mutex::default(), bell }
    }

    /// Remembers a request, and signals a change.
    pub(crate) fn push_request(&self, mut item: NewsItem) {
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        item.number = items.back().map_or(1, |last| last.number + 1);
        items.push_back(item);
        if items.len() > MEMORY {
            items.pop_front();
        }
        drop(items);
        self.notify_watchers();
    }

    /// Signals a change.
    pub(crate) fn notify_watchers(&self) {
        self.bell.send_modify(|ring| ring.count += 1);
    }

    /// Signals that the server is stopping.
    pub(crate) fn close(&self) {
        self.bell.send_modify(|ring| ring.is_last = true);
    }

    /// A receiver of signals from now on.
    pub(crate) fn subscribe(&self) -> watch::Receiver<NewsSignal> {
        self.bell.subscribe()
    }

    /// How many changes have been signalled so far.
    pub(crate) fn change_count(&self) -> u64 {
        self.bell.borrow().count
    }

    /// The latest requests, newest first.
    pub(crate) fn latest_requests(&self) -> Vec<NewsItem> {
        let items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        items.iter().rev().cloned().collect()
    }
}
