//! A tool's sources and how they become an image.
//!
//! A project is a folder with a manifest `ecli.toml`, BPF C sources and a guest. Building goes
//! through four steps, each of which does nothing when nothing changed:
//!
//! 1. [`headers`]: `vmlinux.h` from the kernel's types, and libbpf's headers;
//! 2. [`bpf`]: clang compiles each `NAME.bpf.c` to the BPF object `NAME`; [`bpf_crate`]: cargo and
//!    bpf-linker make one of each program of a package;
//! 3. [`bindings`]: types for what the objects hold, in the guest's language;
//! 4. [`guest`] (cargo), [`c_guest`] (clang), [`go_guest`] (go), [`zig_guest`] (zig), [`ts_guest`]
//!    (node) or [`python_guest`] builds the component; those of C, Go and Zig with [`component`];
//!    [`strip`] leaves names out of it.
//!
//! Then [`package`] makes an image of the products. They are kept in `target/ecli/`.

mod bindings;
mod bpf;
mod bpf_crate;
mod c_guest;
mod c_toolchain;
mod cargo;
mod component;
mod file;
mod go_guest;
mod guest;
mod headers;
mod kernel_types;
mod manifest;
mod package;
mod program;
mod python_guest;
mod registers;
mod schema;
mod sdk;
mod sources;
mod stamp;
mod still;
mod strip;
mod template;
mod toolchain;
mod ts_guest;
mod zig_guest;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use eunomia_image::{PackedImage, Platform, Reference};

use crate::environment::variable;
use crate::failure::HintExt;
use cargo::Workspace;
use manifest::Manifest;

pub(crate) use kernel_types::KernelFile;
pub(crate) use manifest::{Language, MANIFEST_FILE};
pub(crate) use schema::TEXT as SCHEMA;
pub(crate) use template::{NewProject, Template, check_name};

/// Names the folder for products of projects without cargo; absolute. By default the project's
/// `target`.
const TARGET_VARIABLE: &str = "ECLI_TARGET_DIR";

/// A folder with a manifest.
#[derive(Debug)]
pub(crate) struct Project {
    /// Absolute.
    folder: PathBuf,
    manifest: Manifest,
    /// `None`: there is no guest.
    language: Option<Language>,
    /// Set for guests in Rust.
    cargo: Option<Workspace>,
    /// Kernels whose types go into the image.
    kernels: Vec<KernelFile>,
}

/// A built tool.
#[derive(Debug)]
pub(crate) struct Built {
    /// What the image holds, with sizes in bytes.
    pub(crate) parts: Vec<(String, u64)>,
    /// The image, not yet stored.
    pub(crate) image: PackedImage,
}

/// A BPF object that was compiled.
#[derive(Debug)]
struct Object {
    /// The name by which the guest opens it.
    name: String,
    /// The ELF file.
    bytes: Vec<u8>,
}

impl Project {
    /// Whether `folder` is a project.
    pub(crate) fn is_at(folder: &Path) -> bool {
        folder.join(MANIFEST_FILE).is_file()
    }

    /// Reads the manifest of `folder`, and what cargo says of the guest; `chosen` is its language,
    /// whatever the manifest and the files say.
    pub(crate) fn open(folder: &Path, chosen: Option<Language>) -> Result<Self> {
        let folder = folder
            .canonicalize()
            .with_context(|| format!("open project {}", folder.display()))?;
        let manifest = Manifest::read(&folder)?;
        schema::write_beside(&folder)?;
        let language = match chosen.or(manifest.guest.language) {
            Some(language) => Some(language),
            None => Language::detect(&folder)?,
        };
        let cargo = match language {
            Some(Language::Rust) => {
                sdk::write_beside(&folder, "rust", "Cargo.toml")?;
                Some(Workspace::read(&folder, manifest.guest.package.as_deref())?)
            }
            _ => None,
        };
        Ok(Self {
            folder,
            manifest,
            language,
            cargo,
            kernels: Vec::new(),
        })
    }

    /// Puts into the image what its objects need of the types of these kernels, which do not show
    /// their own.
    pub(crate) fn with_types_of(mut self, kernels: &[KernelFile]) -> Self {
        self.kernels = kernels.to_vec();
        self
    }

    /// The tool's name: as the manifest says, or else the folder's.
    fn name(&self) -> Result<String> {
        if let Some(name) = &self.manifest.name {
            return Ok(name.clone());
        }
        let name = self.folder.file_name().and_then(|name| name.to_str());
        name.map(str::to_owned)
            .with_context(|| format!("name the tool in {}", self.folder.display()))
            .hint(format!("write `name = \"...\"` into {MANIFEST_FILE}"))
    }

    /// The name of its image when the user gives none.
    pub(crate) fn reference(&self) -> Result<Reference> {
        let name = self.name()?;
        let operation = || format!("name the image of tool {name:?}");
        name.parse().with_context(operation).hint(format!(
            "write another `name = \"...\"` into {MANIFEST_FILE}, or name the image with \
             `ecli build -t NAME`"
        ))
    }

    /// The tool's version: as the manifest says, or else `Cargo.toml`.
    pub(crate) fn version(&self) -> Option<&str> {
        let package = self.cargo.as_ref().map(|workspace| &workspace.package);
        let own = self.manifest.version.as_deref();
        own.or_else(|| package.map(|package| package.version.as_str()))
    }

    /// Compiles everything and packs it, for this machine.
    pub(crate) fn build(&self) -> Result<Built> {
        self.build_for(&Platform::host())
    }

    /// The same for `platform`. Its BPF objects are compiled with the types of this machine's
    /// kernel, which are relocated when they are loaded, and with the register names of its CPU.
    pub(crate) fn build_for(&self, platform: &Platform) -> Result<Built> {
        let name = self.name()?;
        let sources = sources::find(&self.folder, &self.manifest.bpf.sources)?;
        let rust_crate = &self.manifest.bpf.rust_crate;
        if sources.is_empty() && rust_crate.is_none() && self.language.is_none() {
            bail!(
                "{}: nothing to build: neither *.bpf.c nor Cargo.toml, *.go, guest.zig, guest.ts, \
                 *.c, *.cpp or guest.py",
                self.folder.display()
            );
        }
        let products = self.target_folder().join("ecli").join(&name);
        let mut objects = self.build_objects(&sources, &products, platform)?;
        if let Some(folder) = rust_crate {
            objects.extend(self.build_crate(folder, &products, platform)?);
        }
        let component = self.build_guest(&objects, &products)?;
        package::pack(self, &name, platform, objects, component)
    }

    /// The component; nothing for a project without a guest.
    fn build_guest(&self, objects: &[Object], products: &Path) -> Result<Vec<u8>> {
        let Some(language) = self.language else {
            return Ok(Vec::new());
        };
        let types = &self.manifest.bpf.types;
        let bindings = bindings::write(language, objects, types, products)?;
        let cache = self.target_folder().join("ecli");
        let component = match (language, &self.cargo) {
            (Language::C | Language::Cpp, _) => c_guest::build(&c_guest::Setting {
                folder: &self.folder,
                guest: &self.manifest.guest,
                is_cpp: language == Language::Cpp,
                products,
                cache: &cache,
            }),
            (Language::Go, _) => go_guest::build(&self.folder, bindings.as_deref(), products),
            (Language::Ts, _) => ts_guest::build(&ts_guest::Setting {
                folder: &self.folder,
                guest: &self.manifest.guest,
                bindings: bindings.as_deref(),
                products,
                cache: &cache,
            }),
            (Language::Zig, _) => zig_guest::build(&zig_guest::Setting {
                folder: &self.folder,
                guest: &self.manifest.guest,
                bindings: bindings.as_deref(),
                products,
                cache: &cache,
            }),
            (Language::Python, _) => python_guest::build(&python_guest::Setting {
                folder: &self.folder,
                guest: &self.manifest.guest,
                types: bindings.as_deref(),
                products,
            }),
            (Language::Rust, Some(workspace)) => guest::build(workspace, bindings.as_deref()),
            (Language::Rust, None) => bail!("the workspace of the guest was not read"),
        }?;
        strip::names(&component)
    }

    fn build_objects(
        &self,
        sources: &[PathBuf],
        products: &Path,
        platform: &Platform,
    ) -> Result<Vec<Object>> {
        if sources.is_empty() {
            return Ok(Vec::new());
        }
        let cache = self.target_folder().join("ecli");
        let architecture = bpf::target_architecture(platform)?;
        let headers = headers::prepare(&self.folder, sources, &cache, architecture)?;
        let products = products_for(platform, products);
        let compiler = bpf::Compiler::find(bpf::Setting {
            architecture,
            folder: &self.folder,
            headers: &headers,
            flags: &self.manifest.bpf.flags,
            products: &products,
        })?;
        sources
            .iter()
            .map(|source| compiler.compile(source))
            .collect()
    }

    /// The objects of the package in `folder`, which has the programs in Rust.
    fn build_crate(
        &self,
        folder: &str,
        products: &Path,
        platform: &Platform,
    ) -> Result<Vec<Object>> {
        bpf_crate::build(&bpf_crate::Setting {
            folder: &self.folder.join(folder),
            products: &products_for(platform, products),
            platform,
        })
    }

    /// Where products go: cargo's target folder, or one like it.
    fn target_folder(&self) -> PathBuf {
        let chosen = variable(TARGET_VARIABLE);
        match (&self.cargo, chosen) {
            (Some(workspace), _) => workspace.target_folder.clone(),
            (None, Some(folder)) => PathBuf::from(folder),
            (None, None) => self.folder.join("target"),
        }
    }
}

/// Where the objects for a platform go.
fn products_for(platform: &Platform, products: &Path) -> PathBuf {
    match *platform == Platform::host() {
        true => products.to_owned(),
        false => products.join(platform.to_string().replace('/', "-")),
    }
}
