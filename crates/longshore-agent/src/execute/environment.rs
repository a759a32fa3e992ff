//! The environment of a hook's scripts. Source: agent.md §8.2, with I-13: no secret of the agent's; the
//! two restrictions are those of AWS's 2.x agent.

use std::ffi::{OsStr, OsString};

use longshore_wire::host_command::specification::{RevisionSource, Specification};

use crate::identity::SECRET_VARIABLES;
use crate::service_manager;

/// What makes the dynamic linker load other libraries.
const LOADER_VARIABLES: [&str; 3] = ["LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT"];

/// All that a restricted script inherits.
const ALLOWED_VARIABLES: [&str; 3] = ["PATH", "HOME", "USER"];

/// What tells the processes of a hook from all others.
const MARKING_VARIABLES: [&str; 3] = ["DEPLOYMENT_ID", "DEPLOYMENT_GROUP_ID", "LIFECYCLE_EVENT"];

/// The same for hosts that share a machine, where it is known.
const HOST_VARIABLE: &str = "AWS_HOST_IDENTIFIER";

/// Which of the agent's variables a script gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EnvironmentRules {
    /// Secrets too, which else are withheld.
    pub are_secrets_kept: bool,
    /// `PATH`, `HOME` and `USER` only (`restrict_hook_env_to_allowlist`).
    pub is_restricted: bool,
    /// Not the dynamic linker's (`strip_loader_env_in_hooks`).
    pub is_loader_stripped: bool,
}

/// The whole environment of a hook's scripts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookEnvironment {
    inherited: Vec<(OsString, OsString)>,
    deployment: Vec<(&'static str, String)>,
}

impl HookEnvironment {
    /// What a script of `event` gets, of what the agent itself has (`inherited`) and of its deployment.
    pub fn new(
        inherited: impl IntoIterator<Item = (OsString, OsString)>,
        rules: EnvironmentRules,
        deployment: Vec<(&'static str, Option<String>)>,
    ) -> HookEnvironment {
        let is_inherited = |name: &OsStr| {
            let is_one_of = |names: &[&str]| names.iter().any(|other| name == *other);
            // What the deployment leaves out must not come from the agent's own environment.
            let is_of_deployment = deployment.iter().any(|(other, _)| name == *other);
            !is_of_deployment
                && (rules.are_secrets_kept || !is_one_of(&SECRET_VARIABLES))
                && !is_one_of(&service_manager::VARIABLES)
                && (!rules.is_restricted || is_one_of(&ALLOWED_VARIABLES))
                && (!rules.is_loader_stripped || !is_one_of(&LOADER_VARIABLES))
        };
        let inherited = inherited.into_iter().filter(|(name, _)| is_inherited(name)).collect();
        let deployment = deployment.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        HookEnvironment { inherited, deployment }
    }

    /// Every variable with its value.
    pub fn variables(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        let inherited = self.inherited.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()));
        let deployment = self.deployment.iter().map(|(name, value)| (OsStr::new(name), OsStr::new(value)));
        inherited.chain(deployment)
    }

    /// The names of the variables that say something about the deployment.
    pub fn deployment_names(&self) -> impl Iterator<Item = &'static str> {
        self.deployment.iter().map(|(name, _)| *name)
    }

    /// `NAME=value` of those variables that together only this hook's processes have; none when one of
    /// them is missing.
    pub fn marks(&self) -> Vec<String> {
        let value = |name: &str| self.deployment.iter().find(|(other, _)| *other == name);
        let mark = |name: &str| value(name).map(|(name, value)| format!("{name}={value}"));
        let marks: Option<Vec<String>> = MARKING_VARIABLES.into_iter().map(mark).collect();
        marks.map(|marks| marks.into_iter().chain(mark(HOST_VARIABLE)).collect()).unwrap_or_default()
    }
}

/// What a script of `event` is told about its deployment; `None` is not in its environment at all. An
/// unknown host or region leaves what the script inherits.
pub(super) fn of_deployment(
    event: &str,
    spec: &Specification,
    host_identifier: &str,
    region: &str,
) -> Vec<(&'static str, Option<String>)> {
    let mut variables = Vec::new();
    let mut put = |name: &'static str, value: Option<&str>| variables.push((name, value.map(str::to_owned)));
    for (name, value) in [("AWS_REGION", region), (HOST_VARIABLE, host_identifier)] {
        if !value.is_empty() {
            put(name, Some(value));
        }
    }
    put("LIFECYCLE_EVENT", Some(event));
    put("DEPLOYMENT_ID", Some(&spec.deployment_id));
    put("APPLICATION_NAME", Some(&spec.application_name));
    put("DEPLOYMENT_GROUP_NAME", Some(&spec.deployment_group_name));
    put("DEPLOYMENT_GROUP_ID", Some(&spec.deployment_group_id));
    match &spec.revision {
        RevisionSource::S3 { bucket, key, version, e_tag, bundle_type: _ } => {
            put("BUNDLE_BUCKET", Some(bucket));
            put("BUNDLE_KEY", Some(key));
            put("BUNDLE_VERSION", version.as_deref());
            put("BUNDLE_ETAG", e_tag.as_deref());
        }
        RevisionSource::GitHub { commit_id, .. } => put("BUNDLE_COMMIT", Some(commit_id)),
        RevisionSource::Local { .. } => {}
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execute::test_specification;

    fn shown(environment: &HookEnvironment) -> String {
        let show = |(name, value): (&OsStr, &OsStr)| {
            format!("{}={}", name.to_string_lossy(), value.to_string_lossy())
        };
        environment.variables().map(show).collect::<Vec<_>>().join(" ")
    }

    fn s3_deployment() -> Vec<(&'static str, Option<String>)> {
        let spec = test_specification("d-NOW", "user", "IN_PLACE");
        of_deployment("AfterInstall", &spec, "arn:host", "us-east-1")
    }

    /// Source: service.md §6.1.
    #[test]
    fn a_script_knows_its_deployment_and_bundle() {
        let environment = HookEnvironment::new([], EnvironmentRules::default(), s3_deployment());
        let expected = "AWS_REGION=us-east-1 AWS_HOST_IDENTIFIER=arn:host LIFECYCLE_EVENT=AfterInstall \
                        DEPLOYMENT_ID=d-NOW APPLICATION_NAME=app DEPLOYMENT_GROUP_NAME=fleet \
                        DEPLOYMENT_GROUP_ID=group-1 BUNDLE_BUCKET=bundles BUNDLE_KEY=app.tgz BUNDLE_ETAG=abc";
        assert_eq!(shown(&environment), expected);
        let marks = [
            "DEPLOYMENT_ID=d-NOW",
            "DEPLOYMENT_GROUP_ID=group-1",
            "LIFECYCLE_EVENT=AfterInstall",
            "AWS_HOST_IDENTIFIER=arn:host",
        ];
        assert_eq!(environment.marks(), marks);
    }

    /// The bundle's variables for another revision than S3's.
    #[track_caller]
    fn check_revision(revision: RevisionSource, expected: &str) {
        let spec = Specification { revision, ..test_specification("d-NOW", "user", "IN_PLACE") };
        let deployment = of_deployment("AfterInstall", &spec, "arn:host", "us-east-1");
        let shown = shown(&HookEnvironment::new([], EnvironmentRules::default(), deployment));
        let bundle: Vec<&str> = shown.split(' ').filter(|item| item.starts_with("BUNDLE")).collect();
        assert_eq!(bundle.join(" "), expected);
    }

    /// Source: service.md §6.1.
    #[test]
    fn other_revisions_have_their_own_variables() {
        let commit_id = "c0ffee".to_owned();
        let github = RevisionSource::GitHub {
            account: "a".to_owned(),
            repository: "r".to_owned(),
            commit_id,
            bundle_type: None,
        };
        check_revision(github, "BUNDLE_COMMIT=c0ffee");
        let bundle_type = longshore_wire::host_command::specification::LocalBundleType::Directory;
        check_revision(RevisionSource::Local { location: "/x".to_owned(), bundle_type }, "");
    }

    /// Which of these inherited names a script gets.
    #[track_caller]
    fn check_inherited(rules: EnvironmentRules, inherited: &str, expected: &str) {
        let pairs = inherited.split_whitespace().map(|name| (name.into(), "inherited".into()));
        let environment = HookEnvironment::new(pairs, rules, s3_deployment());
        let names = environment.variables().filter(|(_, value)| *value == "inherited");
        let names: Vec<_> = names.map(|(name, _)| name.to_string_lossy()).collect();
        assert_eq!(names.join(" "), expected, "{rules:?}");
    }

    #[test]
    fn a_script_inherits_everything_but_secrets() {
        let open = EnvironmentRules::default();
        check_inherited(open, "PATH LANG AWS_PROFILE LD_PRELOAD", "PATH LANG AWS_PROFILE LD_PRELOAD");
        let secrets = "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_ACCESS_KEY \
                       AWS_SECRET_KEY AWS_SECURITY_TOKEN AWS_CREDENTIAL_FILE \
                       AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE \
                       AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_CREDENTIALS_RELATIVE_URI \
                       NOTIFY_SOCKET WATCHDOG_PID WATCHDOG_USEC";
        check_inherited(open, secrets, "");
    }

    #[test]
    fn a_persons_secrets_are_the_persons_to_pass_on() {
        let rules = EnvironmentRules { are_secrets_kept: true, ..EnvironmentRules::default() };
        check_inherited(rules, "AWS_SECRET_ACCESS_KEY NOTIFY_SOCKET", "AWS_SECRET_ACCESS_KEY");
    }

    #[test]
    fn what_the_host_does_not_know_is_left_as_it_is() {
        let spec = test_specification("d-NOW", "user", "IN_PLACE");
        let deployment = of_deployment("AfterInstall", &spec, "", "");
        let inherited = [("AWS_REGION".into(), "eu-west-1".into())];
        let environment = HookEnvironment::new(inherited, EnvironmentRules::default(), deployment);
        assert!(shown(&environment).starts_with("AWS_REGION=eu-west-1 LIFECYCLE_EVENT="));
        assert_eq!(environment.marks().len(), 3);
    }

    #[test]
    fn what_the_deployment_says_or_leaves_out_is_never_inherited() {
        check_inherited(EnvironmentRules::default(), "DEPLOYMENT_ID BUNDLE_VERSION BUNDLE_X", "BUNDLE_X");
    }

    #[test]
    fn two_settings_restrict_what_is_inherited() {
        let inherited = "PATH HOME USER LANG LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT LD_BIND_NOW";
        let restricted = EnvironmentRules { is_restricted: true, ..EnvironmentRules::default() };
        check_inherited(restricted, inherited, "PATH HOME USER");
        let stripped = EnvironmentRules { is_loader_stripped: true, ..EnvironmentRules::default() };
        check_inherited(stripped, inherited, "PATH HOME USER LANG LD_BIND_NOW");
    }

    #[test]
    fn without_all_marks_there_are_none() {
        let deployment = vec![("DEPLOYMENT_ID", Some("d-1".to_owned()))];
        let environment = HookEnvironment::new([], EnvironmentRules::default(), deployment);
        assert_eq!(environment.marks(), [""; 0]);
    }
}
