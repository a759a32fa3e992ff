//! `<dg>-install.json`: the instructions, for people. Nothing reads it back. Source: agent.md §7.5.

use std::path::Path;

use serde_json::Value;

use super::{Account, Instruction};

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
        Instruction::ChangeOwner { owner, group, file } => format!(
            "{{\"type\":\"chown\",\"owner\":{},\"group\":{},\"file\":{}}}",
            account(owner.as_ref()),
            account(group.as_ref()),
            path(file)
        ),
    };
    json.push_str(&text);
}

fn path(path: &Path) -> String {
    string(&path.to_string_lossy())
}

fn account(account: Option<&Account>) -> String {
    account.map_or_else(|| "null".to_owned(), |account| string(&account.name))
}

fn string(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use longshore_model::appspec::Mode;

    #[test]
    fn instructions_are_written_in_order_with_their_keys() {
        let file = || "/d/f".into();
        let bob = Account { name: "bob".to_owned(), id: 1 };
        let instructions = [
            Instruction::MakeDirectory { directory: "/d".into() },
            Instruction::Copy { source: "/r/f".into(), destination: file(), is_link: false },
            Instruction::ChangeMode { mode: Mode::parse("64").expect("mode"), file: file() },
            Instruction::ChangeOwner { owner: Some(bob), group: None, file: file() },
        ];
        assert_eq!(
            install_json(&instructions),
            r#"{"instructions":[{"type":"mkdir","directory":"/d"},{"type":"copy","source":"/r/f","destination":"/d/f"},{"type":"chmod","mode":"064","file":"/d/f"},{"type":"chown","owner":"bob","group":null,"file":"/d/f"}]}"#
        );
        assert_eq!(install_json(&[]), r#"{"instructions":[]}"#);
    }
}
