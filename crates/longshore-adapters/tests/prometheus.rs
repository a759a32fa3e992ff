//! Alarms of a real Prometheus.

use std::collections::BTreeMap;
use std::path::PathBuf;

use longshore_adapters::{Alarms, Limit, Prometheus, PrometheusConfig, Rule};
use longshore_engine::outside::AlarmReader;
use longshore_journey::{PATIENCE, Receiver, wait_for};
use tokio::runtime::Runtime;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn config(url: &str, rules: &[(&str, Rule)]) -> PrometheusConfig {
    let rules = rules.iter().map(|(name, rule)| ((*name).to_owned(), rule.clone()));
    PrometheusConfig {
        url: url.parse().expect("a URL"),
        rules: rules.collect(),
        bearer_token_file: None,
        ca_file: None,
    }
}

fn query(query: &str, limit: Limit) -> Rule {
    Rule::Query { query: query.to_owned(), limit }
}

struct World {
    runtime: Runtime,
    alarms: Alarms,
}

impl World {
    fn new(config: PrometheusConfig) -> World {
        let prometheus = Prometheus::new(config).expect("a reader");
        World { runtime: runtime(), alarms: Alarms::new(Some(prometheus), None) }
    }

    fn read(&self, names: &[&str]) -> Vec<String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let readings = self.runtime.block_on(self.alarms.states(&names));
        readings
            .into_iter()
            .map(|reading| reading.map_or_else(|error| error.0, |state| format!("{state:?}")))
            .collect()
    }

    #[track_caller]
    fn wait(&self, names: &[&str], expected: &[&str]) {
        wait_for(&format!("{names:?} to be {expected:?}"), PATIENCE, || {
            (self.read(names) == expected).then_some(())
        });
    }

    #[track_caller]
    fn check(&self, name: &str, expected: &str) {
        assert_eq!(self.read(&[name]), [expected]);
    }
}

#[test]
fn alarms_follow_what_prometheus_scrapes() {
    let folder = tempfile::tempdir().expect("a folder");
    let prometheus = longshore_journey::Prometheus::start(folder.path());
    let world = World::new(config(
        prometheus.url(),
        &[
            ("high", query("load", Limit::Above(5.0))),
            ("low", query("load", Limit::Below(0.5))),
            ("absent", query("load_of_nobody", Limit::Above(0.0))),
            ("broken", query("sum(", Limit::Above(0.0))),
            ("nan", query("0/(load*0)", Limit::Above(0.0))),
            ("range", query("load[1m]", Limit::Above(0.0))),
            ("scalar", query("scalar(load)*10", Limit::Above(5.0))),
            ("rule", Rule::Alert(String::from("HighLoad"))),
            ("no rule", Rule::Alert(String::from("LowLoad"))),
        ],
    ));
    world.wait(&["high", "low", "scalar", "rule"], &["Ok", "Ok", "Alarm", "Ok"]);
    world.check("absent", "InsufficientData");
    world.check("nan", "Prometheus, alarm `nan`: a value of its query is NaN");
    world.check("unknown", "there is no alarm `unknown` under [alarms.prometheus.rules]");
    world.check("no rule", "Prometheus, alarm `no rule`: there is no alerting rule `LowLoad`");
    world.check(
        "range",
        "Prometheus, alarm `range`: its query answers a matrix, but must answer a vector or a scalar",
    );
    let broken = &world.read(&["broken"])[0];
    let expected = "Prometheus, alarm `broken`: bad_data (400 Bad Request): invalid parameter \"query\": 1:5: parse error";
    assert!(broken.starts_with(expected), "{broken}");

    prometheus.set_load(7.0);
    world.wait(&["rule", "absent", "low", "high"], &["Alarm", "InsufficientData", "Ok", "Alarm"]);
    prometheus.set_load(0.0);
    world.wait(&["high", "rule", "low"], &["Ok", "Ok", "Alarm"]);

    drop(prometheus);
    let gone = &world.read(&["high"])[0];
    assert!(gone.starts_with("Prometheus, alarm `high`: cannot reach `127.0.0.1:"), "{gone}");
}

/// What stands before a Prometheus that asks for tokens: here only the request and what is made of refusals
/// matter.
#[test]
fn the_token_is_sent_and_never_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::start();
    let file = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    let mut config = config(&receiver.url("/behind/"), &[("a", query("up == 1 & x", Limit::Above(5.0)))]);
    config.ca_file = Some(file("ca.pem", receiver.ca_pem()));
    config.bearer_token_file = Some(file("token", "hunter2\n"));
    let world = World::new(config);
    receiver.answer_next(&[401, 302]);
    world.check("a", "Prometheus, alarm `a`: it answered 401 Unauthorized");
    world.check("a", "Prometheus, alarm `a`: it answered 302 Found");
    let received = receiver.received();
    assert_eq!(received.len(), 2, "redirects are not followed: {received:?}");
    assert_eq!(received[0].path, "/behind/api/v1/query?query=up+%3D%3D+1+%26+x");
    assert_eq!(received[0].header("authorization"), "Bearer hunter2");
    // Tokens are renewed.
    file("token", "hunter3");
    receiver.answer_next(&[401]);
    world.check("a", "Prometheus, alarm `a`: it answered 401 Unauthorized");
    assert_eq!(receiver.received()[2].header("authorization"), "Bearer hunter3");
    std::fs::remove_file(folder.path().join("token")).expect("removed");
    let absent = &world.read(&["a"])[0];
    assert!(absent.contains("cannot read the token in `"), "{absent}");
}

#[test]
fn certificates_that_cannot_be_used_stop_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ca.pem");
    let start = || {
        let rules = BTreeMap::new();
        let url = "https://localhost:1".parse().expect("a URL");
        let config = PrometheusConfig { url, rules, bearer_token_file: None, ca_file: Some(path.clone()) };
        Prometheus::new(config).map(drop).map_err(|error| error.to_string())
    };
    let absent = start().expect_err("no file");
    assert!(absent.starts_with("cannot read the certificates `"), "{absent}");
    std::fs::write(&path, "no PEM").expect("written");
    assert_eq!(start(), Err(String::from("cannot set up the client of Prometheus")));
}
