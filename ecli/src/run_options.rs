//! How a tool is run: options of every verb that runs one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use eunomia_runtime::policy::Overrides;
use eunomia_runtime::target::Target;
use eunomia_runtime::{CallbackNames, Runtime, Sandbox};

use crate::context::Context;
use crate::environment;
use crate::output_options::OutputOptions;
use crate::render::{KernelClocks, Setting};
use crate::{duration, size};

/// How a tool is run.
#[derive(Debug, Args)]
pub(crate) struct RunOptions {
    /// Attach a program to TARGET, whatever the tool says; may be repeated
    #[arg(long, value_name = "PROGRAM=TARGET", value_parser = attach)]
    attach: Vec<(String, Target)>,
    /// Set a global variable of the BPF object before it is loaded; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    global: Vec<(String, String)>,
    /// Ask the tool to stop after this time: 10s, 5m, 1h30m
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) timeout: Option<Duration>,
    /// Memory that the tool may use [default: 256MiB]
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    #[arg(env = "ECLI_MEMORY", hide_env_values = true)]
    pub(crate) memory: Option<u64>,
    /// A BTF file of this machine's kernel, if it does not show its own
    #[arg(long, value_name = "FILE", env = "ECLI_BTF", hide_env_values = true)]
    pub(crate) btf: Option<PathBuf>,
    /// Use perf buffers in place of ring buffers, as on kernels before 5.8; for tools that can
    #[arg(long)]
    pub(crate) perf_buffers: bool,
    /// For wasm-bpf tools written in Go: the module that they import the poll from
    #[arg(long, value_name = "NAME", default_value_t = CallbackNames::default().wrapper_module)]
    wrapper_module: String,
    /// For wasm-bpf tools written in Go: the function that they export for their samples
    #[arg(long, value_name = "NAME", default_value_t = CallbackNames::default().callback_export)]
    callback_export: String,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

impl RunOptions {
    /// How rows are shown.
    pub(crate) fn setting(&self, ctx: &Context, runtime: &Runtime) -> Result<Setting> {
        let kernel = runtime.kernel();
        Ok(Setting {
            format: self.output.format(ctx)?,
            colour: environment::allows_colour(),
            clocks: KernelClocks {
                monotonic: kernel.monotonic_epoch(),
                boot: kernel.boot_epoch(),
                is_utc: false,
            },
            kernel: Some(Arc::clone(kernel)),
            choice: self.output.choice(),
        })
    }

    /// What the operator decides in the tool's place.
    pub(crate) fn overrides(&self) -> Overrides {
        let mut overrides = Overrides::default();
        for (program, target) in &self.attach {
            overrides
                .targets
                .entry(program.clone())
                .or_default()
                .push(target.clone());
        }
        overrides.globals.extend(self.global.iter().cloned());
        overrides
    }

    /// Bounds of the guest.
    pub(crate) fn sandbox(&self, ctx: &Context) -> Result<Sandbox> {
        let mut sandbox = Sandbox::default();
        let configured = ctx.config.memory.as_deref().map(size::parse).transpose();
        let configured = configured.context("configuration: `memory`")?;
        if let Some(bytes) = self.memory.or(configured) {
            sandbox.memory_bytes_max = usize::try_from(bytes)?;
        }
        Ok(sandbox)
    }

    /// Names of the older ABI.
    pub(crate) fn callback_names(&self) -> CallbackNames {
        CallbackNames {
            wrapper_module: self.wrapper_module.clone(),
            callback_export: self.callback_export.clone(),
        }
    }
}

fn attach(text: &str) -> Result<(String, Target)> {
    let (program, target) = name_and_value(text)?;
    Ok((program, target.parse::<Target>()?))
}

/// `NAME=VALUE`.
pub(crate) fn name_and_value(text: &str) -> Result<(String, String)> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(anyhow!("`{text}` has no NAME= in front")),
    }
}
