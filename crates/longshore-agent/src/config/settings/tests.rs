//! What a configuration file comes to, key by key.

use super::*;

const DIRS: &str = ":log_dir: /l\n:pid_dir: /p\n:root_dir: /r\n";

fn read(text: &str) -> Result<Settings, InvalidConfig> {
    let raw = RawConfig::parse(&format!("{DIRS}{text}")).expect("yaml");
    Settings::from_raw(&raw)
}

#[track_caller]
fn check<T: PartialEq + std::fmt::Debug>(text: &str, field: fn(Settings) -> T, expected: T) {
    assert_eq!(field(read(text).expect(text)), expected, "text: {text}");
}

#[track_caller]
fn check_refused(text: &str, expected: &str) {
    assert_eq!(read(text).expect_err(text).to_string(), expected);
}

#[test]
fn the_shipped_file_of_the_original_works() {
    let text = ":program_name: codedeploy-agent\n:verbose: false\n:wait_between_runs: 1\n:proxy_uri:\n\
                :max_revisions: 5\n:log_aws_wire: false\n";
    check(text, |settings| settings.wait_between_runs, Duration::from_secs(1));
    check(text, |settings| settings.proxy_uri, None);
    check(text, |settings| settings.unused_keys, Vec::new());
    check(text, |settings| settings.unknown_keys, Vec::new());
}

#[test]
fn defaults_are_the_code_defaults_of_the_original() {
    check("", |settings| settings.wait_between_runs, Duration::from_secs(30));
    check("", |settings| settings.max_revisions, 5);
    check("", |settings| settings.shutdown_wait, Duration::from_secs(7200));
    check("", |settings| settings.ongoing_deployment_tracking, "ongoing-deployment".to_owned());
    check("", |settings| settings.enable_deployments_log, true);
    check("", |settings| settings.program_name, "codedeploy-agent".to_owned());
    check("", |settings| settings.http_read_timeout, Duration::from_secs(80));
    let on_premises = PathBuf::from("/etc/codedeploy-agent/conf/codedeploy.onpremises.yml");
    check("", |settings| settings.on_premises_config_file, on_premises);
    check("", |settings| settings.proxy_uri, None);
    check("", |settings| settings.deploy_control_endpoint, None);
    check("", |settings| settings.s3_endpoint_override, None);
    let is_on: fn(Settings) -> [bool; 5] = |settings| {
        [
            settings.verbose,
            settings.log_aws_wire,
            settings.disable_imds_v1,
            settings.use_fips_mode,
            settings.enable_auth_policy,
        ]
    };
    check("", is_on, [false; 5]);
}

#[test]
fn blank_lines_between_keys_mean_nothing() {
    let text = "max_revisions: 2\n\n \n:verbose: true\n\n";
    check(text, |settings| (settings.max_revisions, settings.verbose), (2, true));
}

#[test]
fn quoted_scalars_are_accepted() {
    check("max_revisions: '2'\n", |settings| settings.max_revisions, 2);
    check("verbose: \"true\"\n", |settings| settings.verbose, true);
}

#[test]
fn a_fraction_of_a_second_is_dropped() {
    check("wait_between_runs: 1.9\n", |settings| settings.wait_between_runs, Duration::from_secs(1));
}

#[test]
fn the_last_of_a_repeated_key_wins() {
    check("max_revisions: 2\n:max_revisions: 3\n", |settings| settings.max_revisions, 3);
}

#[test]
fn the_wait_at_shutdown_is_capped_at_a_day() {
    let text = "kill_agent_max_wait_time_seconds: 999999\n";
    check(text, |settings| settings.shutdown_wait, Duration::from_secs(86_400));
}

#[test]
fn extraction_limits_take_units() {
    let limit = |text: &str, key, bytes| {
        check(text, |settings| settings.max_extracted, Some(ByteLimit { key, bytes }));
    };
    limit("archive_max_extraction_size: 2GiB\n", "archive_max_extraction_size", 2 << 30);
    limit("archive_max_extraction_size: '10 mb'\n", "archive_max_extraction_size", 10_000_000);
    limit("max_extracted_bytes: 500\n", "max_extracted_bytes", 500);
    let both = "max_extracted_bytes: 1KB\narchive_max_extraction_size: 1KiB\n";
    limit(both, "max_extracted_bytes", 1000);
    check("", |settings| settings.max_extracted, None);
    for text in ["0", "-1", "1.5GB", "MB", "10 parrots", "99999999999TiB"] {
        check_refused(
            &format!("archive_max_extraction_size: {text}\n"),
            &format!(
                "Invalid archive_max_extraction_size {text}: expected a number of bytes, e.g. 500MB or 2GiB"
            ),
        );
    }
}

#[track_caller]
fn check_flag(key: &str, field: fn(Settings) -> bool) {
    check("", field, false);
    check(&format!("{key}: true\n"), field, true);
    check(&format!(":{key}: 'true'\n"), field, true);
    check(&format!("{key}: \"false\"\n"), field, false);
}

#[test]
fn hardening_of_bundles_is_off_unless_asked_for_with_or_without_quotes() {
    check_flag("reject_symlinks_in_bundle", |settings| settings.reject_symlinks_in_bundle);
    check_refused(
        "reject_path_traversal_in_bundle: maybe\n",
        "Invalid reject_path_traversal_in_bundle maybe: expected true or false",
    );
    check_flag("reject_unsafe_permissions_in_bundle", |settings| {
        settings.reject_unsafe_permissions_in_bundle
    });
    check_flag("ignore_ownership_in_bundle", |settings| settings.ignore_ownership_in_bundle);
}

#[test]
fn keys_of_both_lines_are_accepted_and_unused_ones_named() {
    let text = "enable_command_port: true\nshared_dir:\nplugins: [codedeploy]\nnonsense: 1\n\
                log_aws_wire: false\nreject_symlinks_in_bundle: false\n";
    let unused = ["enable_command_port", "plugins"].map(str::to_owned).to_vec();
    check(text, |settings| settings.unused_keys, unused);
    check(text, |settings| settings.unknown_keys, vec!["nonsense".to_owned()]);
}

/// Every key of both of AWS's lines, as the documents of both list them, with a value that both take.
#[test]
fn every_key_of_both_lines_is_known() {
    let text = include_str!("../every_key.yml");
    check(text, |settings| settings.unknown_keys, Vec::new());
}

#[test]
fn privileges_core_dumps_and_the_life_of_a_worker_are_read() {
    check("", |settings| (settings.user, settings.group), (None, None));
    let user = (Some("deploy".to_owned()), Some("www".to_owned()));
    check("user: deploy\ngroup: www\n", |settings| (settings.user, settings.group), user);
    check("", |settings| settings.disable_core_dumps, true);
    check("disable_core_dumps: false\n", |settings| settings.disable_core_dumps, false);
    check("max_runs_per_worker: 0\n", |settings| settings.max_runs_per_worker, None);
    check("max_runs_per_worker: 7\n", |settings| settings.max_runs_per_worker, Some(7));
    check_refused("max_runs_per_worker: -1\n", "Invalid max_runs_per_worker -1");
}

#[test]
fn hooks_are_compatible_unless_told_otherwise() {
    check("", |settings| settings.hook_supervision, HookSupervision::Compatible);
    check(
        "hook_supervision: supervised\n",
        |settings| settings.hook_supervision,
        HookSupervision::Supervised,
    );
    check_refused(
        "hook_supervision: strict\n",
        "Invalid hook_supervision strict: expected compatible or supervised",
    );
    check("restrict_hook_env_to_allowlist: true\n", |s| s.restrict_hook_env_to_allowlist, true);
    check("strip_loader_env_in_hooks: true\n", |s| s.strip_loader_env_in_hooks, true);
    check("", |s| s.restrict_hook_env_to_allowlist || s.strip_loader_env_in_hooks, false);
}

#[test]
fn every_problem_is_one_line() {
    check_refused(
        "max_revisions: 0\nchildren: 2\n",
        "children can only be set to 1\nInvalid configuration :max_revision=0",
    );
    check_refused(
        "deploy_control_endpoint: ftp://x\n",
        "deploy_control_endpoint has invalid scheme: \"ftp://x\"; only https:// or http:// is accepted",
    );
    check_refused(
        "wait_between_runs: soon\n",
        "Invalid wait_between_runs soon: expected a number of seconds",
    );
    check_refused(
        "root_dir: ''\n",
        "Please make sure the path of the deployment root directory exists and is writable: \"\"",
    );
}

#[test]
fn fips_mode_is_for_regions_in_the_usa() {
    let settings = read("use_fips_mode: true\n").expect("settings");
    assert!(settings.check_region("us-gov-west-1").is_ok());
    assert!(settings.check_region("us-east-1").is_ok());
    let refused = settings.check_region("eu-central-1").expect_err("not in the USA").to_string();
    assert!(
        refused.contains("use_fips_mode can be set to true only in regions located in the USA"),
        "{refused}"
    );
    assert!(read("").expect("settings").check_region("eu-central-1").is_ok());
}
