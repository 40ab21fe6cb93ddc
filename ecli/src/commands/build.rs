//! `ecli build`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use eunomia_image::{PackedImage, Platform, Reference};

use super::{print, print_line};
use crate::consent;
use crate::context::Context;
use crate::project::{self, KernelFile, Language, Project};
use crate::watch::Watch;
use crate::{failure, size};

const AFTER_HELP: &str = "\
A project is a folder with a file `ecli.toml`, which may be empty, BPF C sources `*.bpf.c`, and a
guest: a Rust package, sources in C or C++, a Go package, guest.zig, guest.ts (or .js), or guest.py.

Examples:
  ecli build                           Build the project of this folder
  ecli build examples/execsnoop        Build another one; its image is execsnoop:latest
  ecli build -t tools/execsnoop:1.0 .  Name the image
  ecli build --watch                   Build again after each change, until Ctrl-C
  ecli build --platform linux/amd64,linux/arm64
                                       One index with an image for each CPU
  ecli build FOLDER --btf-for btfhub/*.btf
                                       Carry types of kernels that do not show their own

Kernels without /sys/kernel/btf/vmlinux need a description of their types (BTF) from elsewhere.
--btf-for puts what the BPF objects need of it into the image, mostly some kilobytes; `ecli run`
takes that of the kernel's release. Files are called RELEASE.btf, as btfhub has them.

BPF objects for another CPU are compiled with the types of this machine's kernel, which libbpf
relocates when it loads them. Programs that read registers (kprobe, uprobe) need `struct
user_pt_regs` of that CPU: without it clang says so.

Environment:
  ECLI_CLANG        another clang than that of the PATH
  ECLI_GO           another go command than that of the PATH
  ECLI_ZIG          another zig command than that of the PATH
  ECLI_NODE         another node than that of the PATH, for TypeScript
  ECLI_COMPONENTIZE_PY
                    another componentize-py than that of the PATH, for guests in Python
  WASI_SDK_PATH     a wasi-sdk for guests in C and C++, instead of the system's clang
  ECLI_BPF_RUSTC    a rustc with the sources of its library, for BPF in Rust
  ECLI_BPF_LINKER   another bpf-linker than that of the PATH, for BPF in Rust
  ECLI_GUEST_RUSTC  a rustc with the standard library for wasm32-wasip2, if the PATH's has none
  SOURCE_DATE_EPOCH the image's time of creation; without it the image has none";

/// Build a tool from its sources and put its image into the local store
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// The project's folder
    #[arg(default_value = ".", value_name = "FOLDER")]
    folder: PathBuf,
    /// Name of the image [default: the tool's name]
    #[arg(short, long, value_name = "NAME[:TAG]")]
    tag: Option<Reference>,
    /// Build for these platforms, one index for several [default: this machine's]
    #[arg(long, value_name = "OS/CPU,...", value_delimiter = ',')]
    platform: Vec<Platform>,
    /// Put what is needed of the types of these kernels, which do not show them, into the image
    #[arg(long, value_name = "[RELEASE=]FILE", num_args = 1..)]
    btf_for: Vec<KernelFile>,
    /// Language of the guest to build [default: by manifest, then files]
    #[arg(short, long, value_name = "LANGUAGE")]
    language: Option<Language>,
    /// Build again whenever one of the project's files changes
    #[arg(short, long)]
    watch: bool,
    /// Print the JSON schema of ecli.toml, for editors, and build nothing
    #[arg(long, exclusive = true)]
    schema: bool,
    /// Print only the image's digest
    #[arg(short, long)]
    quiet: bool,
}

/// Builds the project, once or after each change.
pub(crate) fn run(ctx: &Context, options: Options) -> Result<()> {
    if options.schema {
        return print(project::SCHEMA.as_bytes());
    }
    if !options.watch {
        return build_and_say(ctx, &options);
    }
    let mut watch = Watch::new(&options.folder);
    loop {
        // It may build after the next change.
        if let Err(error) = build_and_say(ctx, &options) {
            failure::report(&error);
        }
        let path = watch.wait();
        say!("ecli: {} changed", path.display());
    }
}

/// Builds the project, stores the image, and says what is in it.
fn build_and_say(ctx: &Context, options: &Options) -> Result<()> {
    if options.platform.len() > 1 && !options.btf_for.is_empty() {
        bail!(
            "--btf-for: a kernel's types are those of one CPU: build for one --platform at a time"
        );
    }
    let project = Project::open(&options.folder, options.language)?.with_types_of(&options.btf_for);
    let reference = match &options.tag {
        Some(reference) => reference.clone(),
        None => project.reference()?,
    };
    let (image, parts) = build(&project, &options.platform)?;
    let store = ctx.store()?;
    store.write_image(&reference, &image)?;
    consent::remember_built(&store, &image);
    if options.quiet {
        return print_line(image.digest());
    }
    let mut text = format!("built {reference}\n");
    for (part, bytes) in &parts {
        text += &format!("  {part:<32} {:>9}\n", size::shown(*bytes));
    }
    text += &format!("  digest {}", image.digest());
    print_line(text)
}

/// The image for the only platform, or an index of those for several; and what is in them.
fn build(project: &Project, platforms: &[Platform]) -> Result<(PackedImage, Vec<(String, u64)>)> {
    let [first, rest @ ..] = platforms else {
        let built = project.build()?;
        return Ok((built.image, built.parts));
    };
    let built = project.build_for(first)?;
    if rest.is_empty() {
        return Ok((built.image, built.parts));
    }
    let (mut images, mut parts) = (vec![built.image], built.parts);
    for platform in rest {
        let built = project.build_for(platform)?;
        // What only one of them has.
        let own = built.parts.into_iter().filter(|part| !parts.contains(part));
        let named = own.map(|(name, bytes)| (format!("{name}, {platform}"), bytes));
        let named: Vec<(String, u64)> = named.collect();
        parts.extend(named);
        images.push(built.image);
    }
    Ok((PackedImage::index(images)?, parts))
}
