//! A tool before it runs: its parts, checked ([`Opened`]), then compiled ([`Loaded`]).

use std::sync::Arc;

use eunomia_host_abi::wasm_bpf::CallbackNames;
use wasmparser::{Encoding, Parser, Payload};
use wasmtime::Module;
use wasmtime::component::{Component, InstancePre};

use crate::cache::Compiled;
#[cfg(feature = "compiler")]
use crate::engine::Compilation;
use crate::engine::Shared;
use crate::error::{Error, ErrorKind, Result};
use crate::lifecycle::Running;
use crate::module;
use crate::settings::Settings;
use crate::state::GuestState;

/// The parts of a tool, as an image holds them.
#[derive(Clone, Debug)]
pub struct Tool {
    /// What the guest is told that it is called, and what errors call it.
    pub name: String,
    /// BPF objects (ELF files) by name; the first is the default one.
    pub objects: Vec<(String, Arc<[u8]>)>,
    /// The WebAssembly component, or a core module of the older ABI `wasm_bpf`.
    pub component: Arc<[u8]>,
}

/// Who drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    /// The guest: it exports `wasi:cli/run`.
    Command,
    /// The host: the guest exports `eunomia:bpf/handler`.
    Plugin,
    /// The guest, by the older ABI: a core module that imports `wasm_bpf` and exports `_start`.
    Module,
}

/// A tool whose parts were looked at.
pub struct Opened {
    shared: Arc<Shared>,
    tool: Tool,
    world: World,
    imports: Vec<String>,
    exports: Vec<String>,
    callback_names: CallbackNames,
}

/// A tool that is compiled and fits this host. It may be run many times.
#[derive(Clone)]
pub struct Loaded {
    pub(crate) shared: Arc<Shared>,
    pub(crate) tool: Tool,
    pub(crate) linked: Linked,
    pub(crate) callback_names: CallbackNames,
}

/// A guest with its imports, in the world that it is of.
#[derive(Clone)]
pub(crate) enum Linked {
    Command(InstancePre<GuestState>),
    Plugin(InstancePre<GuestState>),
    Module(wasmtime::InstancePre<GuestState>),
}

const RUN: &str = "wasi:cli/run@0.2.";
const HANDLER: &str = "eunomia:bpf/handler@0.1.";

impl Opened {
    pub(crate) fn new(shared: Arc<Shared>, tool: Tool) -> Result<Self> {
        let invalid = |reason: String| {
            Error::new(
                ErrorKind::InvalidComponent,
                format!("open the component of `{}`: {reason}", tool.name),
            )
        };
        let Interfaces {
            is_module,
            imports,
            exports,
        } = interfaces(&tool.component).map_err(invalid)?;
        let has = |prefix: &str| exports.iter().any(|export| export.starts_with(prefix));
        let world = if is_module {
            check_module(&exports).map_err(invalid)?;
            World::Module
        } else if has(HANDLER) {
            World::Plugin
        } else if has(RUN) {
            World::Command
        } else {
            return Err(Error::new(
                ErrorKind::InvalidComponent,
                format!(
                    "open the component of `{}`: it exports neither `wasi:cli/run` (a command) \
                     nor `eunomia:bpf/handler` (a plugin), but: {}",
                    tool.name,
                    if exports.is_empty() {
                        "nothing".to_owned()
                    } else {
                        exports.join(", ")
                    }
                ),
            ));
        };
        Ok(Self {
            shared,
            tool,
            world,
            imports,
            exports,
            callback_names: CallbackNames::default(),
        })
    }

    /// The names by which a guest of the older ABI that is written in Go gets its samples. Without
    /// meaning to others.
    #[must_use]
    pub fn callback_names(mut self, names: CallbackNames) -> Self {
        self.callback_names = names;
        self
    }

    /// Who drives.
    pub fn world(&self) -> World {
        self.world
    }

    /// Names of what the component imports: `wasi:io/poll@0.2.6`, `wasm_bpf.wasm_load_bpf_object`.
    pub fn imports(&self) -> &[String] {
        &self.imports
    }

    /// Names of what the component exports.
    pub fn exports(&self) -> &[String] {
        &self.exports
    }

    /// Compile the component, or take it from the cache, and check that this host has all that it
    /// imports.
    ///
    /// # Errors
    /// `InvalidComponent` when it does not validate, `UnknownImport` when the host lacks an import,
    /// `NoCompiler` when it is not in the cache and this build cannot compile.
    pub fn load(self) -> Result<Loaded> {
        let unlinked = |error: wasmtime::Error| {
            Error::new(
                ErrorKind::UnknownImport,
                format!(
                    "link the component of `{}`: it needs what this version of the runtime does \
                     not have",
                    self.tool.name
                ),
            )
            .with_source(error)
        };
        let linked = match self.world {
            World::Module => {
                let module = compiled::<Module>(&self.shared, &self.tool)?;
                let linked = module::link(&module, &self.callback_names);
                Linked::Module(linked.map_err(unlinked)?)
            }
            World::Command | World::Plugin => {
                let component = compiled::<Component>(&self.shared, &self.tool)?;
                let linked = self.shared.linker.instantiate_pre(&component);
                match self.world {
                    World::Plugin => Linked::Plugin(linked.map_err(unlinked)?),
                    _ => Linked::Command(linked.map_err(unlinked)?),
                }
            }
        };
        Ok(Loaded {
            shared: self.shared,
            tool: self.tool,
            linked,
            callback_names: self.callback_names,
        })
    }
}

/// The tool's component or module, from the cache or made now.
fn compiled<C: Compiled>(shared: &Shared, tool: &Tool) -> Result<C> {
    let cache = shared.cache.as_ref();
    match cache.and_then(|cache| cache.component(&shared.engine, &tool.component)) {
        Some(component) => Ok(component),
        None => compile(shared, tool),
    }
}

#[cfg(feature = "compiler")]
fn compile<C: Compiled>(shared: &Shared, tool: &Tool) -> Result<C> {
    let (engine, component) = (&shared.engine, &tool.component);
    let compiled = std::thread::scope(|scope| {
        let Some(cache) = &shared.cache else {
            return C::compiled(engine, component);
        };
        // What the guest will do first, while its code is still compiled.
        for (_, elf) in &tool.objects {
            scope.spawn(|| shared.kernel.prepare_object(elf));
        }
        match shared.compilation {
            Compilation::Careful => cache.compile(engine, component),
            Compilation::Twice => cache.compile_twice(engine, component),
            Compilation::Hurried => cache.compile_hurried(engine, component),
        }
    });
    compiled.map_err(|error| {
        let operation = format!("compile the component of `{}`", tool.name);
        Error::new(ErrorKind::InvalidComponent, operation).with_source(error)
    })
}

#[cfg(not(feature = "compiler"))]
fn compile<C>(_: &Shared, tool: &Tool) -> Result<C> {
    Err(Error::new(
        ErrorKind::NoCompiler,
        format!(
            "load the component of `{}`: it is not in the cache, or not for this CPU, and this \
             program has no compiler: run it once with one that has, of the same version and with \
             the same cache (`ecli run`)",
            tool.name
        ),
    ))
}

impl Loaded {
    /// Start the guest on a thread of its own.
    ///
    /// # Errors
    /// `Host` when there is no thread to be had. What goes wrong later is told by
    /// [`Running::wait`].
    pub fn run(&self, settings: Settings) -> Result<Running> {
        Running::start(self.clone(), settings)
    }

    /// Who drives.
    pub fn world(&self) -> World {
        match self.linked {
            Linked::Command(_) => World::Command,
            Linked::Plugin(_) => World::Plugin,
            Linked::Module(_) => World::Module,
        }
    }
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened")
            .field("name", &self.tool.name)
            .field("world", &self.world)
            .finish()
    }
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loaded")
            .field("name", &self.tool.name)
            .field("world", &self.world())
            .finish()
    }
}

/// A module of the older ABI is a command of WASI preview 1 whose memory the host can reach.
fn check_module(exports: &[String]) -> Result<(), String> {
    for needed in [module::START, "memory"] {
        if !exports.iter().any(|export| export == needed) {
            return Err(format!(
                "it is a core module without `{needed}`, so not a command of WASI preview 1 (the \
                 form of wasm-bpf tools): build it for wasm32-wasip2, or componentize it"
            ));
        }
    }
    Ok(())
}

/// The names of what a component or a module imports and exports.
#[derive(Default)]
pub(crate) struct Interfaces {
    pub(crate) is_module: bool,
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
}

/// Reads them without validating the rest.
pub(crate) fn interfaces(bytes: &[u8]) -> Result<Interfaces, String> {
    if bytes.is_empty() {
        return Err("the file is empty".into());
    }
    if !bytes.starts_with(b"\0asm") {
        return Err("it is not WebAssembly".into());
    }
    let damaged = |error: wasmparser::BinaryReaderError| format!("it is damaged: {error}");
    let mut found = Interfaces::default();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(damaged)? {
            Payload::Version { encoding, .. } if depth == 0 => {
                found.is_module = encoding == Encoding::Module;
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    found
                        .imports
                        .push(import.map_err(damaged)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    found
                        .exports
                        .push(export.map_err(damaged)?.name.name.to_owned());
                }
            }
            Payload::ImportSection(section) if found.is_module => {
                for import in section.into_imports() {
                    let import = import.map_err(damaged)?;
                    found
                        .imports
                        .push(format!("{}.{}", import.module, import.name));
                }
            }
            Payload::ExportSection(section) if found.is_module => {
                for export in section {
                    found.exports.push(export.map_err(damaged)?.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(found)
}
