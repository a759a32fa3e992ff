//! The `permissions` section. Source: agent.md §6.6.

use super::document::{Node, Value};
use super::{AclEntry, AppSpecError, AppSpecFault, AppSpecWarning, Platform, SelinuxContext, selinux, strip};

const SECTION: AppSpecError = AppSpecError::InvalidStructure { section: "permissions" };

/// One entry: which objects, and what they get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// A file, or the directory whose content is meant.
    pub object: String,
    /// `**` for everything below, else a glob for direct children.
    pub pattern: String,
    /// Globs for direct children that are left out.
    pub except: Vec<String>,
    /// The types that are meant.
    pub types: ObjectTypes,
    /// A user name or number.
    pub owner: Option<String>,
    /// A group name or number.
    pub group: Option<String>,
    /// The permission bits.
    pub mode: Option<Mode>,
    /// POSIX ACL entries; `None` leaves the ACL alone.
    pub acls: Option<Vec<AclEntry>>,
    /// An SELinux context.
    pub context: Option<SelinuxContext>,
}

/// Which kinds of objects a permission is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectTypes {
    /// Files and symbolic links.
    pub files: bool,
    /// Directories.
    pub directories: bool,
}

/// Three or four octal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mode(String);

impl Mode {
    /// Reads a mode as written; short ones are padded with zeros to three digits.
    ///
    /// # Errors
    /// When it is longer than four characters, or has one that is no octal digit.
    pub fn parse(written: &str) -> Result<Mode, AppSpecError> {
        let text = format!("{written:0>3}");
        if 4 < text.chars().count() {
            return Err(AppSpecError::InvalidModeLength(text));
        }
        match text.chars().find(|c| !('0'..='7').contains(c)) {
            Some(character) => Err(AppSpecError::InvalidModeCharacter { mode: text, character }),
            None => Ok(Mode(text)),
        }
    }

    /// As written, padded.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For `chmod`.
    pub fn bits(&self) -> u32 {
        self.0.bytes().fold(0, |bits, digit| bits * 8 + u32::from(digit - b'0'))
    }
}

pub(super) fn parse(
    section: Option<&Node>,
    platform: Platform,
    warnings: &mut Vec<AppSpecWarning>,
) -> Result<Vec<Permission>, AppSpecFault> {
    let entries = match section.map(|node| &node.value) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::List(entries)) => entries,
        Some(_) => return Err(SECTION.at_any(section)),
    };
    if platform == Platform::Windows && !entries.is_empty() {
        return Err(AppSpecError::PermissionsOnWindows.at_any(section));
    }
    entries.iter().map(|entry| parse_entry(entry, warnings)).collect()
}

fn parse_entry(entry: &Node, warnings: &mut Vec<AppSpecWarning>) -> Result<Permission, AppSpecFault> {
    if !matches!(entry.value, Value::Map(_)) {
        return Err(SECTION.at(entry));
    }
    Ok(Permission {
        object: parse_object(entry)?,
        pattern: optional_text(entry, "pattern")?.unwrap_or_else(|| "**".to_owned()),
        except: texts(entry.present_field("except"))?.unwrap_or_default(),
        types: parse_types(entry.present_field("type"))?,
        owner: optional_text(entry, "owner")?,
        group: optional_text(entry, "group")?,
        mode: parse_mode(entry.present_field("mode"), warnings)?,
        acls: parse_acls(entry.present_field("acls"))?,
        context: entry.present_field("context").map(selinux::parse).transpose()?,
    })
}

fn parse_object(entry: &Node) -> Result<String, AppSpecFault> {
    let object = optional_text(entry, "object")?.ok_or_else(|| AppSpecError::NoObject.at(entry))?;
    let object = strip(&object);
    if object.is_empty() {
        return Err(AppSpecError::NoObject.at_any(entry.field("object")));
    }
    Ok(object.to_owned())
}

fn optional_text(entry: &Node, key: &str) -> Result<Option<String>, AppSpecFault> {
    entry.present_field(key).map(scalar_text).transpose()
}

/// Scalars are taken as they are written: a numeric owner is an id.
fn scalar_text(node: &Node) -> Result<String, AppSpecFault> {
    if !node.is_scalar() {
        return Err(SECTION.at(node));
    }
    Ok(node.written.clone())
}

/// A list of scalars; a single scalar is a list of one.
fn texts(node: Option<&Node>) -> Result<Option<Vec<String>>, AppSpecFault> {
    let Some(node) = node else {
        return Ok(None);
    };
    match &node.value {
        Value::List(items) => items.iter().map(scalar_text).collect::<Result<_, _>>().map(Some),
        _ => Ok(Some(vec![scalar_text(node)?])),
    }
}

fn parse_types(node: Option<&Node>) -> Result<ObjectTypes, AppSpecFault> {
    let Some(names) = texts(node)? else {
        return Ok(ObjectTypes { files: true, directories: true });
    };
    let mut types = ObjectTypes { files: false, directories: false };
    for name in names {
        match name.as_str() {
            "file" => types.files = true,
            "directory" => types.directories = true,
            _ => return Err(AppSpecError::InvalidObjectType(name).at_any(node)),
        }
    }
    Ok(types)
}

fn parse_mode(node: Option<&Node>, warnings: &mut Vec<AppSpecWarning>) -> Result<Option<Mode>, AppSpecFault> {
    let Some(node) = node else {
        return Ok(None);
    };
    let written = scalar_text(node)?;
    let is_number = node.is_plain && matches!(node.value, Value::Integer(_));
    let is_octal = is_number && written.len() > 1 && written.starts_with('0');
    if is_octal {
        warnings.push(AppSpecWarning::UnquotedOctalMode { mode: written.clone(), at: node.at });
    }
    // An octal number may have its leading zero in front of four digits, a text may not.
    let mode = match written.strip_prefix('0') {
        Some(digits) if is_octal && digits.len() == 4 => Mode::parse(digits),
        _ => Mode::parse(&written),
    };
    mode.map(Some).map_err(|error| error.at(node))
}

fn parse_acls(node: Option<&Node>) -> Result<Option<Vec<AclEntry>>, AppSpecFault> {
    let Some(node) = node else {
        return Ok(None);
    };
    let Value::List(items) = &node.value else {
        return Err(SECTION.at(node));
    };
    let entry = |item| AclEntry::parse(&scalar_text(item)?).map_err(|error| error.at(item));
    items.iter().map(entry).collect::<Result<_, _>>().map(Some)
}
