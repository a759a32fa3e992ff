//! What an unquoted YAML 1.1 scalar means, as Ruby's Psych decides. Source: crates.md §6, agent.md §6.2.

use super::document::Value;

/// The scalar is a date or a time, which safe loading refuses.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct IsDate;

/// The value of an unquoted scalar.
pub(super) fn resolve(text: &str) -> Result<Value, IsDate> {
    if text.is_empty() || text == "~" || text.eq_ignore_ascii_case("null") {
        return Ok(Value::Null);
    }
    if let Some(flag) = boolean(text) {
        return Ok(Value::Bool(flag));
    }
    if is_date(text) || is_time(text) {
        return Err(IsDate);
    }
    if let Some(number) = special_float(text).or_else(|| float(text)).or_else(|| sexagesimal_float(text)) {
        return Ok(Value::Float(number));
    }
    if let Some(number) = sexagesimal(text).or_else(|| integer(text)) {
        return Ok(Value::Integer(number));
    }
    match text.strip_prefix(':') {
        Some(name) if !name.is_empty() => Ok(Value::Symbol(unquoted(name).to_owned())),
        _ => Ok(Value::Text(text.to_owned())),
    }
}

/// What Ruby's `Float#to_s` prints.
pub(super) fn float_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number < 0.0 { "-Infinity" } else { "Infinity" }.to_owned();
    }
    let size = number.abs();
    if size == 0.0 || (1e-4..1e16).contains(&size) {
        return format!("{number:?}");
    }
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}{point}e{sign}{:02}", exponent.abs())
}

/// `y` and `n` alone are words, unlike in YAML 1.1's own text.
fn boolean(text: &str) -> Option<bool> {
    let is_any = |words: [&str; 3]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_any(["yes", "true", "on"]) {
        return Some(true);
    }
    is_any(["no", "false", "off"]).then_some(false)
}

fn special_float(text: &str) -> Option<f64> {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    if is(".inf") || is("+.inf") {
        return Some(f64::INFINITY);
    }
    if is("-.inf") {
        return Some(f64::NEG_INFINITY);
    }
    is(".nan").then_some(f64::NAN)
}

fn without_sign(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

fn without_separators(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, ',' | '_')).collect()
}

/// Digits with a point; an exponent needs its sign.
fn float(text: &str) -> Option<f64> {
    let (whole, rest) = without_sign(text).split_once('.')?;
    if !whole.is_empty() && !is_number_with_separators(whole) {
        return None;
    }
    let (fraction, exponent) = match rest.split_once(['e', 'E']) {
        Some((fraction, exponent)) => (fraction, Some(exponent)),
        None => (rest, None),
    };
    if !fraction.bytes().all(|b| b.is_ascii_digit()) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    if let Some(exponent) = exponent {
        let digits = exponent.strip_prefix(['-', '+'])?;
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
    }
    without_separators(text).parse().ok()
}

fn is_number_with_separators(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b',' | b'_'))
}

/// Binary, octal, decimal, hexadecimal; commas and underscores between digits do not count.
fn integer(text: &str) -> Option<i128> {
    let digits = without_sign(text);
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'b', ..] => (2, &digits[2..]),
        [b'0', b'x', ..] => (16, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if radix == 10 && !is_decimal(digits) {
        return None;
    }
    let plain = without_separators(digits);
    if radix == 8 && plain.is_empty() && !digits.is_empty() {
        return Some(0);
    }
    if plain.is_empty() || !plain.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let value = i128::from_str_radix(&plain, radix).unwrap_or(i128::MAX);
    Some(if text.starts_with('-') { -value } else { value })
}

/// `0`, or digits with single separators between them.
fn is_decimal(text: &str) -> bool {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    text.split([',', '_']).all(is_digits) && (text == "0" || !text.starts_with('0'))
}

/// Splits `1:30` or `1:30:00`: all parts after the first are below 60.
fn sexagesimal_parts(text: &str) -> Option<Vec<&str>> {
    let parts: Vec<&str> = text.split(':').collect();
    let head = without_sign(parts.first()?);
    let is_head = head.starts_with(|c: char| c.is_ascii_digit())
        && head.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let is_minutes = |part: &&str| match part.as_bytes() {
        [digit] => digit.is_ascii_digit(),
        [tens, digit] => matches!(tens, b'0'..=b'5') && digit.is_ascii_digit(),
        _ => false,
    };
    (is_head && (2..=3).contains(&parts.len()) && parts[1..].iter().all(is_minutes)).then_some(parts)
}

/// Base 60. Psych counts the first part as hours even when there are only two: `1:30` is 5400.
fn sexagesimal(text: &str) -> Option<i128> {
    let parts = sexagesimal_parts(text)?;
    parts.iter().zip([3600, 60, 1]).try_fold(0_i128, |sum, (part, weight)| {
        sum.checked_add(without_separators(part).parse::<i128>().ok()?.checked_mul(weight)?)
    })
}

fn sexagesimal_float(text: &str) -> Option<f64> {
    let (whole, fraction) = text.rsplit_once('.')?;
    let parts = sexagesimal_parts(whole)?;
    if !fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
        return None;
    }
    let last = format!("{}.{}", parts.last()?, without_separators(fraction));
    let texts = parts[..parts.len() - 1].iter().map(|part| without_separators(part)).chain([last]);
    Some(texts.zip([3600.0, 60.0, 1.0]).map(|(part, weight)| part.parse().unwrap_or(0.0) * weight).sum())
}

/// `2026-01-31`. Psych refuses before it asks a calendar, so a 0 and February 30 are dates as well.
fn is_date(text: &str) -> bool {
    let Some([year, month, day]) = parts(text, '-') else {
        return false;
    };
    let is_up_to = |part: &str, last: u32| part.parse().is_ok_and(|number: u32| number <= last);
    is_digits(year, 4..=4)
        && is_digits(month, 1..=2)
        && is_digits(day, 1..=2)
        && is_up_to(month, 12)
        && is_up_to(day, 31)
}

/// A day in digits, a `T` or blanks, `h:mm:ss`, and maybe a fraction and a zone.
fn is_time(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let Some((day, time)) = text.split_once(['T', 't', ' ', '\t']) else {
        return false;
    };
    let Some([year, month, day]) = parts(day, '-') else {
        return false;
    };
    // Blanks may be many, a `T` stands alone.
    let time = if text.contains(['T', 't']) { time } else { time.trim_start() };
    let mut pieces = time.splitn(3, ':');
    let (Some(hours), Some(minutes), Some(rest)) = (pieces.next(), pieces.next(), pieces.next()) else {
        return false;
    };
    let (seconds, tail) = rest.split_at_checked(2).unwrap_or((rest, ""));
    is_digits(year, 4..=4)
        && [month, day, hours].iter().all(|part| is_digits(part, 1..=2))
        && [minutes, seconds].iter().all(|part| is_digits(part, 2..=2))
        && is_zone(without_fraction(tail).trim_start())
}

fn without_fraction(text: &str) -> &str {
    match text.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|letter: char| letter.is_ascii_digit()),
        None => text,
    }
}

/// Nothing, `Z`, or an offset such as `+1`, `-05:00` and `+0100`.
fn is_zone(text: &str) -> bool {
    if text.is_empty() || text == "Z" {
        return true;
    }
    let Some(offset) = text.strip_prefix(['+', '-']) else {
        return false;
    };
    match offset.split_once(':') {
        Some((hours, minutes)) => {
            is_digits(hours, 1..=2) && (minutes.is_empty() || is_digits(minutes, 2..=2))
        }
        None => is_digits(offset, 1..=4),
    }
}

/// Exactly three parts between `separator`s.
fn parts(text: &str, separator: char) -> Option<[&str; 3]> {
    text.split(separator).collect::<Vec<_>>().try_into().ok()
}

/// Nothing but digits, so many.
fn is_digits(text: &str, n_digits: std::ops::RangeInclusive<usize>) -> bool {
    n_digits.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The name of a symbol written `:"name"`.
fn unquoted(name: &str) -> &str {
    let inner = |quote: char| name.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown = match resolve(text) {
            Err(IsDate) => "date".to_owned(),
            Ok(Value::Null) => "nil".to_owned(),
            Ok(Value::Bool(flag)) => flag.to_string(),
            Ok(Value::Integer(number)) => number.to_string(),
            Ok(Value::Float(number)) => float_text(number),
            Ok(Value::Symbol(name)) => format!(":{name}"),
            Ok(Value::Text(text)) => format!("{text:?}"),
            Ok(Value::List(_) | Value::Map(_)) => "not a scalar".to_owned(),
        };
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn null_is_empty_tilde_and_null_in_any_case() {
        for text in ["", "~", "null", "Null", "NULL", "nULL"] {
            check(text, "nil");
        }
    }

    #[test]
    fn yes_no_on_off_are_booleans_but_y_and_n_are_words() {
        for text in ["yes", "Yes", "YES", "true", "True", "on", "ON"] {
            check(text, "true");
        }
        for text in ["no", "No", "false", "FALSE", "off", "Off"] {
            check(text, "false");
        }
        check("y", "\"y\"");
        check("n", "\"n\"");
        check("Y", "\"Y\"");
    }

    #[test]
    fn a_leading_zero_means_octal() {
        check("0644", "420");
        check("0755", "493");
        check("-0644", "-420");
        check("0o644", "\"0o644\"");
        check("08", "\"08\"");
        check("0", "0");
        check("00", "0");
    }

    #[test]
    fn integers_may_have_separators_and_bases() {
        check("1_000", "1000");
        check("1,000", "1000");
        check("1__000", "\"1__000\"");
        check("_1", "\"_1\"");
        check("0x1f", "31");
        check("0b101", "5");
        check("+12", "12");
        check("-12", "-12");
        check("12a", "\"12a\"");
    }

    #[test]
    fn floats_need_a_point_and_exponents_a_sign() {
        check("0.0", "0.0");
        check("0.00", "0.0");
        check("-0.0", "-0.0");
        check(".0", "0.0");
        check("0.", "0.0");
        check("1.5", "1.5");
        check("1e3", "\"1e3\"");
        check("1.5e3", "\"1.5e3\"");
        check("1.5e+3", "1500.0");
        check("1,000.5", "1000.5");
        check(".", "\".\"");
        check("1.2.3", "\"1.2.3\"");
        check(".inf", "Infinity");
        check("-.INF", "-Infinity");
        check(".NaN", "NaN");
        check("1.0e+20", "1.0e+20");
    }

    #[test]
    fn two_parts_in_base_sixty_are_hours_and_minutes() {
        check("1:30", "5400");
        check("1:30:15", "5415");
        check("1:75", "\"1:75\"");
        check("1:30.5", "5430.0");
    }

    #[test]
    fn dates_and_times_are_refused_even_those_that_no_calendar_has() {
        check("2026-01-01", "date");
        check("2024-02-29", "date");
        check("2023-02-30", "date");
        check("2023-0-00", "date");
        check("2023-13-01", "\"2023-13-01\"");
        check("2023-1-32", "\"2023-1-32\"");
        check("-2023-01-01", "\"-2023-01-01\"");
        check("2026-01-01 10:00:00", "date");
        check("2026-01-01T10:00:00Z", "date");
        check("2026-01-01T10:00:00.5 +01:00", "date");
        check("-2026-99-99  99:99:99. -5", "date");
        check("2026-01-01T 10:00:00", "\"2026-01-01T 10:00:00\"");
        check("2026-01-01T10:00:00x", "\"2026-01-01T10:00:00x\"");
        check("2026-01-01-x", "\"2026-01-01-x\"");
    }

    #[test]
    fn a_leading_colon_makes_a_symbol() {
        check(":log_dir", ":log_dir");
        check(":\"x y\"", ":x y");
        check(":", "\":\"");
    }

    #[test]
    fn the_rest_are_words() {
        for text in ["linux", "scripts/start.sh", "/var/www", "a b", "none", "truely", "1.2.3.4"] {
            check(text, &format!("{text:?}"));
        }
    }
}
