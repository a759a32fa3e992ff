//! The content of zip members, read with one buffer and one decoder for all of them.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::compression::BUFFER_BYTES;
use super::error::damage;

/// Compressed bytes taken at once.
const INPUT_BYTES: usize = 32 * 1024;

/// A file that is read at any place. Unlike [`io::BufReader`], its buffer outlives seeks: members follow
/// each other, but their headers are sought.
#[derive(Debug)]
pub(super) struct SeekableFile {
    file: File,
    position: u64,
    buffer: Vec<u8>,
    /// Where in the file the buffer's content begins.
    begin: u64,
    n_buffered: usize,
}

impl SeekableFile {
    pub(super) fn new(file: File) -> SeekableFile {
        SeekableFile { file, position: 0, buffer: vec![0; BUFFER_BYTES], begin: 0, n_buffered: 0 }
    }

    /// What the buffer has from the present place on.
    fn buffered(&self) -> &[u8] {
        let offset = self.position.checked_sub(self.begin).and_then(|offset| usize::try_from(offset).ok());
        offset.and_then(|offset| self.buffer[..self.n_buffered].get(offset..)).unwrap_or_default()
    }
}

impl Read for SeekableFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.buffered().is_empty() {
            if self.buffer.len() <= into.len() {
                let n_read = self.file.read_at(into, self.position)?;
                self.position += n_read as u64;
                return Ok(n_read);
            }
            self.n_buffered = 0;
            self.n_buffered = self.file.read_at(&mut self.buffer, self.position)?;
            self.begin = self.position;
        }
        let n_read = self.buffered().read(into)?;
        self.position += n_read as u64;
        Ok(n_read)
    }
}

impl Seek for SeekableFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
            SeekFrom::End(offset) => self.file.metadata()?.len().checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// A decoder for one deflated member after the other.
#[derive(Debug)]
pub(super) struct Inflater {
    state: Decompress,
    input: Vec<u8>,
}

impl Inflater {
    pub(super) fn new() -> Inflater {
        Inflater { state: Decompress::new(false), input: vec![0; INPUT_BYTES] }
    }

    /// The content of the member whose compressed bytes are `source`.
    pub(super) fn content<R: Read>(&mut self, source: R) -> Inflated<'_, R> {
        self.state.reset(false);
        Inflated { source, inflater: self, begin: 0, end: 0, is_done: false }
    }
}

/// See [`Inflater::content`].
pub(super) struct Inflated<'a, R> {
    source: R,
    inflater: &'a mut Inflater,
    /// What of the input is not used yet.
    begin: usize,
    end: usize,
    is_done: bool,
}

impl<R: Read> Read for Inflated<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Inflater { state, input } = &mut *self.inflater;
        while !self.is_done {
            if self.begin == self.end {
                self.begin = 0;
                self.end = self.source.read(input)?;
            }
            let (n_in, n_out) = (state.total_in(), state.total_out());
            let status = state
                .decompress(&input[self.begin..self.end], into, FlushDecompress::None)
                .map_err(|error| damage(error.to_string()))?;
            let n_used = usize::try_from(state.total_in() - n_in).unwrap_or(usize::MAX);
            let n_made = usize::try_from(state.total_out() - n_out).unwrap_or(usize::MAX);
            self.begin += n_used;
            self.is_done = status == Status::StreamEnd;
            if 0 < n_made {
                return Ok(n_made);
            }
            if n_used == 0 && self.begin == self.end && !self.is_done {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(0)
    }
}

/// Content that must have the length and the checksum that the archive's directory gives.
pub(super) struct Checked<R> {
    content: R,
    crc: Crc,
    n_left: u64,
    expected_crc: u32,
}

impl<R: Read> Checked<R> {
    pub(super) fn new(content: R, size: u64, expected_crc: u32) -> Checked<R> {
        Checked { content, crc: Crc::new(), n_left: size, expected_crc }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n_read = self.content.read(into)?;
        if n_read == 0 && !into.is_empty() {
            if self.n_left != 0 {
                return Err(damage(format!("{} bytes are missing", self.n_left)));
            }
            if self.crc.sum() != self.expected_crc {
                return Err(damage("the checksum is wrong"));
            }
        }
        self.crc.update(&into[..n_read]);
        self.n_left = self
            .n_left
            .checked_sub(n_read as u64)
            .ok_or_else(|| damage("there is more content than the archive's directory says"))?;
        Ok(n_read)
    }
}
