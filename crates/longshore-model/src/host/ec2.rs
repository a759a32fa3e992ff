//! The EC2 inventory: instances as the control plane knows them, which the real service reads from EC2.
//! Source: service.md §2.6.

use serde::{Deserialize, Serialize};

use crate::host::HostTag;
use crate::id::{Ec2InstanceId, HostArn, PrincipalArn, RoleName, ZoneName};
use crate::tag_filter::TagSelector;
use crate::time::Timestamp;

/// The most tags of one instance. Source: service.md §2.6.
pub const MAX_TAGS: usize = 50;

/// One EC2 instance of the inventory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ec2Instance {
    /// Unique.
    pub id: Ec2InstanceId,
    /// By which targets name it, and as what its agent introduces itself.
    pub arn: HostArn,
    /// The availability zone that it runs in.
    pub zone: ZoneName,
    /// Where it stands in EC2.
    pub state: Ec2State,
    /// The role of its instance profile: as whose session it signs.
    pub role: RoleName,
    /// No key twice. At most [`MAX_TAGS`].
    pub tags: Vec<HostTag>,
    /// The Auto Scaling group that it belongs to.
    pub auto_scaling_group: Option<String>,
    /// What it was launched from.
    pub launch_template: Option<String>,
    /// When the inventory was last told about it.
    pub put_at: Timestamp,
}

/// Where an instance stands in EC2. Source: service.md §2.6.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are EC2's own")]
pub enum Ec2State {
    Pending,
    #[default]
    Running,
    Stopping,
    Stopped,
    ShuttingDown,
    Terminated,
}

impl Ec2State {
    /// All of them.
    pub const ALL: [Ec2State; 6] = [
        Ec2State::Pending,
        Ec2State::Running,
        Ec2State::Stopping,
        Ec2State::Stopped,
        Ec2State::ShuttingDown,
        Ec2State::Terminated,
    ];

    /// As EC2 spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Ec2State::Pending => "pending",
            Ec2State::Running => "running",
            Ec2State::Stopping => "stopping",
            Ec2State::Stopped => "stopped",
            Ec2State::ShuttingDown => "shutting-down",
            Ec2State::Terminated => "terminated",
        }
    }

    /// The state spelled `name`.
    pub fn from_name(name: &str) -> Option<Ec2State> {
        Ec2State::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether a deployment may select an instance in this state: one that is off may come back.
    /// Source: service.md §2.4.1.
    pub fn is_selectable(self) -> bool {
        match self {
            Ec2State::Pending | Ec2State::Running | Ec2State::Stopping | Ec2State::Stopped => true,
            Ec2State::ShuttingDown | Ec2State::Terminated => false,
        }
    }
}

impl Ec2Instance {
    /// Whether `selector`, which is one for EC2 instances, selects it.
    pub fn is_selected_by(&self, selector: &TagSelector) -> bool {
        self.state.is_selectable() && selector.selects(&self.tags)
    }

    /// What its agent calls itself in the host command service, and its targets are known by there.
    /// Source: service.md §9.1.
    pub fn host_identifier(&self) -> PrincipalArn {
        PrincipalArn(self.arn.0.clone())
    }

    /// Whether whoever signs as `principal` is this instance: a session of its instance profile's role
    /// that is named after it. Source: service.md §9.1.
    pub fn is_session(&self, principal: &PrincipalArn) -> bool {
        let account = self.arn.0.split(':').nth(4).unwrap_or_default();
        let parts: Vec<&str> = principal.0.splitn(6, ':').collect();
        let ["arn", "aws", "sts", "", of_account, resource] = parts.as_slice() else { return false };
        let session: Vec<&str> = resource.split('/').collect();
        let ["assumed-role", role, name] = session.as_slice() else { return false };
        *of_account == account && *role == self.role.as_str() && *name == self.id.as_str()
    }
}

/// The instance that `identifier` names, if it is the ARN of an EC2 instance.
pub fn instance_of_arn(identifier: &str) -> Option<Ec2InstanceId> {
    let rest = identifier.strip_prefix("arn:aws:ec2:")?;
    let resource = rest.splitn(3, ':').nth(2)?;
    Ec2InstanceId::parse(resource.strip_prefix("instance/")?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[track_caller]
    fn check_session(principal: &str, expected: bool) {
        let instance = fixture::ec2_instance("i-0123456789abcdef0", "us-east-1a");
        assert_eq!(instance.is_session(&PrincipalArn(principal.to_owned())), expected, "{principal}");
    }

    #[test]
    fn an_instance_is_the_session_of_its_role_that_is_named_after_it() {
        check_session("arn:aws:sts::000000000000:assumed-role/web/i-0123456789abcdef0", true);
        check_session("arn:aws:sts::000000000000:assumed-role/web/i-0123456789abcdef1", false);
        check_session("arn:aws:sts::000000000000:assumed-role/other/i-0123456789abcdef0", false);
        check_session("arn:aws:sts::111111111111:assumed-role/web/i-0123456789abcdef0", false);
        check_session("arn:aws:sts::000000000000:assumed-role/web/i-0123456789abcdef0/x", false);
        check_session("arn:aws:iam::000000000000:user/i-0123456789abcdef0", false);
        check_session("arn:aws:iam::000000000000:role/web", false);
        check_session("", false);
    }

    #[test]
    fn terminated_instances_are_never_selected_and_stopped_ones_are() {
        let selector = TagSelector::Filters(vec![fixture::filter("role", "web")]);
        let selected: Vec<&str> = Ec2State::ALL
            .into_iter()
            .filter(|state| {
                let instance = fixture::ec2_instance("i-01234567", "us-east-1a");
                Ec2Instance { state: *state, ..instance }.is_selected_by(&selector)
            })
            .map(Ec2State::as_str)
            .collect();
        assert_eq!(selected, ["pending", "running", "stopping", "stopped"]);
    }

    #[test]
    fn an_empty_selector_selects_no_instance() {
        let instance = fixture::ec2_instance("i-01234567", "us-east-1a");
        assert!(!instance.is_selected_by(&TagSelector::default()));
    }

    #[test]
    fn an_arn_of_an_instance_names_it() {
        let id = |text| instance_of_arn(text).map(|id| id.to_string());
        assert_eq!(
            id("arn:aws:ec2:us-east-1:000000000000:instance/i-0abcdef1"),
            Some(String::from("i-0abcdef1"))
        );
        assert_eq!(id("arn:aws:ec2:us-east-1:000000000000:volume/i-0abcdef1"), None);
        assert_eq!(id("arn:aws:codedeploy:us-east-1:000000000000:instance/i-0abcdef1"), None);
        assert_eq!(id("arn:aws:ec2:us-east-1"), None);
    }
}
