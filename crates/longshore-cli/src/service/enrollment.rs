//! Enrollment: tokens, and hosts that are made with one.

use anyhow::Context;
use longshore_wire::api::shapes;
use longshore_wire::client::CallError;
use longshore_wire::enrollment::{
    CreateEnrollmentTokenInput, CreateEnrollmentTokenOutput, ENROLL_HOST, EnrollHostInput, EnrollHostOutput,
    EnrollmentTokenInfo, HOST_TARGET_PREFIX, ListEnrollmentTokensInput, ListEnrollmentTokensOutput,
    RevokeEnrollmentTokenInput, RevokeEnrollmentTokenOutput, TokenText,
};
use longshore_wire::sigv4::Credentials;
use longshore_wire::{envelope, host_command};

use super::{SIGNING_NAME, Service, Tag, explained};
use crate::host_files::Identity;
use crate::settings::Connection;

const CREATE_TOKEN: &str = "Longshore_v1.CreateEnrollmentToken";
const LIST_TOKENS: &str = "Longshore_v1.ListEnrollmentTokens";
const REVOKE_TOKEN: &str = "Longshore_v1.RevokeEnrollmentToken";

/// How long a token that is used at once is good for.
const AT_ONCE_SECS: u64 = 600;

/// What a token is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewToken {
    /// How many hosts; the server's default is one.
    pub(crate) max_uses: Option<u32>,
    /// How long; the server's default is an hour.
    pub(crate) expires_in_seconds: Option<u64>,
    /// What its hosts are tagged with.
    pub(crate) tags: Vec<Tag>,
}

impl NewToken {
    /// A token for one host that is enrolled now.
    pub(crate) fn at_once(tags: &[Tag]) -> NewToken {
        NewToken { max_uses: Some(1), expires_in_seconds: Some(AT_ONCE_SECS), tags: tags.to_vec() }
    }
}

impl Service {
    /// Makes a token.
    pub(crate) async fn create_token(&self, new: NewToken) -> anyhow::Result<CreateEnrollmentTokenOutput> {
        let tag = |tag: &Tag| shapes::Tag { key: Some(tag.key.clone()), value: Some(tag.value.clone()) };
        let input = CreateEnrollmentTokenInput {
            max_uses: new.max_uses,
            expires_in_seconds: new.expires_in_seconds,
            tags: Some(new.tags.iter().map(tag).collect()),
        };
        let made = self.client.call_json(SIGNING_NAME, CREATE_TOKEN, &input).await;
        explained(made, "cannot make an enrollment token")
    }

    /// All tokens that the server remembers, the newest first.
    pub(crate) async fn tokens(&self) -> anyhow::Result<Vec<EnrollmentTokenInfo>> {
        let mut tokens = Vec::new();
        let mut input = ListEnrollmentTokensInput::default();
        loop {
            let answer = self.client.call_json(SIGNING_NAME, LIST_TOKENS, &input).await;
            let answer: ListEnrollmentTokensOutput = explained(answer, "cannot list the enrollment tokens")?;
            tokens.extend(answer.tokens);
            match answer.next_token {
                Some(token) => input.next_token = Some(token),
                None => break,
            }
        }
        tokens.sort_by_key(|token| std::cmp::Reverse(token.create_time));
        Ok(tokens)
    }

    /// Takes a token back.
    pub(crate) async fn revoke_token(&self, id: &str) -> anyhow::Result<EnrollmentTokenInfo> {
        let input = RevokeEnrollmentTokenInput { token_id: Some(id.to_owned()) };
        let answer = self.client.call_json(SIGNING_NAME, REVOKE_TOKEN, &input).await;
        let answer: RevokeEnrollmentTokenOutput = explained(answer, format!("cannot revoke `{id}`"))?;
        Ok(answer.token_info)
    }

    /// Makes `name` a host: answers as whom it signs, and the certificate of the only signer that it shall
    /// believe.
    pub(crate) async fn enroll_host(&self, name: &str, tags: &[Tag]) -> anyhow::Result<(Identity, String)> {
        let made = self.create_token(NewToken::at_once(tags)).await?;
        let token: TokenText = made.token.parse().context("the server answered no token")?;
        match self.enroll_with(&token, name).await {
            Ok(answer) => identity(answer, &token),
            Err(error) => {
                // Nobody else has seen it; the error that led here is the one to tell.
                let _ = self.revoke_token(token.id.as_str()).await;
                explained(Err(error), format!("cannot register the host `{name}`"))
            }
        }
    }

    async fn enroll_with(&self, token: &TokenText, name: &str) -> Result<EnrollHostOutput, CallError> {
        let connection = Connection { credentials: token.credentials(), ..self.connection.clone() };
        let bearer = Service::new(connection)
            .map_err(|error| CallError::Request { source: error.to_string().into() })?;
        let input = EnrollHostInput {
            name: Some(name.to_owned()),
            client_request_id: Some(String::from("hosts-add")),
        };
        let target = format!("{HOST_TARGET_PREFIX}.{ENROLL_HOST}");
        bearer.client.call_json(host_command::SIGNING_NAME, &target, &input).await
    }
}

fn identity(answer: EnrollHostOutput, token: &TokenText) -> anyhow::Result<(Identity, String)> {
    let signer = envelope::pin(&answer.signer_certificate, &token.signer_fingerprint)
        .context("the server answered another signer than before")?;
    let credentials = Credentials {
        access_key_id: answer.access_key_id,
        secret_access_key: answer.secret_access_key,
        session_token: None,
    };
    Ok((Identity { iam_user_arn: answer.iam_user_arn, credentials, region: answer.region }, signer))
}
