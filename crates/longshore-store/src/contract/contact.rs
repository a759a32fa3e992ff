//! Last contacts. A server keeps those that it notes to itself for a moment, so these are promises of one
//! server to itself.

use longshore_model::fixture::ec2_instance;
use longshore_model::host::HostContact;
use longshore_model::id::PrincipalArn;

use super::fixture::*;
use crate::Store;

/// A contact is answered as soon as it is noted, and an older one does not replace it.
pub async fn a_contact_is_seen_at_once(store: &dyn Store) {
    let who = principal("a");
    assert_eq!(contact(store, &who).await, None);
    let noted = |millis, version: &str| HostContact {
        last_poll_at: at(millis),
        agent_version: Some(version.to_owned()),
    };
    for (given, expected) in
        [(noted(1, "v1"), noted(1, "v1")), (noted(3, "v2"), noted(3, "v2")), (noted(2, "v0"), noted(3, "v2"))]
    {
        store.note_contact(&who, &given).await.expect("note");
        assert_eq!(contact(store, &who).await, Some(expected));
    }
    assert_eq!(contact(store, &principal("b")).await, None);
}

async fn contact(store: &dyn Store, principal: &PrincipalArn) -> Option<HostContact> {
    store.contact(principal).await.expect("read")
}

/// Another host may come under the same ARN: it has not polled yet.
pub async fn a_deregistered_host_has_no_contact(store: &dyn Store) {
    store.register_host(&host("a")).await.expect("register");
    let noted = HostContact { last_poll_at: at(1), agent_version: None };
    store.note_contact(&principal("a"), &noted).await.expect("note");
    store.deregister_host(&host_name("a"), at(2), at(0)).await.expect("deregister");
    assert_eq!(contact(store, &principal("a")).await, None);
}

/// An instance that comes again under its id has not polled yet.
pub async fn a_deleted_instance_has_no_contact(store: &dyn Store) {
    let instance = ec2_instance("i-0000000a", "us-east-1a");
    let identifier = instance.host_identifier();
    let noted = HostContact { last_poll_at: at(7), agent_version: Some(String::from("OFFICIAL_1.8.1")) };
    store.put_ec2_instance(&instance).await.expect("put");
    store.note_contact(&identifier, &noted).await.expect("note");
    assert_eq!(contact(store, &identifier).await, Some(noted));
    store.delete_ec2_instance(&instance.id).await.expect("delete");
    assert_eq!(contact(store, &identifier).await, None);
}
