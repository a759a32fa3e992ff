//! Envelopes: ours read by openssl, openssl's and a recorded one read by us, altered ones by nobody.

use std::path::Path;
use std::process::Command;

use longshore_model::time::Timestamp;
use longshore_wire::envelope::{EnvelopeError, Signer, SignerCa, Trust, open, verify};
use longshore_wire::host_command::shapes::Envelope;
use longshore_wire::host_command::specification::Specification;

const RECORDED: &str = include_str!("fixtures/envelopes/recorded-rsa.pem");

/// When the envelope was recorded.
const NOW: Timestamp = Timestamp::from_millis(1_795_376_838_000);

fn signer() -> Signer {
    Signer::generate("Longshore", NOW).expect("a signer")
}

/// Runs openssl in `folder`; nothing when this machine has none.
fn openssl(folder: &Path, args: &[&str]) -> Option<Vec<u8>> {
    let output = Command::new("openssl").current_dir(folder).args(args).output().ok()?;
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

#[track_caller]
fn check_error(result: Result<Vec<u8>, EnvelopeError>, expected: &str) {
    assert_eq!(result.expect_err("refused").to_string(), expected);
}

#[test]
fn what_is_signed_is_read() {
    let signer = signer();
    let payload = signer.sign(b"{\"a\":1}", NOW).expect("signed");
    assert!(payload.starts_with("-----BEGIN PKCS7-----\n") && payload.ends_with("-----END PKCS7-----\n"));
    let pinned = Trust::Ca(SignerCa::from_pem(signer.certificate_pem()).expect("a certificate"));
    assert_eq!(verify(&payload, &Trust::Embedded, NOW).expect("good"), b"{\"a\":1}");
    assert_eq!(verify(&payload, &pinned, NOW).expect("good"), b"{\"a\":1}");
    assert_eq!(verify(payload.replace('\n', "\r\n"), &pinned, NOW).expect("good"), b"{\"a\":1}");
}

#[test]
fn a_signer_comes_back_from_its_file() {
    let first = signer();
    let second = Signer::from_pem(&first.to_pem()).expect("a signer");
    assert_eq!(first.certificate_pem(), second.certificate_pem());
    let pinned = Trust::Ca(SignerCa::from_pem(first.certificate_pem()).expect("a certificate"));
    verify(second.sign(b"x", NOW).expect("signed"), &pinned, NOW).expect("good");
    assert!(!format!("{second:?}").contains("PRIVATE"));
}

#[test]
fn a_key_with_somebody_elses_certificate_is_no_signer() {
    let pem = signer().to_pem();
    let (key, _) = pem.split_once("-----BEGIN CERTIFICATE-----").expect("two parts");
    let mixed = format!("{key}{}", signer().certificate_pem());
    let error = Signer::from_pem(&mixed).expect_err("refused");
    assert_eq!(error.to_string(), "the signer's certificate does not belong to its key");
    assert!(Signer::from_pem("").is_err());
}

#[test]
fn a_stranger_is_not_believed_when_the_signer_is_pinned() {
    let pinned = Trust::Ca(SignerCa::from_pem(signer().certificate_pem()).expect("a certificate"));
    let payload = signer().sign(b"x", NOW).expect("signed");
    verify(&payload, &Trust::Embedded, NOW).expect("good in itself");
    check_error(verify(&payload, &pinned, NOW), "Validation of PKCS7 signed message failed");
}

#[test]
fn a_pinned_signer_is_believed_only_while_it_is_valid() {
    let signer = signer();
    let payload = signer.sign(b"x", NOW).expect("signed");
    let pinned = Trust::Ca(SignerCa::from_pem(signer.certificate_pem()).expect("a certificate"));
    let year_millis = 366 * 24 * 3600 * 1000;
    for years in [-1, 21] {
        let then = Timestamp::from_millis(NOW.millis() + years * year_millis);
        check_error(verify(&payload, &pinned, then), "Validation of PKCS7 signed message failed");
    }
    let later = Timestamp::from_millis(NOW.millis() + 19 * year_millis);
    verify(&payload, &pinned, later).expect("good");
}

#[test]
fn the_recorded_envelope_holds_a_specification() {
    let content = verify(RECORDED, &Trust::Embedded, NOW).expect("good");
    let specification = Specification::from_json(&content).expect("a specification");
    assert_eq!(specification.deployment_id, "d-WIRE00001");
    assert_eq!(specification.application_name, "app-one");
}

#[test]
fn no_single_changed_byte_goes_unnoticed() {
    use base64::Engine;
    let base64 = base64::engine::general_purpose::STANDARD;
    let payload = signer().sign(b"{\"DeploymentId\":\"d-1\"}", NOW).expect("signed");
    let armour: String = payload.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64.decode(armour).expect("base64");
    assert_eq!(verify(&der, &Trust::Embedded, NOW).expect("DER is read"), b"{\"DeploymentId\":\"d-1\"}");
    for idx in 0..der.len() {
        let mut altered = der.clone();
        altered[idx] ^= 0x01;
        // What is not signed may change (the certificate's own signature); the content may not.
        if let Ok(content) = verify(&altered, &Trust::Embedded, NOW) {
            assert_eq!(content, b"{\"DeploymentId\":\"d-1\"}", "byte {idx}");
        }
    }
    let start = der.windows(4).position(|window| window == b"d-1\"").expect("the content");
    let mut altered = der;
    altered[start + 2] = b'2';
    check_error(verify(&altered, &Trust::Embedded, NOW), "Validation of PKCS7 signed message failed");
}

#[test]
fn what_is_not_an_envelope_is_named() {
    let of = |format: Option<&str>, payload: &str| {
        let envelope = Envelope { format: format.map(str::to_owned), payload: Some(payload.to_owned()) };
        open(Some(&envelope), &Trust::Embedded, NOW)
    };
    check_error(open(None, &Trust::Embedded, NOW), "Provided deployment spec was nil");
    check_error(of(Some("TEXT/JSON"), "{}"), "Unsupported DeploymentSpecification format: TEXT/JSON");
    check_error(of(None, "{}"), "Unsupported DeploymentSpecification format: ");
    check_error(of(Some("PKCS7/JSON"), "{}"), "Could not parse the PKCS7: no start line");
    check_error(of(Some("PKCS7/JSON"), ""), "Could not parse the PKCS7: no start line");
    let cms = RECORDED.replace("PKCS7", "CMS");
    check_error(of(Some("PKCS7/JSON"), &cms), "Could not parse the PKCS7: no start line");
    assert!(of(Some("PKCS7/JSON"), RECORDED).is_ok());
}

#[test]
fn a_usual_specification_is_far_below_the_limit() {
    let key = "k".repeat(1024);
    let json = format!("{{\"Revision\":\"{key}\",\"Rest\":\"{}\"}}", "r".repeat(1000));
    let payload = signer().sign(json.as_bytes(), NOW).expect("signed");
    assert!(payload.len() < 5000, "{}", payload.len());
}

#[test]
fn openssl_reads_ours() {
    let folder = tempfile::tempdir().expect("a folder");
    let signer = signer();
    let payload = signer.sign(b"content of ours", NOW).expect("signed");
    std::fs::write(folder.path().join("in.pem"), payload).expect("written");
    std::fs::write(folder.path().join("ca.pem"), signer.certificate_pem()).expect("written");
    let pkcs7 = ["cms", "-verify", "-noverify", "-inform", "PEM", "-binary", "-in", "in.pem"];
    let Some(content) = openssl(folder.path(), &pkcs7) else { return };
    assert_eq!(content, b"content of ours");
    let at = (NOW.millis() / 1000).to_string();
    let smime = ["smime", "-verify", "-binary", "-inform", "PEM", "-in", "in.pem", "-CAfile", "ca.pem"];
    let content = openssl(folder.path(), &[&smime[..], &["-attime", &at]].concat());
    assert_eq!(content.expect("openssl is there"), b"content of ours");
}

/// Makes a key and a self-signed certificate `<name>.key`, `<name>.crt`.
fn make_certificate(folder: &Path, name: &str, key: &[&str], subject: &str) -> Option<Vec<u8>> {
    let (key_file, certificate) = (format!("{name}.key"), format!("{name}.crt"));
    let rest =
        ["-nodes", "-keyout", &key_file, "-x509", "-out", &certificate, "-subj", subject, "-days", "1"];
    openssl(folder, &[&["req"], key, &rest[..]].concat())
}

#[track_caller]
fn check_openssl_signs(key: &[&str], options: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("content"), "content of theirs").expect("written");
    if make_certificate(folder.path(), "signer", key, "/CN=somebody").is_none() {
        return;
    }
    let args = ["cms", "-sign", "-nodetach", "-binary", "-signer", "signer.crt", "-inkey", "signer.key"];
    let files = ["-in", "content", "-out", "out", "-outform"];
    let sign = |form: &str| openssl(folder.path(), &[&args[..], options, &files[..], &[form]].concat());
    sign("PEM").expect("openssl is there");
    let pem = std::fs::read_to_string(folder.path().join("out")).expect("written").replace(" CMS", " PKCS7");
    assert_eq!(verify(&pem, &Trust::Embedded, NOW).expect("good"), b"content of theirs", "{options:?}");
    sign("DER").expect("openssl is there");
    let der = std::fs::read(folder.path().join("out")).expect("written");
    assert_eq!(verify(&der, &Trust::Embedded, NOW).expect("good"), b"content of theirs", "{options:?}");
    let mut altered = der;
    let start = altered.windows(6).position(|window| window == b"theirs").expect("the content");
    altered[start] ^= 1;
    check_error(verify(&altered, &Trust::Embedded, NOW), "Validation of PKCS7 signed message failed");
}

#[test]
fn openssls_are_read() {
    let rsa: &[&str] = &["-newkey", "rsa:2048"];
    let p256: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
    check_openssl_signs(rsa, &["-md", "sha256"]);
    check_openssl_signs(rsa, &["-md", "sha1"]);
    check_openssl_signs(rsa, &["-md", "sha256", "-noattr"]);
    check_openssl_signs(rsa, &["-md", "sha1", "-noattr"]);
    check_openssl_signs(rsa, &["-md", "sha256", "-keyid"]);
    check_openssl_signs(p256, &["-md", "sha256"]);
    check_openssl_signs(p256, &["-md", "sha256", "-noattr"]);
    // Lengths left open, content in pieces.
    check_openssl_signs(rsa, &["-md", "sha256", "-stream"]);
}

#[test]
fn a_signer_below_the_ca_must_have_a_signers_name() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("content"), "content").expect("written");
    let p256: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
    if make_certificate(folder.path(), "ca", p256, "/CN=ca").is_none() {
        return;
    }
    let pem = std::fs::read_to_string(folder.path().join("ca.crt")).expect("written");
    let trust = Trust::Ca(SignerCa::from_pem(&pem).expect("a CA"));
    let message = |subject: &str| {
        std::fs::write(folder.path().join("leaf.ext"), "basicConstraints=CA:FALSE\n").expect("written");
        let request =
            ["-nodes", "-keyout", "leaf.key", "-new", "-out", "leaf.csr", "-subj", subject, "-batch"];
        openssl(folder.path(), &[&["req"], p256, &request[..]].concat()).expect("openssl is there");
        let issue = "x509 -req -in leaf.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 1 -extfile leaf.ext -out leaf.crt";
        openssl(folder.path(), &issue.split(' ').collect::<Vec<_>>()).expect("openssl is there");
        let sign =
            "cms -sign -nodetach -binary -signer leaf.crt -inkey leaf.key -in content -outform DER -out out";
        openssl(folder.path(), &sign.split(' ').collect::<Vec<_>>()).expect("openssl is there");
        std::fs::read(folder.path().join("out")).expect("written")
    };
    let good = message("/CN=codedeploy-signer-us-east-1.amazonaws.com");
    let other = message("/CN=www.example.com");
    // openssl dates its certificates by the real clock: both are valid from now on.
    let since_epoch = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_millis();
    let now = Timestamp::from_millis(i64::try_from(since_epoch).expect("before the end of time"));
    assert_eq!(verify(&good, &trust, now).expect("good"), b"content");
    check_error(verify(&other, &trust, now), "Validation of PKCS7 signed message failed");
    let year_later = Timestamp::from_millis(now.millis() + 366 * 24 * 3600 * 1000);
    check_error(verify(&good, &trust, year_later), "Validation of PKCS7 signed message failed");
}
