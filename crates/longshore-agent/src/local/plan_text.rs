//! What an Install would do, in lines with signs: + create, ~ replace, = keep, - remove, ! conflict.

use super::evidence_text;
use crate::execute::install::{Cause, Change, PathPreview, Preview};

/// How wide the column of paths may get; longer ones push the rest aside.
const MAX_PATH_WIDTH: usize = 60;

const GREEN: &str = "32";
const YELLOW: &str = "33";
const RED: &str = "31";

/// The preview for people; of paths at most `max_paths`.
pub(super) fn lines(preview: &Preview, max_paths: Option<usize>, has_colour: bool) -> Vec<String> {
    let shown = &preview.paths[..preview.paths.len().min(max_paths.unwrap_or(usize::MAX))];
    let widest = shown.iter().map(|path| path.path.chars().count()).max().unwrap_or_default();
    let width = widest.min(MAX_PATH_WIDTH);
    let mut lines = vec![format!("Install, by {}:", preview.appspec_file)];
    lines.extend(shown.iter().map(|path| coloured(&line(path, width), colour(path.change), has_colour)));
    if shown.len() < preview.paths.len() {
        lines.push(format!("  and {} more paths", preview.paths.len() - shown.len()));
    }
    for conflict in &preview.conflicts {
        lines.push(coloured(&format!("! {}", conflict.message), Some(RED), has_colour));
        let evidence = conflict.evidence.iter().flat_map(evidence_text::lines);
        lines.extend(evidence.map(|line| format!("  {line}")));
    }
    lines.extend(preview.warnings.iter().map(|warning| format!("warning: {warning}")));
    lines.push(totals(preview));
    lines
}

fn line(path: &PathPreview, width: usize) -> String {
    let sign = match path.change {
        Change::Create => '+',
        Change::Replace => '~',
        Change::Keep | Change::Unchanged => '=',
        Change::Remove => '-',
    };
    let PathPreview { path: name, entry_kind, mode, uid, gid, size_bytes, .. } = path;
    let owner = path.owner.clone().unwrap_or_else(|| uid.to_string());
    let group = path.group.clone().unwrap_or_else(|| gid.to_string());
    let size = if entry_kind == "file" { format!("{size_bytes} B") } else { entry_kind.clone() };
    let name = printable(name);
    let mut line = format!("{sign} {name:width$}  {mode}  {owner}:{group}  {size:>9}");
    let more = [("-> ", &path.link_text), ("acl ", &path.acl), ("type ", &path.selinux_type)];
    for (title, value) in more {
        line.extend(value.iter().map(|value| format!("  {title}{}", printable(value))));
    }
    let causes: Vec<String> = path.causes.iter().map(cause).collect();
    if !causes.is_empty() {
        line.push_str(&format!("  ({})", causes.join(", ")));
    }
    line
}

/// A name on one line, whatever is in it: it comes from the revision and must not steer the terminal.
fn printable(name: &str) -> String {
    let escaped = |character: char| match character {
        character if character.is_control() => character.escape_default().to_string(),
        character => character.to_string(),
    };
    name.chars().map(escaped).collect()
}

fn cause(cause: &Cause) -> String {
    match cause {
        Cause::Files { entry, source, .. } => format!("files {entry}: {source}"),
        Cause::Permissions { entry, .. } => format!("permissions {entry}"),
        Cause::Cleanup { .. } => "of the previous Install".to_owned(),
    }
}

fn totals(preview: &Preview) -> String {
    let totals = &preview.totals;
    format!(
        "{} to create, {} to replace, {} to keep, {} to remove, {} conflicts; {} bytes to copy",
        totals.n_created,
        totals.n_replaced,
        totals.n_kept,
        totals.n_removed,
        totals.n_conflicts,
        totals.copied_bytes
    )
}

fn colour(change: Change) -> Option<&'static str> {
    match change {
        Change::Create => Some(GREEN),
        Change::Replace => Some(YELLOW),
        Change::Remove => Some(RED),
        Change::Keep | Change::Unchanged => None,
    }
}

fn coloured(line: &str, colour: Option<&str>, has_colour: bool) -> String {
    match colour.filter(|_| has_colour) {
        Some(colour) => format!("\u{1b}[{colour}m{line}\u{1b}[0m"),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execute::install::Totals;

    fn path(name: &str, change: Change, cause: Cause) -> PathPreview {
        PathPreview {
            path: name.to_owned(),
            change,
            entry_kind: "file".to_owned(),
            size_bytes: 12,
            uid: 0,
            owner: Some("root".to_owned()),
            gid: 4711,
            group: None,
            mode: "0644".to_owned(),
            acl: None,
            selinux_type: None,
            source: None,
            link_text: None,
            causes: vec![cause],
        }
    }

    fn preview() -> Preview {
        let files = || Cause::Files { entry: 1, source: "/".to_owned(), destination: "/srv".to_owned() };
        Preview {
            appspec_file: "/r/appspec.yml".to_owned(),
            paths: vec![
                path("/srv/long", Change::Create, files()),
                path("/srv/b", Change::Replace, files()),
                path("/srv/c", Change::Keep, files()),
                path("/srv/d", Change::Remove, Cause::Cleanup { list: String::new() }),
            ],
            conflicts: Vec::new(),
            warnings: vec!["careful".to_owned()],
            totals: Totals { n_created: 1, n_replaced: 1, n_kept: 1, n_removed: 1, ..Totals::default() },
        }
    }

    #[test]
    fn each_path_has_a_sign_and_a_cause() {
        let expected = [
            "Install, by /r/appspec.yml:",
            "+ /srv/long  0644  root:4711       12 B  (files 1: /)",
            "~ /srv/b     0644  root:4711       12 B  (files 1: /)",
            "= /srv/c     0644  root:4711       12 B  (files 1: /)",
            "- /srv/d     0644  root:4711       12 B  (of the previous Install)",
            "warning: careful",
            "1 to create, 1 to replace, 1 to keep, 1 to remove, 0 conflicts; 0 bytes to copy",
        ];
        assert_eq!(lines(&preview(), None, false), expected);
    }

    #[test]
    fn a_name_stays_on_its_line() {
        let mut preview = preview();
        preview.paths.truncate(1);
        preview.paths[0].path = "/a\n\u{1b}[2Jb".to_owned();
        let shown = lines(&preview, None, false);
        assert!(shown[1].starts_with(r"+ /a\n\u{1b}[2Jb"), "{shown:?}");
    }

    #[test]
    fn colours_are_added_and_long_lists_cut() {
        let shown = lines(&preview(), Some(1), true);
        assert_eq!(shown[1], "\u{1b}[32m+ /srv/long  0644  root:4711       12 B  (files 1: /)\u{1b}[0m");
        assert_eq!(shown[2], "  and 3 more paths");
    }
}
