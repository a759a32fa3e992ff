//! One data item of whatever form, walked without recursion: nesting is counted, not put on the stack.

use minicbor::data::Type;
use minicbor::decode::{Decoder, Error};

use super::MAX_DEPTH;

/// How many items of an array or a map are still to come; of a map both keys and values count.
enum Left {
    Counted(u64),
    UntilBreak { is_map: bool, n_seen: u64 },
}

/// Moves `decoder` behind the next item, which lies in `depth` others.
///
/// # Errors
/// When the item is not well-formed, ends early, or is nested deeper than [`MAX_DEPTH`].
pub(super) fn skip(decoder: &mut Decoder<'_>, depth: usize) -> Result<(), Error> {
    let mut open: Vec<Left> = Vec::new();
    loop {
        if is_at_break(decoder, open.last())? {
            decoder.set_position(decoder.position() + 1);
            open.pop();
        } else if let Some(inside) = enter(decoder)? {
            if MAX_DEPTH <= depth + open.len() {
                return Err(Error::message("nested too deep").at(decoder.position()));
            }
            open.push(inside);
        }
        while let Some(Left::Counted(0)) = open.last() {
            open.pop();
        }
        match open.last_mut() {
            None => return Ok(()),
            Some(Left::Counted(n)) => *n -= 1,
            Some(Left::UntilBreak { n_seen, .. }) => *n_seen += 1,
        }
    }
}

/// Whether the next byte ends `inside`; `n_seen` counts the place that the break stands in too.
fn is_at_break(decoder: &Decoder<'_>, inside: Option<&Left>) -> Result<bool, Error> {
    if decoder.datatype()? != Type::Break {
        return Ok(false);
    }
    match inside {
        Some(Left::UntilBreak { is_map: true, n_seen }) if n_seen % 2 == 0 => {
            Err(Error::message("a map ends after a key").at(decoder.position()))
        }
        Some(Left::UntilBreak { .. }) => Ok(true),
        Some(Left::Counted(_)) | None => {
            Err(Error::message("a break where none is due").at(decoder.position()))
        }
    }
}

/// Reads an item, or the head of one that has others in it.
fn enter(decoder: &mut Decoder<'_>) -> Result<Option<Left>, Error> {
    match decoder.datatype()? {
        Type::Bool => drop(decoder.bool()?),
        Type::Null => decoder.null()?,
        Type::Undefined => decoder.undefined()?,
        Type::U8
        | Type::U16
        | Type::U32
        | Type::U64
        | Type::I8
        | Type::I16
        | Type::I32
        | Type::I64
        | Type::Int => drop(decoder.int()?),
        Type::F16 => drop(decoder.f16()?),
        Type::F32 => drop(decoder.f32()?),
        Type::F64 => drop(decoder.f64()?),
        Type::Simple => drop(decoder.simple()?),
        Type::Bytes | Type::BytesIndef => decoder.bytes_iter()?.try_for_each(|part| part.map(drop))?,
        Type::String | Type::StringIndef => decoder.str_iter()?.try_for_each(|part| part.map(drop))?,
        Type::Array | Type::ArrayIndef => {
            let n = decoder.array()?;
            return Ok(Some(n.map_or(Left::UntilBreak { is_map: false, n_seen: 0 }, Left::Counted)));
        }
        Type::Map | Type::MapIndef => {
            // More items than any input has: the input's end is met first.
            let n = decoder.map()?.map(|n| n.saturating_mul(2));
            return Ok(Some(n.map_or(Left::UntilBreak { is_map: true, n_seen: 0 }, Left::Counted)));
        }
        Type::Tag => {
            decoder.tag()?;
            return Ok(Some(Left::Counted(1)));
        }
        Type::Break | Type::Unknown(_) => {
            return Err(Error::message("not a data item").at(decoder.position()));
        }
    }
    Ok(None)
}
