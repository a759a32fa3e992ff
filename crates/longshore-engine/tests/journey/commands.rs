//! Commands on their way to hosts and back: handed out once, not lost, run once.

use std::time::Duration;

use longshore_engine::host_command::{AckAnswer, Connection, HandedOut, HostCommandError};
use longshore_model::deployment::DeploymentStatus;
use longshore_model::host::HostIdentity;
use longshore_model::lifecycle::{CommandCopy, Diagnostics};

use crate::world::{World, name, principal};

/// service.md §9.2.
#[tokio::test]
async fn a_parked_poll_is_answered_when_a_command_appears() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    let connection = Connection::new();
    let (command, id) = tokio::join!(world.poll("a", &connection), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        world.deploy().await
    });
    assert_eq!(command.key.target.deployment, id);
    assert_eq!(command.event.as_str(), "ApplicationStop");
}

/// service.md §8: a poll is answered after about 45 seconds.
#[tokio::test]
async fn a_poll_without_a_command_is_answered_empty_after_the_hold() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    let connection = Connection::new();
    let principal = principal("a");
    let poll = world.engine.poll(&principal, None, &connection);
    let advance = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        world.clock.advance(Duration::from_secs(44));
    };
    tokio::pin!(poll);
    tokio::select! {
        answer = &mut poll => panic!("answered too early: {answer:?}"),
        () = async { advance.await; tokio::time::sleep(Duration::from_millis(100)).await } => {}
    }
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(poll.await.unwrap(), None);
}

/// service.md §9.2.
#[tokio::test]
async fn a_command_is_handed_out_once() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    world.deploy().await;
    world.poll("a", &Connection::new()).await;
    assert!(world.is_parked("a").await);
}

/// A poll that is woken is told the command that was just committed; another one of the same host has to find
/// out that it is taken.
#[tokio::test]
async fn of_two_parked_polls_of_a_host_one_gets_the_command() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    let host = principal("a");
    let connections = [Connection::new(), Connection::new()];
    let poll = |idx: usize| Box::pin(world.engine.poll(&host, None, &connections[idx]));
    let (mut one, mut other) = (poll(0), poll(1));
    for poll in [&mut one, &mut other] {
        assert!(tokio::time::timeout(Duration::from_millis(50), poll).await.is_err(), "it is parked");
    }
    let id = world.deploy().await;
    let (first, second) = tokio::select! {
        answer = &mut one => (answer, other),
        answer = &mut other => (answer, one),
    };
    let HandedOut { command, .. } = first.unwrap().expect("the command");
    assert_eq!(command.key.target.deployment, id);
    assert!(tokio::time::timeout(Duration::from_millis(50), second).await.is_err(), "it is parked again");
}

#[tokio::test]
async fn only_targets_may_ask_for_a_specification() {
    let world = World::new(&["a", "b"], "CodeDeployDefault.OneAtATime").await;
    let id = world.deploy().await;
    world.poll("a", &Connection::new()).await;
    world.engine.register_host(name("c"), HostIdentity::IamUser(principal("c"))).await.unwrap();
    assert!(world.engine.check_target(&principal("a"), &id).await.is_ok());
    let other = world.engine.check_target(&principal("c"), &id).await;
    assert!(matches!(other, Err(HostCommandError::NotATarget(_))), "{other:?}");
    let stranger = world.engine.check_target(&principal("stranger"), &id).await;
    assert!(matches!(stranger, Err(HostCommandError::NotRegistered(_))), "{stranger:?}");
}

/// service.md §9.2.
#[tokio::test]
async fn a_command_that_nobody_acknowledged_is_handed_out_again_after_a_minute() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    world.deploy().await;
    let first = world.poll("a", &Connection::new()).await;
    world.clock.advance(Duration::from_secs(59));
    assert!(world.is_parked("a").await);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.poll("a", &Connection::new()).await, first);
}

#[tokio::test]
async fn a_command_whose_connection_was_cut_is_handed_out_again_at_once() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    world.deploy().await;
    let connection = Connection::new();
    let first = world.poll("a", &connection).await;
    world.engine.connection_closed(&connection);
    let other = Connection::new();
    assert_eq!(world.poll("a", &other).await, first);
    world.engine.delivery_lost(&first.key, &other);
    assert_eq!(world.poll("a", &Connection::new()).await, first);
}

#[tokio::test]
async fn a_dropped_poll_takes_nothing_with_it() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    assert!(world.is_parked("a").await, "this poll is dropped while it waits");
    world.deploy().await;
    world.poll("a", &Connection::new()).await;
}

/// service.md §9.2: of two copies the one that is acknowledged first is run, also when the second is
/// acknowledged before the first is answered, and when the server has been started again.
#[tokio::test]
async fn the_second_copy_of_a_command_is_dropped() {
    let mut world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    world.deploy().await;
    let cut = Connection::new();
    let first = world.copy("a", &cut).await;
    world.engine.connection_closed(&cut);
    let second = world.copy("a", &Connection::new()).await;
    assert_eq!(second.command, first.command);
    assert_ne!(second.copy, first.copy);
    let answers = tokio::join!(world.ack_copy("a", &second), world.ack_copy("a", &first));
    assert_eq!(answers, (AckAnswer::InProgress, AckAnswer::Succeeded));
    world.restart().await;
    assert_eq!(world.ack_copy("a", &first).await, AckAnswer::Succeeded);
    world.report("a", &second.command.key, true).await;
    assert_eq!(world.ack_copy("a", &first).await, AckAnswer::Succeeded);
    assert_eq!(world.ack_copy("a", &second).await, AckAnswer::Succeeded);
}

#[tokio::test]
async fn an_acknowledgement_whose_answer_was_lost_may_be_repeated() {
    let mut world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    world.deploy().await;
    let copy = world.copy("a", &Connection::new()).await;
    assert_eq!(world.ack_copy("a", &copy).await, AckAnswer::InProgress);
    assert_eq!(world.ack_copy("a", &copy).await, AckAnswer::InProgress, "its connection was cut");
    world.restart().await;
    assert_eq!(world.ack_copy("a", &copy).await, AckAnswer::InProgress, "its server was killed");
}

/// An agent that is killed cuts its connection, and the server drops the call wherever it is.
#[tokio::test]
async fn a_report_counts_though_its_sender_hangs_up() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    let id = world.deploy().await;
    let command = world.poll("a", &Connection::new()).await;
    let host = principal("a");
    hang_up(world.engine.acknowledge(&host, &command.key, CommandCopy(1))).await;
    let diagnostics = Diagnostics::by_service("it failed");
    hang_up(world.engine.complete(&host, &command.key, false, diagnostics)).await;
    world.reaches(&id, DeploymentStatus::Failed).await;
}

/// Lets a call begin, and drops it.
async fn hang_up<T>(call: impl Future<Output = T>) {
    let mut call = std::pin::pin!(call);
    let first = std::future::poll_fn(|context| std::task::Poll::Ready(call.as_mut().poll(context))).await;
    assert!(first.is_pending(), "the call was over at once");
}

/// service.md §9.2.
#[tokio::test]
async fn a_host_cannot_touch_the_commands_of_another() {
    let world = World::new(&["a", "b"], "CodeDeployDefault.AllAtOnce").await;
    let id = world.deploy().await;
    let command = world.poll("a", &Connection::new()).await;
    let stolen = world.engine.acknowledge(&principal("b"), &command.key, CommandCopy(1)).await;
    assert!(matches!(stolen, Err(HostCommandError::NoSuchCommand(_))), "{stolen:?}");
    let diagnostics = Diagnostics::by_service("done");
    let stolen = world.engine.complete(&principal("b"), &command.key, false, diagnostics).await;
    assert!(matches!(stolen, Err(HostCommandError::NoSuchCommand(_))), "{stolen:?}");
    assert_eq!(world.view(&id).await.deployment.status, DeploymentStatus::InProgress);
    assert!(world.engine.deployment_for_host(&principal("a"), &id).await.is_ok());
}

#[tokio::test]
async fn an_unregistered_identity_gets_nothing() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    let answer = world.engine.poll(&principal("stranger"), None, &Connection::new()).await;
    assert!(matches!(answer, Err(HostCommandError::NotRegistered(_))), "{answer:?}");
}

/// service.md §9.2: a host may have commands of several deployments at the same time; §6.1: each is called as its
/// lifecycle event.
#[tokio::test]
async fn a_host_has_a_command_of_each_deployment() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    world.group("other", "CodeDeployDefault.AllAtOnce").await;
    let first = world.deploy().await;
    let second = world.deploy_to("other", "app.zip").await.unwrap();
    let mut told = Vec::new();
    for _ in 0..2 {
        let command = world.poll("a", &Connection::new()).await;
        assert_eq!(command.event.as_str(), "ApplicationStop");
        told.push(command.key.target.deployment);
    }
    told.sort();
    let mut expected = vec![first, second];
    expected.sort();
    assert_eq!(told, expected);
    assert!(world.is_parked("a").await);
}

/// service.md §9.2: a command that is five minutes old is handed out no more, and refused to whoever has it.
#[tokio::test]
async fn a_command_that_was_not_taken_in_time_is_gone() {
    let world = World::new(&["a"], "CodeDeployDefault.AllAtOnce").await;
    let id = world.deploy().await;
    let command = world.poll("a", &Connection::new()).await;
    world.clock.advance(Duration::from_secs(300));
    world.reaches(&id, DeploymentStatus::Failed).await;
    assert!(world.is_parked("a").await);
    assert_eq!(world.ack("a", &command.key).await, AckAnswer::Failed);
    world.report("a", &command.key, true).await;
    assert_eq!(world.view(&id).await.deployment.status, DeploymentStatus::Failed);
}
