//! The headers that an object keeps and gives back, and those that ask for what is not there.

use http::{HeaderMap, HeaderName, HeaderValue};
use s3s::{S3Result, s3_error};

/// As S3: the most that names and values of `x-amz-meta-*` may add up to.
const MAX_METADATA_BYTES: usize = 2048;
const METADATA: &str = "x-amz-meta-";
const CHECKSUM: &str = "x-amz-checksum-";

const KEPT: [&str; 5] =
    ["cache-control", "content-disposition", "content-language", "content-type", "expires"];

/// What an upload says about the object to come. Refuses what would silently not be done.
pub(crate) fn kept(headers: &HeaderMap) -> S3Result<Vec<(String, String)>> {
    refuse_unsupported(headers)?;
    let mut kept = Vec::new();
    let mut n_metadata_bytes = 0;
    for (name, value) in headers {
        let name = name.as_str();
        let is_metadata = name.starts_with(METADATA);
        if !is_metadata && !KEPT.contains(&name) && name != "content-encoding" {
            continue;
        }
        let value = std::str::from_utf8(value.as_bytes())
            .map_err(|_| s3_error!(InvalidArgument, "The header {name} is not UTF-8."))?;
        if is_metadata {
            n_metadata_bytes += name.len() - METADATA.len() + value.len();
        }
        let value = if name == "content-encoding" { without_aws_chunked(value) } else { value.to_owned() };
        if !value.is_empty() {
            kept.push((name.to_owned(), value));
        }
    }
    if n_metadata_bytes > MAX_METADATA_BYTES {
        return Err(s3_error!(
            MetadataTooLarge,
            "Your metadata has {n_metadata_bytes} bytes, more than the {MAX_METADATA_BYTES} allowed."
        ));
    }
    Ok(kept)
}

/// `aws-chunked` describes the request and not the object.
fn without_aws_chunked(encoding: &str) -> String {
    let codings =
        encoding.split(',').map(str::trim).filter(|coding| !coding.eq_ignore_ascii_case("aws-chunked"));
    codings.collect::<Vec<_>>().join(",")
}

/// Refuses headers that ask for what is not done here.
pub(crate) fn refuse_unsupported(headers: &HeaderMap) -> S3Result<()> {
    for (name, value) in headers {
        let (name, value) = (name.as_str(), value.to_str().unwrap_or_default());
        let is_refused = match name {
            "x-amz-acl" => {
                if !matches!(value, "private" | "bucket-owner-full-control") {
                    return Err(s3_error!(
                        AccessControlListNotSupported,
                        "The bucket does not allow ACLs: {value}"
                    ));
                }
                false
            }
            // Whether the disk is encrypted is the operator's affair; AES256 with keys of the
            // store's own promises a caller nothing that could be checked.
            "x-amz-server-side-encryption" => value != "AES256",
            "x-amz-tagging" => !value.is_empty(),
            "x-amz-write-offset-bytes" | "x-amz-website-redirect-location" => true,
            _ => {
                name.starts_with("x-amz-server-side-encryption-")
                    || name.starts_with("x-amz-object-lock-")
                    || name.starts_with("x-amz-grant-")
            }
        };
        if is_refused {
            return Err(s3_error!(
                NotImplemented,
                "A header you provided is not supported here: {name}: {value}"
            ));
        }
    }
    Ok(())
}

/// The headers of an answer that gives the object back. Checksums are of the whole object, so they
/// are left out of ranges, and where they were not asked for.
pub(crate) fn given_back(stored: &[(String, String)], with_checksums: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in stored {
        if name.starts_with(CHECKSUM) && !with_checksums {
            continue;
        }
        let name = HeaderName::try_from(name.as_str());
        // They were headers once, so both are fine.
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
            headers.append(name, value);
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &'static str, value: &'static str, expected: &str) {
        let headers = HeaderMap::from_iter([(
            HeaderName::from_static(name),
            HeaderValue::from_bytes(value.as_bytes()).expect("a value"),
        )]);
        let shown = match kept(&headers) {
            Ok(kept) => kept.iter().map(|(name, value)| format!("{name}: {value}")).collect::<String>(),
            Err(error) => error.code().as_str().to_owned(),
        };
        assert_eq!(shown, expected, "{name}: {value}");
    }

    #[test]
    fn what_describes_the_object_is_kept() {
        check("content-type", "application/zip", "content-type: application/zip");
        check("x-amz-meta-owner", "Zoë", "x-amz-meta-owner: Zoë");
        check("content-encoding", "aws-chunked", "");
        check("content-encoding", "gzip, aws-chunked", "content-encoding: gzip");
        check("x-amz-checksum-crc32", "AAAA", "");
        check("authorization", "x", "");
        check("x-amz-acl", "bucket-owner-full-control", "");
        check("x-amz-server-side-encryption", "AES256", "");
    }

    #[test]
    fn what_would_not_be_done_is_refused() {
        check("x-amz-acl", "public-read", "AccessControlListNotSupported");
        check("x-amz-server-side-encryption", "aws:kms", "NotImplemented");
        check("x-amz-server-side-encryption-customer-algorithm", "AES256", "NotImplemented");
        check("x-amz-tagging", "a=b", "NotImplemented");
        check("x-amz-object-lock-mode", "GOVERNANCE", "NotImplemented");
    }
}
