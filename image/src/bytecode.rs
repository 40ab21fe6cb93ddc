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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::tar::TarWriter;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = TarWriter::new(&mut bytes);
        for (name, content) in files {
            let mut content = *content;
            let size = content.len() as u64;
            writer.file(name, size, &mut content).unwrap();
        }
        writer.finish().unwrap();
        bytes
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn layers_with_an_object_are_told_from_file_systems() {
        let object = archive(&[("x.o", b"\x7fELF...")]);
        let system = archive(&[("etc/passwd", b"root"), ("usr/lib/crt1.o", b"\x7fELF")]);
        for layer in [&b"\x7fELF"[..], &gzip(b"\x7fELF"), &object, &gzip(&object)] {
            assert!(holds_object(layer));
        }
        assert!(holds_object(&archive(&[("x.o", &gzip(b"\x7fELF"))])));
        let text = archive(&[("x.o", b"text")]);
        for layer in [
            &b""[..],
            b"?",
            &system,
            &gzip(&system),
            &object[..100],
            &text,
        ] {
            assert!(!holds_object(layer));
        }
        let many: Vec<(String, &[u8])> = (0..FILES_MAX)
            .map(|number| (format!("{number}"), &b""[..]))
            .collect();
        let mut many: Vec<(&str, &[u8])> = many.iter().map(|(name, it)| (&**name, *it)).collect();
        many.push(("x.o", b"\x7fELF"));
        assert!(!holds_object(&archive(&many)));
    }
}
