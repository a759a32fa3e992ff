//! A measured figure and how it is shown.

use std::fmt;

use serde_json::{Value, json};

/// One thing measured, beside what it is compared with.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// What was measured.
    pub(crate) name: String,
    /// Its value.
    pub(crate) value: f64,
    /// What the value counts.
    pub(crate) unit: &'static str,
    /// The floor or peer measured in the same run, with its name.
    pub(crate) floor: Option<(&'static str, f64)>,
    /// What the project aims at.
    pub(crate) aim: Aim,
}

/// What the project aims at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Aim {
    /// Nothing: the figure is there to compare with.
    None,
    /// The value is not above this.
    AtMost(f64),
    /// The value is below this.
    Under(f64),
    /// Value divided by floor is not above this.
    RatioAtMost(f64),
    /// Value divided by floor is not below this.
    RatioAtLeast(f64),
}

impl Aim {
    /// Whether `figure` misses it. A ratio without a floor does.
    fn is_missed(self, figure: &Figure) -> bool {
        match self {
            Aim::None => false,
            Aim::AtMost(most) => figure.value > most,
            Aim::Under(limit) => figure.value >= limit,
            Aim::RatioAtMost(most) => figure.ratio().is_none_or(|ratio| ratio > most),
            Aim::RatioAtLeast(least) => figure.ratio().is_none_or(|ratio| ratio < least),
        }
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Aim::None => Ok(()),
            Aim::AtMost(most) => write!(formatter, "at most {most:.2}"),
            Aim::Under(limit) => write!(formatter, "under {limit}"),
            Aim::RatioAtMost(most) => write!(formatter, "ratio at most {most:.2}"),
            Aim::RatioAtLeast(least) => write!(formatter, "ratio at least {least}"),
        }
    }
}

impl Figure {
    /// Value divided by floor.
    fn ratio(&self) -> Option<f64> {
        self.floor.map(|(_, floor)| self.value / floor)
    }

    fn is_missed(&self) -> bool {
        self.aim.is_missed(self)
    }
}

/// The names of the columns of [`rows`].
pub(crate) fn head() -> String {
    format!("{:<58} {:>12} {:<12} {:>8}  {:<44} aim", "measured", "value", "unit", "ratio", "floor")
}

/// A line for each figure.
pub(crate) fn rows(figures: &[Figure]) -> String {
    let mut lines = Vec::new();
    for figure in figures {
        let floor = figure.floor.map_or(String::new(), |(name, floor)| format!("{floor:.2} ({name})"));
        let ratio = figure.ratio().map_or(String::new(), |ratio| format!("{ratio:.2}"));
        let missed = if figure.is_missed() { ": MISSED" } else { "" };
        let line = format!(
            "{:<58} {:>12.3} {:<12} {:>8}  {:<44} {}{missed}",
            figure.name, figure.value, figure.unit, ratio, floor, figure.aim
        );
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

/// The figures for scripts.
pub(crate) fn json(figures: &[Figure]) -> Value {
    let rows: Vec<Value> = figures
        .iter()
        .map(|figure| {
            json!({
                "name": figure.name,
                "value": figure.value,
                "unit": figure.unit,
                "floor": figure.floor.map(|(name, value)| json!({"name": name, "value": value})),
                "ratio": figure.ratio(),
                "aim": figure.aim.to_string(),
                "is_missed": figure.is_missed(),
            })
        })
        .collect();
    json!({ "figures": rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: f64, floor: Option<f64>, aim: Aim, is_missed: bool) {
        let floor = floor.map(|floor| ("floor", floor));
        let figure = Figure { name: String::from("it"), value, unit: "s", floor, aim };
        assert_eq!(figure.is_missed(), is_missed, "{figure:?}");
        assert_eq!(rows(&[figure]).contains("MISSED"), is_missed);
    }

    #[test]
    fn a_missed_aim_is_told() {
        check(1e9, None, Aim::None, false);
        check(2.0, None, Aim::AtMost(2.0), false);
        check(2.1, None, Aim::AtMost(2.0), true);
        check(2.0, None, Aim::Under(2.0), true);
        check(4.0, Some(2.0), Aim::RatioAtMost(2.0), false);
        check(4.1, Some(2.0), Aim::RatioAtMost(2.0), true);
        check(4.0, Some(2.0), Aim::RatioAtLeast(2.0), false);
        check(3.9, Some(2.0), Aim::RatioAtLeast(2.0), true);
        check(1.0, None, Aim::RatioAtMost(2.0), true);
    }
}
