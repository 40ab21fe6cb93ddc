//! Leaving out of a component the names of what is in it, which only debuggers would show: of a
//! guest that traps, ecli tells the kind of trap and not where it was, since all other builders
//! strip their modules. What encoders of components write is 4 KiB for each, most of a small guest.

use anyhow::{Context as _, Result};
use wasmparser::BinaryReader;

/// Bytes of the magic number, the version and the layer, which tells components from modules.
const PREAMBLE_BYTES: usize = 8;

const CUSTOM_SECTION: u8 = 0;
/// Of a component: a whole core module, and a whole component.
const MODULE_SECTION: u8 = 1;
const COMPONENT_SECTION: u8 = 4;

/// Custom sections with names: of a module, and of a component.
const NAMES: [&str; 2] = ["name", "component-name"];

/// What a binary is, as its layer says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layer {
    Module,
    Component,
}

/// The component without names in it and in all that it contains.
///
/// # Errors
/// When it is cut off or no component.
pub(super) fn names(component: &[u8]) -> Result<Vec<u8>> {
    stripped(component, Layer::Component).context("leave names out of a component")
}

/// Components contain others as often as the one who wrote them likes; those here come from
/// encoders, which nest two or three.
fn stripped(bytes: &[u8], layer: Layer) -> Result<Vec<u8>> {
    let mut reader = BinaryReader::new(bytes, 0);
    let mut left = Vec::with_capacity(bytes.len());
    left.extend_from_slice(reader.read_bytes(PREAMBLE_BYTES)?);
    while !reader.eof() {
        let id = reader.read_u8()?;
        let bytes = reader.read_var_u32()?;
        let content = reader.read_bytes(bytes as usize)?;
        match (layer, id) {
            (_, CUSTOM_SECTION) if NAMES.contains(&section_name(content)?) => {}
            (Layer::Component, MODULE_SECTION) => {
                push(&mut left, id, &stripped(content, Layer::Module)?);
            }
            (Layer::Component, COMPONENT_SECTION) => {
                push(&mut left, id, &stripped(content, Layer::Component)?);
            }
            _ => push(&mut left, id, content),
        }
    }
    Ok(left)
}

fn section_name(content: &[u8]) -> Result<&str> {
    Ok(BinaryReader::new(content, 0).read_string()?)
}

fn push(bytes: &mut Vec<u8>, id: u8, content: &[u8]) {
    bytes.push(id);
    // The length in LEB128; sections were read with a length of 32 bits and did not grow.
    let mut rest = content.len();
    while rest >= 0x80 {
        bytes.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: &[u8] = b"\0asm\x01\0\0\0";
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    fn binary(preamble: &[u8], sections: &[(u8, &[u8])]) -> Vec<u8> {
        let mut bytes = preamble.to_vec();
        for (id, content) in sections {
            push(&mut bytes, *id, content);
        }
        bytes
    }

    fn custom(name: &str, bytes: usize) -> Vec<u8> {
        let mut content = vec![name.len() as u8];
        content.extend_from_slice(name.as_bytes());
        content.resize(content.len() + bytes, 0x2a);
        content
    }

    #[test]
    fn names_go_at_every_depth_and_all_else_stays_in_its_order() {
        let producers = custom("producers", 300);
        // A module's section 4 is its tables.
        let tables: &[u8] = &[0];
        let build = |with_names: bool| {
            let names = custom("name", 20_000);
            let component_names = custom("component-name", 200);
            let named = |mut sections: Vec<(u8, Vec<u8>)>, names: Vec<u8>| {
                if with_names {
                    sections.insert(1, (CUSTOM_SECTION, names));
                }
                sections
            };
            let all = |preamble: &[u8], sections: &[(u8, Vec<u8>)]| {
                let sections = sections.iter().map(|(id, bytes)| (*id, bytes.as_slice()));
                binary(preamble, &sections.collect::<Vec<_>>())
            };
            let module = named(
                vec![(4, tables.to_vec()), (CUSTOM_SECTION, producers.clone())],
                names,
            );
            let module = all(MODULE, &module);
            let inner = named(
                vec![(MODULE_SECTION, module.clone())],
                component_names.clone(),
            );
            let inner = all(COMPONENT, &inner);
            let outer = named(
                vec![
                    (MODULE_SECTION, module),
                    (COMPONENT_SECTION, inner),
                    (CUSTOM_SECTION, producers.clone()),
                ],
                component_names,
            );
            all(COMPONENT, &outer)
        };
        let (with, without) = (build(true), build(false));
        assert!(with.len() > without.len() + 40_000);
        assert!(names(&with).unwrap() == without);
        assert!(names(&without).unwrap() == without);
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let whole = binary(COMPONENT, &[(CUSTOM_SECTION, &custom("producers", 4))]);
        assert!(names(&whole).is_ok());
        for end in (1..whole.len()).filter(|end| *end != COMPONENT.len()) {
            assert!(names(&whole[..end]).is_err(), "{end}");
        }
    }
}
