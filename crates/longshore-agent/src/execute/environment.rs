//! The environment of a hook's scripts. Source: agent.md §8.2, with I-13: no secret of the agent's.

use longshore_wire::host_command::specification::{RevisionSource, Specification};

use super::caller::Caller;
use crate::identity::SECRET_VARIABLES;

/// Variables to set, or to take away, in what a script inherits from the agent.
pub(super) type Variables = Vec<(String, Option<String>)>;

/// What a script must not inherit: the agent's secrets. A person's are the person's to pass on.
pub(super) fn withheld(caller: &Caller) -> Variables {
    match caller {
        Caller::Service => SECRET_VARIABLES.map(|name| (name.to_owned(), None)).to_vec(),
        Caller::Person(_) => Variables::new(),
    }
}

/// The variables of a script of `event`. An unknown host or region leaves what the script inherits.
pub(super) fn variables(event: &str, spec: &Specification, host_identifier: &str, region: &str) -> Variables {
    let mut variables = Variables::new();
    let mut put = |name: &str, value: Option<&str>| {
        variables.push((name.to_owned(), value.map(str::to_owned)));
    };
    for (name, value) in [("AWS_REGION", region), ("AWS_HOST_IDENTIFIER", host_identifier)] {
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
    use crate::execute::caller::{Person, RunningScript};
    use crate::execute::test_specification as specification;

    #[test]
    fn a_script_knows_its_deployment_and_bundle() {
        let spec = specification("d-NOW", "user", "IN_PLACE");
        let variables = variables("AfterInstall", &spec, "arn:host", "us-east-1");
        let shown: Vec<String> = variables
            .iter()
            .map(|(name, value)| match value {
                Some(value) => format!("{name}={value}"),
                None => format!("-{name}"),
            })
            .collect();
        let expected = [
            "AWS_REGION=us-east-1",
            "AWS_HOST_IDENTIFIER=arn:host",
            "LIFECYCLE_EVENT=AfterInstall",
            "DEPLOYMENT_ID=d-NOW",
            "APPLICATION_NAME=app",
            "DEPLOYMENT_GROUP_NAME=fleet",
            "DEPLOYMENT_GROUP_ID=group-1",
            "BUNDLE_BUCKET=bundles",
            "BUNDLE_KEY=app.tgz",
            "-BUNDLE_VERSION",
            "BUNDLE_ETAG=abc",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn secrets_of_the_agent_are_taken_away_and_a_persons_are_not() {
        let variables = withheld(&Caller::Service);
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_CREDENTIAL_FILE"] {
            assert!(variables.contains(&(name.to_owned(), None)), "{name}");
        }
        let person = Person { on_wait: |_| (), running: RunningScript::default() };
        assert_eq!(withheld(&Caller::Person(person)), []);
    }

    #[test]
    fn what_the_host_does_not_know_is_left_as_it_is() {
        let spec = specification("d-NOW", "user", "IN_PLACE");
        let variables = variables("AfterInstall", &spec, "", "");
        assert!(!variables.iter().any(|(name, _)| name.starts_with("AWS_")), "{variables:?}");
    }
}
