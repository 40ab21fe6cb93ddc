//! From the bytes of a `.BTF` section to a checked [`Btf`].
//!
//! Format: <https://docs.kernel.org/bpf/btf.html>, `include/uapi/linux/btf.h`.

use std::ops::Range;

use crate::btf::Btf;
use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::ty::Type;

/// Bytes of a whole section. A kernel's own is about 10 MiB; the kernel accepts 16 MiB from users.
pub const SECTION_BYTES_MAX: usize = 64 << 20;
/// Types in one section: the kernel's `BTF_MAX_TYPE`.
pub const TYPES_MAX: usize = 0x000f_ffff;
/// Bytes of one name: the kernel's `KSYM_NAME_LEN`.
pub const NAME_BYTES_MAX: usize = 512;

const MAGIC: u16 = 0xeb9f;
const VERSION: u8 = 1;
/// `sizeof(struct btf_header)`; a longer header is allowed and skipped.
const HEADER_BYTES_MIN: usize = 24;
const WORD_BYTES: usize = 4;
/// Words that every type description starts with: name, info, size or type.
const HEAD_WORDS: usize = 3;

pub(crate) fn parse(section: &[u8]) -> Result<Btf> {
    if section.len() > SECTION_BYTES_MAX {
        return Err(Error::too_large(format!(
            "the BTF has {} bytes, the limit is {SECTION_BYTES_MAX}",
            section.len()
        )));
    }
    let parts = split(section)?;
    let words: Box<[u32]> = parts
        .types
        .as_chunks()
        .0
        .iter()
        .map(|w| u32::from_le_bytes(*w))
        .collect();
    let starts = find_starts(&words)?;
    let strings: Box<str> = parts.strings.into();
    let btf = Btf {
        words,
        starts,
        strings,
    };
    let checker = Checker {
        btf: &btf,
        long_strings: long_strings(&btf.strings),
    };
    for ty in btf.types() {
        checker
            .check(ty)
            .map_err(|error| error.within(format!("type {}", ty.id().0)))?;
    }
    Ok(btf)
}

/// The two parts of a section after its header.
struct Parts<'a> {
    types: &'a [u8],
    strings: &'a str,
}

fn split(section: &[u8]) -> Result<Parts<'_>> {
    let header = section.first_chunk::<HEADER_BYTES_MIN>().ok_or_else(|| {
        Error::malformed(format!(
            "the BTF has {} bytes, its header alone has {HEADER_BYTES_MIN}",
            section.len()
        ))
    })?;
    let magic = u16::from_le_bytes([header[0], header[1]]);
    if magic == MAGIC.swap_bytes() {
        return Err(Error::unsupported(
            "the BTF is big-endian: compile the object for a little-endian machine (-target bpfel)",
        ));
    }
    if magic != MAGIC {
        return Err(Error::malformed(format!(
            "no BTF: it starts with {magic:#06x}, not {MAGIC:#06x}"
        )));
    }
    if header[2] != VERSION {
        return Err(Error::unsupported(format!(
            "BTF version {}, known is {VERSION}",
            header[2]
        )));
    }
    let word = |index: usize| {
        let at = index * WORD_BYTES;
        u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]) as usize
    };
    let body = section
        .get(word(1)..)
        .filter(|_| word(1) >= HEADER_BYTES_MIN)
        .ok_or_else(|| Error::malformed(format!("a BTF header of {} bytes", word(1))))?;
    let types = part(body, "type", word(2), word(3))?;
    if !types.len().is_multiple_of(WORD_BYTES) || !word(2).is_multiple_of(WORD_BYTES) {
        return Err(Error::malformed(
            "the BTF type part is not made of whole words",
        ));
    }
    let strings = part(body, "string", word(4), word(5))?;
    if strings.first() != Some(&0) || strings.last() != Some(&0) {
        return Err(Error::malformed(
            "the BTF string part does not start and end with a NUL",
        ));
    }
    let strings = std::str::from_utf8(strings)
        .map_err(|error| Error::malformed(format!("the BTF string part is not UTF-8: {error}")))?;
    Ok(Parts { types, strings })
}

fn part<'a>(body: &'a [u8], name: &str, offset: usize, length: usize) -> Result<&'a [u8]> {
    let end = offset.checked_add(length);
    end.and_then(|end| body.get(offset..end)).ok_or_else(|| {
        Error::malformed(format!(
            "the BTF {name} part is said to have {length} bytes from {offset}, there are {}",
            body.len()
        ))
    })
}

/// Walks the descriptions, whose lengths depend on their kinds.
fn find_starts(words: &[u32]) -> Result<Box<[u32]>> {
    let mut starts = vec![0];
    let mut at = 0;
    while at < words.len() {
        let id = starts.len();
        if id > TYPES_MAX {
            return Err(Error::too_large(format!("more than {TYPES_MAX} BTF types")));
        }
        let truncated = || Error::malformed(format!("type {id}: the BTF type part ends in it"));
        let info = *words.get(at + 1).ok_or_else(truncated)?;
        let kind = Kind::from_number(info >> 24 & 0x1f).filter(|kind| *kind != Kind::Void);
        let kind = kind.ok_or_else(|| {
            Error::unsupported(format!(
                "type {id}: BTF kind {} is unknown",
                info >> 24 & 0x1f
            ))
        })?;
        at += HEAD_WORDS + kind.words_after_head((info & 0xffff) as usize);
        if at > words.len() {
            return Err(truncated());
        }
        // The section's limit keeps offsets far below `u32::MAX`.
        starts.push(u32::try_from(at).map_err(|_| truncated())?);
    }
    Ok(starts.into())
}

/// Where the strings that are too long for a name lie. Others can be: source lines, for example.
fn long_strings(strings: &str) -> Vec<Range<usize>> {
    let bytes = strings.as_bytes();
    let mut start = 0;
    let mut long = Vec::new();
    // From the end of each window, so that most of the megabytes of a kernel's names are not looked
    // at.
    while start < bytes.len() {
        let window = &bytes[start..bytes.len().min(start + NAME_BYTES_MAX + 1)];
        let end = match window.iter().rposition(|byte| *byte == 0) {
            Some(last) => start + last,
            None => {
                let behind = start + window.len();
                let rest = bytes[behind..].iter().position(|byte| *byte == 0);
                let end = rest.map_or(bytes.len(), |rest| behind + rest);
                long.push(start..end);
                end
            }
        };
        start = end + 1;
    }
    long
}

struct Checker<'a> {
    btf: &'a Btf,
    long_strings: Vec<Range<usize>>,
}

impl Checker<'_> {
    /// Checks the names and the type numbers of one description.
    fn check(&self, ty: Type<'_>) -> Result<()> {
        let words = ty.words();
        let kind = ty.kind();
        self.check_name(words[0])?;
        if kind.refers_to_type() {
            self.check_id(words[2])?;
        }
        let tail = &words[HEAD_WORDS..];
        match kind {
            Kind::Array => {
                self.check_id(tail[0])?;
                self.check_id(tail[1])?;
            }
            Kind::Struct | Kind::Union => {
                for member in tail.as_chunks::<3>().0 {
                    self.check_name(member[0])?;
                    self.check_id(member[1])?;
                }
            }
            Kind::Enum => {
                for enumerator in tail.as_chunks::<2>().0 {
                    self.check_name(enumerator[0])?;
                }
            }
            Kind::Enum64 => {
                for enumerator in tail.as_chunks::<3>().0 {
                    self.check_name(enumerator[0])?;
                }
            }
            Kind::FunctionPrototype => {
                for parameter in tail.as_chunks::<2>().0 {
                    self.check_name(parameter[0])?;
                    self.check_id(parameter[1])?;
                }
            }
            Kind::DataSection => {
                for variable in tail.as_chunks::<3>().0 {
                    self.check_id(variable[0])?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn check_name(&self, offset: u32) -> Result<()> {
        let at = offset as usize;
        let strings = &self.btf.strings;
        if at >= strings.len() || !strings.is_char_boundary(at) {
            return Err(Error::malformed(format!(
                "a name at {offset} of the BTF string part, which has {} bytes",
                strings.len()
            )));
        }
        let index = self.long_strings.partition_point(|string| string.end <= at);
        match self.long_strings.get(index) {
            Some(string) if string.start <= at && string.end - at > NAME_BYTES_MAX => Err(
                Error::too_large(format!("a name of more than {NAME_BYTES_MAX} bytes")),
            ),
            _ => Ok(()),
        }
    }

    fn check_id(&self, id: u32) -> Result<()> {
        if id < self.btf.type_count() {
            return Ok(());
        }
        Err(Error::malformed(format!(
            "it refers to type {id}, there are only {}",
            self.btf.type_count()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_strings_are_found_wherever_they_lie() {
        let lengths = [0, 1, 511, 512, 513, 1024, 1025, 2000];
        for first in lengths {
            for second in lengths {
                for third in lengths {
                    let strings = [0, first, 1, second, third].map(|length| "x".repeat(length));
                    let mut start = 0;
                    let mut long = Vec::new();
                    for string in &strings {
                        if string.len() > NAME_BYTES_MAX {
                            long.push(start..start + string.len());
                        }
                        start += string.len() + 1;
                    }
                    let text = strings.join("\0") + "\0";
                    assert_eq!(long_strings(&text), long, "{first} {second} {third}");
                }
            }
        }
    }
}
