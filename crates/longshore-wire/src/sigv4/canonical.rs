//! The canonical form of a request: the bytes that both sides sign.

use http::header::HOST;
use http::{HeaderMap, Method, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use sha2::{Digest, Sha256};

use super::{ALGORITHM, TERMINATOR};

/// Everything but the unreserved characters.
const STRICT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// As [`STRICT`], but the separators of a path stay.
const PATH: AsciiSet = STRICT.remove(b'/');

/// The query parameter that carries the signature of a presigned request, and so is not signed.
pub(super) const SIGNATURE_PARAMETER: &str = "X-Amz-Signature";

/// What is signed of one request.
pub(super) struct CanonicalRequest<'a> {
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
    pub(super) headers: &'a HeaderMap,
    /// Lower-case names in the order that the signature lists them.
    pub(super) signed_headers: &'a [String],
    pub(super) payload_sha256_hex: &'a str,
    pub(super) service: &'a str,
}

impl CanonicalRequest<'_> {
    /// The string to sign.
    ///
    /// # Errors
    /// The name of a signed header that the request does not have.
    pub(super) fn string_to_sign(&self, amz_date: &str, date: &str, region: &str) -> Result<Vec<u8>, String> {
        let hash = hex::encode(Sha256::digest(self.bytes()?));
        let service = self.service;
        Ok(format!("{ALGORITHM}\n{amz_date}\n{date}/{region}/{service}/{TERMINATOR}\n{hash}").into_bytes())
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::with_capacity(512);
        bytes.extend_from_slice(self.method.as_str().as_bytes());
        bytes.push(b'\n');
        bytes.extend_from_slice(canonical_path(self.uri.path(), self.service).as_bytes());
        bytes.push(b'\n');
        bytes.extend_from_slice(canonical_query(self.uri.query().unwrap_or_default()).as_bytes());
        bytes.push(b'\n');
        for name in self.signed_headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(b':');
            self.push_header_values(&mut bytes, name)?;
            bytes.push(b'\n');
        }
        bytes.push(b'\n');
        bytes.extend_from_slice(self.signed_headers.join(";").as_bytes());
        bytes.push(b'\n');
        bytes.extend_from_slice(self.payload_sha256_hex.as_bytes());
        Ok(bytes)
    }

    fn push_header_values(&self, bytes: &mut Vec<u8>, name: &str) -> Result<(), String> {
        let mut is_first = true;
        for value in self.headers.get_all(name) {
            if !is_first {
                bytes.push(b',');
            }
            is_first = false;
            push_collapsed(bytes, value.as_bytes());
        }
        if !is_first {
            return Ok(());
        }
        // HTTP/2 carries the host in the URI.
        match self.uri.authority() {
            Some(authority) if name == HOST.as_str() => {
                bytes.extend_from_slice(authority.as_str().as_bytes())
            }
            _ => return Err(name.to_owned()),
        }
        Ok(())
    }
}

/// Trims `value` and turns each run of spaces into one.
fn push_collapsed(bytes: &mut Vec<u8>, value: &[u8]) {
    let mut words = value.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
    if let Some(first) = words.next() {
        bytes.extend_from_slice(first);
    }
    for word in words {
        bytes.push(b' ');
        bytes.extend_from_slice(word);
    }
}

/// S3 signs the path encoded once and otherwise as it is; every other service normalizes it and
/// encodes what the client sent once more.
fn canonical_path(path: &str, service: &str) -> String {
    if service == "s3" {
        let decoded: Vec<u8> = percent_decode_str(path).collect();
        return percent_encode(&decoded, &PATH).to_string();
    }
    percent_encode(normalized(path).as_bytes(), &PATH).to_string()
}

/// `path` without empty segments, `.` and `..`.
fn normalized(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    let ends_open = !segments.is_empty() && (path.ends_with('/') || path.ends_with("/."));
    format!("/{}{}", segments.join("/"), if ends_open { "/" } else { "" })
}

fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(name, _)| *name != SIGNATURE_PARAMETER)
        .map(|(name, value)| (recoded(name), recoded(value)))
        .collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// A query part as the strict encoding writes it, however the client wrote it.
fn recoded(part: &str) -> String {
    let decoded: Vec<u8> = percent_decode_str(part).collect();
    percent_encode(&decoded, &STRICT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_paths_are_encoded_once_others_twice() {
        assert_eq!(canonical_path("/b/a%20b/../c(1)", "s3"), "/b/a%20b/../c%281%29");
        assert_eq!(canonical_path("/b/a%20b", "codedeploy"), "/b/a%2520b");
        assert_eq!(canonical_path("/", "codedeploy"), "/");
    }

    #[test]
    fn other_paths_are_normalized() {
        assert_eq!(canonical_path("//a/./b/../c//", "iam"), "/a/c/");
        assert_eq!(canonical_path("/../..", "iam"), "/");
    }

    #[test]
    fn a_query_is_sorted_by_encoded_name_then_value() {
        assert_eq!(canonical_query("b=2&a=&B=1&a=%7e&x-id=GetObject&c"), "B=1&a=&a=~&b=2&c=&x-id=GetObject");
        assert_eq!(canonical_query("X-Amz-Signature=00&X-Amz-Date=1"), "X-Amz-Date=1");
    }

    #[test]
    fn header_values_are_trimmed_and_collapsed() {
        let mut bytes = Vec::new();
        push_collapsed(&mut bytes, b"  a   b \t c  ");
        assert_eq!(bytes, b"a b c");
    }
}
