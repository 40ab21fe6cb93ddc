//! The kernel that this machine runs.

use anyhow::{Context as _, Result};
use eunomia_runtime::libbpf;

use crate::context::Context;
use crate::run_options::RunOptions;
use crate::tool_source::FoundImage;

const RELEASE_FILE: &str = "/proc/sys/kernel/osrelease";

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
        btf_path: own.or_else(|| ctx.config.btf.clone()),
        ..libbpf::Options::default()
    };
    if let Some(FoundImage::Image(image)) = image
        && !image.kernel_types.is_empty()
    {
        let types = image.kernel_types(&release()?);
        loading.carried_btf = types.map(|types| types.bytes.as_slice().into());
    }
    Ok(loading)
}
