//! The types of kernels that do not show their own, as far as a project's objects need them.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use eunomia_btf::Btf;
use eunomia_btf::minimize::{Minimized, minimize};
use eunomia_image::ImageBuilder;
use eunomia_runtime::Tool;
use eunomia_runtime::preflight;

use crate::failure::hinted;
use crate::terminal::visible;

/// The end of a BTF file's name, behind the release.
const SUFFIX: &str = ".btf";

/// Bytes of a kernel's BTF, or of the ELF file that holds it; kernels have 4 to 10 MiB of it.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// A BTF file of a kernel: `[RELEASE=]FILE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KernelFile {
    /// As `uname -r` prints it on that kernel.
    release: String,
    path: PathBuf,
}

impl FromStr for KernelFile {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some((release, path)) = text.split_once('=') {
            return Ok(Self {
                release: release.to_owned(),
                path: path.into(),
            });
        }
        let path = PathBuf::from(text);
        if path.is_dir() {
            bail!("{text} is a folder: `--btf-for {text}/*{SUFFIX}`; a project goes before it");
        }
        let name = path.file_name().and_then(|name| name.to_str());
        let release = name.and_then(|name| name.strip_suffix(SUFFIX));
        let release = release.with_context(|| {
            format!("{text} is not called RELEASE{SUFFIX}: say of which kernel it is, RELEASE=FILE")
        })?;
        Ok(Self {
            release: release.to_owned(),
            path: path.clone(),
        })
    }
}

/// Adds what the objects of `tool` need of the kernels' types; the size of each, with its name.
pub(super) fn add(
    kernels: &[KernelFile],
    tool: &Tool,
    mut builder: ImageBuilder,
) -> Result<(ImageBuilder, Vec<(String, u64)>)> {
    let mut parts = Vec::new();
    for (place, kernel) in kernels.iter().enumerate() {
        let release = &kernel.release;
        if let Some(other) = kernels[..place]
            .iter()
            .find(|other| other.release == *release)
        {
            let (one, two) = (other.path.display(), kernel.path.display());
            bail!("--btf-for: {one} and {two} are both of kernel {release}");
        }
        let path = kernel.path.display();
        let part = part_of(&kernel.path, tool)
            .with_context(|| format!("take the types of kernel {release} from {path}"))?;
        let Some(part) = part else {
            say!("ecli: nothing of {} depends on a kernel's types", tool.name);
            return Ok((builder, Vec::new()));
        };
        warn_of_missing(kernel, tool);
        parts.push((format!("types of {release}"), part.len() as u64));
        builder = builder.kernel_types(release, part);
    }
    Ok((builder, parts))
}

/// What the objects need of the types in a file; nothing when they need none.
fn part_of(path: &Path, tool: &Tool) -> Result<Option<Vec<u8>>> {
    let size = std::fs::metadata(path)?.len();
    if size > FILE_BYTES_MAX {
        bail!("it has {size} bytes, at most {FILE_BYTES_MAX} are read");
    }
    let kernel = Btf::from_file(&std::fs::read(path)?)?;
    let objects: Vec<&[u8]> = tool.objects.iter().map(|(_, elf)| &**elf).collect();
    match minimize(&kernel, &objects)? {
        Minimized::Nothing => Ok(None),
        Minimized::Section { bytes, .. } => Ok(Some(bytes)),
        Minimized::Whole(reason) => Err(hinted(
            anyhow!("the objects need all of them: {reason}"),
            "on such a kernel, `ecli run --btf FILE` takes the whole file",
        )),
        other => bail!("the objects need of them what this ecli does not know: {other:?}"),
    }
}

/// A kernel may lack what a tool needs; then its types do not help.
fn warn_of_missing(kernel: &KernelFile, tool: &Tool) {
    let options = preflight::Options {
        btf_path: Some(kernel.path.clone()),
        ..preflight::Options::default()
    };
    for finding in preflight::check(tool, &options).failing_findings() {
        let text = format!(
            "on kernel {}: {}: {}: {}",
            kernel.release, finding.subject, finding.what, finding.reason
        );
        say!("ecli: warning: {}", visible(&text));
    }
}

/// The objects of a tool without its component.
pub(super) fn objects_of(name: &str, objects: &[(String, Arc<[u8]>)]) -> Tool {
    Tool {
        name: name.to_owned(),
        objects: objects.to_vec(),
        component: Arc::from([]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_its_kernel_or_with_it() {
        let parsed = |text: &str| text.parse::<KernelFile>();
        let file = parsed("hub/4.19.0-25-amd64.btf").unwrap();
        assert_eq!(file.release, "4.19.0-25-amd64");
        assert_eq!(file.path, Path::new("hub/4.19.0-25-amd64.btf"));
        let file = parsed("5.4.0=vmlinux").unwrap();
        assert_eq!(
            (&*file.release, &*file.path),
            ("5.4.0", Path::new("vmlinux"))
        );
        let message = |text: &str| parsed(text).unwrap_err().to_string();
        assert!(message("vmlinux").contains("RELEASE=FILE"));
        assert!(message("/sys").contains("is a folder"));
    }
}
