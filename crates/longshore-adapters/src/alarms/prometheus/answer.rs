//! What Prometheus' answers mean: pure. Source: Prometheus, HTTP API, "Instant queries" and "Rules".

use http::StatusCode;
use longshore_engine::outside::{AlarmState, OutsideError};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::super::Reading;
use super::Limit;
use crate::reason::reason;

/// An answer as it came.
pub(super) struct Body {
    pub(super) status: StatusCode,
    pub(super) bytes: Vec<u8>,
}

/// What every answer of the API is in.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    data: Option<Box<RawValue>>,
    error: Option<String>,
    error_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueryData {
    result_type: String,
    result: Box<RawValue>,
}

/// One series of a vector: a value, or with native histograms none.
#[derive(Deserialize)]
struct Sample {
    value: Option<Point>,
}

/// Seconds and the value as text, which JSON's numbers cannot hold: `NaN`, `+Inf`.
#[derive(Deserialize)]
struct Point(#[allow(dead_code, reason = "the time of the query, of no interest")] f64, String);

#[derive(Deserialize)]
struct RulesData {
    groups: Vec<RuleGroup>,
}

#[derive(Deserialize)]
struct RuleGroup {
    rules: Vec<AlertingRule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AlertingRule {
    name: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    health: String,
    last_error: Option<String>,
}

impl Body {
    fn data<T: DeserializeOwned>(&self) -> Result<T, OutsideError> {
        let status = self.status;
        let unreadable = |error| reason(format!("its answer ({status}) cannot be read: {error}"));
        let envelope: Envelope = match serde_json::from_slice(&self.bytes) {
            Ok(envelope) => envelope,
            // A proxy's page, say: the status tells more than the place where it is no JSON.
            Err(_) if !status.is_success() => return Err(reason(format!("it answered {status}"))),
            Err(error) => return Err(unreadable(error)),
        };
        match (envelope.error, envelope.data) {
            (Some(error), _) => {
                Err(reason(format!("{} ({status}): {error}", envelope.error_type.unwrap_or_default())))
            }
            (None, Some(data)) if status.is_success() => serde_json::from_str(data.get()).map_err(unreadable),
            (None, _) => Err(reason(format!("it answered {status} without data"))),
        }
    }
}

/// Whether one sample of the answer to a query is beyond `limit`.
pub(super) fn of_query(body: &Body, limit: Limit) -> Reading {
    let data: QueryData = body.data()?;
    let points = points(&data)?;
    let mut values = Vec::with_capacity(points.len());
    for Point(_, text) in &points {
        values.push(text.parse::<f64>().map_err(|_| reason(format!("`{text}` is not a number")))?);
    }
    if values.iter().any(|value| limit.is_exceeded_by(*value)) {
        return Ok(AlarmState::Alarm);
    }
    if values.iter().any(|value| value.is_nan()) {
        return Err(reason("a value of its query is NaN"));
    }
    Ok(if values.is_empty() { AlarmState::InsufficientData } else { AlarmState::Ok })
}

fn points(data: &QueryData) -> Result<Vec<Point>, OutsideError> {
    let unreadable = |error| reason(format!("the result of its query cannot be read: {error}"));
    match data.result_type.as_str() {
        "vector" => {
            let samples: Vec<Sample> = serde_json::from_str(data.result.get()).map_err(unreadable)?;
            let points: Option<Vec<Point>> = samples.into_iter().map(|sample| sample.value).collect();
            points.ok_or_else(|| reason("its query answers histograms, which no limit can be held against"))
        }
        "scalar" => Ok(vec![serde_json::from_str(data.result.get()).map_err(unreadable)?]),
        other => Err(reason(format!("its query answers a {other}, but must answer a vector or a scalar"))),
    }
}

impl Limit {
    fn is_exceeded_by(self, value: f64) -> bool {
        match self {
            Limit::Above(limit) => limit < value,
            Limit::Below(limit) => value < limit,
        }
    }
}

/// Whether the alerting rule `name` fires.
pub(super) fn of_rules(body: &Body, name: &str) -> Reading {
    let data: RulesData = body.data()?;
    let rules = data.groups.iter().flat_map(|group| &group.rules);
    // Several groups may have rules of one name.
    let rules: Vec<&AlertingRule> = rules.filter(|rule| rule.name == name).collect();
    if rules.is_empty() {
        return Err(reason(format!("there is no alerting rule `{name}`")));
    }
    if rules.iter().any(|rule| rule.state == "firing") {
        return Ok(AlarmState::Alarm);
    }
    if let Some(failed) = rules.iter().find(|rule| rule.health == "err") {
        let why = failed.last_error.as_deref().unwrap_or_default();
        return Err(reason(format!("the alerting rule `{name}` cannot be evaluated: {why}")));
    }
    let is_known = rules.iter().any(|rule| rule.health == "ok");
    Ok(if is_known { AlarmState::Ok } else { AlarmState::InsufficientData })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(reading: Reading) -> String {
        reading.map_or_else(|error| error.0, |state| format!("{state:?}"))
    }

    fn body(status: u16, text: &str) -> Body {
        let status = StatusCode::from_u16(status).expect("a status");
        Body { status, bytes: text.as_bytes().to_vec() }
    }

    /// `values` as a vector.
    #[track_caller]
    fn check_vector(limit: Limit, values: &[&str], expected: &str) {
        let samples = values.iter().map(|value| format!(r#"{{"metric":{{}},"value":[1.5,"{value}"]}}"#));
        let samples: Vec<String> = samples.collect();
        let samples = samples.join(",");
        let text = format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{samples}]}}}}"#);
        assert_eq!(shown(of_query(&body(200, &text), limit)), expected, "{limit:?} {values:?}");
    }

    #[test]
    fn one_sample_beyond_the_limit_is_an_alarm() {
        check_vector(Limit::Above(5.0), &["4", "5"], "Ok");
        check_vector(Limit::Above(5.0), &["4", "5.01"], "Alarm");
        check_vector(Limit::Above(5.0), &["+Inf"], "Alarm");
        check_vector(Limit::Above(5.0), &["-Inf"], "Ok");
        check_vector(Limit::Below(0.5), &["0.5", "1"], "Ok");
        check_vector(Limit::Below(0.5), &["1", "0.4999"], "Alarm");
    }

    #[test]
    fn no_sample_is_insufficient_data() {
        check_vector(Limit::Above(5.0), &[], "InsufficientData");
    }

    #[test]
    fn nan_is_neither_active_nor_quiet() {
        check_vector(Limit::Above(5.0), &["NaN"], "a value of its query is NaN");
        check_vector(Limit::Below(5.0), &["7", "NaN"], "a value of its query is NaN");
        check_vector(Limit::Above(5.0), &["NaN", "6"], "Alarm");
        check_vector(Limit::Above(5.0), &["six"], "`six` is not a number");
    }

    #[track_caller]
    fn check_query(status: u16, text: &str, expected: &str) {
        assert_eq!(shown(of_query(&body(status, text), Limit::Above(5.0))), expected, "{text}");
    }

    #[test]
    fn other_results_are_scalars_or_of_no_use() {
        let data = |kind: &str, result: &str| {
            format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}}}"#)
        };
        check_query(200, &data("scalar", r#"[1.5,"6"]"#), "Alarm");
        check_query(
            200,
            &data("matrix", "[]"),
            "its query answers a matrix, but must answer a vector or a scalar",
        );
        check_query(
            200,
            &data("vector", r#"[{"metric":{},"histogram":[1.5,{}]}]"#),
            "its query answers histograms, which no limit can be held against",
        );
    }

    #[test]
    fn prometheus_own_words_are_passed_on() {
        let error =
            r#"{"status":"error","errorType":"bad_data","error":"1:3: parse error: unexpected \"(\""}"#;
        check_query(400, error, "bad_data (400 Bad Request): 1:3: parse error: unexpected \"(\"");
        check_query(502, "<html>secret</html>", "it answered 502 Bad Gateway");
        check_query(401, "{}", "it answered 401 Unauthorized without data");
        check_query(302, "", "it answered 302 Found");
        let no_json = of_query(&body(200, "<html>"), Limit::Above(1.0));
        assert!(shown(no_json).starts_with("its answer (200 OK) cannot be read: "));
    }

    /// Rules called `a`, each as its state and its health.
    #[track_caller]
    fn check_rules(rules: &[(&str, &str)], expected: &str) {
        let groups = rules.iter().map(|(state, health)| {
            format!(
                r#"{{"rules":[{{"name":"a","type":"alerting","state":"{state}","health":"{health}","lastError":"why"}},
                   {{"name":"other","state":"firing","health":"ok"}}]}}"#
            )
        });
        let groups = groups.collect::<Vec<_>>().join(",");
        let text = format!(r#"{{"status":"success","data":{{"groups":[{groups}]}}}}"#);
        assert_eq!(shown(of_rules(&body(200, &text), "a")), expected, "{rules:?}");
    }

    #[test]
    fn an_alerting_rule_is_active_while_it_fires() {
        check_rules(&[("inactive", "ok")], "Ok");
        check_rules(&[("pending", "ok")], "Ok");
        check_rules(&[("firing", "ok")], "Alarm");
        check_rules(&[("inactive", "ok"), ("firing", "ok")], "Alarm");
        check_rules(&[("inactive", "err")], "the alerting rule `a` cannot be evaluated: why");
        check_rules(&[("inactive", "unknown")], "InsufficientData");
        check_rules(&[], "there is no alerting rule `a`");
    }
}
