//! The `s3` and `s3api` commands of the AWS CLI, as people and scripts use them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;

use longshore_clients::{passes, python_script};
use longshore_journey::{Aws, PATIENCE, Server, wait_for};

/// A folder with two small files and one that is uploaded in parts.
fn source(folder: &Path) -> Vec<u8> {
    std::fs::create_dir_all(folder.join("source/sub")).unwrap();
    std::fs::write(folder.join("source/a.txt"), "first").unwrap();
    std::fs::write(folder.join("source/sub/b & c.txt"), "second").unwrap();
    let large: Vec<u8> = (0..20_000_003_u32).map(|at| (at % 251) as u8).collect();
    std::fs::write(folder.join("source/large.bin"), &large).unwrap();
    large
}

/// The lines of an output, in no order: transfers run beside each other.
#[track_caller]
fn check_lines(printed: &str, expected: &[&str]) {
    let lines: BTreeSet<&str> = printed.lines().map(str::trim).collect();
    assert_eq!(lines, expected.iter().copied().collect());
}

#[test]
fn folders_go_up_across_and_down() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("control"), "");
    let aws = Aws::new(&server, folder.path());
    let large = source(folder.path());

    assert_eq!(aws.ok("s3 mb s3://one"), "make_bucket: one\n");
    aws.ok("s3 mb s3://two");
    check_lines(
        &aws.ok("s3 sync source s3://one/app --no-progress"),
        &[
            "upload: source/a.txt to s3://one/app/a.txt",
            "upload: source/large.bin to s3://one/app/large.bin",
            "upload: source/sub/b & c.txt to s3://one/app/sub/b & c.txt",
        ],
    );
    assert_eq!(aws.ok("s3 sync source s3://one/app"), "", "nothing changed, so nothing goes up");
    let listed = aws.ok("s3 ls s3://one/app/");
    assert!(listed.contains("PRE sub/") && listed.contains(" 20000003 large.bin"), "{listed}");
    let summary = aws.ok("s3 ls s3://one --recursive --summarize --human-readable");
    assert!(summary.contains("Total Objects: 3") && summary.contains("19.1 MiB"), "{summary}");

    aws.ok("s3 sync s3://one/app s3://two/copy --no-progress");
    std::fs::remove_file(folder.path().join("source/a.txt")).unwrap();
    let synced = aws.ok("s3 sync source s3://two/copy --delete --no-progress");
    assert_eq!(synced, "delete: s3://two/copy/a.txt\n");
    aws.ok("s3 cp s3://two/copy/large.bin across.bin --no-progress");
    assert!(std::fs::read(folder.path().join("across.bin")).unwrap() == large, "all bytes, in order");
    aws.ok("s3 sync s3://one/app down --no-progress");
    assert_eq!(std::fs::read(folder.path().join("down/sub/b & c.txt")).unwrap(), b"second");

    aws.ok("s3 mv s3://two/copy/large.bin s3://one/moved.bin --no-progress");
    assert!(aws.fails("s3 ls s3://two/copy/large.bin").is_empty(), "what was moved is gone");
    assert_eq!(aws.ok("s3 cp s3://one/app/a.txt -"), "first");
    check_lines(
        &aws.ok("s3 rm s3://one --recursive --exclude moved.bin"),
        &[
            "delete: s3://one/app/a.txt",
            "delete: s3://one/app/large.bin",
            "delete: s3://one/app/sub/b & c.txt",
        ],
    );
    assert!(aws.fails("s3 rb s3://one").contains("BucketNotEmpty"));
    assert!(aws.ok("s3 rb s3://one --force").ends_with("remove_bucket: one\n"));
    assert!(aws.ok("s3 ls").ends_with(" two\n"));
    assert!(aws.fails("s3 ls s3://one").contains("(NoSuchBucket)"));
    assert!(aws.fails("s3 cp s3://two/none none").contains("(404)"));
}

#[test]
fn a_presigned_url_needs_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("control"), "");
    let aws = Aws::new(&server, folder.path());
    std::fs::write(folder.path().join("a.txt"), "first").unwrap();
    aws.ok("s3 mb s3://one");
    aws.ok("s3 cp a.txt s3://one/a.txt");
    let url = aws.ok("s3 presign s3://one/a.txt --expires-in 600");
    let fetch =
        "import sys, urllib.request; sys.stdout.write(urllib.request.urlopen(sys.argv[1]).read().decode())";
    let mut python = std::process::Command::new(longshore_clients::python());
    assert_eq!(passes(python.args(["-c", fetch, url.trim()])), "first");
}

#[test]
fn versions_and_uploads_are_looked_after() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("control"), "[timeouts]\nupload = 3\n");
    let aws = Aws::new(&server, folder.path());
    std::fs::write(folder.path().join("a.txt"), "first").unwrap();
    aws.ok("s3api create-bucket --bucket one");
    aws.ok("s3api put-bucket-versioning --bucket one --versioning-configuration Status=Enabled");
    let first = aws.value("s3api put-object --bucket one --key a --body a.txt", "VersionId");
    let second = aws.value("s3api put-object --bucket one --key a --body a.txt", "VersionId");
    assert_ne!(first, second);
    let versions = aws.value("s3api list-object-versions --bucket one", "Versions[].VersionId");
    assert_eq!(versions.split_whitespace().collect::<Vec<_>>(), [&second, &first]);
    assert_eq!(aws.value("s3api delete-object --bucket one --key a", "DeleteMarker"), "True");
    assert!(aws.fails("s3api get-object --bucket one --key a out").contains("(NoSuchKey)"));
    aws.ok(&format!("s3api get-object --bucket one --key a --version-id {first} out"));
    assert_eq!(std::fs::read(folder.path().join("out")).unwrap(), b"first");

    let upload = aws.value("s3api create-multipart-upload --bucket one --key b", "UploadId");
    let part = format!("--bucket one --key b --upload-id {upload}");
    aws.ok(&format!("s3api upload-part {part} --part-number 1 --body a.txt"));
    // What nobody finishes goes after the time that the server was told.
    let query = "s3api list-multipart-uploads --bucket one";
    wait_for("the upload's end", PATIENCE, || (aws.value(query, "Uploads[].Key") == "None").then_some(()));
    assert!(aws.fails(&format!("s3api list-parts {part}")).contains("(NoSuchUpload)"));
    let files = std::fs::read_dir(server.data_dir().join("bundles/content")).unwrap().count();
    assert_eq!(files, 2, "the two versions' files; the part's is gone");
}

/// The server is killed while an upload is under way: nothing of it is seen, nothing stays on the disk.
#[test]
fn a_kill_during_an_upload_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(&folder.path().join("control"), "");
    let aws = Aws::new(&server, folder.path());
    std::fs::write(folder.path().join("a.txt"), "first").unwrap();
    aws.ok("s3 mb s3://one");
    aws.ok("s3 cp a.txt s3://one/k");
    let incoming = server.data_dir().join("bundles/incoming");
    let written = || -> u64 {
        let files = std::fs::read_dir(&incoming).unwrap();
        files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len())).sum()
    };
    let mut half = python_script(&server, folder.path(), "half_an_upload.py", &["one", "k"]).spawn().unwrap();
    wait_for("half an upload on the disk", PATIENCE, || (written() > 1_000_000).then_some(()));
    server.kill_9_and_restart();
    half.wait().unwrap();
    assert_eq!(std::fs::read_dir(&incoming).unwrap().count(), 0);
    assert_eq!(aws.ok("s3 cp s3://one/k -"), "first");
    let files = std::fs::read_dir(server.data_dir().join("bundles/content")).unwrap().count();
    assert_eq!(files, 1);
}

/// Chunks that are signed one by one, as the Java and .NET SDKs send them; botocore computes the signatures.
#[test]
fn signed_chunks() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("control"), "");
    passes(&mut python_script(&server, folder.path(), "signed_chunks.py", &[]));
}
