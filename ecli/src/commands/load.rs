//! `ecli load`.

use std::fs::File;
use std::io::{IsTerminal as _, Read};
use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use eunomia_image::Reference;

use super::print;
use crate::context::Context;
use crate::failure::hinted;

const AFTER_HELP: &str = "\
Archives are tar files with an OCI image layout in them, also compressed with gzip or zstd.

Examples:
  ecli load -i tools.tar
  ecli load -i image.tar.gz execsnoop:1.0    Give its one image this name
  ssh box ecli save execsnoop | ecli load";

/// Read images from a file into the local store
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// Name of the archive's one image [default: the names in the archive]
    #[arg(value_name = "NAME[:TAG]")]
    name: Option<Reference>,
    /// The file [default: stdin]
    #[arg(short, long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Print only the names
    #[arg(short, long)]
    quiet: bool,
}

/// Reads the archive, and says which images were in it.
pub(crate) fn run(ctx: &Context, options: Options) -> Result<()> {
    let store = ctx.store()?;
    let mut source: Box<dyn Read> = match &options.input {
        Some(path) => {
            let file = File::open(path).with_context(|| format!("read {}", path.display()))?;
            Box::new(file)
        }
        None if std::io::stdin().is_terminal() => {
            let error = anyhow!("an archive does not come from a terminal");
            return Err(hinted(
                error,
                "name a file with -i FILE, or redirect the input",
            ));
        }
        None => Box::new(std::io::stdin().lock()),
    };
    let loaded = store.load(&mut source, options.name.as_ref())?;
    let before = if options.quiet { "" } else { "loaded " };
    let lines = loaded.iter().map(|name| format!("{before}{name}\n"));
    print(lines.collect::<String>().as_bytes())
}
