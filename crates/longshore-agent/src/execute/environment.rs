//! The environment of a hook's scripts. Source: agent.md §8.2, with I-13: no secret of the agent's.

use longshore_model::lifecycle::LifecycleEventName;
use longshore_wire::host_command::specification::{RevisionSource, Specification};

use crate::identity::SECRET_VARIABLES;

/// Variables to set, or to take away, in what a script inherits from the agent.
pub(super) type Variables = Vec<(String, Option<String>)>;

/// The variables of a script of `event`.
pub(super) fn variables(
    event: LifecycleEventName,
    spec: &Specification,
    host_identifier: &str,
    region: &str,
) -> Variables {
    let mut variables: Variables = SECRET_VARIABLES.map(|name| (name.to_owned(), None)).to_vec();
    let mut put = |name: &str, value: Option<&str>| {
        variables.push((name.to_owned(), value.map(str::to_owned)));
    };
    put("AWS_REGION", Some(region));
    put("AWS_HOST_IDENTIFIER", Some(host_identifier));
    put("LIFECYCLE_EVENT", Some(event.as_str()));
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
    use crate::execute::test_specification as specification;

    #[test]
    fn a_script_knows_its_deployment_and_bundle() {
        let spec = specification("d-NOW", "user", "IN_PLACE");
        let variables = variables(LifecycleEventName::AfterInstall, &spec, "arn:host", "us-east-1");
        let shown: Vec<String> = variables
            .iter()
            .skip(SECRET_VARIABLES.len())
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
    fn secrets_of_the_agent_are_taken_away() {
        let spec = specification("d-NOW", "user", "IN_PLACE");
        let variables = variables(LifecycleEventName::AfterInstall, &spec, "arn:host", "us-east-1");
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_CREDENTIAL_FILE"] {
            assert!(variables.contains(&(name.to_owned(), None)), "{name}");
        }
    }
}
