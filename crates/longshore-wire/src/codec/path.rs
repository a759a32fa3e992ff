//! Which member a position in a JSON text belongs to, so that an error can name it.
//!
//! The decoder reports line and column only. Walking the text once more on the error path is cheaper
//! than tracking the path through every good request.

/// One step into a document.
enum Frame {
    Object { key: String },
    Array { idx: usize },
}

/// The member at or before byte `offset` of `text`, as `revision.s3Location` or `tags[2].Key`;
/// empty at the top. `text` need only be well-formed up to `offset`.
pub(super) fn member_at(text: &[u8], offset: usize) -> String {
    let text = &text[..offset.min(text.len())];
    let mut frames: Vec<Frame> = Vec::new();
    let mut pos = 0;
    while pos < text.len() {
        match text[pos] {
            b'{' => frames.push(Frame::Object { key: String::new() }),
            b'[' => frames.push(Frame::Array { idx: 0 }),
            // The bracket that ends the text may be the very value complained about.
            b'}' | b']' if pos + 1 < text.len() => drop(frames.pop()),
            b',' => {
                if let Some(Frame::Array { idx }) = frames.last_mut() {
                    *idx += 1;
                }
            }
            b'"' => {
                let end = end_of_string(text, pos);
                if is_key(text, end)
                    && let Some(Frame::Object { key }) = frames.last_mut()
                {
                    *key = String::from_utf8_lossy(&text[pos + 1..end]).into_owned();
                }
                pos = end;
            }
            _ => {}
        }
        pos += 1;
    }
    render(&frames)
}

/// The index of the quote that closes the string opened at `start`, or the end of the text.
fn end_of_string(text: &[u8], start: usize) -> usize {
    let mut pos = start + 1;
    while pos < text.len() {
        match text[pos] {
            b'\\' => pos += 2,
            b'"' => return pos,
            _ => pos += 1,
        }
    }
    text.len()
}

fn is_key(text: &[u8], closing_quote: usize) -> bool {
    let rest = text.get(closing_quote + 1..).unwrap_or_default();
    rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
}

fn render(frames: &[Frame]) -> String {
    let mut path = String::new();
    for frame in frames {
        match frame {
            // The object itself is complained about, not a member of it.
            Frame::Object { key } if key.is_empty() => {}
            Frame::Object { key } => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
            }
            Frame::Array { idx } => path.push_str(&format!("[{idx}]")),
        }
    }
    path
}
