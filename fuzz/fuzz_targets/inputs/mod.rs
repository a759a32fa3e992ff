//! The input of every operation, to be read by either codec.

use std::fmt::Debug;

use longshore_wire::api::Operation;
use longshore_wire::api::shapes::*;
use longshore_wire::codec::Codec;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads a body as one operation's input.
type Check = fn(Codec, &[u8]);

macro_rules! checks {
    ($($input:ty),* $(,)?) => { [$(check::<$input> as Check),*] };
}

/// As many as there are operations: a new one does not compile until its input stands here.
const CHECKS: [Check; Operation::ALL.len()] = checks![
    AddTagsToOnPremisesInstancesInput,
    BatchGetApplicationRevisionsInput,
    BatchGetApplicationsInput,
    BatchGetDeploymentGroupsInput,
    BatchGetDeploymentInstancesInput,
    BatchGetDeploymentTargetsInput,
    BatchGetDeploymentsInput,
    BatchGetOnPremisesInstancesInput,
    ContinueDeploymentInput,
    CreateApplicationInput,
    CreateDeploymentInput,
    CreateDeploymentConfigInput,
    CreateDeploymentGroupInput,
    DeleteApplicationInput,
    DeleteDeploymentConfigInput,
    DeleteDeploymentGroupInput,
    DeleteGitHubAccountTokenInput,
    DeleteResourcesByExternalIdInput,
    DeregisterOnPremisesInstanceInput,
    GetApplicationInput,
    GetApplicationRevisionInput,
    GetDeploymentInput,
    GetDeploymentConfigInput,
    GetDeploymentGroupInput,
    GetDeploymentInstanceInput,
    GetDeploymentTargetInput,
    GetOnPremisesInstanceInput,
    ListApplicationRevisionsInput,
    ListApplicationsInput,
    ListDeploymentConfigsInput,
    ListDeploymentGroupsInput,
    ListDeploymentInstancesInput,
    ListDeploymentTargetsInput,
    ListDeploymentsInput,
    ListGitHubAccountTokenNamesInput,
    ListOnPremisesInstancesInput,
    ListTagsForResourceInput,
    PutLifecycleEventHookExecutionStatusInput,
    RegisterApplicationRevisionInput,
    RegisterOnPremisesInstanceInput,
    RemoveTagsFromOnPremisesInstancesInput,
    SkipWaitTimeForInstanceTerminationInput,
    StopDeploymentInput,
    TagResourceInput,
    UntagResourceInput,
    UpdateApplicationInput,
    UpdateDeploymentGroupInput,
];

/// Reads `data` as the input that its first byte chooses.
pub fn read(codec: Codec, data: &[u8]) {
    if let Some((chosen, body)) = data.split_first() {
        CHECKS[usize::from(*chosen) % CHECKS.len()](codec, body);
    }
}

/// What can be read is well-formed, and is the same when it is written and read again; what cannot is
/// refused with a message.
fn check<T: DeserializeOwned + Serialize + PartialEq + Debug>(codec: Codec, body: &[u8]) {
    let is_well_formed = codec.check_syntax(body).is_ok();
    match codec.decode::<T>(body) {
        Err(error) => assert!(error.code == "SerializationException" && !error.message.is_empty()),
        Ok(input) => {
            assert!(is_well_formed);
            let written = codec.encode(&input).expect("an input can be written");
            assert_eq!(codec.decode::<T>(&written).expect("what was written can be read"), input);
        }
    }
}
