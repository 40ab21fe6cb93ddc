//! `ecli build`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use eunomia_image::Reference;

use crate::context::Context;
use crate::project::Project;
use crate::size;

const AFTER_HELP: &str = "\
A project is a folder with a file `ecli.toml`, which may be empty, BPF C sources `*.bpf.c`, and a
guest: a Rust package that makes a program (world `command`) or a dynamic library (`plugin`).

Examples:
  ecli build                           Build the project of this folder
  ecli build examples/execsnoop        Build another one; its image is execsnoop:latest
  ecli build -t tools/execsnoop:1.0 .  Name the image

Environment:
  ECLI_CLANG        another clang than that of the PATH
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
    /// Print only the image's digest
    #[arg(short, long)]
    quiet: bool,
}

/// Builds the project, stores the image, and says what is in it.
pub(crate) fn run(ctx: &Context, options: Options) -> Result<()> {
    let project = Project::open(&options.folder)?;
    let reference = match options.tag {
        Some(reference) => reference,
        None => project.reference()?,
    };
    let built = project.build()?;
    ctx.store()?.write_image(&reference, &built.image)?;
    if options.quiet {
        println!("{}", built.image.digest());
        return Ok(());
    }
    println!("built {reference}");
    for (part, bytes) in &built.parts {
        println!("  {part:<32} {:>9}", size::shown(*bytes));
    }
    println!("  digest {}", built.image.digest());
    Ok(())
}
