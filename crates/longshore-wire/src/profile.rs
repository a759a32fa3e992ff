//! The text of AWS's shared credentials and config files: sections, each with names and values.

use crate::sigv4::Credentials;

/// The keys in one of `sections`, if both are there.
pub fn credentials(text: &str, sections: &[String]) -> Option<Credentials> {
    Some(Credentials {
        access_key_id: value(text, sections, "aws_access_key_id")?,
        secret_access_key: value(text, sections, "aws_secret_access_key")?,
        session_token: value(text, sections, "aws_session_token"),
    })
}

/// The last value of `name` in one of `sections`; an empty one is none.
pub fn value(text: &str, sections: &[String], name: &str) -> Option<String> {
    let mut is_inside = false;
    let mut found = None;
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            let section = section.split_whitespace().collect::<Vec<_>>().join(" ");
            is_inside = !section.is_empty() && sections.contains(&section);
        } else if let Some((key, value)) = line.split_once('=').filter(|_| is_inside)
            && key.trim().eq_ignore_ascii_case(name)
            && !value.trim().is_empty()
        {
            found = Some(value.trim().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# keys\n[default]\naws_access_key_id = A1\naws_secret_access_key=S1\n\
                        aws_session_token = T1==\n\n[other]\naws_access_key_id = A2\naws_secret_access_key = S2\n";

    #[track_caller]
    fn check(text: &str, section: &str, expected: Option<(&str, &str, Option<&str>)>) {
        let found = credentials(text, &[section.to_owned()]);
        let found = found.as_ref().map(|found| {
            (found.access_key_id.as_str(), found.secret_access_key.as_str(), found.session_token.as_deref())
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn a_profile_has_two_keys_and_perhaps_a_token() {
        check(FILE, "default", Some(("A1", "S1", Some("T1=="))));
        check(FILE, "other", Some(("A2", "S2", None)));
        check(FILE, "absent", None);
        check("[default]\naws_access_key_id = A\n", "default", None);
        check(
            "[profile  x]\naws_access_key_id=A\naws_secret_access_key=S\n",
            "profile x",
            Some(("A", "S", None)),
        );
    }
}
