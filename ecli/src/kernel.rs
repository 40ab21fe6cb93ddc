//! The kernel that this machine runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use eunomia_formats::{HostKernel, Package};
use eunomia_runtime::libbpf::{self, KERNEL_BTF};

use crate::context::Context;
use crate::environment::variable;
use crate::run_options::RunOptions;
use crate::tool_source::FoundImage;

const RELEASE_FILE: &str = "/proc/sys/kernel/osrelease";
/// What system this is (os-release(5)).
const OS_RELEASE_FILES: [&str; 2] = ["/etc/os-release", "/usr/lib/os-release"];
/// What `--btf` of `ecli run` may come from, also for verbs without that option.
const BTF: &str = "ECLI_BTF";
/// How users of eunomia-bpf's packages name another file with the kernel's types.
const PACKAGE_BTF: &str = "BTF_FILE_PATH";

/// Its release, as `uname -r` prints it.
pub(crate) fn release() -> Result<String> {
    let text = std::fs::read_to_string(RELEASE_FILE)
        .with_context(|| format!("read the kernel's release in {RELEASE_FILE}"))?;
    Ok(text.trim_end().to_owned())
}

/// How objects of `image` are loaded. Where the kernel does not show its types, they come from the
/// operator's file, or else from the image.
pub(crate) fn loading(
    ctx: &Context,
    options: Option<&RunOptions>,
    image: Option<&FoundImage>,
) -> Result<libbpf::Options> {
    let own = options.and_then(|options| options.btf.clone());
    let mut loading = libbpf::Options {
        perf_buffers: options.is_some_and(|options| options.perf_buffers),
        btf_path: own
            .or_else(|| variable(BTF).map(PathBuf::from))
            .or_else(|| ctx.config.btf.clone()),
        ..libbpf::Options::default()
    };
    if let Some(FoundImage::Image(image)) = image
        && !image.kernel_types.is_empty()
    {
        let types = image.kernel_types(&release()?);
        loading.carried_btf = types.map(|types| types.bytes.as_slice().into());
    }
    if let Some(FoundImage::Package { package, .. }) = image {
        let named = variable(PACKAGE_BTF).map(PathBuf::from);
        loading.btf_path = loading.btf_path.or(named);
        loading.carried_btf = of_package(package)?;
    }
    Ok(loading)
}

/// The types that a package brings along for this kernel, if it does not show its own.
fn of_package(package: &Package) -> Result<Option<Arc<[u8]>>> {
    if Path::new(KERNEL_BTF).exists() {
        return Ok(None);
    }
    let system = OS_RELEASE_FILES
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok());
    let system = system.unwrap_or_default();
    let kernel = HostKernel::new(&system, std::env::consts::ARCH, &release()?);
    let types = package.kernel_types(&kernel);
    let types = types.with_context(|| format!("read {}", package.name))?;
    Ok(types.map(Into::into))
}
