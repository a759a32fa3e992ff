//! The server is killed fifty times during one deployment of twenty hosts: nothing is lost, nothing
//! runs twice.

#![expect(clippy::print_stdout, reason = "what happened is shown when the test fails")]

use std::io::Write as _;
use std::time::Duration;

use longshore_journey::{App, Aws, Host, PATIENCE, Server, wait_for};

const HOSTS: usize = 20;
const KILLS: usize = 50;
/// So many kills a script waits for. Of the two halves of the fleet each runs four, one after the other.
const KILLS_PER_SCRIPT: usize = 4;
const EVENTS: [&str; 4] = ["BeforeInstall", "AfterInstall", "ApplicationStart", "ValidateService"];

/// A small generator of moments; its seed is printed, so that a failure can be looked at again.
struct Moments(u64);

impl Moments {
    fn next_millis(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

#[test]
fn fifty_kills_during_one_deployment_of_twenty_hosts() {
    let seed =
        std::env::var("LONGSHORE_KILL_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(|| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            now.unwrap().subsec_nanos().into()
        });
    println!("seed {seed}: LONGSHORE_KILL_SEED={seed} asks for the same moments");
    let mut moments = Moments(seed);

    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(&folder.path().join("control"), "");
    let aws = Aws::new(&server, folder.path());
    let hosts: Vec<Host> =
        (0..HOSTS).map(|idx| Host::add(&server, folder.path(), &format!("h{idx:02}"))).collect();
    // Each script outlasts some kills, so that they fall into every phase, however fast the machine is.
    let kills = folder.path().join("kills");
    let mut counted = std::fs::File::create(&kills).unwrap();
    let script = format!(
        "n() {{ wc -l < '{}'; }}\n\
         enough=$(( $(n) + {KILLS_PER_SCRIPT} )); [ $enough -le {KILLS} ] || enough={KILLS}\n\
         while [ \"$(n)\" -lt $enough ]; do sleep 0.2; done\n",
        kills.display()
    );
    for host in &hosts {
        for event in EVENTS {
            std::fs::write(host.work().join(format!("do-{event}")), &script).unwrap();
        }
    }
    aws.ok("s3 mb s3://bundles");
    aws.ok("deploy create-application --application-name web");
    aws.ok("deploy create-deployment-group --application-name web --deployment-group-name all \
         --service-role-arn arn:aws:iam::000000000000:role/CodeDeploy \
         --deployment-config-name CodeDeployDefault.HalfAtATime \
         --on-premises-instance-tag-filters Key=Role,Value=web,Type=KEY_AND_VALUE");
    let app = App::write(&folder.path().join("source"), "one\n");
    let source = app.folder().display();
    aws.ok(&format!(
        "deploy push --application-name web --s3-location s3://bundles/one.zip --source {source}"
    ));
    let id = aws.value(
        "deploy create-deployment --application-name web --deployment-group-name all \
         --s3-location bucket=bundles,key=one.zip,bundleType=zip",
        "deploymentId",
    );

    let is_done = |hosts: &[Host]| hosts.iter().all(|host| host.lines("ran.log").len() == 4);
    let mut n_kills_before_the_end = 0;
    for _ in 0..KILLS {
        std::thread::sleep(Duration::from_millis(moments.next_millis(300)));
        n_kills_before_the_end += usize::from(!is_done(&hosts));
        server.kill_9_and_restart();
        writeln!(counted).unwrap();
    }
    println!("{n_kills_before_the_end} of {KILLS} kills fell before the last script had run");

    let query = format!("deploy get-deployment --deployment-id {id}");
    let status = wait_for("the deployment's end", PATIENCE * 2, || {
        let status = aws.value(&query, "deploymentInfo.status");
        (status != "InProgress" && status != "Created").then_some(status)
    });
    let overview = aws.value(&query, "deploymentInfo.deploymentOverview");
    for host in &hosts {
        let expected: Vec<String> = EVENTS.iter().map(|event| format!("{id} {event}")).collect();
        assert_eq!(host.lines("ran.log"), expected, "scripts of {} ({overview})", host.name());
        assert_eq!(host.lines("app/version.txt"), ["one"], "files of {}", host.name());
    }
    assert_eq!(status, "Succeeded", "{overview}");
    assert!(n_kills_before_the_end >= KILLS / 2, "too few kills fell into the deployment");
}
