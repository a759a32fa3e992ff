//! ARNs of other services that members name.

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
