//! `<dg>-install.json`: the instructions, for people. Nothing reads it back. Source: agent.md §7.5.

use std::path::Path;

use serde_json::Value;

use super::Instruction;

/// The content of the file: one line without newline.
pub fn install_json(instructions: &[Instruction]) -> String {
    let mut json = String::with_capacity(32 + instructions.len() * 160);
    json.push_str("{\"instructions\":[");
    for (idx, instruction) in instructions.iter().enumerate() {
        if 0 < idx {
            json.push(',');
        }
        push_instruction(&mut json, instruction);
    }
    json.push_str("]}");
    json
}

/// The keys stand in the original's order, which a map type would not keep.
fn push_instruction(json: &mut String, instruction: &Instruction) {
    let text = match instruction {
        Instruction::Copy { source, destination, .. } => {
            format!("{{\"type\":\"copy\",\"source\":{},\"destination\":{}}}", path(source), path(destination))
        }
        Instruction::MakeDirectory { directory } => {
            format!("{{\"type\":\"mkdir\",\"directory\":{}}}", path(directory))
        }
        Instruction::ChangeMode { mode, file } => {
            format!("{{\"type\":\"chmod\",\"mode\":{},\"file\":{}}}", string(mode.as_str()), path(file))
        }
        Instruction::SetAcl { acl, file } => {
            let entries: Vec<String> = acl.iter().map(|rule| string(&rule.entry.to_string())).collect();
            format!("{{\"type\":\"setfacl\",\"acl\":[{}],\"file\":{}}}", entries.join(","), path(file))
        }
        Instruction::SetContext { context, file } => format!(
            "{{\"type\":\"semanage\",\"context\":{{\"user\":{},\"role\":null,\"type\":{},\"range\":{}}},\"file\":{}}}",
            optional(context.user.as_deref()),
            string(&context.kind),
            optional(context.range.as_ref().map(ToString::to_string).as_deref()),
            path(file)
        ),
        Instruction::ChangeOwner { owner, group, file } => format!(
            "{{\"type\":\"chown\",\"owner\":{},\"group\":{},\"file\":{}}}",
            optional(owner.as_ref().map(|account| account.name.as_str())),
            optional(group.as_ref().map(|account| account.name.as_str())),
            path(file)
        ),
    };
    json.push_str(&text);
}

fn path(path: &Path) -> String {
    string(&path.to_string_lossy())
}

fn optional(text: Option<&str>) -> String {
    text.map_or_else(|| "null".to_owned(), string)
}

fn string(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::{Account, AclRule};
    use super::*;
    use longshore_model::appspec::{AclEntry, Mode, SelinuxContext, SelinuxRange};

    #[test]
    fn instructions_are_written_in_order_with_their_keys() {
        let file = || "/d/f".into();
        let bob = Account { name: "bob".to_owned(), id: 1 };
        let instructions = [
            Instruction::MakeDirectory { directory: "/d".into() },
            Instruction::Copy { source: "/r/f".into(), destination: file(), is_link: false, size_bytes: 1 },
            Instruction::ChangeMode { mode: Mode::parse("64").expect("mode"), file: file() },
            Instruction::ChangeOwner { owner: Some(bob), group: None, file: file() },
        ];
        assert_eq!(
            install_json(&instructions),
            r#"{"instructions":[{"type":"mkdir","directory":"/d"},{"type":"copy","source":"/r/f","destination":"/d/f"},{"type":"chmod","mode":"064","file":"/d/f"},{"type":"chown","owner":"bob","group":null,"file":"/d/f"}]}"#
        );
        assert_eq!(install_json(&[]), r#"{"instructions":[]}"#);
    }

    #[test]
    fn acls_and_contexts_are_written_as_the_appspec_has_them() {
        let rule = |text: &str| AclRule { entry: AclEntry::parse(text).expect("entry"), id: None };
        let context = |user: Option<&str>, range: Option<&str>| {
            let range = range.map(|range| SelinuxRange::parse(range).expect("range"));
            let user = user.map(str::to_owned);
            SelinuxContext { user, role: None, kind: "t".to_owned(), range }.into()
        };
        let file = || "/f".into();
        let instructions = [
            Instruction::SetAcl { acl: [rule("bob:7"), rule("d:o:5")].into(), file: file() },
            Instruction::SetContext { context: context(Some("u"), Some("s0:c1,c0")), file: file() },
            Instruction::SetContext { context: context(None, None), file: file() },
        ];
        assert_eq!(
            install_json(&instructions),
            r#"{"instructions":[{"type":"setfacl","acl":["user:bob:rwx","default:other::r-x"],"file":"/f"},{"type":"semanage","context":{"user":"u","role":null,"type":"t","range":"s0:c0.c1"},"file":"/f"},{"type":"semanage","context":{"user":null,"role":null,"type":"t","range":null},"file":"/f"}]}"#
        );
    }
}
