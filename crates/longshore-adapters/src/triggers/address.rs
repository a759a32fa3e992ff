//! Which addresses a webhook may have. Whoever may make a trigger chooses where this server sends a request
//! to; they must not reach through it what only it can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A network: `10.0.0.0/8`, `fd12::/16`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

/// A text that is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a network such as `10.0.0.0/8`, nor an address")]
pub struct NotANetwork;

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Network, NotANetwork> {
        let (address, prefix_bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().map_err(|_| NotANetwork)?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let network = Network { address, prefix_bits: prefix_bits.unwrap_or(most) };
        // Host bits: probably not what was meant.
        let is_right = network.prefix_bits <= most && network.base(address) == address;
        if is_right { Ok(network) } else { Err(NotANetwork) }
    }
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4() && self.base(address) == self.address
    }

    /// `address` without the bits after the prefix.
    fn base(&self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(v4) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix_bits.min(32))).unwrap_or(0);
                Ipv4Addr::from(u32::from(v4) & mask).into()
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix_bits.min(128))).unwrap_or(0);
                Ipv6Addr::from(u128::from(v6) & mask).into()
            }
        }
    }
}

/// Why an address may not be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No setting allows it: what answers there knows this machine's secrets.
    Never,
    /// It is in no network that the operator listed.
    NotPublic,
}

/// Whether a webhook may be at `address`: if it is public, or in one of `networks`.
pub(super) fn check(address: IpAddr, networks: &[Network]) -> Result<(), Refusal> {
    let address = inner(address);
    if is_forbidden(address) {
        return Err(Refusal::Never);
    }
    if is_public(address) || networks.iter().any(|network| network.contains(address)) {
        return Ok(());
    }
    Err(Refusal::NotPublic)
}

/// The address that packets end up at: IPv4 addresses come in several disguises.
fn inner(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let s = v6.segments();
    let v4 = |high: u16, low: u16| IpAddr::from(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match s {
        // Mapped (RFC 4291), and the well-known prefix of NAT64 (RFC 6052).
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => v4(high, low),
        _ => address,
    }
}

/// Link-local addresses, and those at which clouds answer their machines about themselves.
fn is_forbidden(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local() || METADATA_V4.contains(&v4),
        IpAddr::V6(v6) => v6.is_unicast_link_local() || METADATA_V6.contains(&v6),
    }
}

/// Alibaba Cloud, Azure, Oracle Cloud.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];

/// EC2, its container credentials, Google Cloud.
const METADATA_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

/// Whether the internet routes it. Source: IANA's registries of special-purpose addresses.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let is_special = v4.is_private()
                || v4.is_loopback()
                || v4.is_documentation()
                || v4.is_multicast()
                || matches!(
                    (a, b, c),
                    (0, ..) | (100, 64..=127, _) | (192, 0, 0) | (198, 18..=19, _) | (240.., ..)
                );
            !is_special
        }
        // Only this block is given out, and in it are Teredo, benchmarks and documentation.
        IpAddr::V6(v6) => match v6.segments() {
            [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] => false,
            [first, ..] => first & 0xe000 == 0x2000 && first != 0x3fff,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_address(address: &str, networks: &[&str], expected: Result<(), Refusal>) {
        let networks: Vec<Network> = networks.iter().map(|text| text.parse().expect("a network")).collect();
        assert_eq!(check(address.parse().expect("an address"), &networks), expected, "{address}");
    }

    #[test]
    fn public_addresses_are_reached() {
        for address in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::101:101"] {
            check_address(address, &[], Ok(()));
        }
    }

    #[test]
    fn others_are_not_unless_their_network_is_listed() {
        for (address, network) in [
            ("127.0.0.1", "127.0.0.0/8"),
            ("10.1.2.3", "10.0.0.0/8"),
            ("172.31.255.255", "172.16.0.0/12"),
            ("192.168.1.1", "192.168.1.1"),
            ("100.64.0.1", "100.64.0.0/10"),
            ("0.0.0.0", "0.0.0.0/0"),
            ("198.18.0.1", "198.18.0.0/15"),
            ("224.0.0.1", "224.0.0.0/4"),
            ("255.255.255.255", "240.0.0.0/4"),
            ("::1", "::1"),
            ("::", "::/128"),
            ("::7f00:1", "::/96"),
            ("fd12:3456::1", "fd12::/16"),
            ("ff02::1", "ff00::/8"),
            ("2001:db8::1", "2001:db8::/32"),
            ("2001::1", "2001::/32"),
            ("::ffff:10.1.2.3", "10.0.0.0/8"),
            ("2002:a01:203::1", "10.0.0.0/8"),
            ("64:ff9b::10.1.2.3", "10.0.0.0/8"),
        ] {
            check_address(address, &[], Err(Refusal::NotPublic));
            check_address(address, &["203.0.113.0/24", network], Ok(()));
        }
        check_address("10.1.2.3", &["10.2.0.0/16", "fd12::/16", "::/0"], Err(Refusal::NotPublic));
    }

    #[test]
    fn metadata_is_never_reached() {
        for address in [
            "169.254.169.254",
            "169.254.170.2",
            "100.100.100.200",
            "168.63.129.16",
            "fe80::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "::ffff:169.254.169.254",
            "2002:a9fe:a9fe::1",
            "64:ff9b::169.254.169.254",
        ] {
            check_address(address, &["0.0.0.0/0", "::/0"], Err(Refusal::Never));
        }
    }

    #[test]
    fn networks_are_written_exactly() {
        for text in ["10.0.0.1/8", "10.0.0.0/33", "::/129", "10.0.0.0/", "10/8", "ten", "", "10.0.0.0/-1"] {
            assert_eq!(text.parse::<Network>(), Err(NotANetwork), "{text}");
        }
    }
}
