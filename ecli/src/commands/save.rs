//! `ecli save`.

use std::fs::File;
use std::io::{BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use clap::{Args, ValueEnum};
use eunomia_image::{Compression, Reference};

use super::unknown_image;
use crate::context::Context;
use crate::failure::hinted;
use crate::transfer::local;

const AFTER_HELP: &str = "\
The archive is a tar file with an OCI image layout in it, as skopeo and podman read it
(`oci-archive:`). The same images give the same file.

Examples:
  ecli save -o tools.tar execsnoop opensnoop
  ecli save -o execsnoop.tar.zst execsnoop       Compressed, as the name says
  ecli save execsnoop | ssh box ecli load";

/// Write images of the local store into one file
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// Names of images
    #[arg(required = true, value_name = "NAME[:TAG]")]
    images: Vec<Reference>,
    /// The file [default: stdout]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Compress with gzip or zstd, or not (none) [default: what the file's name ends in says]
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    compression: Option<Format>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    None,
    Gzip,
    Zstd,
}

impl Format {
    fn of_name(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("gz" | "tgz") => Self::Gzip,
            Some("zst" | "tzst") => Self::Zstd,
            _ => Self::None,
        }
    }
}

impl From<Format> for Compression {
    fn from(format: Format) -> Self {
        match format {
            Format::None => Self::None,
            Format::Gzip => Self::Gzip,
            Format::Zstd => Self::Zstd,
        }
    }
}

/// Writes the archive; a file that is not complete does not stay.
pub(crate) fn run(ctx: &Context, options: Options) -> Result<()> {
    let store = ctx.store()?;
    let mut images = Vec::new();
    for name in &options.images {
        let name = local(ctx, &store, name)?;
        store
            .resolve(&name)
            .map_err(|error| unknown_image(&store, &name, error))?;
        images.push(name);
    }
    let by_name = options.output.as_deref().map(Format::of_name);
    let compression = options
        .compression
        .or(by_name)
        .unwrap_or(Format::None)
        .into();
    let Some(path) = options.output else {
        let stdout = std::io::stdout();
        if stdout.is_terminal() {
            let error = anyhow!("an archive is nothing for a terminal");
            return Err(hinted(
                error,
                "name a file with -o FILE, or redirect the output",
            ));
        }
        let mut target = BufWriter::new(stdout.lock());
        store.save(&images, compression, &mut target)?;
        return target.flush().context("write to stdout");
    };
    // Whole or not at all: a name that exists is an archive that can be loaded.
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let operation = || format!("write {}", path.display());
    let file = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(folder)
        .with_context(operation)?;
    save(&store, &images, compression, file.as_file()).with_context(operation)?;
    file.persist(&path).with_context(operation)?;
    Ok(())
}

fn save(
    store: &eunomia_image::Store,
    images: &[Reference],
    compression: Compression,
    file: &File,
) -> Result<()> {
    let mut target = BufWriter::new(file);
    store.save(images, compression, &mut target)?;
    target.flush()?;
    file.sync_all()?;
    Ok(())
}
