//! AWS's services of the query protocol, as the operator: CloudWatch and SNS.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use longshore_engine::outside::OutsideError;
use longshore_wire::client::{CallError, Client, ClientConfig};
use longshore_wire::profile;
use longshore_wire::sigv4::Credentials;

use crate::reason::{chain, in_time, reason};

/// How long one call may take: alarms are looked at every 30 s.
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// More regions than AWS has. Topics name regions, and anybody who may make a trigger names topics.
const MAX_CLIENTS: usize = 64;

/// Where the operator's keys for AWS are.
#[derive(Clone, Debug, Default)]
pub enum AwsKeys {
    /// Nowhere.
    #[default]
    None,
    /// Here.
    Given(Credentials),
    /// In a profile of a shared credentials file, which is read for every call: keys are renewed there.
    Profile {
        /// The file.
        file: PathBuf,
        /// The profile's name.
        profile: String,
    },
}

impl AwsKeys {
    async fn current(&self) -> Result<Credentials, OutsideError> {
        match self {
            AwsKeys::None => Err(reason(
                "this server has no keys for AWS: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, \
                 or credentials_file under [aws]",
            )),
            AwsKeys::Given(credentials) => Ok(credentials.clone()),
            AwsKeys::Profile { file, profile } => {
                let text = tokio::fs::read_to_string(file).await.map_err(|error| {
                    reason(format!("cannot read the keys for AWS in `{}`: {error}", file.display()))
                })?;
                profile::credentials(&text, std::slice::from_ref(profile)).ok_or_else(|| {
                    reason(format!("`{}` has no keys in the profile `{profile}`", file.display()))
                })
            }
        }
    }
}

/// One service of AWS, in any region.
pub(crate) struct QueryService {
    name: &'static str,
    version: &'static str,
    endpoint: Option<String>,
    keys: AwsKeys,
    clients: Mutex<HashMap<String, Client>>,
}

impl fmt::Debug for QueryService {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let QueryService { name, endpoint, .. } = self;
        formatter
            .debug_struct("QueryService")
            .field("name", name)
            .field("endpoint", endpoint)
            .finish_non_exhaustive()
    }
}

impl QueryService {
    /// The service that is signed for as `name`, at AWS or at `endpoint`.
    pub(crate) fn new(
        name: &'static str,
        version: &'static str,
        endpoint: Option<String>,
        keys: AwsKeys,
    ) -> QueryService {
        QueryService { name, version, endpoint, keys, clients: Mutex::default() }
    }

    /// Does `action` in `region`, once; the answer is XML.
    pub(crate) async fn call(
        &self,
        region: &str,
        action: &str,
        params: &[(&str, &str)],
    ) -> Result<String, OutsideError> {
        let credentials = self.keys.current().await?;
        let client = self.client(region, credentials)?;
        let mut all = vec![("Action", action), ("Version", self.version)];
        all.extend_from_slice(params);
        in_time(&self.endpoint_in(region), CALL_LIMIT, async {
            client.query(self.name, &all).await.map_err(|error| told(&error))
        })
        .await
    }

    fn client(&self, region: &str, credentials: Credentials) -> Result<Client, OutsideError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(region) {
            client.set_credentials(credentials);
            return Ok(client.clone());
        }
        let mut config = ClientConfig::new(self.endpoint_in(region), region, credentials);
        // Whoever calls tries again, and knows when it is too late.
        config.retries = Vec::new();
        config.transport.connect_timeout = CALL_LIMIT;
        let client = Client::new(config).map_err(|error| chain(&error))?;
        if MAX_CLIENTS <= clients.len() {
            clients.clear();
        }
        clients.insert(region.to_owned(), client.clone());
        Ok(client)
    }

    fn endpoint_in(&self, region: &str) -> String {
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        self.endpoint.clone().unwrap_or_else(|| format!("https://{}.{region}.{suffix}", self.name))
    }
}

/// Whether `text` can be a region's name. A region becomes part of a host's name that is sent a signature.
pub fn is_region(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// AWS answers a wrong signature with all that was signed, session token included.
fn told(error: &CallError) -> OutsideError {
    match error.code() {
        Some(code @ "SignatureDoesNotMatch") => {
            reason(format!("{code}: the secret access key does not belong to the access key"))
        }
        Some(_) | None => chain(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_aws_s_unless_another_is_set() {
        let endpoint = |endpoint: Option<&str>, region| {
            QueryService::new("sns", "v", endpoint.map(str::to_owned), AwsKeys::None).endpoint_in(region)
        };
        assert_eq!(endpoint(None, "eu-west-1"), "https://sns.eu-west-1.amazonaws.com");
        assert_eq!(endpoint(None, "cn-north-1"), "https://sns.cn-north-1.amazonaws.com.cn");
        assert_eq!(endpoint(Some("http://127.0.0.1:1"), "eu-west-1"), "http://127.0.0.1:1");
    }

    #[test]
    fn a_region_is_no_way_to_another_host() {
        assert!(is_region("us-gov-west-1"));
        for text in ["", "evil.example/", "a.b", "us-east-1#", "US-EAST-1", "a@b"] {
            assert!(!is_region(text), "{text}");
        }
    }

    #[test]
    fn a_wrong_signature_is_told_without_what_was_signed() {
        let error = CallError::Service {
            status: 403,
            code: String::from("SignatureDoesNotMatch"),
            message: String::from("The Canonical String should have been x-amz-security-token:hunter2"),
            request_id: None,
            bucket_region: None,
        };
        assert!(!told(&error).0.contains("hunter2"), "{}", told(&error));
    }

    #[tokio::test]
    async fn keys_are_read_anew_every_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("credentials");
        let keys = AwsKeys::Profile { file: file.clone(), profile: String::from("ops") };
        let absent = keys.current().await.expect_err("no file").0;
        assert!(absent.contains("cannot read the keys"), "{absent}");
        for id in ["A1", "A2"] {
            let text = format!("[ops]\naws_access_key_id={id}\naws_secret_access_key=hunter2\n");
            std::fs::write(&file, text).expect("written");
            assert_eq!(keys.current().await.expect("keys").access_key_id, id);
        }
        std::fs::write(&file, "[ops]\naws_secret_access_key=hunter2\n").expect("written");
        let half = keys.current().await.expect_err("no id").0;
        assert!(half.contains("no keys in the profile `ops`") && !half.contains("hunter2"), "{half}");
    }
}
