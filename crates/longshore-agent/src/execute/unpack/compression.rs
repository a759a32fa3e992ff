//! What a tar archive is compressed with, told by its first bytes, and the decoder for it. Every decoder
//! streams, takes several streams one after the other, and takes no more memory than it is given here.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::error::{Fault, damage};

/// Bytes read from the disk, and unpacked, at once.
pub(super) const BUFFER_BYTES: usize = 128 * 1024;

/// What a stream may be unpacked against: as much as `xz -9` and `zstd --ultra -21` use.
const MAX_WINDOW_BYTES: u64 = 64 << 20;

/// The dictionary, and what the decoder needs beside it.
const MAX_XZ_KIB: u32 = (MAX_WINDOW_BYTES >> 10) as u32 + 1024;

/// The content of the archive in `source`.
pub(super) fn plain(source: File) -> Result<Box<dyn Read>, Fault> {
    let mut source = BufReader::with_capacity(BUFFER_BYTES, source);
    let buffered = |decoder: Box<dyn Read>| -> Box<dyn Read> {
        Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder))
    };
    Ok(match source.fill_buf()? {
        [] => return Err(Fault::damaged("the archive is empty")),
        [0x1f, 0x8b, ..] => buffered(Box::new(MultiGzDecoder::new(source))),
        [b'B', b'Z', b'h', ..] => buffered(Box::new(MultiBzDecoder::new(source))),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            buffered(Box::new(XzStreams(XzReader::new_mem_limit(source, true, MAX_XZ_KIB))))
        }
        // A frame, or one to be skipped as parallel packers put it first.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            buffered(Box::new(ZstdFrames::new(source)))
        }
        _ => Box::new(source),
    })
}

/// Whether an error after the last member is about bytes that belong to no stream: padding, which `gzip`
/// and `bzip2` only warn about.
pub(super) fn is_padding(error: &io::Error) -> bool {
    let text = error.to_string();
    text == "invalid gzip header" || text == "bzip2: bz2 header missing"
}

/// Streams of xz, with a sentence for those that want too much.
struct XzStreams<R: Read>(XzReader<R>);

impl<R: Read> Read for XzStreams<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::OutOfMemory => {
                damage(format!("its xz dictionary is larger than {MAX_WINDOW_BYTES} bytes"))
            }
            _ => error,
        })
    }
}

/// Zstandard frames one after the other. Source: RFC 8878.
struct ZstdFrames<R> {
    source: R,
    decoder: FrameDecoder,
    is_in_frame: bool,
}

impl<R: BufRead> ZstdFrames<R> {
    fn new(source: R) -> ZstdFrames<R> {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW_BYTES);
        ZstdFrames { source, decoder, is_in_frame: false }
    }

    /// Begins the next frame; false when there is none.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.source) {
                Ok(()) => {
                    self.is_in_frame = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => self.skip(u64::from(length))?,
                Err(FrameDecoderError::WindowSizeTooBig { .. }) => {
                    return Err(damage(format!("its zstd window is larger than {MAX_WINDOW_BYTES} bytes")));
                }
                Err(error) => return Err(damage(error.to_string())),
            }
        }
        Ok(false)
    }

    fn skip(&mut self, n_bytes: u64) -> io::Result<()> {
        let n_skipped = io::copy(&mut self.source.by_ref().take(n_bytes), &mut io::sink())?;
        if n_skipped == n_bytes { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn end(&mut self) -> io::Result<()> {
        self.is_in_frame = false;
        let expected = self.decoder.get_checksum_from_data();
        if expected.is_some() && expected != self.decoder.get_calculated_checksum() {
            return Err(damage("the checksum of a zstd frame is wrong"));
        }
        Ok(())
    }
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.is_in_frame || self.begin()? {
            if self.decoder.can_collect() != 0 {
                return self.decoder.read(buffer);
            }
            if self.decoder.is_finished() {
                self.end()?;
                continue;
            }
            self.decoder
                .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1))
                .map_err(|error| damage(error.to_string()))?;
        }
        Ok(0)
    }
}
