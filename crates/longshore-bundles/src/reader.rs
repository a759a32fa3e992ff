//! Reads objects: a range over content files that follow one another, as a stream.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;

use bytes::Bytes;
use futures::Stream;
use s3s::dto::StreamingBlob;
use tokio::task::spawn_blocking;

use crate::content::{ContentFolder, Lease};

/// How much is read at once.
const BLOCK_BYTES: u64 = 512 * 1024;

/// A stretch of one file.
#[derive(Debug, PartialEq, Eq)]
struct Segment {
    path: PathBuf,
    range: Range<u64>,
}

/// Reads of one object. Owns its lease: the files stay until the stream is dropped.
struct Reads {
    segments: VecDeque<Segment>,
    open: Option<File>,
    _lease: Lease,
}

/// The bytes `range` of the object whose content is `names`, one after another, `size_bytes` in all.
///
/// # Errors
/// When a file is missing, or the files do not add up to the object's length.
pub(crate) async fn stream(
    content: &ContentFolder,
    lease: Lease,
    names: Vec<String>,
    size_bytes: u64,
    range: Range<u64>,
) -> io::Result<StreamingBlob> {
    let content = content.clone();
    let segments = run_blocking(move || segments(&content, &names, size_bytes, range)).await?;
    Ok(StreamingBlob::wrap(blocks(Reads { segments, open: None, _lease: lease })))
}

/// The lengths of content files, in their order.
///
/// # Errors
/// When one is missing.
pub(crate) fn lens(content: &ContentFolder, names: &[String]) -> io::Result<Vec<u64>> {
    names.iter().map(|name| Ok(content.path(name)?.metadata()?.len())).collect()
}

fn segments(
    content: &ContentFolder,
    names: &[String],
    size_bytes: u64,
    range: Range<u64>,
) -> io::Result<VecDeque<Segment>> {
    let mut segments = VecDeque::new();
    let mut begin = 0;
    for (name, len) in names.iter().zip(lens(content, names)?) {
        let path = content.path(name)?;
        let end = begin + len;
        let wanted = range.start.max(begin)..range.end.min(end);
        if !wanted.is_empty() {
            segments.push_back(Segment { path, range: wanted.start - begin..wanted.end - begin });
        }
        begin = end;
    }
    if begin != size_bytes {
        let message = format!("the content files hold {begin} bytes, but the object has {size_bytes}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(segments)
}

fn blocks(reads: Reads) -> impl Stream<Item = io::Result<Bytes>> + Send + Sync + 'static {
    futures::stream::try_unfold(reads, |reads| async move {
        run_blocking(move || next_block(reads)).await.inspect_err(|error| {
            tracing::error!(%error, "bundle store: an object could not be read to its end");
        })
    })
}

fn next_block(mut reads: Reads) -> io::Result<Option<(Bytes, Reads)>> {
    let Some(segment) = reads.segments.front_mut() else { return Ok(None) };
    let file = match &mut reads.open {
        Some(file) => file,
        None => {
            let mut file = File::open(&segment.path)?;
            file.seek(SeekFrom::Start(segment.range.start))?;
            reads.open.insert(file)
        }
    };
    let n_bytes = (segment.range.end - segment.range.start).min(BLOCK_BYTES);
    let mut block = vec![0; usize::try_from(n_bytes).map_err(io::Error::other)?];
    file.read_exact(&mut block)?;
    segment.range.start += n_bytes;
    if segment.range.is_empty() {
        reads.segments.pop_front();
        reads.open = None;
    }
    Ok(Some((block.into(), reads)))
}

/// Runs file work off the threads that serve requests.
pub(crate) async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use futures::TryStreamExt;

    use super::*;

    /// Three files, `abc` `` `defg`, of which `range` is read.
    async fn check(range: Range<u64>, expected: &str) {
        let folder = tempfile::tempdir().expect("a folder");
        let content = ContentFolder::open(folder.path()).expect("opens");
        let names: Vec<String> = ["abc", "", "defg"]
            .iter()
            .map(|bytes| {
                let (incoming, mut file) = content.begin().expect("begins");
                file.write_all(bytes.as_bytes()).expect("writes");
                content.keep(incoming).expect("keeps")
            })
            .collect();
        let lease = content.lease(&names).expect("looks").expect("is there");
        let blocks = stream(&content, lease, names, 7, range.clone()).await.expect("streams");
        let blocks: Vec<Bytes> = blocks.try_collect().await.expect("reads");
        assert_eq!(blocks.concat(), expected.as_bytes(), "{range:?}");
    }

    #[tokio::test]
    async fn ranges_run_over_file_ends() {
        check(0..7, "abcdefg").await;
        check(0..3, "abc").await;
        check(1..2, "b").await;
        check(2..4, "cd").await;
        check(3..7, "defg").await;
        check(6..7, "g").await;
        check(0..0, "").await;
    }

    #[tokio::test]
    async fn files_that_do_not_add_up_are_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let content = ContentFolder::open(folder.path()).expect("opens");
        let (incoming, _file) = content.begin().expect("begins");
        let names = vec![content.keep(incoming).expect("keeps")];
        let lease = content.lease(&names).expect("looks").expect("is there");
        assert!(stream(&content, lease, names, 1, 0..1).await.is_err());
    }
}
