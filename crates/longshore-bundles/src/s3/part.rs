//! Reading an object part by part, as it was uploaded.

use std::ops::Range;

use longshore_store::ObjectRow;
use s3s::{S3Error, S3ErrorCode, S3Result};

use crate::body::disk_failed;
use crate::content::ContentFolder;
use crate::reader::{self, run_blocking};

/// One part of an object.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PartOfObject {
    /// Its bytes.
    pub(super) range: Range<u64>,
    /// How many parts there are; `None` for an object that was not uploaded in parts.
    pub(super) n_parts: Option<usize>,
}

/// Where part `number` of an object lies. As S3: an object that was put whole is its own part 1.
///
/// # Errors
/// `InvalidPartNumber` when there is no such part.
pub(super) async fn part(content: &ContentFolder, row: &ObjectRow, number: i32) -> S3Result<PartOfObject> {
    let is_multipart = row.e_tag.contains('-');
    let lens = if is_multipart {
        let (content, names) = (content.clone(), row.files.clone());
        run_blocking(move || reader::lens(&content, &names)).await.map_err(disk_failed)?
    } else {
        vec![row.size_bytes]
    };
    let idx = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    let Some(idx) = idx.filter(|idx| *idx < lens.len()) else {
        return Err(no_such_part(number, lens.len()));
    };
    let begin: u64 = lens[..idx].iter().sum();
    Ok(PartOfObject { range: begin..begin + lens[idx], n_parts: is_multipart.then_some(lens.len()) })
}

fn no_such_part(number: i32, n_parts: usize) -> S3Error {
    let message =
        format!("The requested part number {number} is not satisfiable: the object has {n_parts} parts.");
    let mut error = S3Error::with_message(S3ErrorCode::Custom("InvalidPartNumber".into()), message);
    error.set_status_code(http::StatusCode::RANGE_NOT_SATISFIABLE);
    error
}
