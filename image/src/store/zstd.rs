//! Zstandard (RFC 8878) as a sequence of frames, which is what the format allows and parallel
//! compressors write. `ruzstd` itself reads and writes one frame, and panics where it cannot write:
//! here it only ever writes to memory.

use std::io::{self, BufRead, Read, Write};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// What every frame begins with.
pub(super) const MAGIC: [u8; 4] = *b"\x28\xb5\x2f\xfd";

/// Content of a frame that is written: far more than the window, so that little is lost at the
/// seams, and little memory.
const FRAME_BYTES: usize = 1 << 20;

/// Compresses what is written to it.
pub(super) struct ZstdWriter<'w> {
    target: &'w mut dyn Write,
    pending: Vec<u8>,
}

impl<'w> ZstdWriter<'w> {
    pub(super) fn new(target: &'w mut dyn Write) -> Self {
        let pending = Vec::with_capacity(FRAME_BYTES);
        Self { target, pending }
    }

    /// Writes the rest.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if !self.pending.is_empty() {
            self.write_frame()?;
        }
        self.target.flush()
    }

    fn write_frame(&mut self) -> io::Result<()> {
        // The only level below the default that it has.
        let frame = compress_to_vec(self.pending.as_slice(), CompressionLevel::Fastest);
        self.pending.clear();
        self.target.write_all(&frame)
    }
}

impl Write for ZstdWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = bytes.len().min(FRAME_BYTES - self.pending.len());
        self.pending.extend_from_slice(&bytes[..len]);
        if self.pending.len() == FRAME_BYTES {
            self.write_frame()?;
        }
        Ok(len)
    }

    /// Does nothing: a frame for each flush would be a bad one.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads the content of all frames.
pub(super) struct ZstdReader<R> {
    source: R,
    decoder: FrameDecoder,
    is_in_frame: bool,
}

impl<R: BufRead> ZstdReader<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            decoder: FrameDecoder::new(),
            is_in_frame: false,
        }
    }

    /// Goes to the next frame with content; `false` at the end.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let length = u64::from(length);
                    if io::copy(&mut (&mut self.source).take(length), &mut io::sink())? != length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for ZstdReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.is_in_frame && self.decoder.is_finished() && self.decoder.can_collect() == 0 {
                self.is_in_frame = false;
            }
            if !self.is_in_frame {
                self.is_in_frame = self.next_frame()?;
                if !self.is_in_frame {
                    return Ok(0);
                }
            }
            if self.decoder.can_collect() > 0 {
                return self.decoder.read(buffer);
            }
            self.decoder
                .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1))
                .map_err(io::Error::other)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compressed(content: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = ZstdWriter::new(&mut bytes);
        writer.write_all(content).unwrap();
        writer.finish().unwrap();
        bytes
    }

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        ZstdReader::new(bytes).read_to_end(&mut content)?;
        Ok(content)
    }

    /// Neither all alike nor without repetition.
    fn content(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at / 7 * at % 251) as u8).collect()
    }

    #[test]
    fn content_reads_back_whatever_its_length() {
        for len in [
            1,
            4096,
            FRAME_BYTES - 1,
            FRAME_BYTES,
            FRAME_BYTES + 1,
            FRAME_BYTES * 3 + 5,
        ] {
            let content = content(len);
            let bytes = compressed(&content);
            assert!(bytes.starts_with(&MAGIC));
            assert!(read(&bytes).unwrap() == content, "{len}");
        }
    }

    #[test]
    fn frames_that_are_to_be_skipped_are() {
        let content = content(1000);
        let one = compressed(&content);
        let skipped = b"\x50\x2a\x4d\x18\x03\0\0\0xyz";
        let all = [&one[..], skipped, &one, skipped].concat();
        assert_eq!(read(&all).unwrap(), [&content[..], &content].concat());
        assert!(read(&all[..all.len() - 1]).is_err());
    }

    #[test]
    fn a_cut_frame_is_an_error() {
        let bytes = compressed(&content(5000));
        for len in 1..bytes.len() {
            assert!(read(&bytes[..len]).is_err(), "{len}");
        }
    }

    #[test]
    fn a_target_that_is_full_is_an_error() {
        let mut small = [0; 10];
        let mut target = &mut small[..];
        let mut writer = ZstdWriter::new(&mut target);
        writer.write_all(&content(5000)).unwrap();
        assert_eq!(
            writer.finish().unwrap_err().kind(),
            io::ErrorKind::WriteZero
        );
    }
}
