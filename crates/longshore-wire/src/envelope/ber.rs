//! BER to DER: some signers stream their messages, with lengths left open and contents in pieces.
//!
//! Only that is straightened out, since the parser reads nothing else; DER comes out as it went in.

/// A message has some ten levels; the bound keeps a hostile one from exhausting the stack.
const MAX_DEPTH: usize = 40;

const CONSTRUCTED: u8 = 0x20;
const OCTET_STRING: u8 = 0x04;
const INDEFINITE: u8 = 0x80;
const END_OF_CONTENTS: [u8; 2] = [0, 0];

/// The message in DER, or nothing when its lengths do not add up.
pub(super) fn to_der(ber: &[u8]) -> Option<Vec<u8>> {
    let mut input = ber;
    let der = element(&mut input, 0)?;
    // Whatever follows is not the message's.
    Some(der)
}

/// Takes one element off `input` and gives it back with a definite length.
fn element(input: &mut &[u8], depth: usize) -> Option<Vec<u8>> {
    if MAX_DEPTH < depth {
        return None;
    }
    let tag = tag(input)?;
    let is_constructed = tag.first()? & CONSTRUCTED != 0;
    let contents = match length(input)? {
        Some(len) => {
            let (mut inner, rest) = input.split_at_checked(len)?;
            *input = rest;
            if is_constructed { children(&mut inner, false, depth)? } else { vec![inner.to_vec()] }
        }
        None if is_constructed => children(input, true, depth)?,
        None => return None,
    };
    if tag == [OCTET_STRING | CONSTRUCTED] {
        let pieces: Option<Vec<&[u8]>> = contents.iter().map(|piece| primitive_contents(piece)).collect();
        return Some(encoded(&[OCTET_STRING], &pieces?.concat()));
    }
    Some(encoded(tag, &contents.concat()))
}

/// The elements up to the end of `input`, or up to the end-of-contents mark.
fn children(input: &mut &[u8], is_indefinite: bool, depth: usize) -> Option<Vec<Vec<u8>>> {
    let mut elements = Vec::new();
    loop {
        if is_indefinite && input.starts_with(&END_OF_CONTENTS) {
            *input = &input[2..];
            return Some(elements);
        }
        if input.is_empty() {
            return (!is_indefinite).then_some(elements);
        }
        elements.push(element(input, depth + 1)?);
    }
}

fn tag<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut len = 1;
    if input.first()? & 0x1f == 0x1f {
        while input.get(len)? & 0x80 != 0 {
            len += 1;
        }
        len += 1;
    }
    let (tag, rest) = input.split_at_checked(len)?;
    *input = rest;
    Some(tag)
}

/// A length; `None` inside means indefinite.
fn length(input: &mut &[u8]) -> Option<Option<usize>> {
    let (first, mut rest) = input.split_first()?;
    let len = match *first {
        INDEFINITE => None,
        short if short < 0x80 => Some(usize::from(short)),
        long => {
            let (bytes, after) = rest.split_at_checked(usize::from(long & 0x7f))?;
            rest = after;
            let mut len = 0usize;
            for byte in bytes {
                len = len.checked_mul(256)?.checked_add(usize::from(*byte))?;
            }
            Some(len)
        }
    };
    *input = rest;
    Some(len)
}

/// The contents of an octet string that this module wrote.
fn primitive_contents(element: &[u8]) -> Option<&[u8]> {
    let mut input = element;
    (tag(&mut input)? == [OCTET_STRING]).then_some(())?;
    length(&mut input)??;
    Some(input)
}

fn encoded(tag: &[u8], contents: &[u8]) -> Vec<u8> {
    let mut der = Vec::with_capacity(tag.len() + contents.len() + 6);
    der.extend_from_slice(tag);
    let len = contents.len();
    if len < 0x80 {
        der.push(len as u8);
    } else {
        let bytes = len.to_be_bytes();
        let n_leading = bytes.iter().take_while(|byte| **byte == 0).count();
        der.push(0x80 | (bytes.len() - n_leading) as u8);
        der.extend_from_slice(&bytes[n_leading..]);
    }
    der.extend_from_slice(contents);
    der
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ber: &str, expected: Option<&str>) {
        let der = to_der(&hex::decode(ber).expect("hex"));
        assert_eq!(der.map(hex::encode).as_deref(), expected, "{ber}");
    }

    #[test]
    fn open_lengths_are_closed() {
        check("3080020105020106 0000".replace(' ', "").as_str(), Some("3006020105020106"));
        check("30800201050000", Some("3003020105"));
        check("a08030800000 0000".replace(' ', "").as_str(), Some("a0023000"));
    }

    #[test]
    fn strings_in_pieces_are_joined() {
        check("2480040161040262630000", Some("0403616263"));
        check("2407040161040262 63".replace(' ', "").as_str(), Some("0403616263"));
        check("2403020105", None);
    }

    #[test]
    fn der_stays_as_it_is() {
        check("3003020105", Some("3003020105"));
        let long = format!("308200{:02x}04820080{}", 0x84, "61".repeat(128));
        check(&long, Some(&format!("308183048180{}", "61".repeat(128))));
    }

    #[test]
    fn broken_lengths_are_refused() {
        check("", None);
        check("30", None);
        check("300502", None);
        check("3080020105", None);
        check("0480", None);
        check("3089ffffffffffffffffff", None);
        check(&"3080".repeat(100), None);
    }
}
