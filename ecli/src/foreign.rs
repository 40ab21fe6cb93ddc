//! Tools in other projects' forms: which one it is, by content and media type.

use std::io::Read;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use eunomia_formats::limits::PACKAGE_BYTES_MAX;
use eunomia_formats::{Package, bpfman, bumblebee, eunomia, gadget};
use eunomia_image::{Form, Image, registry};

/// Stands for standard input.
pub(crate) const STDIN: &str = "-";

/// A package that is no file: from standard input, or from a web server.
pub(crate) fn elsewhere(text: &str) -> Result<Option<Package>> {
    let bytes = if text == STDIN {
        let mut bytes = Vec::new();
        std::io::stdin()
            .take(PACKAGE_BYTES_MAX as u64 + 1)
            .read_to_end(&mut bytes)
            .context("read standard input")?;
        bytes
    } else if text.starts_with("https://") || text.starts_with("http://") {
        registry::download(text, PACKAGE_BYTES_MAX as u64)?
    } else {
        return Ok(None);
    };
    let what = if text == STDIN {
        "standard input"
    } else {
        text
    };
    let package = package(text, &bytes).with_context(|| format!("read {what}"))?;
    if package.is_none() {
        bail!("read {what}: it is neither a package of eunomia-bpf nor a BPF object");
    }
    Ok(package)
}

/// The package that a file's bytes are, if they are one.
pub(crate) fn package(name: &str, bytes: &[u8]) -> Result<Option<Package>> {
    if bytes.starts_with(b"\x7fELF") {
        return Ok(Some(Package::bare(name, bytes.to_vec())?));
    }
    if eunomia::is_package(bytes) {
        return Ok(Some(eunomia::read(name, bytes)?));
    }
    Ok(None)
}

/// The package in an image that has no program in user space.
pub(crate) fn of_image(shown: &str, image: &Image) -> Result<Option<Package>> {
    let object = || image.objects.first().map(|object| object.bytes.clone());
    match &image.form {
        Form::Ecli if image.component.is_some() || image.module.is_some() => Ok(None),
        Form::Ecli if image.objects.len() > 1 => bail!(
            "it has {} BPF objects and no component that says what to do with them",
            image.objects.len()
        ),
        Form::Ecli => object()
            .map(|elf| Package::bare(shown, elf))
            .transpose()
            .map_err(Into::into),
        Form::Bumblebee => {
            let elf = object().context("the image has no BPF object")?;
            Ok(Some(bumblebee::read(shown, elf)?))
        }
        Form::Bytecode { labels, layer } => Ok(Some(bpfman::read(shown, labels, &layer.bytes)?)),
        Form::Gadget { .. } if image.module.is_some() => bail!(
            "it has a WebAssembly part of Inspektor Gadget's own interface (`ig`), which ecli does \
             not run; images without one run"
        ),
        Form::Gadget { description } => {
            let elf = object().context("the image has no BPF object")?;
            Ok(Some(gadget::read(shown, elf, description)?))
        }
        _ => bail!("this version of ecli does not run images of this form"),
    }
}

/// The file's name without folder and endings, to call a tool and its object by: libbpf makes names
/// of maps from it, which end at a dot.
pub(crate) fn short_name(text: &str) -> String {
    let name = Path::new(text).file_name().and_then(|name| name.to_str());
    let name = name.unwrap_or(text).trim_start_matches('.');
    let stem = name.split(['.', ':', '@']).next().unwrap_or_default();
    let plain = |it: char| {
        if it.is_ascii_alphanumeric() || it == '_' {
            it
        } else {
            '_'
        }
    };
    match stem {
        "" | STDIN => "tool".to_owned(),
        stem => stem.chars().map(plain).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_called_by_their_files() {
        for (text, name) in [
            ("./a/tool.bpf.o", "tool"),
            ("/tmp/.hidden", "hidden"),
            ("https://x.example/my-tool.json", "my_tool"),
            ("registry.example:5000/tools/x:1.0", "x"),
            ("-", "tool"),
            ("..", "tool"),
        ] {
            assert_eq!(short_name(text), name, "{text}");
        }
    }

    #[test]
    fn files_are_told_apart_by_content() {
        assert!(package("x", b"\0asm\x0d\0\x01\0").unwrap().is_none());
        assert!(package("x", b"").unwrap().is_none());
        assert!(package("x", b" {}").is_err());
        assert!(package("x", b"\x7fELF").is_err());
    }
}
