//! A model as Rust source; layout is left to rustfmt.

use std::fmt::Write;

use anyhow::bail;

use crate::model::{Model, Shape};

/// What one service's generated code is called.
pub(crate) struct Names {
    /// In sentences.
    pub(crate) service: &'static str,
    /// The enum of operations.
    pub(crate) operation: &'static str,
}

/// Names that Rust keeps for itself and the models use.
const KEYWORDS: [&str; 2] = ["type", "ref"];

/// The structures, and the names that each enumeration knows.
pub(crate) fn shapes(model: &Model, names: &Names) -> anyhow::Result<String> {
    let mut body = String::new();
    let mut uses_time = false;
    let mut uses_map = false;
    for (name, shape) in &model.shapes {
        match shape {
            Shape::Structure(members) => {
                writeln!(body, "/// The structure `{name}`.")?;
                writeln!(body, "#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]")?;
                // Its own implementations, which go through these: see the macro.
                writeln!(body, "#[serde(remote = \"Self\")]")?;
                writeln!(body, "pub struct {name} {{")?;
                for (member, shape_name) in members {
                    let ty = rust_type(model, shape_name)?;
                    uses_time |= ty.contains("Time");
                    uses_map |= ty.contains("BTreeMap");
                    let optional = "default, skip_serializing_if = \"Option::is_none\"";
                    writeln!(body, "#[serde(rename = \"{member}\", {optional})]")?;
                    writeln!(body, "pub {}: Option<{ty}>,", field_name(member))?;
                }
                writeln!(body, "}}\n\nstructure!({name});\n")?;
            }
            Shape::Enumeration(values) => {
                let constant = words(name).join("_").to_uppercase();
                writeln!(body, "/// The values of `{name}`.")?;
                writeln!(body, "pub const {constant}: &[&str] = &{values:?};\n")?;
            }
            Shape::Exception { .. }
            | Shape::List { .. }
            | Shape::Map { .. }
            | Shape::Text
            | Shape::Boolean
            | Shape::Integer
            | Shape::Long
            | Shape::Double
            | Shape::Timestamp => {}
        }
    }
    let mut source = head("The shapes", names.service)?;
    writeln!(source, "#![expect(missing_docs, reason = \"the members are the model's own\")]\n")?;
    if uses_map {
        writeln!(source, "use std::collections::BTreeMap;\n")?;
    }
    writeln!(source, "use serde::{{Deserialize, Serialize}};\n")?;
    match uses_time {
        true => writeln!(source, "use crate::codec::{{Time, structure}};\n")?,
        false => writeln!(source, "use crate::codec::structure;\n")?,
    }
    source.push_str(&body);
    Ok(source)
}

/// The enum of operations and the list of exceptions.
pub(crate) fn operations(model: &Model, names: &Names) -> anyhow::Result<String> {
    let mut source = head("The operations and exceptions", names.service)?;
    let ty = names.operation;
    let all: Vec<&str> = model.operations.iter().map(|operation| operation.name.as_str()).collect();
    let without: Vec<String> = model
        .operations
        .iter()
        .filter(|operation| !operation.has_output)
        .map(|operation| format!("{ty}::{}", operation.name))
        .collect();
    let pairs = |text: &dyn Fn(&str) -> String| -> String { all.iter().map(|name| text(name)).collect() };
    let prefix = &model.target_prefix;
    write!(
        source,
        "/// What stands before the dot in `X-Amz-Target`.
        pub const TARGET_PREFIX: &str = \"{prefix}\";

        /// An operation of the {service}.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = \"the names are the model's own\")]
        pub enum {ty} {{ {variants} }}

        impl {ty} {{
            /// All operations, by name.
            pub const ALL: [{ty}; {n}] = [{list}];

            /// As the model spells it.
            pub fn name(self) -> &'static str {{ match self {{ {name_arms} }} }}

            /// The operation spelled `name`; case matters.
            pub fn from_name(name: &str) -> Option<{ty}> {{
                {ty}::ALL.into_iter().find(|operation| operation.name() == name)
            }}

            /// The value of `X-Amz-Target`.
            pub fn target(self) -> &'static str {{ match self {{ {target_arms} }} }}

            /// Whether the model declares an output. An operation without one answers an empty body,
            /// one whose output has no members answers `{{}}`.
            pub fn has_output(self) -> bool {{ !matches!(self, {without}) }}
        }}

        /// The modelled exceptions and their HTTP status, by name.
        pub const EXCEPTIONS: &[(&str, u16)] = &[{exceptions}];
        ",
        service = names.service,
        n = all.len(),
        variants = all.join(", "),
        list = pairs(&|name| format!("{ty}::{name},")),
        name_arms = pairs(&|name| format!("{ty}::{name} => \"{name}\",")),
        target_arms = pairs(&|name| format!("{ty}::{name} => \"{prefix}.{name}\",")),
        without = without.join("|"),
        exceptions = exceptions(model),
    )?;
    Ok(source)
}

fn exceptions(model: &Model) -> String {
    let mut list = String::new();
    for (name, shape) in &model.shapes {
        if let Shape::Exception { is_fault } = shape {
            list.push_str(&format!("(\"{name}\", {}),", if *is_fault { 500 } else { 400 }));
        }
    }
    list
}

fn head(what: &str, service: &str) -> anyhow::Result<String> {
    let mut source = String::new();
    writeln!(source, "//! {what} of the {service}.")?;
    writeln!(source, "//!")?;
    writeln!(source, "//! Written by `tools/generate-wire` from `api-models/`; do not edit.\n")?;
    Ok(source)
}

fn rust_type(model: &Model, name: &str) -> anyhow::Result<String> {
    Ok(match model.shape(name)? {
        Shape::Structure(_) => name.to_owned(),
        Shape::List { member } => format!("Vec<{}>", rust_type(model, member)?),
        Shape::Map { key, value } => {
            format!("BTreeMap<{}, {}>", rust_type(model, key)?, rust_type(model, value)?)
        }
        Shape::Enumeration(_) | Shape::Text => String::from("String"),
        Shape::Boolean => String::from("bool"),
        Shape::Integer => String::from("i32"),
        Shape::Long => String::from("i64"),
        Shape::Double => String::from("f64"),
        Shape::Timestamp => String::from("Time"),
        Shape::Exception { .. } => bail!("the exception `{name}` is used as a member"),
    })
}

fn field_name(member: &str) -> String {
    let name = words(member).join("_").to_lowercase();
    if KEYWORDS.contains(&name.as_str()) { format!("r#{name}") } else { name }
}

/// The words of a camel-case name: a word begins at a capital that follows a small letter, and at
/// the last of several capitals when a small letter follows (`iamUserArn`, `ECSService`, `onPremisesTagSet`).
fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = Vec::new();
    for (idx, char) in chars.iter().enumerate() {
        let after_small = 0 < idx && !chars[idx - 1].is_uppercase();
        // A plural such as `ARNs` keeps its last letter.
        let before_small = chars.get(idx + 1).is_some_and(|next| next.is_lowercase() && *next != 's')
            || (chars.get(idx + 1) == Some(&'s') && chars.get(idx + 2).is_some_and(|c| c.is_lowercase()));
        if idx == 0 || (char.is_uppercase() && (after_small || before_small)) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(*char);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(member: &str, expected: &str) {
        assert_eq!(field_name(member), expected);
    }

    #[test]
    fn members_become_snake_case() {
        check("applicationName", "application_name");
        check("iamUserArn", "iam_user_arn");
        check("ec2TagFilters", "ec2_tag_filters");
        check("onPremisesTagSet", "on_premises_tag_set");
        check("HostCommandIdentifier", "host_command_identifier");
        check("eTag", "e_tag");
        check("ecsTaskSetIdentifier", "ecs_task_set_identifier");
        check("type", "r#type");
        check("loadBalancerInfo", "load_balancer_info");
    }

    #[test]
    fn capitals_stay_together() {
        check("EC2TagFilter", "ec2_tag_filter");
        check("ECSService", "ecs_service");
        check("instanceARNs", "instance_arns");
        check("GitHubLocation", "git_hub_location");
        check("S3Location", "s3_location");
    }
}
