//! Hosts that come late are brought up to date. Source: service.md §7.6, and `plan::late` for what AWS has not.

use std::time::{Duration, Instant};

use longshore_engine::deployment_group::DeploymentGroupChange;
use longshore_engine::host_command::Connection;
use longshore_model::application::{ResourceTag, TagChange, TaggedResource};
use longshore_model::deployment::{Creator, DeploymentStatus};
use longshore_model::deployment_group::OutdatedInstancesStrategy;
use longshore_model::host::{HostIdentity, HostTag};
use longshore_model::id::{ApplicationName, DeploymentGroupName, DeploymentId};
use longshore_model::plan::late::{LATE_HOSTS, UPDATE};
use longshore_model::target::TargetStatus;
use longshore_store::{DeploymentFilter, Page};

use crate::world::{World, name, new_deployment, principal};

async fn join(world: &World, host: &str) {
    world.engine.register_host(name(host), HostIdentity::IamUser(principal(host))).await.unwrap();
    let tag = HostTag { key: String::from("Role"), value: String::from("web") };
    world.engine.add_host_tags(&[name(host)], &[tag]).await.unwrap();
}

/// The one that nobody asked for, once there are `n` deployments; the clock stands still, so times tell nothing.
pub(crate) async fn update_among(world: &World, n: usize) -> DeploymentId {
    let started = Instant::now();
    loop {
        let all = Page { after: None, limit: 100 };
        let found = world.store.deployments(&DeploymentFilter::default(), &all).await.unwrap();
        for (_, id) in found.iter().filter(|_| found.len() == n) {
            if world.view(id).await.deployment.creator == Creator::AutoUpdate {
                return id.clone();
            }
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{} deployments, not {n}", found.len());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// service.md §7.6, `outdatedInstancesStrategy` UPDATE and `relatedDeployments`.
#[tokio::test]
async fn a_host_that_joins_during_a_deployment_is_updated_after_it() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    let id = world.deploy().await;
    world.reaches(&id, DeploymentStatus::InProgress).await;
    join(&world, "b").await;
    world.run_all_events("a").await;
    let root = world.reaches(&id, DeploymentStatus::Succeeded).await.deployment;
    let [update] = root.late.updates.as_slice() else { panic!("{:?}", root.late) };
    let made = world.view(update).await.deployment;
    assert_eq!((made.creator, made.late.root), (Creator::AutoUpdate, Some(id)));
    world.run_all_events("b").await;
    let end = world.reaches(update, DeploymentStatus::Succeeded).await.deployment;
    assert_eq!((end.n_hosts, end.late.updates), (2, Vec::new()));
}

/// service.md §7.6: who failed in the deployment is not late; the update of those who are is left at that.
#[tokio::test]
async fn a_host_that_failed_is_not_taken_for_a_late_one() {
    let world = World::new(&["a", "c"], "CodeDeployDefault.AllAtOnce").await;
    let id = world.deploy().await;
    world.reaches(&id, DeploymentStatus::InProgress).await;
    join(&world, "k").await;
    let command = world.poll("c", &Connection::new()).await;
    world.ack("c", &command.key).await;
    world.report("c", &command.key, false).await;
    world.run_all_events("a").await;
    let root = world.reaches(&id, DeploymentStatus::Succeeded).await.deployment;
    world.run_all_events("k").await;
    let end = world.reaches(&root.late.updates[0], DeploymentStatus::Succeeded).await.deployment;
    assert_eq!(end.late.updates, Vec::new());
    assert!(world.is_parked("c").await);
}

pub(crate) async fn keep_up_to_date(world: &World) {
    let group = TaggedResource::Group(
        ApplicationName::parse("web").unwrap(),
        DeploymentGroupName::parse("all").unwrap(),
    );
    let tag = ResourceTag { key: LATE_HOSTS.to_owned(), value: UPDATE.to_owned() };
    world.engine.change_tags(&group, &TagChange::Add(vec![tag])).await.unwrap();
}

/// Without the tag a host that joins a quiet group is left to the next deployment, as at AWS.
#[tokio::test]
async fn a_host_that_joins_a_quiet_group_is_updated_if_the_group_says_so() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    let id = world.deploy().await;
    world.run_all_events("a").await;
    world.reaches(&id, DeploymentStatus::Succeeded).await;
    join(&world, "b").await;
    assert!(world.is_parked("b").await, "nobody said that it is to be updated");
    keep_up_to_date(&world).await;
    let command = world.poll("b", &Connection::new()).await;
    let update = update_among(&world, 2).await;
    assert_eq!(command.key.target.deployment, update);
    let made = world.view(&update).await.deployment;
    assert_eq!((made.creator, made.n_hosts), (Creator::AutoUpdate, 2));
    // The others are left alone.
    assert!(world.is_parked("a").await);
}

/// The same of an EC2 instance, which joins when it is tagged.
#[tokio::test]
async fn an_ec2_instance_that_joins_a_quiet_group_is_updated() {
    const ID: &str = "i-0000000a";
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    keep_up_to_date(&world).await;
    world.ec2_instance_tagged(ID, "us-east-1a", "db").await;
    let id = world.deploy().await;
    world.run_all_events("a").await;
    world.reaches(&id, DeploymentStatus::Succeeded).await;
    assert!(world.is_parked(ID).await, "the group does not select it");
    world.ec2_instance(ID, "us-east-1a").await;
    let command = world.poll(ID, &Connection::new()).await;
    let update = update_among(&world, 2).await;
    assert_eq!(command.key.target.deployment, update);
    let made = world.view(&update).await.deployment;
    assert_eq!((made.creator, made.n_hosts), (Creator::AutoUpdate, 2));
}

/// Nobody hears of b: its time runs out.
async fn deploy_without_b(world: &World) {
    let id = world.deploy().await;
    world.run_all_events("a").await;
    world.clock.advance(Duration::from_secs(300));
    world.reaches(&id, DeploymentStatus::Succeeded).await;
}

/// b, which missed a deployment, comes back during the next one, which is then stopped.
async fn stopped_after_b_came(world: &World) -> DeploymentId {
    keep_up_to_date(world).await;
    deploy_without_b(world).await;
    let busy = world.deploy_to("all", "next.zip").await.unwrap();
    world.reaches(&busy, DeploymentStatus::InProgress).await;
    let command = world.poll("b", &Connection::new()).await;
    assert_eq!(command.key.target.deployment, busy);
    world.engine.stop_deployment(&busy, None).await.unwrap();
    busy
}

/// A host that was away when its group was deployed to comes back.
#[tokio::test]
async fn a_host_that_comes_back_is_updated() {
    let world = World::new(&["a", "b"], "CodeDeployDefault.AllAtOnce").await;
    keep_up_to_date(&world).await;
    deploy_without_b(&world).await;
    let command = world.poll("b", &Connection::new()).await;
    let update = update_among(&world, 2).await;
    assert_eq!(command.key.target.deployment, update);
    // What fails is not tried again for ever.
    world.ack("b", &command.key).await;
    world.report("b", &command.key, false).await;
    let end = world.reaches(&update, DeploymentStatus::Failed).await.deployment;
    assert_eq!(end.rollback, None);
    for _ in 0..5 {
        world.clock.advance(Duration::from_secs(6));
        assert!(world.is_parked("b").await);
    }
    update_among(&world, 2).await;
}

/// A busy group is waited for.
#[tokio::test]
async fn a_host_that_comes_while_its_group_is_busy_is_not_forgotten() {
    let world = World::new(&["a", "b"], "CodeDeployDefault.AllAtOnce").await;
    let busy = stopped_after_b_came(&world).await;
    world.reaches(&busy, DeploymentStatus::Stopped).await;
    updated_in_time(&world, 3).await;
}

/// Five minutes of silence are enough to miss a command, and so to be looked after.
#[tokio::test]
async fn a_host_that_missed_a_command_is_updated_when_it_comes_back() {
    let world = World::new(&["a", "b"], "CodeDeployDefault.AllAtOnce").await;
    keep_up_to_date(&world).await;
    assert!(world.is_parked("b").await);
    deploy_without_b(&world).await;
    let command = world.poll("b", &Connection::new()).await;
    assert_eq!(command.key.target.deployment, update_among(&world, 2).await);
}

/// The server is started again meanwhile, and the clock goes on.
#[tokio::test]
async fn a_host_that_came_while_its_group_was_busy_is_updated_by_the_next_server() {
    let mut world = World::new(&["a", "b"], "CodeDeployDefault.AllAtOnce").await;
    let busy = stopped_after_b_came(&world).await;
    world.restart().await;
    world.reaches(&busy, DeploymentStatus::Stopped).await;
    let update = updated_in_time(&world, 3).await;
    assert_eq!(world.poll("b", &Connection::new()).await.key.target.deployment, update);
}

/// It is not outdated when it comes, but will be when the deployment that runs has succeeded, which nobody said
/// should be for hosts that join.
#[tokio::test]
async fn a_host_that_comes_during_a_deployment_is_looked_at_after_it() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    keep_up_to_date(&world).await;
    let ignore = Some(OutdatedInstancesStrategy::Ignore);
    let change =
        DeploymentGroupChange { outdated_instances_strategy: ignore, ..DeploymentGroupChange::default() };
    world.change_group(change).await;
    let first = world.deploy().await;
    world.reaches(&first, DeploymentStatus::InProgress).await;
    join(&world, "b").await;
    assert!(world.is_parked("b").await);
    world.run_all_events("a").await;
    world.reaches(&first, DeploymentStatus::Succeeded).await;
    let update = updated_in_time(&world, 2).await;
    assert_eq!(world.poll("b", &Connection::new()).await.key.target.deployment, update);
}

/// They are updated within the group's health rule, like by any other deployment.
#[tokio::test]
async fn late_hosts_are_updated_within_the_rule_of_their_group() {
    let world = World::new(&["a"], "CodeDeployDefault.OneAtATime").await;
    keep_up_to_date(&world).await;
    let id = world.deploy().await;
    world.run_all_events("a").await;
    world.reaches(&id, DeploymentStatus::Succeeded).await;
    // Both are there, and the group is changed to select them.
    for host in ["b", "c"] {
        let identity = HostIdentity::IamUser(principal(host));
        world.engine.register_host(name(host), identity).await.unwrap();
        assert!(world.is_parked(host).await);
    }
    let tag = HostTag { key: String::from("Role"), value: String::from("web") };
    world.engine.add_host_tags(&[name("b"), name("c")], &[tag]).await.unwrap();
    let update = updated_in_time(&world, 2).await;
    world.reaches(&update, DeploymentStatus::InProgress).await;
    let (one, other) = tokio::join!(world.is_parked("b"), world.is_parked("c"));
    assert!(one != other, "one at a time: {one} {other}");
    let (first, then) = if one { ("c", "b") } else { ("b", "c") };
    world.clock.advance(Duration::from_secs(60));
    world.run_all_events(first).await;
    world.run_all_events(then).await;
    let end = world.reaches(&update, DeploymentStatus::Succeeded).await;
    assert_eq!(
        (end.deployment.creator, end.counts),
        (Creator::AutoUpdate, vec![(TargetStatus::Succeeded, 2)])
    );
}

/// The update, once there are `n` deployments, while time goes on.
async fn updated_in_time(world: &World, n: usize) -> DeploymentId {
    let started = Instant::now();
    loop {
        let all = Page { after: None, limit: 100 };
        if world.store.deployments(&DeploymentFilter::default(), &all).await.unwrap().len() == n {
            return update_among(world, n).await;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "nobody is updated");
        world.clock.advance(Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// service.md §7.6, "IGNORE leaves them old"; and a deployment that does not succeed updates nobody.
#[tokio::test]
async fn a_host_that_joins_is_left_old_if_the_group_ignores_it() {
    let ignore = Some(OutdatedInstancesStrategy::Ignore);
    for (strategy, is_success) in [(ignore, true), (None, false)] {
        let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
        let outdated_instances_strategy = strategy;
        let change =
            DeploymentGroupChange { outdated_instances_strategy, ..DeploymentGroupChange::default() };
        world.change_group(change).await;
        let id = world.deploy().await;
        world.reaches(&id, DeploymentStatus::InProgress).await;
        join(&world, "b").await;
        let status = if is_success {
            world.run_all_events("a").await;
            DeploymentStatus::Succeeded
        } else {
            let command = world.poll("a", &Connection::new()).await;
            world.report("a", &command.key, false).await;
            DeploymentStatus::Failed
        };
        let root = world.reaches(&id, status).await.deployment;
        assert_eq!(root.late.updates, Vec::new());
        assert!(world.is_parked("b").await);
    }
}

/// service.md §7.6, `updateOutdatedInstancesOnly`: outdated is who has another revision, or none, for this group;
/// without a revision it is the group's. Source: service.md §4.4.
#[tokio::test]
async fn only_outdated_hosts_are_deployed_to() {
    let world = World::new(&["a", "b"], "CodeDeployDefault.AllAtOnce").await;
    world.group("other", "CodeDeployDefault.AllAtOnce").await;
    let first = world.deploy().await;
    world.run_all_events("a").await;
    world.run_all_events("b").await;
    let revision = world.reaches(&first, DeploymentStatus::Succeeded).await.deployment.revision;
    join(&world, "c").await;
    let outdated = world
        .deploy_with(|new| {
            new.revision = None;
            new.update_outdated_instances_only = true;
        })
        .await;
    let command = world.poll("c", &Connection::new()).await;
    assert_eq!(command.key.target.deployment, outdated);
    let view = world.view(&outdated).await;
    assert_eq!((view.deployment.revision, view.deployment.n_hosts), (revision, 3));
    assert_eq!(view.counts.iter().map(|(_, n)| n).sum::<usize>(), 1);
    assert!(world.is_parked("a").await && world.is_parked("b").await);
    world.engine.stop_deployment(&outdated, None).await.unwrap();
    // What they have of one group is nothing to another.
    let mut new = new_deployment("other", "app.zip");
    new.update_outdated_instances_only = true;
    let of_other = world.engine.create_deployment(new).await.unwrap();
    world.reaches(&of_other, DeploymentStatus::InProgress).await;
    assert_eq!(world.view(&of_other).await.counts.iter().map(|(_, n)| n).sum::<usize>(), 3);
}
