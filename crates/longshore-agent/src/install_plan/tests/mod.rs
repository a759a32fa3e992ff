//! One line per rule of agent.md §7.2, §7.3 and §7.6, on a file system in memory.

mod memory;
mod whole_plan;

use longshore_model::appspec::Platform;

use super::*;
use memory::Memory;

/// A case: what is on the host, with the revision at `/r`, and what the previous Install left.
struct Case<'a> {
    host: &'a str,
    cleanup: &'a str,
    behavior: &'a str,
}

const CASE: Case<'static> = Case { host: "", cleanup: "", behavior: "DISALLOW" };

impl Case<'_> {
    fn plan(&self, sections: &str) -> Result<InstallPlan, PlanError> {
        let text = format!("version: 0.0\nos: linux\n{sections}");
        let appspec = AppSpec::parse(&text, Platform::Linux).expect("a valid AppSpec");
        let cleanup: Vec<CleanupEntry> =
            self.cleanup.split_whitespace().map(|path| CleanupEntry::Path(path.into())).collect();
        let request = PlanRequest {
            archive_dir: Path::new("/r"),
            appspec: &appspec,
            deployment_behavior: self.behavior,
            cleanup: &cleanup,
            working_dir: Path::new("/srv"),
        };
        plan(&request, &Memory::new(self.host))
    }

    /// Plans and compares with `mkdir /d`, `/s>/d` (copy), `/s>@/d` (link), `mode /d`, `owner:group /d`.
    #[track_caller]
    fn check(&self, sections: &str, expected: &str) {
        let shown = match self.plan(sections) {
            Ok(plan) => plan.instructions.iter().map(show).collect::<Vec<_>>().join(", "),
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected, "{sections}");
    }
}

fn show(instruction: &Instruction) -> String {
    let name = |account: &Option<Account>| account.as_ref().map(|a| a.id.to_string()).unwrap_or_default();
    match instruction {
        Instruction::Copy { source, destination, is_link, .. } => {
            let mark = if *is_link { "@" } else { "" };
            format!("{}>{mark}{}", source.display(), destination.display())
        }
        Instruction::MakeDirectory { directory } => format!("mkdir {}", directory.display()),
        Instruction::ChangeMode { mode, file } => format!("{} {}", mode.as_str(), file.display()),
        Instruction::SetAcl { acl, file } => {
            let ids = acl.iter().map(|rule| rule.id.map(|id| format!("({id})")).unwrap_or_default());
            format!("{}{} {}", acl_text(acl), ids.collect::<String>(), file.display())
        }
        Instruction::SetContext { context, file } => format!("{} {}", context.kind, file.display()),
        Instruction::ChangeOwner { owner, group, file } => {
            format!("{}:{} {}", name(owner), name(group), file.display())
        }
    }
}

/// One `files` entry per `source>destination`.
fn files(entries: &str) -> String {
    let entry = |word: &str| {
        let (source, destination) = word.split_once('>').expect("source>destination");
        format!("  - {{source: {source}, destination: {destination}}}\n")
    };
    format!("files:\n{}", entries.split_whitespace().map(entry).collect::<String>())
}

#[track_caller]
fn check(host: &str, entries: &str, expected: &str) {
    Case { host, ..CASE }.check(&files(entries), expected);
}

#[track_caller]
fn check_as(behavior: &str, host: &str, entries: &str, expected: &str) {
    Case { host, behavior, ..CASE }.check(&files(entries), expected);
}

fn exists(path: &str) -> String {
    format!("The deployment failed because a specified file already exists at this location: {path}")
}

#[test]
fn an_empty_appspec_gives_an_empty_plan() {
    CASE.check("", "");
}

#[test]
fn a_file_goes_into_the_destination_directory() {
    check("/r/f /d/", "f>/d", "/r/f>/d/f");
    check("/r/x/f /d/", "/x/f>/d/", "/r/x/f>/d/f");
    check("/r/f", "f>/a/b", "mkdir /a, mkdir /a/b, /r/f>/a/b/f");
    check("/r/f /srv/", "f>x/y", "mkdir /srv/x, mkdir /srv/x/y, /r/f>/srv/x/y/f");
}

#[test]
fn the_content_of_a_directory_goes_into_the_destination() {
    check(
        "/r/d/b /r/d/a /r/d/e/f",
        "d>/x",
        "mkdir /x, /r/d/a>/x/a, /r/d/b>/x/b, mkdir /x/e, /r/d/e/f>/x/e/f",
    );
    check("/r/d/a /x/", "d>/x", "/r/d/a>/x/a");
    check("/r/appspec.yml /r/f", "/>/x", "mkdir /x, /r/appspec.yml>/x/appspec.yml, /r/f>/x/f");
    check("/r/d/e/", "d>/x", "mkdir /x, mkdir /x/e");
}

#[test]
fn paths_are_shortened_before_they_are_compared() {
    check("/r/f /d/", "f>/x/../d//.", "/r/f>/d/f");
    check("/r/a /r/b", "a>/x b>/x/", "mkdir /x, /r/a>/x/a, /r/b>/x/b");
}

#[test]
fn links_stay_links_but_linked_directories_are_copied() {
    check("/r/d/l->f /r/d/f", "d>/x", "mkdir /x, /r/d/f>/x/f, /r/d/l>@/x/l");
    check("/r/d/l->nowhere", "d>/x", "mkdir /x, /r/d/l>@/x/l");
    check("/r/d/l->../e /r/e/f", "d>/x", "mkdir /x, mkdir /x/l, /r/d/l/f>/x/l/f");
    check("/r/l->f /r/f", "l>/x", "mkdir /x, /r/l>@/x/l");
    check("/r/l->nowhere", "l>/x", "mkdir /x, /r/l>@/x/l");
    check("/r/d/l->l", "d>/x", "mkdir /x, /r/d/l>@/x/l");
}

#[test]
fn a_linked_directory_that_leads_back_up_is_refused() {
    let expected = |link: &str| {
        format!(
            "The deployment failed because the revision contains a symbolic link that leads back to a folder above it: {link}"
        )
    };
    check("/r/d/up->..", "d>/x", &expected("/r/d/up"));
    check("/r/d/self->.", "d>/x", &expected("/r/d/self"));
    check("/r/a/l->../b /r/b/m->../a", "a>/x", &expected("/r/a/l/m"));
    check("/r/d/out->/ext/x /ext/x/up->..", "d>/y", &expected("/r/d/out/up"));
}

#[test]
fn the_same_directory_may_be_linked_twice() {
    check(
        "/r/d/l->../e /r/d/m->../e /r/e/f",
        "d>/x",
        "mkdir /x, mkdir /x/l, /r/d/l/f>/x/l/f, mkdir /x/m, /r/d/m/f>/x/m/f",
    );
}

#[test]
fn a_missing_source_is_found_before_anything_is_touched() {
    check("/r/f", "g>/x", "No such file or directory - /r/g");
}

#[test]
fn special_files_are_refused() {
    let expected =
        "The deployment failed because the revision contains a special file that cannot be installed: /r/d/p";
    check("/r/d/p|", "d>/x", expected);
    check("/r/d/p|", "d/p>/x", expected);
}

#[test]
fn a_home_directory_is_not_expanded() {
    check(
        "/r/f",
        "f>~/x",
        "The deployment failed because the destination (~/x) begins with ~, which is not expanded. Specify an absolute path in the files section of the AppSpec file, and then try again.",
    );
}

#[test]
fn a_source_that_leads_out_of_the_revision_is_refused() {
    let expected = |source: &str| {
        format!(
            "The deployment failed because the source ({source}) in the files section of the application specification file leads out of the revision. Update the files section of the AppSpec file, and then try again."
        )
    };
    check("/secret", "../secret>/x", &expected("../secret"));
    check("/secret /r/d/f", "d/../../secret>/x", &expected("d/../../secret"));
    check("/secret /r/f", "/../secret>/x", &expected("/../secret"));
}

/// Source: service.md §6.5.
#[test]
fn disallow_fails_at_the_first_file_that_exists() {
    check("/r/f /d/f", "f>/d", &exists("/d/f"));
    check("/r/d/a /r/d/b /x/b", "d>/x", &exists("/x/b"));
    check("/r/d/e/f /x/e/f", "d>/x", &exists("/x/e/f"));
    check("/r/f /d/f/", "f>/d", &exists("/d/f"));
    check("/r/f /d/f->nowhere", "f>/d", &exists("/d/f"));
}

/// Source: service.md §6.5.
#[test]
fn overwrite_copies_and_retain_does_not() {
    check_as("OVERWRITE", "/r/d/a /r/d/b /x/b", "d>/x", "/r/d/a>/x/a, /r/d/b>/x/b");
    check_as("RETAIN", "/r/d/a /r/d/b /x/b", "d>/x", "/r/d/a>/x/a");
    check_as("OVERWRITE", "/r/d/e/f /x/e/f", "d>/x", "/r/d/e/f>/x/e/f");
    check_as("RETAIN", "/r/d/e/f /r/d/e/g /x/e/f", "d>/x", "/r/d/e/g>/x/e/g");
    check_as("OVERWRITE", "/r/f /d/f->/etc/x", "f>/d", "/r/f>/d/f");
    check_as("OVERWRITE", "/r/f /d/f/", "f>/d", "Is a directory - /d/f");
    check_as("RETAIN", "/r/f /d/f/", "f>/d", "");
    check_as("", "/r/f /d/f", "f>/d", &exists("/d/f"));
}

/// Source: service.md §6.5.
#[test]
fn the_appspec_beats_the_deployment() {
    let case = Case { host: "/r/f /d/f", behavior: "OVERWRITE", ..CASE };
    case.check(&format!("{}file_exists_behavior: DISALLOW\n", files("f>/d")), &exists("/d/f"));
    case.check(&format!("{}file_exists_behavior: RETAIN\n", files("f>/d")), "");
}

#[test]
fn an_unknown_behavior_fails_only_once_something_exists() {
    check_as("KEEP", "/r/f /d/", "f>/d", "/r/f>/d/f");
    check_as(
        "KEEP",
        "/r/f /d/f",
        "f>/d",
        "The deployment failed because an invalid option was specified for fileExistsBehavior: KEEP. Valid options include OVERWRITE, RETAIN, and DISALLOW.",
    );
}

#[test]
fn two_sources_for_one_target_conflict_even_when_overwriting() {
    for behavior in ["DISALLOW", "OVERWRITE"] {
        check_as(
            behavior,
            "/r/a/f /r/b/f",
            "a/f>/x b/f>/x",
            "The deployment failed because the application specification file specifies two source files named /r/b/f and /r/a/f for the same destination (/x/f). Remove one of the source file paths from the AppSpec file, and then try again.",
        );
    }
}

#[test]
fn a_file_and_a_directory_of_one_name_conflict() {
    check(
        "/r/d/f/g /r/f",
        "d>/x f>/x",
        "The deployment failed because the application specification file calls for installing the file /r/f, but a file with that name already exists at the location (/x/f). Update your AppSpec file or directory structure, and then try again.",
    );
    check(
        "/r/d/f/g /r/f",
        "f>/x d>/x",
        "The deployment failed because the application specification file includes an mkdir command more than once for the same destination path (/x/f) from (/r/f). Update the files section of the AppSpec file, and then try again.",
    );
    check(
        "/r/f /r/g",
        "f>/x g>/x/f/y",
        "The deployment failed because the application specification file includes an mkdir command more than once for the same destination path (/x/f) from (/r/f). Update the files section of the AppSpec file, and then try again.",
    );
}

#[test]
fn a_directory_is_made_once() {
    check("/r/a/f /r/b/g", "a>/x b>/x/", "mkdir /x, /r/a/f>/x/f, /r/b/g>/x/g");
}

#[test]
fn a_file_where_a_directory_is_needed_is_foreseen() {
    check("/r/f /d", "f>/d", "Not a directory - /d");
    check("/r/d/f /x", "d>/x", "File exists - /x");
    check("/r/d/f /x->nowhere", "d>/x", "File exists - /x");
    check("/r/f /x->nowhere", "f>/x/y", "File exists - /x");
    check("/r/d/e/f /x/e", "d>/x", "File exists - /x/e");
}

#[test]
fn a_link_to_a_directory_serves_as_one() {
    check("/r/d/f /x->/y /y/", "d>/x", "/r/d/f>/x/f");
    check("/r/f /x->/y /y/", "f>/x", "/r/f>/x/f");
}

#[test]
fn what_the_previous_install_left_counts_as_absent() {
    let case = Case { host: "/r/d/f /x/f /x/old", cleanup: "/x /x/f /x/old", ..CASE };
    case.check(&files("d>/x"), "mkdir /x, /r/d/f>/x/f");
    let roots = case.plan(&files("d>/x")).expect("plan").removals.roots().to_vec();
    assert_eq!(roots, [Path::new("/x")]);
}

#[test]
fn a_directory_with_foreign_files_stays() {
    let case = Case { host: "/r/d/f /x/f /x/e/g /x/e/foreign", cleanup: "/x /x/f /x/e /x/e/g", ..CASE };
    case.check(&files("d>/x"), "/r/d/f>/x/f");
    let roots = case.plan(&files("d>/x")).expect("plan").removals.roots().to_vec();
    assert_eq!(roots, [Path::new("/x/e/g"), Path::new("/x/f")]);
    let case = Case { host: "/r/d/f /x/f/foreign", cleanup: "/x /x/f", ..CASE };
    case.check(&files("d>/x"), &exists("/x/f"));
}

#[test]
fn listed_paths_that_are_gone_or_linked_do_no_harm() {
    let case = Case { host: "/r/d/f /y/foreign /x/l->/y", cleanup: "/x /x/gone /x/l", ..CASE };
    case.check(&files("d>/x"), "mkdir /x, /r/d/f>/x/f");
}

const TREE: &str = "/r/d/a.sh /r/d/b /r/d/e/c.sh /r/d/e/g/h /old/kept.sh";

#[track_caller]
fn check_permissions(permissions: &str, expected: &str) {
    let copied = "mkdir /x, /r/d/a.sh>/x/a.sh, /r/d/b>/x/b, mkdir /x/e, /r/d/e/c.sh>/x/e/c.sh, mkdir /x/e/g, /r/d/e/g/h>/x/e/g/h";
    let sections = format!("{}permissions:\n  - {{{permissions}}}\n", files("d>/x"));
    let case = Case { host: TREE, ..CASE };
    let shown = match case.plan(&sections) {
        Ok(plan) => plan.instructions.iter().map(show).collect::<Vec<_>>().join(", "),
        Err(error) => error.to_string(),
    };
    let shown = shown.strip_prefix(copied).unwrap_or(&shown);
    assert_eq!(shown.strip_prefix(", ").unwrap_or(shown), expected, "{permissions}");
}

#[test]
fn two_stars_mean_everything_below_but_not_the_object_itself() {
    check_permissions(
        "object: /x, mode: '755'",
        "755 /x/a.sh, 755 /x/b, 755 /x/e/c.sh, 755 /x/e/g/h, 755 /x/e, 755 /x/e/g",
    );
    check_permissions("object: /x, mode: '755', type: directory", "755 /x/e, 755 /x/e/g");
    check_permissions("object: /x/e, mode: '755', type: file", "755 /x/e/c.sh, 755 /x/e/g/h");
    check_permissions("object: /, mode: '7', type: directory", "007 /x, 007 /x/e, 007 /x/e/g");
}

#[test]
fn other_patterns_mean_direct_children() {
    check_permissions("object: /x, mode: '755', pattern: '*.sh'", "755 /x/a.sh");
    check_permissions("object: /x, mode: '755', pattern: '*'", "755 /x/a.sh, 755 /x/b, 755 /x/e");
    check_permissions("object: /x, mode: '755', pattern: 'e/*'", "");
    check_permissions("object: /x/e/, mode: '755', pattern: c.sh", "755 /x/e/c.sh");
    check_permissions("object: /x/, mode: '755', pattern: ''", "");
}

#[test]
fn exceptions_are_direct_children_too() {
    check_permissions(
        "object: /x, mode: '755', type: file, except: ['*.sh']",
        "755 /x/b, 755 /x/e/c.sh, 755 /x/e/g/h",
    );
    check_permissions("object: /x, mode: '755', pattern: '*', except: [a.sh, e]", "755 /x/b");
}

#[test]
fn the_prefix_of_a_sibling_is_not_above_it() {
    let case = Case { host: "/r/d/f /x/", ..CASE };
    let sections = format!("{}permissions:\n  - {{object: /x/ab, mode: '7'}}\n", files("d>/x/abc"));
    case.check(&sections, "mkdir /x/abc, /r/d/f>/x/abc/f");
}

#[test]
fn a_file_may_be_an_object_without_pattern_and_exceptions() {
    check_permissions("object: /x/b, mode: '600'", "600 /x/b");
    check_permissions("object: /x/b, mode: '600', type: directory, pattern: '*'", "");
    check_permissions(
        "object: /x/b, mode: '600', pattern: '*'",
        "The deployment failed because the application specification file includes an object (/x/b) with an invalid pattern (*), such as a pattern for a file applied to a directory. Correct the permissions section of the AppSpec file, and then try again.",
    );
    check_permissions(
        "object: /x/b, mode: '600', except: [c]",
        "The deployment failed because the except parameter for a pattern in the permissions section ([\"c\"]) for the object named /x/b contains an invalid format. Update the AppSpec file, and then try again.",
    );
}

#[test]
fn attributes_are_set_in_order_and_absent_ones_not_at_all() {
    check_permissions("object: /x/b, owner: bob, group: dev, mode: '64'", "064 /x/b, 501:601 /x/b");
    check_permissions(
        "object: /x/b, owner: bob, context: {type: t}, acls: ['bob:r'], mode: '64'",
        "064 /x/b, user:bob:r--(501) /x/b, t /x/b, 501: /x/b",
    );
    check_permissions("object: /x/b, owner: bob", "501: /x/b");
    check_permissions("object: /x/b, group: dev", ":601 /x/b");
    check_permissions("object: /x/b, owner: 12, group: 34", "12:34 /x/b");
    check_permissions("object: /x/b", "");
}

#[test]
fn unknown_owners_are_found_before_anything_is_touched() {
    check_permissions("object: /x/b, owner: eve", "can't find user for eve");
    check_permissions("object: /x/b, group: eve", "can't find group for eve");
    check_permissions("object: /elsewhere, owner: eve", "");
}

#[test]
fn an_object_has_permissions_once() {
    let sections = format!(
        "{}permissions:\n  - {{object: /x, mode: '7'}}\n  - {{object: /x/b, owner: bob}}\n",
        files("d>/x")
    );
    Case { host: TREE, ..CASE }.check(
        &sections,
        "The deployment failed because the permissions setting for (/x/b) is specified more than once in the application specification file. Update the files section of the AppSpec file, and then try again.",
    );
}

#[test]
fn what_was_there_before_is_never_changed() {
    check_permissions("object: /old, mode: '777'", "");
    let case = Case { host: "/r/f /x/f /x/", behavior: "RETAIN", ..CASE };
    case.check(&format!("{}permissions:\n  - {{object: /x, mode: '777'}}\n", files("f>/x")), "");
}

#[test]
fn names_in_acls_are_resolved_before_anything_is_touched() {
    check_permissions("object: /x/b, acls: ['u:bob:rw']", "user:bob:rw-(501) /x/b");
    check_permissions("object: /x/b, acls: ['g:dev:7', '12:r']", "group:dev:rwx,user:12:r--(601)(12) /x/b");
    check_permissions("object: /x/b, acls: ['m:7']", "mask::rwx /x/b");
    check_permissions("object: /x/b, acls: []", " /x/b");
    check_permissions(
        "object: /x, type: directory, acls: ['d:bob:7', 'd:o:0']",
        "default:user:bob:rwx,default:other::---(501) /x/e, default:user:bob:rwx,default:other::---(501) /x/e/g",
    );
    check_permissions("object: /x/b, acls: ['eve:7']", "can't find user for eve");
    check_permissions("object: /x/b, acls: ['g:bob:7']", "can't find group for bob");
}

#[test]
fn default_acl_entries_are_for_directories_only() {
    let expected = "The deployment failed because the -d parameter has been specified to apply an acl setting to a file. This parameter is supported for directories only. Update the AppSpec file, and then try again.";
    check_permissions("object: /x, acls: ['d:u:bob:rw']", expected);
    check_permissions("object: /x/b, acls: ['d:u:bob:rw']", expected);
}

#[test]
fn a_role_is_refused() {
    check_permissions("object: /x/b, context: {type: httpd_t, user: u}", "httpd_t /x/b");
    check_permissions(
        "object: /x/b, context: {type: httpd_t, role: object_r}",
        "The deployment failed because the application specification file specifies a role, but roles are not supported. Remove the role from the AppSpec file, and then try again.",
    );
}

#[test]
fn permissions_for_nothing_are_warned_about() {
    let sections = format!(
        "{}permissions:\n  - {{object: /x, mode: '7'}}\n  - {{object: /nowhere, mode: '7'}}\n",
        files("d>/x")
    );
    let plan = Case { host: TREE, ..CASE }.plan(&sections).expect("plan");
    assert_eq!(
        plan.warnings,
        ["the permissions for the object /nowhere apply to nothing that this revision installs"]
    );
}

#[test]
fn the_cleanup_file_lists_copies_and_directories_in_order() {
    let plan = Case { host: TREE, ..CASE }.plan(&files("d>/x")).expect("plan");
    let text = String::from_utf8(cleanup_text(&plan.instructions, &[])).expect("text");
    assert_eq!(text, "/x\n/x/a.sh\n/x/b\n/x/e\n/x/e/c.sh\n/x/e/g\n/x/e/g/h\n");
}
