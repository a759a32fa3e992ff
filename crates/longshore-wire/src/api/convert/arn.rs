//! ARNs that members name, of this service and of others. Source: service.md §1.6.

use longshore_model::id::{ApplicationName, DeploymentGroupName};

/// What an ARN of this service names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OwnResource {
    /// An application.
    Application(ApplicationName),
    /// A deployment group.
    Group(ApplicationName, DeploymentGroupName),
    /// Something else that has an ARN.
    Other,
}

/// The resource that `text` names on a server of this region and account, or what is wrong with it.
pub(super) fn own_resource(text: &str, region: &str, account: &str) -> Result<OwnResource, &'static str> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, service, of_region, of_account, resource] = parts[..] else {
        return Err("it does not have the form arn:aws:codedeploy:<region>:<account>:<resource>");
    };
    if !is_partition(partition) || service != "codedeploy" {
        return Err("it is not an ARN of CodeDeploy");
    }
    if of_region != region {
        return Err("it is of another region");
    }
    if of_account != account {
        return Err("it is of another account");
    }
    let Some((kind, name)) = resource.split_once([':', '/']) else {
        return Err("it names no resource");
    };
    if !resource.starts_with(&format!("{kind}:")) && matches!(kind, "application" | "deploymentgroup") {
        return Err("a colon stands between the kind of a resource and its name");
    }
    match kind {
        "application" => match ApplicationName::parse(name) {
            Ok(name) => Ok(OwnResource::Application(name)),
            Err(_) => Err("what it names cannot be an application"),
        },
        "deploymentgroup" => {
            let names = name.split_once('/').map(|(application, group)| {
                (ApplicationName::parse(application), DeploymentGroupName::parse(group))
            });
            match names {
                Some((Ok(application), Ok(group))) => Ok(OwnResource::Group(application, group)),
                Some(_) | None => Err("what it names cannot be a deployment group: <application>/<group>"),
            }
        }
        "deploymentconfig" | "instance" if !name.is_empty() => Ok(OwnResource::Other),
        _ => Err("it names no kind of resource that CodeDeploy has"),
    }
}

/// Whether `text` is the ARN of an IAM role.
pub(super) fn is_role(text: &str) -> bool {
    account_resource(text, "iam")
        .and_then(|resource| resource.strip_prefix("role/"))
        .is_some_and(|name| !name.is_empty())
}

/// Whether `text` is the ARN of an IAM user.
pub(super) fn is_iam_user(text: &str) -> bool {
    account_resource(text, "iam")
        .and_then(|resource| resource.strip_prefix("user/"))
        .is_some_and(|name| !name.is_empty() && name.chars().all(|c| is_identity_char(c) || c == '/'))
}

/// Whether `text` is the ARN of an assumed-role session.
pub(super) fn is_session(text: &str) -> bool {
    let Some((role, session)) = account_resource(text, "sts")
        .and_then(|resource| resource.strip_prefix("assumed-role/"))
        .and_then(|names| names.split_once('/'))
    else {
        return false;
    };
    !role.is_empty()
        && role.chars().all(is_identity_char)
        && (2..=64).contains(&session.len())
        && session.chars().all(is_identity_char)
}

/// Whether `text` is the ARN of an SNS topic.
pub(super) fn is_topic(text: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    let head = [parts.next(), parts.next(), parts.next(), parts.next(), parts.next()];
    let [Some("arn"), Some(partition), Some("sns"), Some(region), Some(account)] = head else {
        return false;
    };
    is_partition(partition)
        && !region.is_empty()
        && is_account(account)
        && parts.next().is_some_and(|topic| !topic.is_empty())
}

/// What follows `arn:aws…:<service>::<account>:`.
fn account_resource<'a>(text: &'a str, service: &str) -> Option<&'a str> {
    let mut parts = text.splitn(6, ':');
    let is_head = parts.next() == Some("arn")
        && parts.next().is_some_and(is_partition)
        && parts.next() == Some(service)
        && parts.next() == Some("")
        && parts.next().is_some_and(is_account);
    if is_head { parts.next() } else { None }
}

fn is_partition(text: &str) -> bool {
    text.strip_prefix("aws").is_some_and(|tail| tail.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_identity_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+=,.@_-".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_own(resource: &str, expected: &str) {
        let text = format!("arn:aws:codedeploy:r:123456789012:{resource}");
        let shown = match own_resource(&text, "r", "123456789012") {
            Ok(OwnResource::Application(name)) => format!("application {name}"),
            Ok(OwnResource::Group(application, group)) => format!("group {group} of {application}"),
            Ok(OwnResource::Other) => String::from("other"),
            Err(rule) => rule.to_owned(),
        };
        assert!(shown.contains(expected), "{resource}: {shown}");
    }

    #[test]
    fn resources_of_our_own() {
        check_own("application:web", "application web");
        check_own("deploymentgroup:web/prod", "group prod of web");
        check_own("deploymentconfig:CodeDeployDefault.OneAtATime", "other");
        check_own("instance/web-1_AbCdEfGhIj", "other");
        check_own("application", "names no resource");
        check_own("application:", "cannot be an application");
        check_own("application:a/b", "cannot be an application");
        check_own("application/web", "colon");
        check_own("deploymentgroup:web", "cannot be a deployment group");
        check_own("deploymentgroup:web/", "cannot be a deployment group");
        check_own("deploymentgroup:web/a/b", "cannot be a deployment group");
        check_own("deploymentconfig:", "no kind");
        check_own("bucket:x", "no kind");
        let own = |text: &str| own_resource(text, "r", "123456789012").is_ok();
        assert!(own("arn:aws-cn:codedeploy:r:123456789012:application:web"));
        assert!(!own("arn:aws:s3:r:123456789012:application:web"));
        assert!(!own("arn:aws:codedeploy:other:123456789012:application:web"));
        assert!(!own("arn:aws:codedeploy:r:000000000000:application:web"));
        assert!(!own("web"));
        assert!(!own(""));
    }

    #[test]
    fn roles() {
        assert!(is_role("arn:aws:iam::123456789012:role/deploy"));
        assert!(is_role("arn:aws-us-gov:iam::123456789012:role/path/deploy:x"));
        for bad in [
            "deploy",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:user/x",
            "arn:aws:iam::12345:role/x",
            "arn:aws:iam:us-east-1:123456789012:role/x",
            "arn:gcp:iam::123456789012:role/x",
        ] {
            assert!(!is_role(bad), "{bad}");
        }
    }

    #[test]
    fn users() {
        assert!(is_iam_user("arn:aws:iam::123456789012:user/AWS/CodeDeploy/host-1"));
        assert!(!is_iam_user("arn:aws:iam::123456789012:user/"));
        assert!(!is_iam_user("arn:aws:iam::123456789012:user/a b"));
        assert!(!is_iam_user("arn:aws:iam::123456789012:role/x"));
    }

    #[test]
    fn sessions() {
        assert!(is_session("arn:aws:sts::123456789012:assumed-role/role/host-7"));
        for bad in [
            "arn:aws:sts::123456789012:assumed-role/role/h",
            "arn:aws:sts::123456789012:assumed-role/role",
            "arn:aws:sts::123456789012:assumed-role/a/b/c",
            "arn:aws:iam::123456789012:assumed-role/role/host",
        ] {
            assert!(!is_session(bad), "{bad}");
        }
    }

    #[test]
    fn topics() {
        assert!(is_topic("arn:aws:sns:us-east-1:123456789012:topic"));
        assert!(!is_topic("arn:aws:sns:us-east-1:123456789012:"));
        assert!(!is_topic("arn:aws:sqs:us-east-1:123456789012:topic"));
    }
}
