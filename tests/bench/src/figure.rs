//! A measured figure and how it is shown.

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
    /// What the project aims at, in words.
    pub(crate) aim: &'static str,
}

impl Figure {
    /// Value divided by floor.
    fn ratio(&self) -> Option<f64> {
        self.floor.map(|(_, floor)| self.value / floor)
    }
}

/// The figures as lines of text.
pub(crate) fn table(figures: &[Figure]) -> String {
    let mut lines = vec![format!(
        "{:<52} {:>12} {:<12} {:>8}  {:<40} aim",
        "measured", "value", "unit", "ratio", "floor"
    )];
    for figure in figures {
        let floor = figure.floor.map_or(String::new(), |(name, floor)| format!("{floor:.2} ({name})"));
        let ratio = figure.ratio().map_or(String::new(), |ratio| format!("{ratio:.2}"));
        lines.push(format!(
            "{:<52} {:>12.3} {:<12} {:>8}  {:<40} {}",
            figure.name, figure.value, figure.unit, ratio, floor, figure.aim
        ));
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
                "aim": figure.aim,
            })
        })
        .collect();
    json!({ "figures": rows })
}
