//! What a group remembers of its hosts, and hosts that go away. Source: service.md §4.3, §4.4 and §5.2.

use std::time::Duration;

use longshore_engine::ec2::NewEc2Instance;
use longshore_engine::host_command::Connection;
use longshore_model::deployment::{DeploymentStatus, ErrorCode};
use longshore_model::host::ec2::Ec2State;
use longshore_model::host::{HostIdentity, HostTag};
use longshore_model::id::{DeploymentConfigName, DeploymentId, Ec2InstanceId, RoleName, ZoneName};
use longshore_model::target::TargetStatus;
use longshore_store::{Page, TargetFilter};

use crate::world::{World, name, principal};

const ALL_AT_ONCE: &str = "CodeDeployDefault.AllAtOnce";
const ONE_AT_A_TIME: &str = "CodeDeployDefault.OneAtATime";

async fn join(world: &World, host: &str) {
    world.engine.register_host(name(host), HostIdentity::IamUser(principal(host))).await.unwrap();
    let tag = HostTag { key: String::from("Role"), value: String::from("web") };
    world.engine.add_host_tags(&[name(host)], &[tag]).await.unwrap();
}

async fn fail_on(world: &World, host: &str) {
    let command = world.poll(host, &Connection::new()).await;
    world.ack(host, &command.key).await;
    world.report(host, &command.key, false).await;
}

/// The targets in scheduling order.
async fn order(world: &World, id: &DeploymentId) -> String {
    let all = Page { after: None, limit: 100 };
    let targets = world.engine.targets(id, &TargetFilter::default(), &all).await.unwrap();
    targets.iter().map(|(_, host)| host.to_string()).collect::<Vec<_>>().join(" ")
}

/// A deployment one host at a time, stopped before any command is taken; answers the order of its targets.
async fn next_order(world: &World) -> String {
    let one_at_a_time = DeploymentConfigName::parse(ONE_AT_A_TIME).unwrap();
    let id = world.deploy_with(|new| new.config = Some(one_at_a_time)).await;
    world.reaches(&id, DeploymentStatus::InProgress).await;
    let order = order(world, &id).await;
    world.engine.stop_deployment(&id, None).await.unwrap();
    world.reaches(&id, DeploymentStatus::Stopped).await;
    order
}

/// service.md §4.4: what hosts came to in the last deployments decides the order of the next one.
#[tokio::test]
async fn a_group_remembers_how_its_hosts_ended() {
    let world = World::new(&["a", "b", "c"], ALL_AT_ONCE).await;
    let first = world.deploy().await;
    world.run_all_events("a").await;
    world.run_all_events("b").await;
    fail_on(&world, "c").await;
    world.reaches(&first, DeploymentStatus::Succeeded).await;
    assert_eq!(next_order(&world).await, "c a b");
    // c was withdrawn by the stop, and stays unhealthy; b fails, which makes it so too.
    let second = world.deploy().await;
    fail_on(&world, "b").await;
    fail_on(&world, "c").await;
    world.run_all_events("a").await;
    world.reaches(&second, DeploymentStatus::Succeeded).await;
    assert_eq!(next_order(&world).await, "b c a");
}

/// service.md §4.4: after a failed deployment only hosts that were attempted have changed, and the group's
/// revision has not.
#[tokio::test]
async fn a_failed_deployment_changes_only_what_it_touched() {
    let world = World::new(&["a", "b", "c"], ALL_AT_ONCE).await;
    let good = world.deploy().await;
    for host in ["a", "b", "c"] {
        world.run_all_events(host).await;
    }
    let revision = world.reaches(&good, DeploymentStatus::Succeeded).await.deployment.revision;
    let one_at_a_time = DeploymentConfigName::parse(ONE_AT_A_TIME).unwrap();
    let mut new = crate::world::new_deployment("all", "bad.zip");
    new.config = Some(one_at_a_time);
    let bad = world.engine.create_deployment(new).await.unwrap();
    world.run_all_events("a").await;
    fail_on(&world, "b").await;
    let failed = world.reaches(&bad, DeploymentStatus::Failed).await;
    assert_eq!(failed.deployment.error.clone().unwrap().code, ErrorCode::HealthConstraints);
    assert_eq!(failed.count(TargetStatus::Skipped), 1);
    // b is unhealthy, a has another revision than the group's, c is as it was.
    assert_eq!(next_order(&world).await, "b a c");
    let next = world.deploy().await;
    assert_eq!(world.view(&next).await.deployment.previous_revision, Some(revision));
}

/// service.md §4.4: records are kept by ARN, and one that is registered anew has another.
#[tokio::test]
async fn a_host_that_is_registered_anew_has_nothing() {
    let world = World::new(&["a", "b"], ALL_AT_ONCE).await;
    let first = world.deploy().await;
    world.run_all_events("a").await;
    world.run_all_events("b").await;
    world.reaches(&first, DeploymentStatus::Succeeded).await;
    world.engine.deregister_host(&name("b")).await.unwrap();
    join(&world, "b").await;
    let outdated = world.deploy_with(|new| new.update_outdated_instances_only = true).await;
    world.reaches(&outdated, DeploymentStatus::InProgress).await;
    assert_eq!(order(&world, &outdated).await, "b");
}

/// service.md §4.4: a host that leaves the group keeps its record until it comes back.
#[tokio::test]
async fn a_host_that_leaves_the_group_is_remembered() {
    let world = World::new(&["a", "b"], ALL_AT_ONCE).await;
    let first = world.deploy().await;
    world.run_all_events("a").await;
    world.run_all_events("b").await;
    world.reaches(&first, DeploymentStatus::Succeeded).await;
    let tag = HostTag { key: String::from("Role"), value: String::from("web") };
    world.engine.remove_host_tags(&[name("b")], std::slice::from_ref(&tag)).await.unwrap();
    world.engine.add_host_tags(&[name("b")], &[tag]).await.unwrap();
    let outdated = world.deploy_with(|new| new.update_outdated_instances_only = true).await;
    let view = world.reaches(&outdated, DeploymentStatus::Succeeded).await;
    assert_eq!((view.deployment.n_hosts, order(&world, &outdated).await.as_str()), (2, ""));
}

/// service.md §4.3: an instance that is stopped is a target like any other, and fails by its clock.
#[tokio::test]
async fn an_instance_that_is_stopped_fails_by_its_clock() {
    let world = World::new(&["a"], ALL_AT_ONCE).await;
    let stopped = NewEc2Instance {
        id: Ec2InstanceId::parse("i-0000000a").unwrap(),
        zone: ZoneName::parse("us-east-1a").unwrap(),
        state: Ec2State::Stopped,
        role: RoleName::parse("web").unwrap(),
        tags: vec![HostTag { key: String::from("Role"), value: String::from("web") }],
        auto_scaling_group: None,
        launch_template: None,
    };
    world.engine.put_ec2_instance(stopped).await.unwrap();
    let id = world.deploy().await;
    world.run_all_events("a").await;
    let view = world.view(&id).await;
    assert_eq!((view.deployment.n_hosts, view.count(TargetStatus::InProgress)), (2, 1));
    world.clock.advance(Duration::from_secs(300));
    let view = world.reaches(&id, DeploymentStatus::Succeeded).await;
    assert_eq!((view.count(TargetStatus::Succeeded), view.count(TargetStatus::Failed)), (1, 1));
}

/// service.md §5.2 and §5.4: a host that goes away in the middle is not `Unknown`, which is counted nowhere: it
/// fails by its clock, and all targets are counted at all times.
#[tokio::test]
async fn a_host_that_is_deregistered_fails_by_its_clock() {
    let world = World::new(&["a", "b"], ALL_AT_ONCE).await;
    let id = world.deploy().await;
    let of_a = world.poll("a", &Connection::new()).await;
    world.ack("a", &of_a.key).await;
    world.poll("b", &Connection::new()).await;
    for host in ["a", "b"] {
        world.engine.deregister_host(&name(host)).await.unwrap();
    }
    world.clock.advance(Duration::from_secs(300));
    loop {
        let view = world.view(&id).await;
        let n_counted: usize = TargetStatus::ALL.into_iter().map(|status| view.count(status)).sum();
        assert_eq!(n_counted, 2);
        if view.count(TargetStatus::Failed) == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    // The command that a took may still be reported, and counts.
    world.report("a", &of_a.key, false).await;
    let view = world.reaches(&id, DeploymentStatus::Failed).await;
    assert_eq!(view.count(TargetStatus::Failed), 2);
    let target = world.engine.target(&id, &name("a").into()).await.unwrap();
    assert_eq!(target.status(), TargetStatus::Failed);
}

/// service.md §5.5: agents that never answer are no AGENT_ISSUE.
#[tokio::test]
async fn a_fleet_of_silent_agents_violates_the_health_constraints() {
    let world = World::new(&["a", "b"], ALL_AT_ONCE).await;
    let id = world.deploy().await;
    world.reaches(&id, DeploymentStatus::InProgress).await;
    while world.view(&id).await.count(TargetStatus::InProgress) < 2 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    world.clock.advance(Duration::from_secs(300));
    let view = world.reaches(&id, DeploymentStatus::Failed).await;
    assert_eq!(view.deployment.error.unwrap().code, ErrorCode::HealthConstraints);
}
