//! From flags and environment to settings: which server, which region, which key. The environment is
//! read here and nowhere else.

use std::path::PathBuf;

use anyhow::{Context, bail};
use longshore_wire::sigv4::Credentials;

use crate::advice::Advice;
use crate::args::Global;
use crate::data_dir::{DataDir, ServerFacts, default_data_dir};

/// The region of a server that was not told another.
const DEFAULT_REGION: &str = "us-east-1";

/// Which server to talk to, and as whom.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    /// The server's URL.
    pub(crate) endpoint: String,
    /// What requests are signed for.
    pub(crate) region: String,
    /// What they are signed with.
    pub(crate) credentials: Credentials,
}

/// The data folder: `--data-dir`, or the default.
pub(crate) fn data_dir(flag: Option<&PathBuf>) -> DataDir {
    match flag {
        Some(path) => DataDir::new(path),
        None => default_data_dir(variable, |path| path.is_dir()),
    }
}

/// The variable `name`, if it is set and not empty.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The connection that flags, environment and data folder add up to.
///
/// A server is found in one place, the first of: `--data-dir`, `--endpoint-url` or the variable of that
/// name, the default data folder. Its key and region come from the same place: a shell that is set up
/// for AWS must not sign for a server of one's own. Flags replace single parts.
///
/// # Errors
/// When nothing names a server or a key.
pub(crate) fn connection(global: &Global) -> anyhow::Result<Connection> {
    connect(global, variable, |flag| data_dir(flag).server().map_err(anyhow::Error::from))
}

fn connect(
    global: &Global,
    variable: impl Fn(&str) -> Option<String>,
    facts: impl Fn(Option<&PathBuf>) -> anyhow::Result<ServerFacts>,
) -> anyhow::Result<Connection> {
    let endpoint_variable = variable("AWS_ENDPOINT_URL_CODEDEPLOY").or_else(|| variable("AWS_ENDPOINT_URL"));
    let endpoint = global.endpoint_url.clone().or(endpoint_variable);
    let found = match (&global.data_dir, endpoint) {
        (Some(path), _) => {
            let facts =
                facts(Some(path)).context(Advice::new("the data folder names no server", START_HINT))?;
            from_folder(facts, &variable)
        }
        (None, Some(endpoint)) => Connection {
            endpoint,
            region: region_of_the_environment(&variable),
            credentials: match key_from_flags(global)?.or_else(|| key_from_environment(&variable)) {
                Some(credentials) => credentials,
                None => facts(None).context(Advice::new("no access key to sign with", KEY_HINT))?.credentials,
            },
        },
        (None, None) => {
            let advice = Advice::new("no server is named, and none runs here", START_HINT);
            from_folder(facts(None).context(advice)?, &variable)
        }
    };
    Ok(Connection {
        endpoint: global.endpoint_url.clone().unwrap_or(found.endpoint),
        region: global.region.clone().unwrap_or(found.region),
        credentials: key_from_flags(global)?.unwrap_or(found.credentials),
    })
}

/// The server whose data folder says `facts`.
pub(crate) fn of_folder(facts: ServerFacts) -> Connection {
    from_folder(facts, variable)
}

/// The server that wrote `facts`, and the region in which it found itself when it started.
fn from_folder(facts: ServerFacts, variable: impl Fn(&str) -> Option<String>) -> Connection {
    let region = facts.region.or_else(|| variable("LONGSHORE_REGION"));
    Connection {
        endpoint: facts.endpoint,
        region: region.unwrap_or_else(|| DEFAULT_REGION.to_owned()),
        credentials: facts.credentials,
    }
}

fn region_of_the_environment(variable: impl Fn(&str) -> Option<String>) -> String {
    let names = ["AWS_REGION", "AWS_DEFAULT_REGION", "LONGSHORE_REGION"];
    names.into_iter().find_map(variable).unwrap_or_else(|| DEFAULT_REGION.to_owned())
}

const START_HINT: &str = "start a server with `longshore up`, or name one with --endpoint-url or --data-dir";

const KEY_HINT: &str =
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name the server's data folder with --data-dir";

fn key_from_flags(global: &Global) -> anyhow::Result<Option<Credentials>> {
    match (&global.access_key_id, &global.secret_access_key) {
        (Some(id), Some(secret)) => Ok(Some(Credentials {
            access_key_id: id.clone(),
            secret_access_key: secret.clone(),
            session_token: None,
        })),
        (None, None) => Ok(None),
        (Some(_), None) | (None, Some(_)) => {
            bail!(Advice::new(
                "half an access key is given",
                "give both --access-key-id and --secret-access-key"
            ))
        }
    }
}

fn key_from_environment(variable: impl Fn(&str) -> Option<String>) -> Option<Credentials> {
    Some(Credentials {
        access_key_id: variable("AWS_ACCESS_KEY_ID")?,
        secret_access_key: variable("AWS_SECRET_ACCESS_KEY")?,
        session_token: variable("AWS_SESSION_TOKEN"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(name: &str) -> ServerFacts {
        ServerFacts {
            endpoint: format!("http://{name}"),
            credentials: Credentials {
                access_key_id: format!("key-of-{name}"),
                secret_access_key: String::from("secret"),
                session_token: None,
            },
            region: None,
        }
    }

    /// `flags` and `variables` are `NAME=value` pairs; the answer is `endpoint region key`.
    #[track_caller]
    fn check(flags: &str, variables: &str, expected: &str) {
        let pairs = |text: &str, name: &str| {
            text.split_whitespace()
                .filter_map(|pair| pair.split_once('='))
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.to_owned())
        };
        let global = Global {
            endpoint_url: pairs(flags, "endpoint"),
            region: pairs(flags, "region"),
            access_key_id: pairs(flags, "key"),
            secret_access_key: pairs(flags, "secret"),
            data_dir: pairs(flags, "dir").map(PathBuf::from),
            ..Global::default()
        };
        let connection = connect(
            &global,
            |name| pairs(variables, name),
            |dir| Ok(facts(dir.map_or("default", |path| path.to_str().expect("text")))),
        );
        let shown = match connection {
            Ok(it) => format!("{} {} {}", it.endpoint, it.region, it.credentials.access_key_id),
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected, "flags {flags}, variables {variables}");
    }

    #[test]
    fn without_anything_the_default_folder_is_asked() {
        check("", "", "http://default us-east-1 key-of-default");
    }

    #[test]
    fn the_environment_is_taken_as_the_aws_cli_takes_it() {
        let variables = "AWS_ENDPOINT_URL=http://e AWS_ACCESS_KEY_ID=k AWS_SECRET_ACCESS_KEY=s AWS_REGION=r";
        check("", variables, "http://e r k");
        check("", &format!("{variables} AWS_ENDPOINT_URL_CODEDEPLOY=http://c"), "http://c r k");
    }

    #[test]
    fn a_data_folder_that_is_named_beats_the_environment() {
        check(
            "dir=d",
            "AWS_ENDPOINT_URL=http://e AWS_ACCESS_KEY_ID=k AWS_SECRET_ACCESS_KEY=s",
            "http://d us-east-1 key-of-d",
        );
    }

    #[test]
    fn a_shell_that_is_set_up_for_aws_does_not_sign_for_a_server_found_through_its_folder() {
        let aws = "AWS_REGION=r AWS_ACCESS_KEY_ID=k AWS_SECRET_ACCESS_KEY=s";
        check("", aws, "http://default us-east-1 key-of-default");
        check("endpoint=http://f", aws, "http://f r k");
        check("endpoint=http://f", "", "http://f us-east-1 key-of-default");
        check("dir=d", "AWS_REGION=r LONGSHORE_REGION=l", "http://d l key-of-d");
    }

    #[test]
    fn a_flag_beats_everything() {
        check("dir=d endpoint=http://f key=a secret=b region=x", "AWS_REGION=r", "http://f x a");
    }

    #[test]
    fn half_a_key_is_a_mistake() {
        check("key=a", "", "half an access key is given");
    }
}
