//! Tar archives, as far as image archives use them: regular files with short names.
//!
//! Own code rather than a crate, because an archive is untrusted: here nothing but a header of 512
//! bytes is ever held in memory, whatever an archive claims (extended headers included, which are
//! skipped: the names that matter fit the plain one).

use std::io::{self, Read, Write};

const BLOCK_BYTES: usize = 512;
const ZEROS: [u8; BLOCK_BYTES] = [0; BLOCK_BYTES];
/// Two blocks of zeros end an archive (POSIX.1-2017, pax, "ustar Interchange Format").
const END_BLOCKS: usize = 2;

const NAME: std::ops::Range<usize> = 0..100;
const MODE: std::ops::Range<usize> = 100..108;
const OWNER: std::ops::Range<usize> = 108..116;
const GROUP: std::ops::Range<usize> = 116..124;
const SIZE: std::ops::Range<usize> = 124..136;
const TIME: std::ops::Range<usize> = 136..148;
const CHECKSUM: std::ops::Range<usize> = 148..156;
const TYPE: usize = 156;
const MAGIC: std::ops::Range<usize> = 257..265;
const PREFIX: std::ops::Range<usize> = 345..500;

/// Writes an archive. The same files give the same bytes: no times, no owners.
pub(crate) struct TarWriter<'w> {
    target: &'w mut dyn Write,
}

impl<'w> TarWriter<'w> {
    pub(crate) fn new(target: &'w mut dyn Write) -> Self {
        Self { target }
    }

    /// Adds a file of exactly `size` bytes.
    ///
    /// # Errors
    /// A name longer than 100 bytes, a reader that yields another number of bytes (the archive is
    /// then useless), failures of both sides.
    pub(crate) fn file(&mut self, name: &str, size: u64, content: &mut dyn Read) -> io::Result<()> {
        let mut header = ZEROS;
        let name_field = header[NAME]
            .get_mut(..name.len())
            .ok_or_else(|| invalid("its name is too long"))?;
        name_field.copy_from_slice(name.as_bytes());
        for (field, value) in [
            (MODE, 0o644),
            (OWNER, 0),
            (GROUP, 0),
            (SIZE, size),
            (TIME, 0),
        ] {
            write_octal(&mut header[field], value)?;
        }
        header[TYPE] = b'0';
        header[MAGIC].copy_from_slice(b"ustar\x0000");
        let sum = checksum(&header);
        write_octal(&mut header[CHECKSUM.start..CHECKSUM.end - 1], sum)?;
        header[CHECKSUM.end - 1] = b' ';
        self.target.write_all(&header)?;
        let copied = io::copy(&mut content.take(size), self.target)?;
        if copied != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.target.write_all(&ZEROS[..padding(size)])
    }

    /// Ends the archive.
    pub(crate) fn finish(self) -> io::Result<()> {
        for _ in 0..END_BLOCKS {
            self.target.write_all(&ZEROS)?;
        }
        self.target.flush()
    }
}

/// Reads an archive from front to back.
pub(crate) struct TarReader<'r> {
    source: &'r mut dyn Read,
    /// Bytes of the current file that were not read yet, and the padding after them.
    pending: u64,
    padding: usize,
}

/// The next file of an archive.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TarEntry {
    /// The name without leading `./`.
    pub(crate) name: String,
    pub(crate) size: u64,
    /// Whether it is a regular file, as opposed to folders, links and extended headers.
    pub(crate) is_file: bool,
}

impl<'r> TarReader<'r> {
    pub(crate) fn new(source: &'r mut dyn Read) -> Self {
        Self {
            source,
            pending: 0,
            padding: 0,
        }
    }

    /// Goes to the next entry; skips what was not read of the one before.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] for what is no tar archive, `UnexpectedEof` for a cut one.
    pub(crate) fn next(&mut self) -> io::Result<Option<TarEntry>> {
        let skip = self.pending + self.padding as u64;
        if io::copy(&mut (&mut self.source).take(skip), &mut io::sink())? != skip {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut header = ZEROS;
        self.source
            .read_exact(&mut header)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => {
                    io::Error::new(error.kind(), "the archive is empty or cut off")
                }
                _ => error,
            })?;
        if header == ZEROS {
            return Ok(None);
        }
        let entry = parse_header(&header)?;
        self.pending = entry.size;
        self.padding = padding(entry.size);
        Ok(Some(entry))
    }
}

/// Reads the content of the current entry.
impl Read for TarReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = (&mut self.source).take(self.pending).read(buffer)?;
        if len == 0 && self.pending > 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.pending -= len as u64;
        Ok(len)
    }
}

fn parse_header(header: &[u8; BLOCK_BYTES]) -> io::Result<TarEntry> {
    if read_number(&header[CHECKSUM])? != checksum(header) {
        return Err(invalid(
            "a header's checksum is wrong: this is no tar archive",
        ));
    }
    let mut name = text(&header[NAME])?;
    if &header[MAGIC.start..MAGIC.start + 5] == b"ustar" && header[MAGIC.start + 5] == 0 {
        let prefix = text(&header[PREFIX])?;
        if !prefix.is_empty() {
            name = format!("{prefix}/{name}");
        }
    }
    let name = name.strip_prefix("./").map(str::to_owned).unwrap_or(name);
    let is_file = matches!(header[TYPE], b'0' | 0);
    // Folders and links may state a size that is not followed by content.
    let has_content = !matches!(header[TYPE], b'1'..=b'6');
    let size = if has_content {
        read_number(&header[SIZE])?
    } else {
        0
    };
    Ok(TarEntry {
        name,
        size,
        is_file,
    })
}

fn text(field: &[u8]) -> io::Result<String> {
    let len = field
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(field.len());
    // Names that are not UTF-8 are none that we look for.
    Ok(String::from_utf8_lossy(&field[..len]).into_owned())
}

/// Octal digits, or GNU's binary form for sizes of 8 GiB and more: a byte 0x80, then the number.
fn read_number(field: &[u8]) -> io::Result<u64> {
    const SHIFTABLE_MAX: u64 = u64::MAX >> 9;
    if let [first @ 0x80..=0xff, rest @ ..] = field {
        return rest.iter().try_fold(0, |number: u64, byte| {
            if *first != 0x80 || number > SHIFTABLE_MAX {
                return Err(invalid("a header's number is out of range"));
            }
            Ok((number << 8) | u64::from(*byte))
        });
    }
    let digits = field.iter().skip_while(|byte| **byte == b' ');
    let digits = digits.take_while(|byte| !matches!(**byte, 0 | b' '));
    digits
        .clone()
        .try_fold(0, |number: u64, digit| match digit {
            b'0'..=b'7' => Ok((number << 3) | u64::from(digit - b'0')),
            _ => Err(invalid(
                "a header's number is malformed: this is no tar archive",
            )),
        })
}

fn write_octal(field: &mut [u8], value: u64) -> io::Result<()> {
    let digits = field.len() - 1;
    let text = format!("{value:0digits$o}");
    if text.len() > digits {
        return Err(invalid("it is too large for a tar archive"));
    }
    field[..digits].copy_from_slice(text.as_bytes());
    Ok(())
}

/// The sum of all bytes, with the checksum itself as spaces.
fn checksum(header: &[u8; BLOCK_BYTES]) -> u64 {
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    sum(header) - sum(&header[CHECKSUM]) + CHECKSUM.len() as u64 * u64::from(b' ')
}

fn padding(size: u64) -> usize {
    let over = (size % BLOCK_BYTES as u64) as usize;
    if over == 0 { 0 } else { BLOCK_BYTES - over }
}

fn invalid(message: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = TarWriter::new(&mut bytes);
        for (name, content) in files {
            writer
                .file(name, content.len() as u64, &mut &**content)
                .unwrap();
        }
        writer.finish().unwrap();
        bytes
    }

    fn read(mut bytes: &[u8]) -> io::Result<Vec<(String, Vec<u8>)>> {
        let mut reader = TarReader::new(&mut bytes);
        let mut files = Vec::new();
        while let Some(entry) = reader.next()? {
            let mut content = Vec::new();
            reader.read_to_end(&mut content)?;
            files.push((entry.name, content));
        }
        Ok(files)
    }

    #[test]
    fn files_read_back_as_they_were_written() {
        let sizes = [0, 1, 511, 512, 513, 5000];
        for size in sizes {
            let content = vec![7; size];
            let files = read(&archive(&[("a", &content), ("b/c", b"x")])).unwrap();
            assert_eq!(
                files,
                [("a".into(), content), ("b/c".into(), b"x".to_vec())]
            );
        }
    }

    #[test]
    fn content_that_is_not_read_is_skipped() {
        let bytes = archive(&[("a", &[1; 700]), ("b", b"x")]);
        let mut source = bytes.as_slice();
        let mut reader = TarReader::new(&mut source);
        assert_eq!(reader.next().unwrap().unwrap().name, "a");
        assert_eq!(reader.next().unwrap().unwrap().name, "b");
        assert_eq!(reader.next().unwrap(), None);
    }

    #[test]
    fn a_cut_archive_is_an_error_wherever_it_is_cut() {
        let bytes = archive(&[("a", &[1; 700]), ("b", b"x")]);
        let end = bytes.len() - END_BLOCKS * BLOCK_BYTES;
        for len in 0..end {
            assert!(read(&bytes[..len]).is_err(), "{len}");
        }
    }

    #[test]
    fn a_flipped_header_is_noticed() {
        let sound = archive(&[("a", b"x")]);
        // The last byte of the checksum is a blank that nobody reads.
        for position in (0..PREFIX.end).filter(|position| *position != CHECKSUM.end - 1) {
            let mut flipped = sound.clone();
            flipped[position] ^= 1;
            let same = read(&flipped).is_ok_and(|files| files == read(&sound).unwrap());
            assert!(!same, "{position}");
        }
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        for bytes in [&b""[..], b"text", &[0xff; 2048], &[b'0'; 2048]] {
            assert!(read(bytes).is_err());
        }
    }

    #[test]
    fn huge_sizes_are_read_and_negative_ones_refused() {
        assert_eq!(
            read_number(b"\x80\0\0\0\0\0\0\x02\0\0\0\0").unwrap(),
            0x2_0000_0000
        );
        assert!(read_number(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff").is_err());
        assert!(read_number(b"\x80\0\0\0\xff\0\0\x02\0\0\0\0").is_err());
        assert_eq!(read_number(b"77777777777\0").unwrap(), 0o77_777_777_777);
    }
}
