//! The AWS SDK for JavaScript under Node; what is asked and expected stands in `javascript/journey.mjs`.

use longshore_clients::{javascript, passes};
use longshore_journey::{App, Aws, Host, Server};

#[test]
fn a_journey_with_paginators_a_waiter_and_typed_errors() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("control"), "[api]\npage_size = 2\n");
    let host = Host::add(&server, folder.path(), "web-1");
    let app = App::write(&folder.path().join("source"), "by JavaScript\n");
    let aws = Aws::new(&server, folder.path());
    aws.ok("s3 mb s3://bundles");
    aws.ok("deploy create-application --application-name pushed");
    let source = app.folder().display();
    let push = "deploy push --application-name pushed --s3-location s3://bundles/app.zip";
    aws.ok(&format!("{push} --source {source}"));
    aws.ok("deploy delete-application --application-name pushed");

    let mut journey = javascript(&server, folder.path(), "journey.mjs");
    passes(journey.args([host.name(), "bundles", "app.zip"]));
    assert_eq!(host.lines("app/version.txt"), ["by JavaScript"]);
}
