//! Deployments: creation, lists and snapshots. `round` writes them, `target` has their targets.

use std::collections::BTreeSet;

use async_trait::async_trait;
use longshore_model::deployment::{Deployment, DeploymentStatus};
use longshore_model::id::{DeploymentId, HostArn, HostId, PrincipalArn};
use longshore_model::target::{Clocks, Target, TargetEvent, TargetKey, TargetStatus};
use longshore_model::time::Timestamp;
use longshore_model::timeline::created;
use sqlx::Connection as _;

use super::apply::ApplyJob;
use super::row::{Columns as _, Doing as _, after_time, encode, limit};
use super::writer::{Job, Writer};
use super::{Connection, SqlStore, dialect};
use super::{history, revision, round, target, timeline};
use crate::{
    Applied, DeploymentFilter, DeploymentStore, Forget, Generation, Load, NewRevisionUse, News, Page,
    RoundOutcome, Snapshot, StoreError, TargetFilter,
};

#[async_trait]
impl DeploymentStore for SqlStore {
    async fn create_deployment(
        &self,
        deployment: &Deployment,
        revision_use: &NewRevisionUse,
    ) -> Result<(), StoreError> {
        let (deployment, revision_use) = (deployment.clone(), revision_use.clone());
        self.write(move |conn| Box::pin(async move { create(conn, &deployment, &revision_use).await })).await
    }

    async fn deployment(&self, id: &DeploymentId) -> Result<Option<Deployment>, StoreError> {
        let mut reader = self.reader().await?;
        let row = sqlx::query("SELECT document FROM deployments WHERE id = $1")
            .bind(id.as_str())
            .fetch_optional(&mut *reader)
            .await
            .doing("read a deployment")?;
        row.map(|row| row.document(0, "deployment")).transpose()
    }

    async fn deployments(
        &self,
        filter: &DeploymentFilter,
        page: &Page,
    ) -> Result<Vec<(Timestamp, DeploymentId)>, StoreError> {
        list(&mut *self.reader().await?, filter, page).await
    }

    async fn target_counts(&self, id: &DeploymentId) -> Result<Vec<(TargetStatus, usize)>, StoreError> {
        target::counts(&mut *self.reader().await?, id).await
    }

    async fn unfinished_deployments(&self) -> Result<Vec<DeploymentId>, StoreError> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query("SELECT id FROM deployments WHERE is_final = 0 ORDER BY created_at, id")
            .fetch_all(&mut *reader)
            .await
            .doing("list unfinished deployments")?;
        rows.iter().map(|row| row.word(0, "deployment id")).collect()
    }

    async fn orphaned_deployments(&self) -> Result<Vec<(DeploymentId, bool)>, StoreError> {
        history::orphaned(&mut *self.reader().await?).await
    }

    async fn load(&self) -> Result<Load, StoreError> {
        history::load(&mut *self.reader().await?).await
    }

    async fn forget_deployments(&self, forget: &Forget) -> Result<Vec<DeploymentId>, StoreError> {
        let forget = *forget;
        self.write(move |conn| Box::pin(async move { history::forget(conn, &forget).await })).await
    }

    async fn snapshot(&self, id: &DeploymentId) -> Result<Option<Snapshot>, StoreError> {
        snapshot(&mut *self.reader().await?, id).await
    }

    async fn commit(
        &self,
        seen: Generation,
        outcome: &RoundOutcome,
        clocks: &Clocks,
        now: Timestamp,
    ) -> Result<Vec<Target>, StoreError> {
        let (outcome, clocks) = (outcome.clone(), *clocks);
        self.write(move |conn| {
            Box::pin(async move { round::commit(conn, seen, &outcome, &clocks, now).await })
        })
        .await
    }

    async fn apply(
        &self,
        key: &TargetKey,
        principal: &PrincipalArn,
        event: TargetEvent,
        clocks: &Clocks,
        now: Timestamp,
    ) -> Result<Option<Applied>, StoreError> {
        let (job, answer) = ApplyJob::new(key, principal, event, clocks, now);
        self.shared.writer.queue(Job::Apply(Box::new(job))).await?;
        Writer::answer(answer).await
    }

    async fn target(&self, key: &TargetKey) -> Result<Option<Target>, StoreError> {
        target::one(&mut *self.reader().await?, key).await
    }

    async fn targets(
        &self,
        id: &DeploymentId,
        filter: &TargetFilter,
        page: &Page,
    ) -> Result<Vec<(u32, HostId)>, StoreError> {
        target::page(&mut *self.reader().await?, id, filter, page).await
    }

    async fn target_endings(
        &self,
        id: &DeploymentId,
    ) -> Result<Vec<(u32, HostArn, TargetStatus)>, StoreError> {
        target::endings(&mut *self.reader().await?, id).await
    }

    async fn waiting_commands(&self, principal: &PrincipalArn) -> Result<Vec<Target>, StoreError> {
        target::waiting(&mut *self.reader().await?, principal).await
    }

    async fn commands_of_instance(
        &self,
        principal: &PrincipalArn,
    ) -> Result<Option<Vec<Target>>, StoreError> {
        self.shared.polls.of_instance(principal).await
    }

    async fn is_target(
        &self,
        principal: &PrincipalArn,
        deployment: &DeploymentId,
    ) -> Result<Option<bool>, StoreError> {
        target::is_part(&mut *self.reader().await?, principal, deployment).await
    }
}

/// Whether no further command of the deployment is scheduled.
pub(super) fn is_stopping(deployment: &Deployment) -> bool {
    deployment.stop.is_some() || deployment.status.is_final()
}

pub(super) async fn create(
    conn: &mut Connection,
    deployment: &Deployment,
    revision_use: &NewRevisionUse,
) -> Result<(), StoreError> {
    let group = sqlx::query("SELECT application_id FROM deployment_groups WHERE id = $1")
        .bind(deployment.group_id.as_str())
        .fetch_optional(&mut *conn)
        .await
        .doing("look up a deployment group")?
        .ok_or_else(|| StoreError::NotFound(deployment.group.to_string()))?;
    check_free(conn, deployment).await?;
    sqlx::query(
        "INSERT INTO deployments (id, generation, group_id, config, status, created_at, is_final,
                                  is_stopping, ignores_stop_failures, document)
         VALUES ($1, 0, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(deployment.id.as_str())
    .bind(deployment.group_id.as_str())
    .bind(deployment.config.as_str())
    .bind(deployment.status.as_str())
    .bind(deployment.created_at.millis())
    .bind(i64::from(deployment.status.is_final()))
    .bind(i64::from(is_stopping(deployment)))
    .bind(i64::from(deployment.ignore_application_stop_failures))
    .bind(encode(deployment, "deployment")?)
    .execute(&mut *conn)
    .await
    .doing("add a deployment")?;
    timeline::insert_all(conn, &[created(deployment)]).await.doing("begin a timeline")?;
    revision::note_use(conn, &group.text(0)?, &revision_use.revision, deployment.created_at).await?;
    let news = BTreeSet::from([News::Deployment(deployment.id.clone())]);
    dialect::tell(conn, &news).await.doing("tell other servers of a deployment")
}

/// The id must be new and the group idle.
async fn check_free(conn: &mut Connection, deployment: &Deployment) -> Result<(), StoreError> {
    let taken = sqlx::query(
        "SELECT 1 FROM deployments WHERE id = $1 UNION ALL SELECT 1 FROM forgotten_deployments WHERE id = $1",
    )
    .bind(deployment.id.as_str())
    .fetch_optional(&mut *conn)
    .await
    .doing("look up a deployment")?;
    if taken.is_some() {
        return Err(StoreError::AlreadyExists(deployment.id.to_string()));
    }
    let active = sqlx::query("SELECT id FROM deployments WHERE group_id = $1 AND is_final = 0")
        .bind(deployment.group_id.as_str())
        .fetch_optional(conn)
        .await
        .doing("look up a group's active deployment")?;
    match active {
        Some(row) => Err(StoreError::GroupBusy(row.word(0, "deployment id")?)),
        None => Ok(()),
    }
}

/// Deployment and targets as of one instant.
async fn snapshot(conn: &mut Connection, id: &DeploymentId) -> Result<Option<Snapshot>, StoreError> {
    let mut instant = conn.begin_with(dialect::BEGIN_INSTANT).await.doing("begin a snapshot")?;
    let row = sqlx::query("SELECT generation, document FROM deployments WHERE id = $1")
        .bind(id.as_str())
        .fetch_optional(&mut *instant)
        .await
        .doing("read the deployment of a snapshot")?;
    let Some(row) = row else {
        return Ok(None);
    };
    let targets = target::summaries(&mut instant, id).await?;
    instant.rollback().await.doing("end a snapshot")?;
    Ok(Some(Snapshot {
        generation: Generation(row.int(0)?),
        deployment: row.document(1, "deployment")?,
        targets,
    }))
}

/// One page of each status, merged: each is read from an index in order, so a page costs the same
/// however many deployments there are.
async fn list(
    conn: &mut Connection,
    filter: &DeploymentFilter,
    page: &Page,
) -> Result<Vec<(Timestamp, DeploymentId)>, StoreError> {
    let statuses: &[DeploymentStatus] =
        if filter.statuses.is_empty() { &DeploymentStatus::ALL } else { &filter.statuses };
    // All statuses as of one instant, or one that changes its status between could be seen twice.
    let mut instant = conn.begin_with(dialect::BEGIN_INSTANT).await.doing("begin a list")?;
    let mut found: Vec<(Timestamp, DeploymentId)> = Vec::new();
    for status in DeploymentStatus::ALL.into_iter().filter(|status| statuses.contains(status)) {
        found.extend(list_status(&mut instant, status, filter, page).await?);
    }
    instant.rollback().await.doing("end a list")?;
    found.sort_by(|(time, id), (other_time, other_id)| other_time.cmp(time).then_with(|| id.cmp(other_id)));
    found.truncate(page.limit);
    Ok(found)
}

pub(in super::super) const LIST: &str = "SELECT created_at, id FROM deployments
    WHERE status = $1 AND created_at BETWEEN $2 AND $3 AND (created_at < $4 OR id > $5)
    ORDER BY created_at DESC, id LIMIT $6";

pub(in super::super) const LIST_OF_GROUP: &str = "SELECT created_at, id FROM deployments
    WHERE status = $1 AND created_at BETWEEN $2 AND $3 AND (created_at < $4 OR id > $5)
    AND group_id = $7
    ORDER BY created_at DESC, id LIMIT $6";

async fn list_status(
    conn: &mut Connection,
    status: DeploymentStatus,
    filter: &DeploymentFilter,
    page: &Page,
) -> Result<Vec<(Timestamp, DeploymentId)>, StoreError> {
    let (before_millis, after_id) = after_time(page, i64::MAX)?;
    let to_millis = filter.created_to.map_or(i64::MAX, Timestamp::millis);
    let query = sqlx::query(if filter.group.is_none() { LIST } else { LIST_OF_GROUP });
    let query = query
        .bind(status.as_str())
        .bind(filter.created_from.map_or(i64::MIN, Timestamp::millis))
        .bind(to_millis.min(before_millis))
        .bind(before_millis)
        .bind(after_id)
        .bind(limit(page));
    let query = match &filter.group {
        None => query,
        Some(group) => query.bind(group.as_str()),
    };
    let rows = query.fetch_all(conn).await.doing("list deployments")?;
    rows.iter().map(|row| Ok((Timestamp::from_millis(row.int(0)?), row.word(1, "deployment id")?))).collect()
}
