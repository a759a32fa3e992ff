//! A point in time on the wire. Source: service.md §1.4.

use std::fmt;

use longshore_model::time::Timestamp;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Written as seconds since the epoch with a millisecond fraction; read from an integer, a float or
/// an ISO-8601 text, since SDKs send all three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Timestamp);

impl From<Timestamp> for Time {
    fn from(timestamp: Timestamp) -> Time {
        Time(timestamp)
    }
}

impl From<Time> for Timestamp {
    fn from(time: Time) -> Timestamp {
        time.0
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0.secs_f64())
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        deserializer.deserialize_any(TimeVisitor)
    }
}

struct TimeVisitor;

impl Visitor<'_> for TimeVisitor {
    type Value = Time;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a timestamp")
    }

    fn visit_i64<E: de::Error>(self, secs: i64) -> Result<Time, E> {
        let millis = secs.checked_mul(1000).ok_or_else(|| E::custom("the timestamp is out of range"))?;
        Ok(Time(Timestamp::from_millis(millis)))
    }

    fn visit_u64<E: de::Error>(self, secs: u64) -> Result<Time, E> {
        let secs = i64::try_from(secs).map_err(|_| E::custom("the timestamp is out of range"))?;
        self.visit_i64(secs)
    }

    fn visit_f64<E: de::Error>(self, secs: f64) -> Result<Time, E> {
        let millis = (secs * 1000.0).round();
        // Beyond 2^53 a float no longer holds every millisecond; no calendar reaches that far either.
        if !(-9.0e15..=9.0e15).contains(&millis) {
            return Err(E::custom("the timestamp is out of range"));
        }
        Ok(Time(Timestamp::from_millis(millis as i64)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Time, E> {
        let parsed = match text.parse::<jiff::Timestamp>() {
            Ok(timestamp) => Some(timestamp),
            // Without an offset it is UTC.
            Err(_) => text
                .parse::<jiff::civil::DateTime>()
                .ok()
                .and_then(|civil| civil.to_zoned(jiff::tz::TimeZone::UTC).ok())
                .map(|zoned| zoned.timestamp()),
        };
        match parsed {
            Some(timestamp) => Ok(Time(Timestamp::from_millis(timestamp.as_millisecond()))),
            None => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected_millis: Option<i64>) {
        let read = serde_json::from_str::<Time>(json).ok();
        assert_eq!(read.map(|time| time.0.millis()), expected_millis, "{json}");
    }

    #[test]
    fn numbers_and_texts_are_read() {
        check("1556912355", Some(1_556_912_355_000));
        check("1556912355.884", Some(1_556_912_355_884));
        check("1.556912355884E9", Some(1_556_912_355_884));
        check("-1", Some(-1000));
        check("\"2019-05-03T19:39:15.884Z\"", Some(1_556_912_355_884));
        check("\"2019-05-03T21:39:15+02:00\"", Some(1_556_912_355_000));
        check("\"2019-05-03T19:39:15\"", Some(1_556_912_355_000));
        check("\"2019-05-03\"", Some(1_556_841_600_000));
    }

    #[test]
    fn anything_else_is_refused() {
        check("\"yesterday\"", None);
        check("true", None);
        check("1e300", None);
        check("9223372036854775807", None);
        check("[1]", None);
    }

    #[test]
    fn milliseconds_are_written_as_a_fraction() {
        let time = Time(Timestamp::from_millis(1_556_912_355_884));
        assert_eq!(serde_json::to_string(&time).expect("a number"), "1556912355.884");
    }
}
