//! Whether the layer of an ordinary container image is a BPF object, as of bytecode images that
//! have no label.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

use crate::limits::BYTECODE_LAYER_BYTES_MAX;
use crate::tar::TarReader;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ELF: &[u8] = b"\x7fELF";
/// Files of a layer that are looked at: a bytecode image has one.
const FILES_MAX: usize = 64;

/// Whether a layer is an object, or an archive with one at its root; both may be compressed.
pub(crate) fn holds_object(layer: &[u8]) -> bool {
    // What cannot be read is no bytecode image.
    looked_into(layer).unwrap_or(false)
}

fn looked_into(layer: &[u8]) -> io::Result<bool> {
    let mut bytes: Box<dyn Read> = match layer.starts_with(GZIP) {
        true => Box::new(MultiGzDecoder::new(layer).take(BYTECODE_LAYER_BYTES_MAX)),
        false => Box::new(layer),
    };
    let mut start = Vec::new();
    (&mut bytes)
        .take(ELF.len() as u64)
        .read_to_end(&mut start)?;
    if start == ELF {
        return Ok(true);
    }
    let mut whole = start.chain(bytes);
    let mut archive = TarReader::new(&mut whole);
    for _ in 0..FILES_MAX {
        let Some(entry) = archive.next()? else {
            return Ok(false);
        };
        let name = entry.name.strip_prefix("./").unwrap_or(&entry.name);
        if !entry.is_file || name.contains('/') || !name.ends_with(".o") {
            continue;
        }
        let mut start = Vec::new();
        (&mut archive)
            .take(ELF.len() as u64)
            .read_to_end(&mut start)?;
        return Ok(start == ELF || start.starts_with(GZIP));
    }
    Ok(false)
}
