//! Conditional requests: `If-Match`, `If-None-Match`, `If-Modified-Since`, `If-Unmodified-Since`.

use s3s::dto::{ETagCondition, Timestamp as HttpTime};

use longshore_model::time::Timestamp;

/// What a request asks of the object that it finds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions {
    pub(crate) if_match: Option<ETagCondition>,
    pub(crate) if_none_match: Option<ETagCondition>,
    pub(crate) if_modified_since: Option<HttpTime>,
    pub(crate) if_unmodified_since: Option<HttpTime>,
}

/// What the conditions make of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Proceed,
    NotModified,
    /// Names the header that failed.
    PreconditionFailed(&'static str),
}

impl Conditions {
    /// For a read of an object. As RFC 9110 §13.2.2 has it, a time counts only without its tag.
    pub(crate) fn on_read(&self, e_tag: &str, modified_at: Timestamp) -> Verdict {
        match (&self.if_match, &self.if_unmodified_since) {
            (Some(condition), _) if !names(condition, e_tag) => {
                return Verdict::PreconditionFailed("If-Match");
            }
            (None, Some(since)) if whole_secs(modified_at) > http_secs(since) => {
                return Verdict::PreconditionFailed("If-Unmodified-Since");
            }
            (Some(_) | None, Some(_) | None) => {}
        }
        let is_unchanged = match (&self.if_none_match, &self.if_modified_since) {
            (Some(condition), _) => names(condition, e_tag),
            (None, Some(since)) => whole_secs(modified_at) <= http_secs(since),
            (None, None) => false,
        };
        if is_unchanged { Verdict::NotModified } else { Verdict::Proceed }
    }

    /// For a copy, where "not modified" is a failed condition too.
    pub(crate) fn on_copy(&self, e_tag: &str, modified_at: Timestamp) -> Verdict {
        match self.on_read(e_tag, modified_at) {
            Verdict::NotModified => Verdict::PreconditionFailed("x-amz-copy-source-if-*"),
            verdict @ (Verdict::Proceed | Verdict::PreconditionFailed(_)) => verdict,
        }
    }
}

/// Whether the condition names `e_tag`. A list arrives as one value with quotes inside.
pub(crate) fn names(condition: &ETagCondition, e_tag: &str) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(listed) => listed.value().split(',').any(|one| {
            let one = one.trim();
            one.strip_prefix("W/").unwrap_or(one).trim_matches('"') == e_tag
        }),
    }
}

fn whole_secs(time: Timestamp) -> i64 {
    time.millis().div_euclid(1000)
}

fn http_secs(time: &HttpTime) -> i64 {
    let mut text = Vec::new();
    let is_written = time.format(s3s::dto::TimestampFormat::EpochSeconds, &mut text).is_ok();
    let secs = std::str::from_utf8(&text).ok().and_then(|text| text.parse::<f64>().ok());
    // A time that cannot be written lies outside all years that HTTP can say.
    secs.filter(|_| is_written).map_or(i64::MAX, |secs| secs.floor() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const E_TAG: &str = "abc";
    const MODIFIED: Timestamp = Timestamp::from_millis(1_700_000_000_900);

    fn at(secs: i64) -> HttpTime {
        HttpTime::parse(s3s::dto::TimestampFormat::EpochSeconds, &secs.to_string()).expect("a time")
    }

    #[track_caller]
    fn check(header: &str, value: &str, expected: Verdict) {
        let tag = || value.parse::<ETagCondition>().expect("a condition");
        let time = || at(value.parse().expect("seconds"));
        let conditions = match header {
            "If-Match" => Conditions { if_match: Some(tag()), ..Conditions::default() },
            "If-None-Match" => Conditions { if_none_match: Some(tag()), ..Conditions::default() },
            "If-Modified-Since" => Conditions { if_modified_since: Some(time()), ..Conditions::default() },
            other => {
                assert_eq!(other, "If-Unmodified-Since");
                Conditions { if_unmodified_since: Some(time()), ..Conditions::default() }
            }
        };
        assert_eq!(conditions.on_read(E_TAG, MODIFIED), expected, "{header}: {value}");
    }

    #[test]
    fn tags() {
        check("If-Match", "\"abc\"", Verdict::Proceed);
        check("If-Match", "abc", Verdict::Proceed);
        check("If-Match", "*", Verdict::Proceed);
        check("If-Match", "\"x\", \"abc\"", Verdict::Proceed);
        check("If-Match", "\"x\"", Verdict::PreconditionFailed("If-Match"));
        check("If-None-Match", "\"abc\"", Verdict::NotModified);
        check("If-None-Match", "W/\"abc\"", Verdict::NotModified);
        check("If-None-Match", "*", Verdict::NotModified);
        check("If-None-Match", "\"x\"", Verdict::Proceed);
    }

    #[test]
    fn times_count_whole_seconds() {
        check("If-Modified-Since", "1700000000", Verdict::NotModified);
        check("If-Modified-Since", "1699999999", Verdict::Proceed);
        check("If-Unmodified-Since", "1700000000", Verdict::Proceed);
        check("If-Unmodified-Since", "1699999999", Verdict::PreconditionFailed("If-Unmodified-Since"));
    }

    #[test]
    fn a_tag_beats_its_time() {
        let conditions = Conditions {
            if_match: Some("\"abc\"".parse().expect("a condition")),
            if_unmodified_since: Some(at(0)),
            if_none_match: Some("\"x\"".parse().expect("a condition")),
            if_modified_since: Some(at(2_000_000_000)),
        };
        assert_eq!(conditions.on_read(E_TAG, MODIFIED), Verdict::Proceed);
    }
}
