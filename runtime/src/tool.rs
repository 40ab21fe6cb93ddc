//! A tool before it runs: its parts, checked ([`Opened`]), then compiled ([`Loaded`]).

use std::sync::Arc;

use wasmparser::{Encoding, Parser, Payload};
use wasmtime::component::{Component, InstancePre};

use crate::engine::Shared;
use crate::error::{Error, ErrorKind, Result};
use crate::lifecycle::Running;
use crate::settings::Settings;
use crate::state::GuestState;

/// The parts of a tool, as an image holds them.
#[derive(Clone, Debug)]
pub struct Tool {
    /// What the guest is told that it is called, and what errors call it.
    pub name: String,
    /// BPF objects (ELF files) by name; the first is the default one.
    pub objects: Vec<(String, Arc<[u8]>)>,
    /// The WebAssembly component.
    pub component: Arc<[u8]>,
}

/// Who drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    /// The guest: it exports `wasi:cli/run`.
    Command,
    /// The host: the guest exports `eunomia:bpf/handler`.
    Plugin,
}

/// A tool whose parts were looked at.
pub struct Opened {
    shared: Arc<Shared>,
    tool: Tool,
    world: World,
    imports: Vec<String>,
    exports: Vec<String>,
}

/// A tool that is compiled and fits this host. It may be run many times.
#[derive(Clone)]
pub struct Loaded {
    pub(crate) shared: Arc<Shared>,
    pub(crate) tool: Tool,
    pub(crate) world: World,
    pub(crate) instance: InstancePre<GuestState>,
}

const RUN: &str = "wasi:cli/run@0.2.";
const HANDLER: &str = "eunomia:bpf/handler@0.1.";

impl Opened {
    pub(crate) fn new(shared: Arc<Shared>, tool: Tool) -> Result<Self> {
        let (imports, exports) = interfaces(&tool.component).map_err(|reason| {
            Error::new(
                ErrorKind::InvalidComponent,
                format!("open the component of `{}`: {reason}", tool.name),
            )
        })?;
        let has = |prefix: &str| exports.iter().any(|export| export.starts_with(prefix));
        let world = if has(HANDLER) {
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
        })
    }

    /// Who drives.
    pub fn world(&self) -> World {
        self.world
    }

    /// Names of what the component imports.
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
    /// `InvalidComponent` when it does not validate, `UnknownImport` when the host lacks an import.
    pub fn load(self) -> Result<Loaded> {
        let Self {
            shared,
            tool,
            world,
            ..
        } = self;
        let cache = shared.cache.as_ref();
        let cached = cache.and_then(|cache| cache.load(&shared.engine, &tool.component));
        let component = match cached {
            Some(component) => component,
            None => {
                let component =
                    Component::new(&shared.engine, &tool.component).map_err(|error| {
                        Error::new(
                            ErrorKind::InvalidComponent,
                            format!("compile the component of `{}`", tool.name),
                        )
                        .with_source(error)
                    })?;
                if let Some(cache) = cache {
                    cache.store(&shared.engine, &tool.component, &component);
                }
                component
            }
        };
        let instance = shared.linker.instantiate_pre(&component).map_err(|error| {
            Error::new(
                ErrorKind::UnknownImport,
                format!(
                    "link the component of `{}`: it needs what this version of the runtime does \
                     not have",
                    tool.name
                ),
            )
            .with_source(error)
        })?;
        Ok(Loaded {
            shared,
            tool,
            world,
            instance,
        })
    }
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
        self.world
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
            .field("world", &self.world)
            .finish()
    }
}

/// The names of what a component imports and exports, without validating the rest.
pub(crate) fn interfaces(bytes: &[u8]) -> Result<(Vec<String>, Vec<String>), String> {
    if bytes.is_empty() {
        return Err("the file is empty".into());
    }
    if !bytes.starts_with(b"\0asm") {
        return Err("it is not WebAssembly".into());
    }
    let mut imports = Vec::new();
    let mut exports = Vec::new();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|error| format!("it is damaged: {error}"))? {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } if depth == 0 => {
                return Err(
                    "it is a core module, not a component: build it for wasm32-wasip2, or \
                            componentize it"
                        .into(),
                );
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let import = import.map_err(|error| format!("it is damaged: {error}"))?;
                    imports.push(import.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    let export = export.map_err(|error| format!("it is damaged: {error}"))?;
                    exports.push(export.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}
