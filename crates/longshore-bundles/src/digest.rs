//! Checksums of what is uploaded: the ETag's MD5, and the `x-amz-checksum-*` that callers declare.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crc_fast::CrcAlgorithm;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::dto::Checksum;

/// The algorithms of `x-amz-checksum-*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

pub(crate) const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme, Algorithm::Sha1, Algorithm::Sha256];

impl Algorithm {
    /// The header that carries the checksum.
    pub(crate) fn header(self) -> &'static str {
        match self {
            Algorithm::Crc32 => "x-amz-checksum-crc32",
            Algorithm::Crc32c => "x-amz-checksum-crc32c",
            Algorithm::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Algorithm::Sha1 => "x-amz-checksum-sha1",
            Algorithm::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// The name in headers such as `x-amz-checksum-algorithm`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Algorithm::Crc32 => "CRC32",
            Algorithm::Crc32c => "CRC32C",
            Algorithm::Crc64Nvme => "CRC64NVME",
            Algorithm::Sha1 => "SHA1",
            Algorithm::Sha256 => "SHA256",
        }
    }

    /// By its name.
    pub(crate) fn named(name: &str) -> Option<Algorithm> {
        ALGORITHMS.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// By its header.
    pub(crate) fn of_header(header: &str) -> Option<Algorithm> {
        ALGORITHMS.into_iter().find(|algorithm| algorithm.header().eq_ignore_ascii_case(header))
    }

    /// This algorithm's member of `checksum`.
    pub(crate) fn value(self, checksum: &Checksum) -> Option<&str> {
        match self {
            Algorithm::Crc32 => checksum.checksum_crc32.as_deref(),
            Algorithm::Crc32c => checksum.checksum_crc32c.as_deref(),
            Algorithm::Crc64Nvme => checksum.checksum_crc64nvme.as_deref(),
            Algorithm::Sha1 => checksum.checksum_sha1.as_deref(),
            Algorithm::Sha256 => checksum.checksum_sha256.as_deref(),
        }
    }

    /// Sets this algorithm's member of `checksum`.
    pub(crate) fn set(self, checksum: &mut Checksum, value: String) {
        match self {
            Algorithm::Crc32 => checksum.checksum_crc32 = Some(value),
            Algorithm::Crc32c => checksum.checksum_crc32c = Some(value),
            Algorithm::Crc64Nvme => checksum.checksum_crc64nvme = Some(value),
            Algorithm::Sha1 => checksum.checksum_sha1 = Some(value),
            Algorithm::Sha256 => checksum.checksum_sha256 = Some(value),
        }
    }

    fn combinable(self) -> Option<CrcAlgorithm> {
        match self {
            Algorithm::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Algorithm::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Algorithm::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Algorithm::Sha1 | Algorithm::Sha256 => None,
        }
    }

    fn hasher(self, hasher: &mut ChecksumHasher) {
        match self {
            Algorithm::Crc32 => hasher.crc32 = Some(Crc32::new()),
            Algorithm::Crc32c => hasher.crc32c = Some(Crc32c::new()),
            Algorithm::Crc64Nvme => hasher.crc64nvme = Some(Crc64Nvme::new()),
            Algorithm::Sha1 => hasher.sha1 = Some(Sha1::new()),
            Algorithm::Sha256 => hasher.sha256 = Some(Sha256::new()),
        }
    }
}

/// Sums over one content file while it is written.
pub(crate) struct Digests {
    md5: Md5,
    checksums: ChecksumHasher,
}

/// The sums of one content file.
pub(crate) struct Sums {
    /// The ETag of an object of one part: MD5 in hex.
    pub(crate) e_tag: String,
    /// MD5 in base64, as `Content-MD5` has it.
    pub(crate) md5_base64: String,
    /// The other checksums that were asked for.
    pub(crate) checksum: Checksum,
}

impl Digests {
    pub(crate) fn new(algorithms: &[Algorithm]) -> Digests {
        let mut checksums = ChecksumHasher::default();
        for algorithm in algorithms {
            algorithm.hasher(&mut checksums);
        }
        Digests { md5: Md5::new(), checksums }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.checksums.update(bytes);
    }

    pub(crate) fn finish(self) -> Sums {
        let md5 = self.md5.finalize();
        Sums { e_tag: hex::encode(md5), md5_base64: BASE64.encode(md5), checksum: self.checksums.finalize() }
    }
}

/// `checksum` as headers.
pub(crate) fn headers(checksum: &Checksum) -> Vec<(String, String)> {
    ALGORITHMS
        .into_iter()
        .filter_map(|algorithm| Some((algorithm.header().to_owned(), algorithm.value(checksum)?.to_owned())))
        .collect()
}

/// The ETag of an object of several parts: the MD5 of the parts' MD5s, and how many there are.
/// `None` when a part's ETag is no MD5.
pub(crate) fn multipart_e_tag<'a>(part_e_tags: impl ExactSizeIterator<Item = &'a str>) -> Option<String> {
    let n_parts = part_e_tags.len();
    let mut md5 = Md5::new();
    for e_tag in part_e_tags {
        md5.update(&hex::decode(e_tag).ok().filter(|bytes| bytes.len() == 16)?);
    }
    Some(format!("{}-{n_parts}", hex::encode(md5.finalize())))
}

/// The checksum of the parts' checksums, `-` and how many there are. `None` when one is no base64.
pub(crate) fn composite(algorithm: Algorithm, parts: &[&str]) -> Option<String> {
    let mut hasher = ChecksumHasher::default();
    algorithm.hasher(&mut hasher);
    for part in parts {
        hasher.update(&BASE64.decode(part).ok()?);
    }
    let checksum = hasher.finalize();
    Some(format!("{}-{}", algorithm.value(&checksum)?, parts.len()))
}

/// The checksum of the whole from the checksums and lengths of its parts. `None` when the algorithm
/// cannot do that (SHA) or a checksum is malformed.
pub(crate) fn full_object(algorithm: Algorithm, parts: &[(&str, u64)]) -> Option<String> {
    let crc = algorithm.combinable()?;
    let mut whole: Option<(u64, usize)> = None;
    for (part, len) in parts {
        let bytes = BASE64.decode(part).ok().filter(|bytes| bytes.len() <= 8)?;
        let value = bytes.iter().fold(0_u64, |value, &byte| (value << 8) | u64::from(byte));
        let combined =
            whole.map_or(value, |(before, _)| crc_fast::checksum_combine(crc, before, value, *len));
        whole = Some((combined, bytes.len()));
    }
    let (value, n_bytes) = whole?;
    Some(BASE64.encode(&value.to_be_bytes()[8 - n_bytes..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(algorithm: Algorithm, bytes: &[u8]) -> String {
        let mut digests = Digests::new(&[algorithm]);
        digests.update(bytes);
        algorithm.value(&digests.finish().checksum).expect("was asked for").to_owned()
    }

    /// Reference values of the algorithms' own documents for `123456789`.
    #[track_caller]
    fn check(algorithm: Algorithm, expected_hex: &str) {
        let expected = BASE64.encode(hex::decode(expected_hex).expect("hex"));
        assert_eq!(sum(algorithm, b"123456789"), expected, "{algorithm:?}");
    }

    #[test]
    fn reference_values() {
        check(Algorithm::Crc32, "cbf43926");
        check(Algorithm::Crc32c, "e3069283");
        check(Algorithm::Crc64Nvme, "ae8b14860a799888");
        check(Algorithm::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441");
        check(Algorithm::Sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225");
    }

    #[test]
    fn crcs_of_parts_make_the_crc_of_the_whole() {
        let whole = b"a first part, a second part and the rest";
        let (first, rest) = whole.split_at(13);
        let (second, third) = rest.split_at(14);
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
            let sums = [first, second, third].map(|part| (sum(algorithm, part), part.len() as u64));
            let parts: Vec<(&str, u64)> = sums.iter().map(|(sum, len)| (sum.as_str(), *len)).collect();
            assert_eq!(full_object(algorithm, &parts), Some(sum(algorithm, whole)), "{algorithm:?}");
        }
        assert_eq!(full_object(Algorithm::Sha256, &[("AAAA", 3)]), None);
    }

    #[test]
    fn tags_of_several_parts_say_how_many() {
        let part = "d41d8cd98f00b204e9800998ecf8427e";
        let e_tag = multipart_e_tag([part, part].into_iter()).expect("tags");
        assert_eq!(e_tag, "5873dd45edd01f09c1ef2e7819369e8e-2");
        assert_eq!(multipart_e_tag(["x"].into_iter()), None);
    }
}
