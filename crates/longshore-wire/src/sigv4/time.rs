//! Times as signatures write them: `20261122T194713Z`.

use longshore_model::time::Timestamp;

/// `timestamp` to the second, as `yyyymmddThhmmssZ`.
pub(super) fn to_amz_date(timestamp: Timestamp) -> String {
    let seconds = timestamp.millis().div_euclid(1000);
    let point = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    point.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Reads `yyyymmddThhmmssZ`, nothing else.
pub(super) fn from_amz_date(text: &str) -> Option<Timestamp> {
    let is_shaped = text.len() == 16
        && text.bytes().enumerate().all(|(idx, byte)| match idx {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        });
    if !is_shaped {
        return None;
    }
    let civil = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_out_and_come_back() {
        let time = from_amz_date("20261122T194713Z").expect("a time");
        assert_eq!(time.millis(), 1_795_376_833_000);
        assert_eq!(to_amz_date(time), "20261122T194713Z");
        assert_eq!(to_amz_date(Timestamp::from_millis(1_795_376_833_999)), "20261122T194713Z");
    }

    #[test]
    fn other_forms_are_no_times() {
        for text in ["", "20261122", "2026-11-22T19:47:13Z", "20261322T194713Z", "20261122T194713+"] {
            assert_eq!(from_amz_date(text), None, "{text}");
        }
    }
}
