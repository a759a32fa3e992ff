//! Rows of texts in aligned columns. Pure.

use super::line::{Line, Tone};

/// A heading and its rows, two blanks between columns; the last column is not padded.
pub(crate) fn columns<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> Vec<Line> {
    let widths: [usize; N] = std::array::from_fn(|idx| {
        rows.iter().map(|row| row[idx].chars().count()).chain([headings[idx].len()]).max().unwrap_or(0)
    });
    let padded = |cells: [&str; N]| -> String {
        let cells: Vec<String> = cells
            .iter()
            .enumerate()
            .map(|(idx, cell)| format!("{cell:width$}", width = widths[idx]))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    let mut lines = vec![Line::of(Tone::Faint, padded(headings))];
    lines.extend(rows.iter().map(|row| Line::plain(padded(std::array::from_fn(|idx| row[idx].as_str())))));
    lines
}

#[cfg(test)]
mod tests {
    use super::super::line::Palette;
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a".to_owned(), "long cell".to_owned()], ["bcd".to_owned(), String::new()]];
        let shown: Vec<String> =
            columns(["NAME", "TEXT"], &rows).iter().map(|line| line.render(Palette::Mono, None)).collect();
        assert_eq!(shown, ["NAME  TEXT", "a     long cell", "bcd"]);
    }
}
