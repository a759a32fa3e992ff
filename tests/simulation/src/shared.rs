//! What all parts of a world reach: the gate, the time, the history, the auditor.

use std::fmt::Arguments;
use std::sync::{Arc, Mutex, PoisonError};

use longshore_store::News;

use crate::auditor::Auditor;
use crate::gate::Gate;
use crate::history::History;
use crate::store::HandOuts;
use crate::time::{ServerRun, Time};

/// The common parts of a world.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) gate: Gate,
    pub(crate) time: Arc<Time>,
    pub(crate) history: History,
    auditor: Mutex<Auditor>,
    hand_outs: Mutex<HandOuts>,
    /// Told by whom, and not yet on its way to the others.
    news: Mutex<Vec<(ServerRun, News)>>,
}

impl Shared {
    pub(crate) fn new(history: History, auditor: Auditor) -> Shared {
        Shared {
            gate: Gate::default(),
            time: Arc::new(Time::new()),
            history,
            auditor: Mutex::new(auditor),
            hand_outs: Mutex::default(),
            news: Mutex::default(),
        }
    }

    /// Writes into the history what happens now.
    pub(crate) fn note(&self, what: Arguments<'_>) {
        self.history.note(self.time.elapsed(), what);
    }

    pub(crate) fn audit<T>(&self, ask: impl FnOnce(&mut Auditor) -> T) -> T {
        let mut auditor = self.auditor.lock().unwrap_or_else(PoisonError::into_inner);
        auditor.now = self.time.now();
        ask(&mut auditor)
    }

    /// A promise is broken.
    pub(crate) fn violated(&self, problem: String) {
        self.audit(|auditor| auditor.problems.push(problem));
    }

    pub(crate) fn hand_outs<T>(&self, ask: impl FnOnce(&mut HandOuts) -> T) -> T {
        ask(&mut self.hand_outs.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A server tells the others something.
    pub(crate) fn told(&self, by: ServerRun, news: impl IntoIterator<Item = News>) {
        let mut told = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        told.extend(news.into_iter().map(|news| (by, news)));
    }

    /// What was told since this was last asked.
    pub(crate) fn take_news(&self) -> Vec<(ServerRun, News)> {
        std::mem::take(&mut *self.news.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
