//! Who knows how alarms stand. Source: service.md §2.7, §7.5.

mod cloudwatch;
mod prometheus;

pub use cloudwatch::{CloudWatch, CloudWatchConfig};
pub use prometheus::{Limit, Prometheus, PrometheusConfig, Rule};

use async_trait::async_trait;
use longshore_engine::outside::{AlarmReader, AlarmState, OutsideError};

use crate::reason::reason;

/// How one alarm stands, or why nobody can tell.
type Reading = Result<AlarmState, OutsideError>;

/// All alarms: those that are defined for Prometheus are its, all others CloudWatch's.
#[derive(Debug)]
pub struct Alarms {
    prometheus: Option<Prometheus>,
    cloudwatch: Option<CloudWatch>,
}

impl Alarms {
    /// Alarms of these two, as far as they are there.
    pub fn new(prometheus: Option<Prometheus>, cloudwatch: Option<CloudWatch>) -> Alarms {
        Alarms { prometheus, cloudwatch }
    }

    fn is_defined(&self, name: &str) -> bool {
        self.prometheus.as_ref().is_some_and(|prometheus| prometheus.is_defined(name))
    }

    async fn defined(&self, names: &[String]) -> Vec<Reading> {
        match &self.prometheus {
            Some(prometheus) => prometheus.states(names).await,
            None => Vec::new(),
        }
    }

    async fn others(&self, names: &[String]) -> Vec<Reading> {
        match (&self.cloudwatch, &self.prometheus) {
            (Some(cloudwatch), _) => cloudwatch.states(names).await,
            (None, Some(_)) => names.iter().map(|name| Err(undefined(name))).collect(),
            (None, None) => names.iter().map(|_| Err(no_source())).collect(),
        }
    }
}

#[async_trait]
impl AlarmReader for Alarms {
    async fn states(&self, names: &[String]) -> Vec<Reading> {
        let (defined, others): (Vec<_>, Vec<_>) =
            names.iter().cloned().partition(|name| self.is_defined(name));
        let (defined, others) = tokio::join!(self.defined(&defined), self.others(&others));
        let (mut defined, mut others) = (defined.into_iter(), others.into_iter());
        let mut next = |name: &String| {
            let reading = if self.is_defined(name) { defined.next() } else { others.next() };
            reading.unwrap_or_else(|| Err(reason("it was not read")))
        };
        names.iter().map(&mut next).collect()
    }
}

fn undefined(name: &str) -> OutsideError {
    reason(format!("there is no alarm `{name}` under [alarms.prometheus.rules]"))
}

fn no_source() -> OutsideError {
    reason("this server has no source of alarms: see [alarms] in its configuration")
}
