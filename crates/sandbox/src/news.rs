//! What has happened lately, for those who look on.
//!
//! Never: a document; whoever hears that there is news looks for themselves.

use crate::{fault::FaultKind, time::current_time};
use axum::http::request::Parts;
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};
use tokio::sync::watch;

/// The requests that are remembered.
const MEMORY: usize = 40;

/// A request that met a misfortune.
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
    /// The misfortune, in words.
    pub(crate) fault: String,
}

impl NewsItem {
    /// A request that met this.
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

/// The latest requests that met a misfortune, and a bell that rings at those and at each change.
#[derive(Debug)]
pub(crate) struct News {
    items: Mutex<VecDeque<NewsItem>>,
    bell: watch::Sender<NewsSignal>,
}

/// How often the bell has rung, and whether it will again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NewsSignal {
    /// How often.
    pub(crate) count: u64,
    /// Whether it is over.
    pub(crate) is_last: bool,
}

impl News {
    pub(crate) fn new() -> Self {
        let bell = watch::Sender::new(NewsSignal { count: 0, is_last: false });
        Self { items: Mutex::default(), bell }
    }

    /// Remembers a request, and rings.
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

    /// Says that there is something new to see.
    pub(crate) fn notify_watchers(&self) {
        self.bell.send_modify(|ring| ring.count += 1);
    }

    /// Says that there will be nothing new any more.
    pub(crate) fn close(&self) {
        self.bell.send_modify(|ring| ring.is_last = true);
    }

    /// What rings from now on.
    pub(crate) fn subscribe(&self) -> watch::Receiver<NewsSignal> {
        self.bell.subscribe()
    }

    /// How often it has rung so far.
    pub(crate) fn change_count(&self) -> u64 {
        self.bell.borrow().count
    }

    /// The latest requests, newest first.
    pub(crate) fn latest_requests(&self) -> Vec<NewsItem> {
        let items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        items.iter().rev().cloned().collect()
    }
}
