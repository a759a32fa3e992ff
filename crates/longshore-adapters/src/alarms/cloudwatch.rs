//! CloudWatch: metric and composite alarms, read by `DescribeAlarms` as the operator.

use std::collections::HashMap;

use futures::future::join_all;
use longshore_engine::outside::{AlarmState, OutsideError};
use serde::Deserialize;

use super::Reading;
use crate::aws::{AwsKeys, QueryService};
use crate::reason::{chain, reason};

/// The most names in one call. Source: CloudWatch API reference, DescribeAlarms.
const MAX_NAMES: usize = 100;

/// Which CloudWatch is asked.
#[derive(Clone, Debug)]
pub struct CloudWatchConfig {
    /// Where the alarms are.
    pub region: String,
    /// Another place than AWS.
    pub endpoint: Option<String>,
}

/// Reads alarms of one region.
#[derive(Debug)]
pub struct CloudWatch {
    region: String,
    service: QueryService,
}

impl CloudWatch {
    /// Connects only when asked.
    pub fn new(config: CloudWatchConfig, keys: AwsKeys) -> CloudWatch {
        let service = QueryService::new("monitoring", "2010-08-01", config.endpoint, keys);
        CloudWatch { region: config.region, service }
    }

    /// How the alarms stand, in the order of their names.
    pub(super) async fn states(&self, names: &[String]) -> Vec<Reading> {
        let readings = join_all(names.chunks(MAX_NAMES).map(|names| self.some_states(names))).await;
        readings.into_iter().flatten().collect()
    }

    async fn some_states(&self, names: &[String]) -> Vec<Reading> {
        match self.describe(names).await {
            Ok(found) => names.iter().map(|name| self.reading(name, &found)).collect(),
            Err(error) => {
                let error = OutsideError(format!("CloudWatch: {error}"));
                names.iter().map(|_| Err(error.clone())).collect()
            }
        }
    }

    fn reading(&self, name: &str, found: &HashMap<String, String>) -> Reading {
        match found.get(name).map(String::as_str) {
            Some("OK") => Ok(AlarmState::Ok),
            Some("ALARM") => Ok(AlarmState::Alarm),
            Some("INSUFFICIENT_DATA") => Ok(AlarmState::InsufficientData),
            Some(other) => Err(reason(format!("CloudWatch says that the alarm `{name}` is `{other}`"))),
            None => Err(reason(format!("there is no alarm `{name}` in CloudWatch in {}", self.region))),
        }
    }

    /// The states of those that there are, by name.
    async fn describe(&self, names: &[String]) -> Result<HashMap<String, String>, OutsideError> {
        let mut found = HashMap::new();
        let mut next_token = None;
        // A page has at least one alarm or is the last.
        for _ in 0..=names.len() {
            let page = self.page(names, next_token.as_deref()).await?;
            found.extend(page.alarms());
            next_token = page.next_token.filter(|token| !token.is_empty());
            if next_token.is_none() {
                break;
            }
        }
        Ok(found)
    }

    async fn page(&self, names: &[String], next_token: Option<&str>) -> Result<AlarmPage, OutsideError> {
        let keys: Vec<String> = (1..=names.len()).map(|n| format!("AlarmNames.member.{n}")).collect();
        let mut params: Vec<(&str, &str)> =
            keys.iter().map(String::as_str).zip(names.iter().map(String::as_str)).collect();
        // Left out, only metric alarms are answered.
        params.extend([("AlarmTypes.member.1", "MetricAlarm"), ("AlarmTypes.member.2", "CompositeAlarm")]);
        params.extend(next_token.map(|token| ("NextToken", token)));
        let answer = self.service.call(&self.region, "DescribeAlarms", &params).await?;
        parse(&answer)
    }
}

#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(rename = "DescribeAlarmsResult")]
    page: AlarmPage,
}

#[derive(Debug, Deserialize)]
struct AlarmPage {
    #[serde(rename = "MetricAlarms", default)]
    metric: AlarmList,
    #[serde(rename = "CompositeAlarms", default)]
    composite: AlarmList,
    #[serde(rename = "NextToken", default)]
    next_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct AlarmList {
    #[serde(rename = "member", default)]
    members: Vec<AlarmMember>,
}

#[derive(Clone, Debug, Deserialize)]
struct AlarmMember {
    #[serde(rename = "AlarmName")]
    name: String,
    #[serde(rename = "StateValue")]
    state: String,
}

impl AlarmPage {
    fn alarms(&self) -> impl Iterator<Item = (String, String)> + '_ {
        let members = self.metric.members.iter().chain(&self.composite.members);
        members.map(|alarm| (alarm.name.clone(), alarm.state.clone()))
    }
}

fn parse(answer: &str) -> Result<AlarmPage, OutsideError> {
    let answer: Answer = quick_xml::de::from_str(answer)
        .map_err(|error| OutsideError(format!("its answer cannot be read: {}", chain(&error))))?;
    Ok(answer.page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(result: &str, expected: &[(&str, &str)]) {
        let text = format!(
            "<DescribeAlarmsResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\">\
             <DescribeAlarmsResult>{result}</DescribeAlarmsResult><ResponseMetadata><RequestId>1</RequestId>\
             </ResponseMetadata></DescribeAlarmsResponse>"
        );
        let page = parse(&text).expect(result);
        let found: Vec<_> = page.alarms().collect();
        let found: Vec<_> = found.iter().map(|(name, state)| (name.as_str(), state.as_str())).collect();
        assert_eq!(found, expected, "{result}");
    }

    #[test]
    fn both_kinds_of_alarms_are_read() {
        check("<MetricAlarms/><CompositeAlarms/>", &[]);
        check("", &[]);
        check(
            "<CompositeAlarms><member><AlarmRule>ALARM(a)</AlarmRule><AlarmName>c</AlarmName>\
             <StateValue>OK</StateValue></member></CompositeAlarms>\
             <MetricAlarms><member><AlarmName>a &lt;1&gt;</AlarmName><Dimensions><member><Name>n</Name>\
             <Value>v</Value></member></Dimensions><StateValue>ALARM</StateValue></member>\
             <member><StateValue>INSUFFICIENT_DATA</StateValue><AlarmName>b</AlarmName></member></MetricAlarms>",
            &[("a <1>", "ALARM"), ("b", "INSUFFICIENT_DATA"), ("c", "OK")],
        );
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        for text in ["", "<html>no</html>", "<DescribeAlarmsResponse>", "{}"] {
            let error = parse(text).expect_err(text).0;
            assert!(error.starts_with("its answer cannot be read: "), "{error}");
        }
    }
}
