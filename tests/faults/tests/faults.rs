//! Two servers, PostgreSQL and fifty agents, under random faults for a minute, or for as long as
//! `LONGSHORE_FAULTS_SECONDS` says; `LONGSHORE_FAULTS_SEED` asks for the faults of another run.

use longshore_faults::{Settings, run};

#[test]
fn all_deployments_end_as_the_auditor_expects() {
    let settings = Settings::from_env();
    let violations = run(settings);
    assert!(
        violations.is_empty(),
        "seed {}: {} violations\n{}",
        settings.seed,
        violations.len(),
        violations.join("\n")
    );
}
