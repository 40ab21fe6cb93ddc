//! The head of an ELF file: what can be said before libbpf reads it.

use crate::error::{Error, Result};
use crate::limits::OBJECT_BYTES_MAX;

/// `\x7fELF`.
pub(crate) const MAGIC: &[u8] = b"\x7fELF";
const CLASS_64: u8 = 2;
const LITTLE_ENDIAN: u8 = 1;
const TYPE_RELOCATABLE: u16 = 1;
const MACHINE_BPF: u16 = 247;

/// Bytes of the head up to and with `e_machine`.
const HEAD_BYTES: usize = 20;
/// Bytes of `Elf64_Ehdr`.
const HEADER_BYTES: u64 = 64;

/// Check that `bytes` look like a BPF object of this CPU's byte order.
///
/// # Errors
/// Says what they are instead.
pub fn check_object(bytes: &[u8]) -> Result<()> {
    if !bytes.starts_with(MAGIC) {
        return Err(Error::new("it is no ELF file"));
    }
    if bytes.len() > OBJECT_BYTES_MAX {
        return Err(Error::new(format!(
            "{} bytes, a BPF object may have {OBJECT_BYTES_MAX}",
            bytes.len()
        )));
    }
    let head: &[u8; HEAD_BYTES] = bytes
        .first_chunk()
        .ok_or_else(|| Error::new("the ELF file ends within its head"))?;
    if head[4] != CLASS_64 {
        return Err(Error::new(
            "it is a 32-bit ELF file, BPF objects have 64 bits",
        ));
    }
    if head[5] != LITTLE_ENDIAN {
        return Err(Error::new(
            "it is a big-endian BPF object, this machine is little-endian: compile it with \
             -target bpfel",
        ));
    }
    let machine = u16::from_le_bytes([head[18], head[19]]);
    if machine != MACHINE_BPF {
        return Err(Error::new(format!(
            "it is an ELF file for machine {machine}, not for BPF ({MACHINE_BPF}): a program or \
             library of this system?"
        )));
    }
    if u16::from_le_bytes([head[16], head[17]]) != TYPE_RELOCATABLE {
        return Err(Error::new(
            "it is linked: a BPF object is relocatable (clang -c)",
        ));
    }
    check_sections(bytes)
}

/// Check that the file has its table of sections, which lies at its end: one that was cut has not.
fn check_sections(bytes: &[u8]) -> Result<()> {
    let cut = |end: u64| {
        Error::new(format!(
            "the ELF file is cut: it has {} bytes, its sections end at {end}",
            bytes.len()
        ))
    };
    let number = |at: usize, size: usize| {
        let mut wide = [0; 8];
        let bytes = bytes.get(at..at + size)?;
        wide[..size].copy_from_slice(bytes);
        Some(u64::from_le_bytes(wide))
    };
    // e_shoff, e_shentsize and e_shnum of Elf64_Ehdr.
    let table = number(40, 8).zip(number(58, 2)).zip(number(60, 2));
    let ((offset, size), count) = table.ok_or_else(|| cut(HEADER_BYTES))?;
    let end = offset.saturating_add(size * count);
    if offset == 0 || count == 0 {
        return Err(Error::new("the ELF file has no sections"));
    }
    if end > bytes.len() as u64 {
        return Err(cut(end));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(class: u8, order: u8, kind: u8, machine: u8) -> Vec<u8> {
        let mut head = b"\x7fELF".to_vec();
        head.extend([class, order, 1]);
        head.resize(16, 0);
        head.extend([kind, 0, machine, 0]);
        head.resize(64, 0);
        // One section of 64 bytes behind the head.
        head[40] = 64;
        head[58] = 64;
        head[60] = 1;
        head.resize(128, 0);
        head
    }

    #[test]
    fn what_is_no_bpf_object_of_this_machine_is_called_by_its_name() {
        assert!(check_object(&head(2, 1, 1, 247)).is_ok());
        for (bytes, reason) in [
            (b"#!/bin/sh".to_vec(), "no ELF file"),
            (b"\x7fELF\x02".to_vec(), "ends within its head"),
            (head(1, 1, 1, 247), "32-bit"),
            (head(2, 2, 1, 247), "big-endian"),
            (head(2, 1, 2, 62), "machine 62"),
            (head(2, 1, 2, 247), "relocatable"),
            (head(2, 1, 1, 247)[..127].to_vec(), "sections end at 128"),
            (head(2, 1, 1, 247)[..30].to_vec(), "is cut"),
            (
                [&head(2, 1, 1, 247)[..60], &[0; 68]].concat(),
                "no sections",
            ),
        ] {
            let error = check_object(&bytes).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
