//! Running tools without a program in user space: their options, then the plan for the runtime.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use eunomia_formats::options::{self, Request};
use eunomia_formats::{Facts, Package, Plan};
use eunomia_runtime::kernel::Kernel;
use eunomia_runtime::{KernelTool, Runtime};

use crate::failure::hinted;
use crate::{commands, foreign, terminal};

/// Reads the arguments; `None` when they only asked for help or version, which is printed.
pub(crate) fn prepare(
    runtime: &Runtime,
    package: &Package,
    arguments: &[String],
) -> Result<Option<KernelTool>> {
    let (facts, mut plan) = planned(&**runtime.kernel(), package)?;
    let name = foreign::short_name(&package.name);
    let choices = match options::parse(&plan.options, &facts, arguments) {
        Ok(Request::Run(choices)) => choices,
        Ok(Request::Help) => {
            print(&options::help(&plan))?;
            return Ok(None);
        }
        Ok(Request::Version) => {
            let version = if plan.about.version.is_empty() {
                "(no version)"
            } else {
                &plan.about.version
            };
            print(&format!("{name} {version}\n"))?;
            return Ok(None);
        }
        Err(error) => {
            let hint = format!("`ecli run {} --help` shows its options", package.name);
            return Err(hinted(error, hint));
        }
    };
    plan.apply(&facts, choices)?;
    for warning in &plan.warnings {
        say!("ecli: warning: {}", terminal::visible(warning));
    }
    Ok(Some(KernelTool {
        name,
        elf: Arc::clone(&package.elf),
        plan,
    }))
}

/// What its object has, and what the package says is to be done with it.
pub(crate) fn planned(kernel: &dyn Kernel, package: &Package) -> Result<(Facts, Plan)> {
    let reading = || format!("read {}", package.name);
    let object = kernel
        .open_object(&foreign::short_name(&package.name), &package.elf)
        .with_context(reading)?;
    let facts = Facts::of(&*object).with_context(reading)?;
    let plan = package
        .plan(&facts)
        .with_context(|| format!("{}, a {}", reading(), package.kind.name()))?;
    Ok((facts, plan))
}

/// Prints what a package says: it must not control the terminal.
fn print(text: &str) -> Result<()> {
    commands::print(terminal::visible_lines(text).as_bytes())
}
