//! Prometheus: an alarm is a query with a limit, or an alerting rule of Prometheus' own.

mod answer;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use futures::future::join_all;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Uri};
use longshore_engine::outside::OutsideError;
use longshore_wire::client::{Fetcher, Transport};

use super::{Reading, undefined};
use crate::reason::{chain, in_time, reason};
use crate::{OutsideStartError, read_ca_file};

/// How long one alarm may take: alarms are looked at every 30 s.
const READ_LIMIT: Duration = Duration::from_secs(10);
/// The rules of a large Prometheus; samples are few.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// Which Prometheus is asked what.
#[derive(Clone, Debug)]
pub struct PrometheusConfig {
    /// `http[s]://host[:port][/path]`, without user and password.
    pub url: Uri,
    /// What each alarm means, by the name that deployment groups give it.
    pub rules: BTreeMap<String, Rule>,
    /// Holds the bearer token to send along; read for every alarm, as such files are renewed.
    pub bearer_token_file: Option<PathBuf>,
    /// PEM certificates to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
}

/// When an alarm is active.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// When a sample of a query is beyond a limit.
    Query {
        /// PromQL.
        query: String,
        /// How far a sample may go.
        limit: Limit,
    },
    /// When an alerting rule of Prometheus fires.
    Alert(String),
}

/// How far a sample may go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// Active above this.
    Above(f64),
    /// Active below this.
    Below(f64),
}

/// Whose client, in errors.
const WHAT: &str = "Prometheus";

/// Reads alarms from one Prometheus.
#[derive(Debug)]
pub struct Prometheus {
    url: Uri,
    rules: BTreeMap<String, Rule>,
    bearer_token_file: Option<PathBuf>,
    fetcher: Fetcher,
}

impl Prometheus {
    /// Connects only when asked.
    ///
    /// # Errors
    /// [`OutsideStartError`] when the certificates to trust cannot be used.
    pub fn new(config: PrometheusConfig) -> Result<Prometheus, OutsideStartError> {
        let PrometheusConfig { url, rules, bearer_token_file, ca_file } = config;
        let transport = Transport {
            connect_timeout: READ_LIMIT,
            http_read_timeout: READ_LIMIT,
            ca_bundle: ca_file.map(|path| read_ca_file(path, WHAT)).transpose()?,
            ..Transport::default()
        };
        let fetcher = Fetcher::new(&transport, crate::triggers::USER_AGENT)
            .map_err(|source| OutsideStartError::Client { what: WHAT, source })?;
        Ok(Prometheus { url, rules, bearer_token_file, fetcher })
    }

    /// Whether there is a rule of this name.
    pub(super) fn is_defined(&self, name: &str) -> bool {
        self.rules.contains_key(name)
    }

    /// How the alarms stand, in the order of their names: one request for each, all at once.
    pub(super) async fn states(&self, names: &[String]) -> Vec<Reading> {
        join_all(names.iter().map(|name| self.state(name))).await
    }

    async fn state(&self, name: &str) -> Reading {
        let Some(rule) = self.rules.get(name) else { return Err(undefined(name)) };
        let reading = in_time("it", READ_LIMIT, async {
            match rule {
                Rule::Query { query, limit } => {
                    answer::of_query(&self.get("query", &[("query", query)]).await?, *limit)
                }
                Rule::Alert(alert) => {
                    answer::of_rules(&self.get("rules", &[("type", "alert")]).await?, alert)
                }
            }
        });
        reading.await.map_err(|error| reason(format!("Prometheus, alarm `{name}`: {error}")))
    }

    /// The body of an answer. Prometheus explains itself in the body of errors too.
    async fn get(&self, what: &str, params: &[(&str, &str)]) -> Result<answer::Body, OutsideError> {
        let uri = self.uri(what, params)?;
        let headers = self.headers().await?;
        let answer = self.fetcher.get(&uri, headers).await.map_err(|error| chain(&error))?;
        let status = answer.status;
        let body = answer.collected(MAX_ANSWER_BYTES).await.map_err(|error| chain(&error))?;
        Ok(answer::Body { status, bytes: body })
    }

    fn uri(&self, what: &str, params: &[(&str, &str)]) -> Result<Uri, OutsideError> {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        let path = format!("{}/api/v1/{what}?{query}", self.url.path().trim_end_matches('/'));
        let mut parts = self.url.clone().into_parts();
        parts.path_and_query = Some(path.parse().map_err(|error| chain(&error))?);
        Uri::from_parts(parts).map_err(|error| chain(&error))
    }

    async fn headers(&self) -> Result<HeaderMap, OutsideError> {
        let mut headers = HeaderMap::new();
        let Some(path) = &self.bearer_token_file else { return Ok(headers) };
        let token = tokio::fs::read_to_string(path)
            .await
            .map_err(|error| reason(format!("cannot read the token in `{}`: {error}", path.display())))?;
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.trim()))
            .map_err(|_| reason(format!("`{}` holds no token that HTTP can carry", path.display())))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
        Ok(headers)
    }
}
