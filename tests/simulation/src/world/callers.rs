//! What callers ask for.

use longshore_engine::Engine;
use longshore_engine::deployment::{DeploymentError, StopAnswer};
use longshore_model::deployment::{FileExistsBehavior, NewDeployment};
use longshore_model::id::{ApplicationName, DeploymentId, HostName};
use longshore_model::revision::{BundleType, Revision};

use super::setup::{self, APPLICATION};
use super::{Answer, CallKind, Happening, World};
use crate::scenario::Wish;

/// How long a caller waits before it asks again.
const AGAIN: std::ops::Range<u64> = 500..5_000;

/// What came of a wish.
#[derive(Debug)]
pub(super) enum WishAnswer {
    Deployed(Result<DeploymentId, DeploymentError>),
    Stopped(DeploymentId, Result<StopAnswer, DeploymentError>),
    Other(Wish, Result<(), String>),
}

impl World {
    pub(super) fn wish(&mut self, wish: &Wish) {
        let Some((server, run, engine)) = self.any_up() else {
            let pause = self.draw(AGAIN);
            return self.queue_in(pause, Happening::Wish(wish.clone()));
        };
        self.shared.note(format_args!("a caller asks server {server}: {wish:?}"));
        let wished = wish.clone();
        match wish {
            Wish::Deploy { .. } => {
                let new = new_deployment(wish);
                self.call(server, run, CallKind::Wish, async move {
                    Answer::Wished(WishAnswer::Deployed(engine.create_deployment(new).await))
                });
            }
            Wish::Stop { rolls_back } => {
                let rolls_back = *rolls_back;
                let open: Vec<DeploymentId> = self.shared.audit(|auditor| {
                    let open = auditor.deployments().filter(|deployment| !deployment.status.is_final());
                    open.map(|deployment| deployment.id.clone()).collect()
                });
                if open.is_empty() {
                    self.count("nothing to stop");
                    return;
                }
                let id = open[self.draw(0..open.len() as u64) as usize].clone();
                let status = self.shared.audit(|auditor| auditor.deployment(&id).map(|d| d.status));
                self.count(status.map_or("", |status| match status.as_str() {
                    "Created" => "stop in Created",
                    "Queued" => "stop in Queued",
                    "Baking" => "stop in Baking",
                    _ => "stop in InProgress",
                }));
                self.call(server, run, CallKind::Wish, async move {
                    let stopped = engine.stop_deployment(&id, rolls_back).await;
                    Answer::Wished(WishAnswer::Stopped(id, stopped))
                });
            }
            Wish::Join { host } | Wish::Leave { host } => {
                if let Wish::Leave { .. } = wish {
                    let principal = self.agents[*host].principal.clone();
                    self.shared.audit(|auditor| auditor.may_leave(&principal));
                }
                let name = self.agents[*host].name.clone();
                self.call(server, run, CallKind::Wish, async move {
                    let done = change_host(&engine, &wished, &name).await;
                    Answer::Wished(WishAnswer::Other(wished, done))
                });
            }
            Wish::Delete { group } => {
                let name = setup::group_name(*group);
                let group = self.groups[*group].clone();
                self.shared.audit(|auditor| auditor.group_may_go(group));
                self.call(server, run, CallKind::Wish, async move {
                    let application = ApplicationName::parse(APPLICATION).expect("a valid name");
                    let done = engine.delete_deployment_group(&application, &name).await;
                    Answer::Wished(WishAnswer::Other(wished, done.map_err(|error| error.to_string())))
                });
            }
        }
    }

    /// The call was made at `since`.
    pub(super) fn wished(&mut self, answer: WishAnswer, since: i64) {
        self.shared.note(format_args!("a caller is answered {answer:?}"));
        match answer {
            WishAnswer::Deployed(Ok(id)) => {
                let is_known = self.shared.audit(|auditor| auditor.deployment(&id).is_some());
                if !is_known {
                    self.shared.violated(format!("{id} was answered and not stored"));
                }
                self.count("deployment accepted");
            }
            WishAnswer::Deployed(Err(_)) => self.count("deployment refused"),
            WishAnswer::Stopped(id, Ok(_)) => {
                let is_stored = self.shared.audit(|auditor| {
                    let deployment = auditor.deployment(&id);
                    deployment.is_some_and(|deployment| deployment.stop.is_some())
                });
                if !is_stored {
                    self.shared.violated(format!("the stop of {id} was answered and not stored"));
                }
                self.count("stop accepted");
            }
            WishAnswer::Stopped(_, Err(_)) => self.count("stop refused"),
            WishAnswer::Other(wish, Ok(())) => {
                self.count("fleet changed");
                if let Wish::Join { host } = wish {
                    self.has_joined(host, since);
                }
            }
            WishAnswer::Other(wish, Err(_)) => {
                // Not all refusals pass, but a caller cannot know which.
                self.count("fleet change refused");
                if self.rng_says_again() {
                    let pause = self.draw(AGAIN);
                    self.queue_in(pause, Happening::Wish(wish));
                }
            }
        }
    }

    fn rng_says_again(&mut self) -> bool {
        self.draw(0..4) != 0
    }
}

async fn change_host(engine: &Engine, wish: &Wish, name: &str) -> Result<(), String> {
    let name = HostName::parse(name).map_err(|error| error.to_string())?;
    let done = match wish {
        Wish::Join { .. } => engine.add_host_tags(&[name], &[setup::tag()]).await,
        Wish::Leave { .. } => engine.deregister_host(&name).await,
        Wish::Deploy { .. } | Wish::Stop { .. } | Wish::Delete { .. } => return Ok(()),
    };
    done.map_err(|error| error.to_string())
}

fn new_deployment(wish: &Wish) -> NewDeployment {
    let Wish::Deploy { group, revision, outdated_only, is_restart, forgives_stop } = wish else {
        unreachable!("only a deployment is made into one");
    };
    let revision = Revision::S3 {
        bucket: String::from("bundles"),
        key: format!("app-{revision}.zip"),
        bundle_type: BundleType::Zip,
        version: None,
        e_tag: None,
    };
    NewDeployment {
        application: ApplicationName::parse(APPLICATION).expect("a valid name"),
        group: setup::group_name(*group),
        revision: (!is_restart).then_some(revision),
        config: None,
        description: None,
        ignore_application_stop_failures: *forgives_stop,
        update_outdated_instances_only: *outdated_only && !is_restart,
        file_exists_behavior: FileExistsBehavior::Disallow,
        auto_rollback: None,
        override_alarms: None,
        processes_to_suspend: None,
        is_restart: *is_restart,
        target_instances: None,
    }
}
