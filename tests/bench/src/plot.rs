//! A plot in text, so that it can be looked at wherever the table is.

/// Columns of the drawing.
const WIDTH: usize = 61;
/// Its lines.
const HEIGHT: usize = 16;

/// One line of measurements, and what its points look like.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) name: &'static str,
    pub(crate) mark: char,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Points on logarithmic axes, with the line that a linear growth from the first point of the first series
/// would be. All series have the same range.
pub(crate) fn log_log(title: &str, series: &[Series]) -> String {
    let Some((first, last)) =
        series.first().and_then(|one| Some((*one.points.first()?, *one.points.last()?)))
    else {
        return String::new();
    };
    let linear = |x: f64| first.1 * x / first.0;
    let measured = series.iter().flat_map(|one| &one.points).map(|point| point.1);
    let ys = measured.chain([linear(first.0), linear(last.0)]);
    let (low, high) = ys.fold((f64::MAX, f64::MIN), |(low, high), y| (low.min(y), high.max(y)));
    let column = |x: f64| place(x, first.0, last.0, WIDTH);
    let row = |y: f64| HEIGHT - 1 - place(y, low, high, HEIGHT);
    let mut drawing = vec![vec![' '; WIDTH]; HEIGHT];
    let at = |column_idx: usize| first.0 * (last.0 / first.0).powf(column_idx as f64 / (WIDTH - 1) as f64);
    let dots = (0..WIDTH).map(|column_idx| (row(linear(at(column_idx)).clamp(low, high)), column_idx, '.'));
    // The first series last, so that it is seen where two meet.
    let marks = series.iter().rev().flat_map(|one| one.points.iter().map(|point| (point, one.mark)));
    let marks = marks.map(|((x, y), mark)| (row(*y), column(*x), mark));
    for (row_idx, column_idx, mark) in dots.chain(marks) {
        drawing[row_idx][column_idx] = mark;
    }
    let names: Vec<String> = series.iter().map(|one| format!("{} {}", one.mark, one.name)).collect();
    let mut lines =
        vec![format!("{title} ({}, . linear from the first; both axes logarithmic)", names.join(", "))];
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

    fn one(points: &[(f64, f64)]) -> Vec<Series> {
        vec![Series { name: "measured", mark: 'o', points: points.to_vec() }]
    }

    #[test]
    fn a_linear_growth_lies_on_its_line() {
        let plot = log_log("t", &one(&[(100.0, 1.0), (1000.0, 10.0), (10000.0, 100.0)]));
        let lines: Vec<&str> = plot.lines().collect();
        assert_eq!(lines.len(), HEIGHT + 3);
        assert!(lines[1].starts_with("   100.00 |") && lines[1].ends_with('o'), "{plot}");
        assert!(lines[HEIGHT].starts_with("     1.00 |o"), "{plot}");
        let n_drawn: usize = lines[1..=HEIGHT].iter().map(|line| line.matches('o').count()).sum();
        assert_eq!(n_drawn, 3, "{plot}");
    }

    #[test]
    fn two_series_are_drawn() {
        let mut series = one(&[(100.0, 1.0), (10000.0, 100.0)]);
        series.push(Series { name: "other", mark: 'x', points: vec![(100.0, 2.0), (10000.0, 200.0)] });
        let plot = log_log("t", &series);
        assert!(plot.starts_with("t (o measured, x other, "), "{plot}");
        let n_drawn = |mark: char| plot.lines().skip(1).flat_map(str::chars).filter(|c| *c == mark).count();
        assert_eq!((n_drawn('o'), n_drawn('x')), (2, 2), "{plot}");
    }

    #[test]
    fn one_point_is_drawn() {
        assert!(log_log("t", &one(&[(100.0, 1.0)])).contains("|o"));
        assert_eq!(log_log("t", &one(&[])), "");
    }
}
