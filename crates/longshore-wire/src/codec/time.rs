//! A point in time on the wire. Source: service.md §1.4, service-additions.md §1.

use std::fmt;

use longshore_model::time::Timestamp;
use minicbor_serde::tag::Required;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// By this name a codec knows that what follows is a time, which it may have to tag.
pub(super) const NAME: &str = "Time";
/// The end of the year 9999, as far as anybody's calendar reaches: a float holds every millisecond until
/// then, which it does not of all that an integer can say.
const MAX_MILLIS: i64 = 253_402_300_799_999;
/// CBOR's tag of seconds since the epoch.
const EPOCH_TAG: u64 = 1;

/// Written as seconds since the epoch with a millisecond fraction; read from an integer, a float or
/// an ISO-8601 text, since SDKs send all three. In CBOR it is tagged.
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
        let secs = self.0.secs_f64();
        if serializer.is_human_readable() {
            return serializer.serialize_f64(secs);
        }
        Required::<EPOCH_TAG, f64>::new(secs).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        deserializer.deserialize_newtype_struct(NAME, TimeVisitor)
    }
}

/// What stands where a time should: a number or a text that may be none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClaimedTime {
    /// It is one.
    Good(Time),
    /// It is none; as it was written.
    Bad(String),
}

impl<'de> Deserialize<'de> for ClaimedTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ClaimedTime, D::Error> {
        deserializer.deserialize_newtype_struct(NAME, ClaimedTimeVisitor)
    }
}

struct TimeVisitor;

impl<'de> Visitor<'de> for TimeVisitor {
    type Value = Time;

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Time, D::Error> {
        match deserializer.deserialize_any(ClaimedTimeVisitor)? {
            ClaimedTime::Good(time) => Ok(time),
            ClaimedTime::Bad(text) => Err(de::Error::custom(format_args!("{text} is not a timestamp"))),
        }
    }

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        ClaimedTimeVisitor.expecting(formatter)
    }
}

struct ClaimedTimeVisitor;

impl<'de> Visitor<'de> for ClaimedTimeVisitor {
    type Value = ClaimedTime;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a timestamp")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<ClaimedTime, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_i64<E: de::Error>(self, secs: i64) -> Result<ClaimedTime, E> {
        Ok(claimed(of_secs(secs), secs))
    }

    fn visit_u64<E: de::Error>(self, secs: u64) -> Result<ClaimedTime, E> {
        Ok(claimed(i64::try_from(secs).ok().and_then(of_secs), secs))
    }

    fn visit_f64<E: de::Error>(self, secs: f64) -> Result<ClaimedTime, E> {
        Ok(claimed(of_float(secs), secs))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ClaimedTime, E> {
        Ok(claimed(of_text(text), text))
    }
}

fn claimed(time: Option<Timestamp>, written: impl ToString) -> ClaimedTime {
    time.map_or_else(|| ClaimedTime::Bad(written.to_string()), |time| ClaimedTime::Good(Time(time)))
}

fn of_secs(secs: i64) -> Option<Timestamp> {
    // As with a float: beyond this no calendar reaches.
    secs.checked_mul(1000)
        .filter(|millis| (-MAX_MILLIS..=MAX_MILLIS).contains(millis))
        .map(Timestamp::from_millis)
}

fn of_float(secs: f64) -> Option<Timestamp> {
    let millis = (secs * 1000.0).round();
    let longest = MAX_MILLIS as f64;
    (-longest..=longest).contains(&millis).then_some(Timestamp::from_millis(millis as i64))
}

fn of_text(text: &str) -> Option<Timestamp> {
    let parsed = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        // Without an offset it is UTC.
        let civil = text.parse::<jiff::civil::DateTime>().ok()?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    });
    parsed.map(|time| Timestamp::from_millis(time.as_millisecond()))
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
        check("253402300799.999", Some(253_402_300_799_999));
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
        check("253402300800", None);
        check("-253402300800", None);
        check("9223372036854775807", None);
        check("[1]", None);
    }

    #[test]
    fn milliseconds_are_written_as_a_fraction() {
        let time = Time(Timestamp::from_millis(1_556_912_355_884));
        assert_eq!(serde_json::to_string(&time).expect("a number"), "1556912355.884");
    }
}
