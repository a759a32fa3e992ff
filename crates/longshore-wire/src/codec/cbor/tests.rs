use super::*;
use crate::api::shapes::{
    CreateDeploymentInput, DeploymentInfo, DeploymentOverview, ListDeploymentsInput, TagResourceInput,
};
use crate::codec::{NoOutput, Time};
use longshore_model::time::Timestamp;

/// Bytes from hexadecimal digits; blanks are for the reader.
fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.chars().filter(|char| !char.is_whitespace()).collect();
    hex::decode(&digits).expect("hexadecimal digits")
}

/// `ListDeployments` with `createTimeRange.start` written as `hex`.
fn with_start(hex: &str) -> Vec<u8> {
    // {"createTimeRange": {"start": …}}
    bytes(&format!("a1 6f 63726561746554696d6552616e6765 a1 65 7374617274 {hex}"))
}

#[track_caller]
fn check_start(hex: &str, expected_millis: i64) {
    let input: ListDeploymentsInput = decode(&with_start(hex)).expect(hex);
    let start = input.create_time_range.expect("a range").start.expect("a start");
    assert_eq!(start.0.millis(), expected_millis, "{hex}");
}

#[track_caller]
fn check_refused<T: DeserializeOwned + std::fmt::Debug>(body: &[u8], expected: &str) {
    let error = decode::<T>(body).expect_err(expected);
    assert_eq!(error.code, "SerializationException");
    assert!(error.message.contains(expected), "{} does not have {expected}", error.message);
}

#[track_caller]
fn check_malformed(hex: &str, expected: &str) {
    let error = check_syntax(&bytes(hex)).expect_err(hex);
    assert_eq!(error.code, "SerializationException");
    assert!(error.message.contains(expected), "{hex}: {} does not have {expected}", error.message);
    assert!(decode::<ListDeploymentsInput>(&bytes(hex)).is_err(), "{hex}");
}

#[test]
fn an_empty_body_is_an_empty_map() {
    for hex in ["", "a0", "bf ff"] {
        assert_eq!(
            decode::<ListDeploymentsInput>(&bytes(hex)).expect(hex),
            ListDeploymentsInput::default(),
            "{hex}"
        );
        assert!(check_syntax(&bytes(hex)).is_ok(), "{hex}");
    }
}

#[test]
fn lengths_may_be_indefinite() {
    // As botocore writes it: {_ "applicationName": "web", "includeOnlyStatuses": [_ "Failed"]}
    let hex = "bf 6f 6170706c69636174696f6e4e616d65 63 776562 \
               73 696e636c7564654f6e6c795374617475736573 9f 66 4661696c6564 ff ff";
    let expected = ListDeploymentsInput {
        application_name: Some(String::from("web")),
        include_only_statuses: Some(vec![String::from("Failed")]),
        ..ListDeploymentsInput::default()
    };
    assert_eq!(decode::<ListDeploymentsInput>(&bytes(hex)).expect("read"), expected);
    // The texts in parts: the name of the member, and its value.
    let hex = "bf 7f 6b 6170706c69636174696f6e 64 4e616d65 ff 7f 62 7765 60 61 62 ff \
               73 696e636c7564654f6e6c795374617475736573 81 66 4661696c6564 ff";
    assert_eq!(decode::<ListDeploymentsInput>(&bytes(hex)).expect("read"), expected);
    assert!(check_syntax(&bytes(hex)).is_ok());
}

#[test]
fn null_and_undefined_are_absent_and_unknown_members_are_ignored() {
    // {"applicationName": null, "later": {_ 0: [_ h'', tag 99 (-1)], "x": undefined}, "externalId": undefined}
    let hex = "bf 6f 6170706c69636174696f6e4e616d65 f6 \
               65 6c61746572 bf 00 9f 40 d863 20 ff 61 78 f7 ff 6a 65787465726e616c4964 f7 ff";
    assert_eq!(decode::<ListDeploymentsInput>(&bytes(hex)).expect("read"), ListDeploymentsInput::default());
    assert!(check_syntax(&bytes(hex)).is_ok());
}

#[test]
fn a_time_is_tag_1_with_an_integer_or_a_float() {
    check_start("c1 1a 5ccc98a3", 1_556_912_291_000);
    check_start("c1 fb 41d7332628f89375", 1_556_912_291_884);
    check_start("c1 fa 4eb99931", 1_556_912_256_000);
    check_start("c1 f9 3e00", 1_500);
    check_start("c1 20", -1_000);
}

#[test]
fn a_time_may_be_written_as_in_json_too() {
    check_start("1a 5ccc98a3", 1_556_912_291_000);
    check_start("fb 41d7332628f89375", 1_556_912_291_884);
    check_start("74 323031392d30352d30335431393a33393a31355a", 1_556_912_355_000);
    check_start("c0 74 323031392d30352d30335431393a33393a31355a", 1_556_912_355_000);
}

#[test]
fn what_is_no_time_is_refused_by_name() {
    for hex in [
        "c1 61 78",               // tag 1 is for numbers
        "c0 01",                  // tag 0 is for texts
        "c2 41 01",               // a big number
        "c1 c1 01",               // tagged twice
        "c1 fb 7ff0000000000000", // infinite
        "c1 fb 7ff8000000000000", // not a number
        "c1 1b ffffffffffffffff", // beyond any calendar
        "c1 3b ffffffffffffffff", // before any
        "f5",                     // true
        "a0",                     // a map
        "65 6e65766572",          // never
    ] {
        check_refused::<ListDeploymentsInput>(&with_start(hex), "`createTimeRange.start`");
    }
}

#[test]
fn an_error_names_the_member() {
    let name = "6f 6170706c69636174696f6e4e616d65";
    check_refused::<CreateDeploymentInput>(
        &bytes(&format!("a1 {name} 05")),
        "The member `applicationName` is not as expected: invalid type: integer `5`, expected a string",
    );
    check_refused::<CreateDeploymentInput>(&bytes(&format!("a1 {name} 43 616263")), "`applicationName`");
    check_refused::<CreateDeploymentInput>(
        &bytes(&format!("a1 {name} c1 63 616263")),
        "the tag 1 is not expected",
    );
    // {"revision": {"s3Location": "x"}} and {"revision": []}
    let revision = "68 7265766973696f6e";
    check_refused::<CreateDeploymentInput>(
        &bytes(&format!("a1 {revision} bf 6a 73334c6f636174696f6e 61 78 ff")),
        "`revision.s3Location`",
    );
    check_refused::<CreateDeploymentInput>(
        &bytes(&format!("a1 {revision} 80")),
        "The member `revision` is not as expected: invalid type: sequence",
    );
    // {"Tags": [{"Key": "a"}, {"Key": 1}]} and {"Tags": [null]}
    let tags = "64 54616773";
    check_refused::<TagResourceInput>(
        &bytes(&format!("a1 {tags} 9f a1 63 4b6579 61 61 bf 63 4b6579 01 ff ff")),
        "`Tags[1].Key`",
    );
    check_refused::<TagResourceInput>(&bytes(&format!("a1 {tags} 81 f6")), "`Tags[0]` is not as expected");
    check_refused::<TagResourceInput>(&bytes("a1 00 01"), "the name of a member is a text");
    check_refused::<TagResourceInput>(&bytes("80"), "invalid type: sequence");
    check_refused::<TagResourceInput>(&bytes("f6"), "invalid type: null");
}

#[test]
fn what_is_not_cbor_is_refused() {
    check_malformed("bf", "not CBOR");
    check_malformed("a1", "not CBOR");
    check_malformed("ff", "not CBOR");
    check_malformed("a0 00", "1 bytes follow its end");
    check_malformed("bf 61 78 ff", "a map ends after a key");
    check_malformed("a1 61 78 ff", "a break where none is due");
    check_malformed("9f c1 ff", "a break where none is due");
    check_malformed("a1 61 78 1c", "not CBOR");
    check_malformed("a1 61 78 62 c328", "not CBOR");
    check_malformed("a1 61 78 7f 41 61 ff", "not CBOR");
    check_malformed("7b 226170706c69636174696f6e4e616d65223a2261227d", "not CBOR"); // {"applicationName":"a"}
}

#[test]
fn nesting_and_claimed_lengths_cost_nothing() {
    // {"x": [[[[…]]]]}: deeper than anything that is meant, in each way of nesting.
    for open in [&[0x81_u8][..], &[0x9f], &[0xc1], &[0xa1, 0x00], &[0xbf, 0x00]] {
        let mut body = bytes("a1 61 78");
        for _ in 0..500_000 / open.len() {
            body.extend_from_slice(open);
        }
        let error = check_syntax(&body).expect_err("too deep");
        assert!(error.message.contains("nested too deep"), "{}", error.message);
        check_refused::<ListDeploymentsInput>(&body, "nested too deep");
    }
    // The limit is one, whether a member is read or passed over.
    for (n_levels, is_fine) in [(super::MAX_DEPTH - 1, true), (super::MAX_DEPTH, false)] {
        let mut body = bytes("a1 61 78");
        body.extend(std::iter::repeat_n(0xd3, n_levels));
        body.push(0x00);
        assert_eq!(check_syntax(&body).is_ok(), is_fine, "{n_levels}");
        assert_eq!(decode::<ListDeploymentsInput>(&body).is_ok(), is_fine, "{n_levels}");
    }
    // Heads that claim 2^64-1 items or bytes, and then the end.
    for head in ["9b", "bb", "5b", "7b"] {
        check_malformed(&format!("a1 61 78 {head} ffffffffffffffff"), "not CBOR");
        check_malformed(&format!("a1 73 696e636c7564654f6e6c795374617475736573 {head} ffffffffffffffff"), "");
    }
}

#[test]
fn times_are_written_tagged_and_nothing_is_null() {
    let info = DeploymentInfo {
        create_time: Some(Time(Timestamp::from_millis(1_556_912_291_884))),
        deployment_overview: Some(DeploymentOverview { pending: Some(300), ..Default::default() }),
        ..DeploymentInfo::default()
    };
    let written = encode(&info).expect("written");
    let expected = "a2 6a 63726561746554696d65 c1 fb 41d7332628f89375 \
                    72 6465706c6f796d656e744f76657276696577 a1 67 50656e64696e67 19 012c";
    assert_eq!(hex::encode(&written), hex::encode(bytes(expected)));
    assert_eq!(decode::<DeploymentInfo>(&written).expect("read"), info);
    assert_eq!(encode(&NoOutput {}).expect("written"), [0xa0]);
}

#[test]
fn an_error_is_a_map_of_two_members() {
    let error = ApiError::client("RoleRequiredException", "No role.");
    let expected = "a2 66 5f5f74797065 75 526f6c655265717569726564457863657074696f6e \
                    67 6d657373616765 68 4e6f20726f6c652e";
    assert_eq!(hex::encode(error.to_cbor()), hex::encode(bytes(expected)));
}
