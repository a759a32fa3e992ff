//! `[alarms]`: who knows how alarms stand.

use std::collections::BTreeMap;
use std::path::PathBuf;

use http::Uri;
use longshore_adapters::{CloudWatchConfig, Limit, PrometheusConfig, Rule};
use serde::Deserialize;

use super::ConfigError;
use super::check::{base_url, invalid};

/// What CodeDeploy takes as an alarm's name. Source: service.md §2.4.
const MAX_NAME_CHARS: usize = 255;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawAlarms {
    prometheus: Option<RawPrometheus>,
    cloudwatch: Option<RawCloudWatch>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPrometheus {
    url: String,
    bearer_token_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    #[serde(default)]
    rules: BTreeMap<String, RawRule>,
}

/// A query with a limit, or an alerting rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    query: Option<String>,
    above: Option<f64>,
    below: Option<f64>,
    alert: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCloudWatch {
    region: String,
    endpoint: Option<String>,
}

impl RawAlarms {
    pub(super) fn prometheus(&self) -> Result<Option<PrometheusConfig>, ConfigError> {
        self.prometheus.as_ref().map(RawPrometheus::checked).transpose()
    }

    pub(super) fn cloudwatch(&self) -> Result<Option<CloudWatchConfig>, ConfigError> {
        self.cloudwatch.as_ref().map(RawCloudWatch::checked).transpose()
    }
}

impl RawPrometheus {
    fn checked(&self) -> Result<PrometheusConfig, ConfigError> {
        let url: Uri = base_url("alarms.prometheus.url", &self.url)?;
        let rules = self.rules.iter().map(|(name, rule)| Ok((name.clone(), rule.checked(name)?)));
        Ok(PrometheusConfig {
            url,
            rules: rules.collect::<Result<_, ConfigError>>()?,
            bearer_token_file: self.bearer_token_file.clone(),
            ca_file: self.ca_file.clone(),
        })
    }
}

impl RawRule {
    fn checked(&self, name: &str) -> Result<Rule, ConfigError> {
        let key = format!("alarms.prometheus.rules.{name}");
        if name.is_empty() || MAX_NAME_CHARS < name.chars().count() {
            return Err(invalid(key, "there", &format!("called by 1 to {MAX_NAME_CHARS} characters")));
        }
        let RawRule { query, above, below, alert } = self;
        match (query, above, below, alert) {
            (Some(query), Some(limit), None, None) => query_rule(&key, query, Limit::Above, *limit),
            (Some(query), None, Some(limit), None) => query_rule(&key, query, Limit::Below, *limit),
            (None, None, None, Some(alert)) => Ok(Rule::Alert(alert.clone())),
            _ => Err(invalid(key, "something else", "`query` with `above` or `below`, or `alert`")),
        }
    }
}

fn query_rule(key: &str, query: &str, limit: fn(f64) -> Limit, value: f64) -> Result<Rule, ConfigError> {
    if query.trim().is_empty() {
        return Err(invalid(format!("{key}.query"), "empty", "PromQL"));
    }
    if !value.is_finite() {
        return Err(invalid(key, format!("held against {value}"), "held against a finite number"));
    }
    Ok(Rule::Query { query: query.to_owned(), limit: limit(value) })
}

impl RawCloudWatch {
    fn checked(&self) -> Result<CloudWatchConfig, ConfigError> {
        if !longshore_adapters::is_region(&self.region) {
            return Err(invalid("alarms.cloudwatch.region", &self.region, "a region such as `eu-west-1`"));
        }
        if let Some(endpoint) = &self.endpoint {
            base_url("alarms.cloudwatch.endpoint", endpoint)?;
        }
        Ok(CloudWatchConfig { region: self.region.clone(), endpoint: self.endpoint.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{check_refused, parse};

    #[test]
    fn rules_are_queries_with_a_limit_or_alerts() {
        let text = "[alarms.prometheus]\nurl = \"https://prometheus.example:9090/base\"\n\
                    [alarms.prometheus.rules.errors]\nquery = \"rate(errors[5m])\"\nabove = 5\n\
                    [alarms.prometheus.rules.\"too few\"]\nquery = \"up\"\nbelow = 0.5\n\
                    [alarms.prometheus.rules.disk]\nalert = \"DiskFull\"\n";
        let config = parse(text).expect("rules").outside.prometheus.expect("Prometheus");
        assert_eq!(config.url, "https://prometheus.example:9090/base");
        let rule = |query: &str, limit| Rule::Query { query: query.to_owned(), limit };
        assert_eq!(config.rules["errors"], rule("rate(errors[5m])", Limit::Above(5.0)));
        assert_eq!(config.rules["too few"], rule("up", Limit::Below(0.5)));
        assert_eq!(config.rules["disk"], Rule::Alert(String::from("DiskFull")));
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        let rule = |text: &str| {
            format!("[alarms.prometheus]\nurl = \"http://a\"\n[alarms.prometheus.rules.x]\n{text}")
        };
        let either = "`alarms.prometheus.rules.x` is something else, but must be `query` with";
        check_refused(&rule(""), either);
        check_refused(&rule("query = \"up\""), either);
        check_refused(&rule("above = 1"), either);
        check_refused(&rule("query = \"up\"\nabove = 1\nbelow = 2"), either);
        check_refused(&rule("query = \"up\"\nabove = 1\nalert = \"a\""), either);
        check_refused(&rule("query = \" \"\nabove = 1"), "`alarms.prometheus.rules.x.query` is empty");
        check_refused(&rule("query = \"up\"\nabove = nan"), "a finite number");
        check_refused(&rule("query = \"up\"\nover = 1"), "unknown field `over`");
        check_refused("[alarms.prometheus]", "missing field `url`");
        check_refused("[alarms.graphite]", "unknown field `graphite`");
    }

    #[test]
    fn addresses_are_http_without_passwords() {
        let prometheus = |url: &str| format!("[alarms.prometheus]\nurl = \"{url}\"");
        for url in ["prometheus:9090", "ftp://a", "", "http://", "http://a/?b=c"] {
            check_refused(&prometheus(url), "`alarms.prometheus.url` is ");
        }
        check_refused(&prometheus("http://user:hunter2@a"), "must be without user and password");
        let error = parse(&prometheus("http://user:hunter2@a")).expect_err("a password");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn cloudwatch_needs_a_region() {
        let config =
            parse("[alarms.cloudwatch]\nregion = \"eu-west-1\"\nendpoint = \"http://127.0.0.1:5000\"");
        let config = config.expect("CloudWatch").outside.cloudwatch.expect("CloudWatch");
        assert_eq!(
            (config.region.as_str(), config.endpoint.as_deref()),
            ("eu-west-1", Some("http://127.0.0.1:5000"))
        );
        check_refused("[alarms.cloudwatch]", "missing field `region`");
        check_refused("[alarms.cloudwatch]\nregion = \"a/b\"", "`alarms.cloudwatch.region` is a/b");
        check_refused(
            "[alarms.cloudwatch]\nregion = \"a\"\nendpoint = \"x\"",
            "`alarms.cloudwatch.endpoint` is x",
        );
    }
}
