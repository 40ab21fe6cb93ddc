//! Making a component of a core module, as the compilers of C and Go produce it.
//!
//! The module calls the host by the names and in the form of the canonical ABI, and WASI in its
//! first form ("preview 1"), which an adapter translates.

use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, SourceMap, UnresolvedPackageGroup, WorldId};

use super::stamp::{Recipe, Stamp};
use super::{file, sdk};
use crate::failure::HintExt;

/// The first bytes of a component and of a core module: magic number, version, layer.
const COMPONENT_PREAMBLE: &[u8] = b"\0asm\x0d\0\x01\0";
const MODULE_PREAMBLE: &[u8] = b"\0asm\x01\0\0\0";

/// Part of the stamps: raised when components are made in another way.
const RECIPE: u32 = 1;

/// An export that only plugins have.
const HANDLER_EXPORT: &[u8] = b"eunomia:bpf/handler@0.1.0#start";

/// Whether an object file or a module exports the functions that a host calls in a plugin.
pub(super) fn is_plugin(module: &[u8]) -> bool {
    module
        .windows(HANDLER_EXPORT.len())
        .any(|window| window == HANDLER_EXPORT)
}

/// The component of a module in a file; made anew when the module or this ecli changed.
pub(super) fn of_file(module: &Path) -> Result<Vec<u8>> {
    let product = module.with_extension("component.wasm");
    let stamp_file = module.with_extension("component.json");
    let recipe = Recipe {
        version: RECIPE,
        compiler: format!("ecli {}", env!("CARGO_PKG_VERSION")),
        flags: vec![sdk::contract_digest()],
    };
    let folder = module.parent().unwrap_or(Path::new(""));
    let stamp = Stamp::of(recipe, folder, vec![module.to_owned()])?;
    if stamp.is_written_in(&stamp_file)
        && let Ok(bytes) = std::fs::read(&product)
    {
        return Ok(bytes);
    }
    let bytes = std::fs::read(module).with_context(|| format!("read {}", module.display()))?;
    let bytes = of_module(bytes).with_context(|| format!("use {}", module.display()))?;
    file::write(&product, &bytes)?;
    stamp.write(&stamp_file)?;
    Ok(bytes)
}

/// Makes a component of a module.
///
/// # Errors
/// When the module calls what the contract does not have, or in another form.
fn of_module(mut module: Vec<u8>) -> Result<Vec<u8>> {
    if !module.starts_with(MODULE_PREAMBLE) {
        return Err(anyhow!("it is not a core module of WebAssembly"));
    }
    let world = if is_plugin(&module) {
        "plugin"
    } else {
        "command"
    };
    let (resolve, world) = contract(world).context("read the contract that came with ecli")?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|encoder| {
            encoder.adapter(
                WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
                WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
            )
        })
        .and_then(|mut encoder| encoder.encode())
        .context("make a component of the core module")
        .hint(
            "a guest may call what wit/ has, in the version that this ecli has; a command has \
             `main`, a plugin has `BPF_PLUGIN` (C), imports the SDK's package \
             `plugin` (Go) or has `pub const Plugin` (Zig)",
        )
}

/// Refuses what is no component.
pub(super) fn check(bytes: &[u8], hint: impl FnOnce() -> String) -> Result<()> {
    if bytes.starts_with(COMPONENT_PREAMBLE) {
        return Ok(());
    }
    if bytes.starts_with(MODULE_PREAMBLE) {
        return Err(anyhow!("it is a core module, not a component")).with_hint(hint);
    }
    Err(anyhow!("it is not WebAssembly"))
}

/// A world of the contract.
fn contract(world: &str) -> Result<(Resolve, WorldId)> {
    let mut resolve = Resolve::default();
    let mut own = SourceMap::default();
    let mut groups = Vec::new();
    for (name, text) in sdk::contract() {
        if name.starts_with("wit/deps/") {
            let mut map = SourceMap::default();
            map.push_str(name, text);
            groups.push(parse(map)?);
        } else {
            own.push_str(name, text);
        }
    }
    let own = parse(own)?;
    let package = resolve.push_groups(own, groups)?;
    let world = resolve.select_world(&[package], Some(world))?;
    Ok((resolve, world))
}

fn parse(map: SourceMap) -> Result<UnresolvedPackageGroup> {
    map.parse().map_err(|(_, error)| anyhow!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_modules_are_told_apart() {
        assert!(check(b"\0asm\x0d\0\x01\0rest", String::new).is_ok());
        let message = |bytes: &[u8]| check(bytes, String::new).unwrap_err().to_string();
        assert_eq!(
            message(b"\0asm\x01\0\0\0"),
            "it is a core module, not a component"
        );
        assert_eq!(message(b""), "it is not WebAssembly");
    }

    #[test]
    fn the_contract_has_both_worlds() {
        for world in ["command", "plugin"] {
            assert!(contract(world).is_ok(), "{world}");
        }
        assert!(contract("no-such-world").is_err());
    }

    #[test]
    fn what_is_no_module_is_refused() {
        assert!(of_module(b"\x7fELF".to_vec()).is_err());
        assert!(is_plugin(b"...eunomia:bpf/handler@0.1.0#start..."));
        assert!(!is_plugin(MODULE_PREAMBLE));
    }
}
