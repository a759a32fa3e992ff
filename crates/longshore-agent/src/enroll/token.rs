//! Where the token comes from.

use std::io::Read;
use std::path::{Path, PathBuf};

use longshore_wire::enrollment::{TokenText, TokenTextError};

use super::arguments::EnrollArguments;

/// The variable that may hold the token.
const VARIABLE: &str = "LONGSHORE_ENROLL_TOKEN";

/// What stands for stdin.
const STDIN: &str = "-";

/// The most that is read; a token has some 130 characters.
const MAX_BYTES: u64 = 4096;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub(super) enum TokenError {
    #[error("no enrollment token is given")]
    Absent,
    #[error("cannot read the enrollment token from {}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(transparent)]
    Text(#[from] TokenTextError),
}

pub(super) fn read(arguments: &EnrollArguments) -> Result<TokenText, TokenError> {
    let variable = std::env::var(VARIABLE).ok().filter(|text| !text.trim().is_empty());
    let text = match (&arguments.token, &arguments.token_file) {
        (Some(text), _) if text != STDIN => text.clone(),
        (Some(_), _) => from_file(Path::new(STDIN))?,
        (None, Some(path)) => from_file(path)?,
        (None, None) => variable.ok_or(TokenError::Absent)?,
    };
    Ok(text.parse()?)
}

fn from_file(path: &Path) -> Result<String, TokenError> {
    let mut text = String::new();
    let read = if path == Path::new(STDIN) {
        std::io::stdin().lock().take(MAX_BYTES).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text))
    };
    match read {
        Ok(_) => Ok(text),
        Err(source) => Err(TokenError::Unreadable { path: path.to_owned(), source }),
    }
}
