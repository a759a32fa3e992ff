//! A plot in text, so that it can be looked at wherever the table is.

/// Columns of the drawing.
const WIDTH: usize = 61;
/// Its lines.
const HEIGHT: usize = 16;

/// Points on logarithmic axes, with the line that a linear growth from the first point would be.
pub(crate) fn log_log(title: &str, points: &[(f64, f64)]) -> String {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return String::new() };
    let linear = |x: f64| first.1 * x / first.0;
    let ys = points.iter().map(|point| point.1).chain([linear(first.0), linear(last.0)]);
    let (low, high) = ys.fold((f64::MAX, f64::MIN), |(low, high), y| (low.min(y), high.max(y)));
    let column = |x: f64| place(x, first.0, last.0, WIDTH);
    let row = |y: f64| HEIGHT - 1 - place(y, low, high, HEIGHT);
    let mut drawing = vec![vec![' '; WIDTH]; HEIGHT];
    let at = |column_idx: usize| first.0 * (last.0 / first.0).powf(column_idx as f64 / (WIDTH - 1) as f64);
    let dots = (0..WIDTH).map(|column_idx| (row(linear(at(column_idx)).clamp(low, high)), column_idx, '.'));
    let marks = points.iter().map(|(x, y)| (row(*y), column(*x), 'o'));
    for (row_idx, column_idx, mark) in dots.chain(marks) {
        drawing[row_idx][column_idx] = mark;
    }
    let mut lines = vec![format!("{title} (o measured, . linear from the first; both axes logarithmic)")];
    for (idx, cells) in drawing.iter().enumerate() {
        let label = match idx {
            0 => format!("{high:>9.2}"),
            _ if idx == HEIGHT - 1 => format!("{low:>9.2}"),
            _ => " ".repeat(9),
        };
        lines.push(format!("{label} |{}", cells.iter().collect::<String>().trim_end()));
    }
    lines.push(format!("{} +{}", " ".repeat(9), "-".repeat(WIDTH)));
    let (left, right) = (format!("{}", first.0), format!("{}", last.0));
    let gap = WIDTH.saturating_sub(left.len() + right.len());
    lines.push(format!("{}  {left}{}{right}", " ".repeat(9), " ".repeat(gap)));
    lines.join("\n")
}

/// The place of `value` between `low` and `high` on a logarithmic axis of `n` cells.
fn place(value: f64, low: f64, high: f64, n: usize) -> usize {
    if high <= low {
        return 0;
    }
    let share = (value / low).ln() / (high / low).ln();
    // Between 0 and 1, so the product is a small whole number.
    (share.clamp(0.0, 1.0) * (n - 1) as f64).round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_growth_lies_on_its_line() {
        let plot = log_log("t", &[(100.0, 1.0), (1000.0, 10.0), (10000.0, 100.0)]);
        let lines: Vec<&str> = plot.lines().collect();
        assert_eq!(lines.len(), HEIGHT + 3);
        assert!(lines[1].starts_with("   100.00 |") && lines[1].ends_with('o'), "{plot}");
        assert!(lines[HEIGHT].starts_with("     1.00 |o"), "{plot}");
        let n_drawn: usize = lines[1..=HEIGHT].iter().map(|line| line.matches('o').count()).sum();
        assert_eq!(n_drawn, 3, "{plot}");
    }

    #[test]
    fn one_point_is_drawn() {
        assert!(log_log("t", &[(100.0, 1.0)]).contains("|o"));
        assert_eq!(log_log("t", &[]), "");
    }
}
