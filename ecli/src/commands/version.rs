//! `ecli version`.

use anyhow::Result;
use clap::Args;

use super::print;
use crate::kernel;

/// Print the version of ecli and of what it is built with
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Prints it.
pub(crate) fn run(options: Options) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let kernel = format!("{} {}", kernel::release()?, std::env::consts::ARCH);
    let text = if options.json {
        serde_json::json!({ "ecli": version, "kernel": kernel }).to_string()
    } else {
        format!("ecli {version}\nkernel {kernel}")
    };
    print(format!("{text}\n").as_bytes())
}
