//! Which service a request is for. Source: design.md §2, service-additions.md §1.

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method, Uri};
use longshore_model::audit::is_change;
use longshore_wire::api::{Operation, operations};
use longshore_wire::codec::{Codec, cbor};
use longshore_wire::enrollment;
use longshore_wire::host_command::{self, HostOperation, SECURE_TARGET_PREFIX};

use crate::answer::SMITHY_PROTOCOL;
use crate::api::{self, EXTENSION_TARGET_PREFIX, ExtensionOperation};
use crate::events;
use crate::host_api::Flavour;
use crate::iam;

const TARGET: &str = "x-amz-target";

/// Whom a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// CodeDeploy.
    Api(Codec, Operation),
    /// A call over RPC v2 CBOR that nobody answers.
    UnknownCbor,
    /// What only this service has.
    Extension(ExtensionOperation),
    /// What host agents call.
    Host(Flavour, HostOperation),
    /// What a machine calls to become a host.
    Enroll,
    /// A target that nobody answers, or none where one is due.
    Unknown,
    /// The bundle store.
    S3,
    /// IAM and STS.
    Identity(iam::Service),
    /// The stream of state changes.
    Events,
    /// People and probes.
    Plain,
}

impl Route {
    /// In the order of design.md §2.
    pub(crate) fn of(method: &Method, uri: &Uri, headers: &HeaderMap) -> Route {
        if let Some(route) = Route::of_cbor(method, uri, headers) {
            return route;
        }
        if let Some(target) = headers.get(TARGET) {
            return target.to_str().ok().and_then(Route::of_target).unwrap_or(Route::Unknown);
        }
        match claimed_service(uri, headers).as_deref() {
            Some("s3") => Route::S3,
            Some("iam") => Route::Identity(iam::Service::Iam),
            Some("sts") => Route::Identity(iam::Service::Sts),
            Some(api::SIGNING_NAME) if *method == Method::GET && uri.path() == events::PATH => Route::Events,
            Some(_) => Route::Unknown,
            None if is_old_s3(uri, headers) => Route::S3,
            None if is_json(headers) => Route::Unknown,
            None => Route::Plain,
        }
    }

    /// By its path and its protocol header; one without the other is a mistake, not another service's
    /// call. A target is refused beside them: what stands before this server might have judged by it.
    fn of_cbor(method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Route> {
        let name = uri.path().strip_prefix(cbor::PATH_PREFIX);
        let is_announced = headers.get(SMITHY_PROTOCOL).is_some_and(|value| value == cbor::PROTOCOL);
        if name.is_none() && !is_announced {
            return None;
        }
        let is_call = is_announced && *method == Method::POST && !headers.contains_key(TARGET);
        let operation = name.filter(|_| is_call).and_then(Operation::from_name);
        Some(operation.map_or(Route::UnknownCbor, |operation| Route::Api(Codec::Cbor, operation)))
    }

    fn of_target(target: &str) -> Option<Route> {
        let (prefix, name) = target.split_once('.')?;
        match prefix {
            operations::TARGET_PREFIX => {
                Operation::from_name(name).map(|operation| Route::Api(Codec::Json, operation))
            }
            EXTENSION_TARGET_PREFIX => ExtensionOperation::from_name(name).map(Route::Extension),
            enrollment::HOST_TARGET_PREFIX => Some(Route::Enroll).filter(|_| name == enrollment::ENROLL_HOST),
            host_command::operations::TARGET_PREFIX => {
                HostOperation::from_name(name).map(|operation| Route::Host(Flavour::Classic, operation))
            }
            SECURE_TARGET_PREFIX => {
                HostOperation::from_name(name).map(|operation| Route::Host(Flavour::Secure, operation))
            }
            _ => None,
        }
    }

    /// What an error is written in.
    pub(crate) fn codec(self) -> Codec {
        match self {
            Route::Api(codec, _) => codec,
            Route::UnknownCbor => Codec::Cbor,
            Route::Extension(_)
            | Route::Host(..)
            | Route::Enroll
            | Route::Unknown
            | Route::S3
            | Route::Identity(_)
            | Route::Events
            | Route::Plain => Codec::Json,
        }
    }

    /// Whether what comes of it may be for the audit trail.
    pub(crate) fn is_audited(self, method: &Method) -> bool {
        match self {
            Route::Api(_, operation) => is_change(operation.name()),
            Route::Extension(operation) => is_change(operation.name()),
            Route::S3 => method != Method::GET && method != Method::HEAD,
            Route::Enroll | Route::Identity(_) => true,
            Route::Host(..) | Route::Unknown | Route::UnknownCbor | Route::Events | Route::Plain => false,
        }
    }

    /// Service and operation, for log and metrics.
    pub(crate) fn labels(self) -> (&'static str, &'static str) {
        match self {
            Route::UnknownCbor => ("codedeploy", "unknown"),
            Route::Api(_, operation) => ("codedeploy", operation.name()),
            Route::Extension(operation) => ("longshore", operation.name()),
            Route::Host(Flavour::Classic, operation) => ("codedeploy-commands", operation.name()),
            Route::Host(Flavour::Secure, operation) => ("codedeploy-commands-secure", operation.name()),
            Route::Enroll => ("longshore-host", enrollment::ENROLL_HOST),
            Route::Unknown => ("unknown", "unknown"),
            Route::S3 => ("s3", "request"),
            Route::Identity(iam::Service::Iam) => ("iam", "request"),
            Route::Identity(iam::Service::Sts) => ("sts", "request"),
            Route::Events => ("longshore", "events"),
            Route::Plain => ("plain", "request"),
        }
    }
}

/// The service in the credential scope, even of a claim that is otherwise broken: whoever is meant
/// says so in its own words.
fn claimed_service(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let credential = match headers.get(AUTHORIZATION) {
        Some(value) => {
            let (_, rest) = value.to_str().ok()?.split_once("Credential=")?;
            rest.split(',').next()?.trim().to_owned()
        }
        None => {
            let query = form_urlencoded::parse(uri.query()?.as_bytes());
            query.into_iter().find(|(name, _)| name == "X-Amz-Credential")?.1.into_owned()
        }
    };
    credential.rsplit('/').nth(1).map(str::to_owned)
}

/// A signature of version 2, which the bundle store refuses in S3's own words.
fn is_old_s3(uri: &Uri, headers: &HeaderMap) -> bool {
    let has_header = headers.get(AUTHORIZATION).is_some_and(|value| value.as_bytes().starts_with(b"AWS "));
    has_header || uri.query().is_some_and(|query| query.split('&').any(|pair| pair.starts_with("Signature=")))
}

/// A call of a JSON service that does not say which operation it means.
fn is_json(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/x-amz-json-"))
}
