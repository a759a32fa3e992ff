//! The lines of a file around a place, with a marker.

/// How many lines are shown before and after the marked one.
const N_AROUND: usize = 2;

/// How much of a line is shown; an AppSpec may be one line of JSON.
const MAX_WIDTH: usize = 120;

/// The lines around `line` and a caret under `column`; both are counted from 1. A place after the end is
/// shown as the last line.
pub(super) fn around(text: &str, line: u64, column: Option<u64>) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let Some(marked) = usize::try_from(line).ok().and_then(|line| line.checked_sub(1)) else {
        return Vec::new();
    };
    let Some(last_line) = lines.len().checked_sub(1) else { return Vec::new() };
    let column = column.filter(|_| marked <= last_line);
    let marked = marked.min(last_line);
    let first = marked.saturating_sub(N_AROUND);
    let last = lines.len().min(marked + N_AROUND + 1);
    let width = last.to_string().len();
    let n_cut = n_cut(column);
    let mut shown = Vec::new();
    for (idx, content) in lines.iter().enumerate().take(last).skip(first) {
        let sign = if idx == marked { '>' } else { ' ' };
        let content: String = content.chars().skip(n_cut).take(MAX_WIDTH).collect();
        shown.push(format!("{sign} {:width$} | {content}", idx + 1).trim_end().to_owned());
        if let Some(column) = column.filter(|_| idx == marked) {
            shown.push(format!("  {:width$} | {}^", "", indent(&content, column, n_cut)));
        }
    }
    shown
}

/// How many characters are left out at the front, so that `column` is in the middle of what is shown.
fn n_cut(column: Option<u64>) -> usize {
    let column = column.and_then(|column| usize::try_from(column).ok()).unwrap_or(1);
    if column <= MAX_WIDTH { 0 } else { column - MAX_WIDTH / 2 }
}

/// What stands before `column`, as blanks; tabs stay, so that the caret stands where the eye looks.
fn indent(content: &str, column: u64, n_cut: usize) -> String {
    let n_before = usize::try_from(column).unwrap_or(1).saturating_sub(1).saturating_sub(n_cut);
    content.chars().take(n_before).map(|c| if c == '\t' { '\t' } else { ' ' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, line: u64, column: Option<u64>, expected: &[&str]) {
        assert_eq!(around(text, line, column), expected, "{text:?} {line} {column:?}");
    }

    #[test]
    fn a_place_is_shown_with_its_neighbours_and_a_caret() {
        let text = "version: 0.0\nos: linux\nfiles:\n  - source: x\nhooks:\n  A: b\n";
        check(
            text,
            4,
            Some(5),
            &[
                "  2 | os: linux",
                "  3 | files:",
                "> 4 |   - source: x",
                "    |     ^",
                "  5 | hooks:",
                "  6 |   A: b",
            ],
        );
        check(text, 1, None, &["> 1 | version: 0.0", "  2 | os: linux", "  3 | files:"]);
        check("a\n\tb", 2, Some(2), &["  1 | a", "> 2 | \tb", "    | \t^"]);
    }

    #[test]
    fn of_a_long_line_only_the_place_is_shown() {
        let text = format!("{}x{}", "a".repeat(500), "b".repeat(500));
        let marked = format!("> 1 | {}x{}", "a".repeat(59), "b".repeat(60));
        check(&text, 1, Some(501), &[&marked, &format!("    | {}^", " ".repeat(59))]);
        check(&text, 1, Some(2), &[&format!("> 1 | {}", "a".repeat(120)), "    |  ^"]);
    }

    #[test]
    fn a_place_that_is_not_there_does_no_harm() {
        check("a\n", 2, Some(1), &["> 1 | a"]);
        check("a\n", 0, None, &[]);
        check("", 1, Some(1), &[]);
        check("ab", 1, Some(99), &["> 1 | ab", "    |   ^"]);
    }
}
