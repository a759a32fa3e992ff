//! What servers see of the world outside: chance from the seed, alarms, somebody who is told.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use longshore_engine::outside::{AlarmReader, AlarmState, Notification, OutsideError, Publisher};
use longshore_engine::{Outside, RandomSource};
use rand::rngs::StdRng;
use rand::{Rng as _, RngCore as _};

use crate::time::{BEGINNING, Time};

/// The one alarm that there is.
pub(crate) const ALARM: &str = "latency";

/// Chance for all servers of a world.
#[derive(Debug)]
pub(crate) struct SeededRandom(Mutex<StdRng>);

impl SeededRandom {
    pub(crate) fn new(rng: StdRng) -> SeededRandom {
        SeededRandom(Mutex::new(rng))
    }

    fn is_one_of(&self, n: u32) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).random_range(0..n) == 0
    }
}

impl RandomSource for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }
}

/// The alarm, which becomes active at some time or never.
struct Alarm {
    time: Arc<Time>,
    /// Milliseconds after the beginning, and whether it cannot be read before.
    active_from: Option<(u64, bool)>,
}

#[async_trait]
impl AlarmReader for Alarm {
    async fn states(&self, names: &[String]) -> Vec<Result<AlarmState, OutsideError>> {
        let state = match self.active_from {
            Some((from, _)) if BEGINNING.saturating_add_unsigned(from) <= self.time.now() => {
                Ok(AlarmState::Alarm)
            }
            Some((_, true)) => Ok(AlarmState::InsufficientData),
            Some((_, false)) | None => Ok(AlarmState::Ok),
        };
        names.iter().map(|_| state.clone()).collect()
    }
}

/// Takes two of three notifications.
struct Told(Arc<SeededRandom>);

#[async_trait]
impl Publisher for Told {
    async fn publish(&self, _notification: &Notification) -> Result<(), OutsideError> {
        if self.0.is_one_of(3) {
            return Err(OutsideError(String::from("the simulation takes no message now")));
        }
        Ok(())
    }
}

/// All of it.
pub(crate) fn outside(
    time: &Arc<Time>,
    random: &Arc<SeededRandom>,
    active_from: Option<(u64, bool)>,
) -> Outside {
    Outside {
        alarms: Arc::new(Alarm { time: Arc::clone(time), active_from }),
        publisher: Arc::new(Told(Arc::clone(random))),
        random: Arc::clone(random) as _,
    }
}
