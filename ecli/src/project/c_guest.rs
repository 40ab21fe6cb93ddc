//! Building a guest in C or C++: each source becomes an object, all of them with the SDK a core
//! module, and that a component. Each step does nothing when nothing changed.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};

use super::c_toolchain::Toolchain;
use super::file::{self, create_folder_of};
use super::manifest::{Guest, MANIFEST_FILE};
use super::stamp::{self, Recipe, Stamp};
use super::{component, sdk};
use crate::failure::HintExt;

/// Part of the stamps: raised when products are made in another way that their flags do not show.
const RECIPE: u32 = 1;

/// Ends of sources, and whether they are C++.
const ENDS: [(&str, bool); 4] = [("c", false), ("cpp", true), ("cc", true), ("cxx", true)];
/// Folders that are searched for sources when the manifest names none.
const SOURCE_FOLDERS: [&str; 2] = ["", "src"];

/// Flags for every source; the SDK's own first, so that those of the manifest win. Every engine has
/// vector instructions.
const FLAGS: [&str; 5] = [
    "-O2",
    "-Wall",
    "-msimd128",
    "-ffunction-sections",
    "-fdata-sections",
];
const C_FLAGS: [&str; 1] = ["-std=gnu17"];
/// Guests have one thread.
const CPP_FLAGS: [&str; 4] = [
    "-std=c++2b",
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-threadsafe-statics",
];

/// The stack comes first in memory, so that one that overflows traps instead of changing data.
const LINK_FLAGS: [&str; 5] = [
    "-mexec-model=reactor",
    "-Wl,--gc-sections",
    "-Wl,--strip-all",
    "-Wl,--stack-first",
    "-Wl,-z,stack-size=131072",
];

/// Without a C library: the SDK's own headers are in place of those of the system. Such guests are
/// meant to be small.
const FREESTANDING_FLAGS: [&str; 2] = ["-nostdlibinc", "-Os"];
const FREESTANDING_LINK_FLAGS: [&str; 3] = ["-nostdlib", "-nostartfiles", "-Wl,--no-entry"];

/// Sources of the SDK of which only one belongs to a guest, by its world.
const COMMAND_SOURCE: &str = "command.c";
const PLUGIN_SOURCE: &str = "plugin.c";

/// What is to be built.
pub(super) struct Setting<'a> {
    /// The project's folder; sources are relative to it.
    pub(super) folder: &'a Path,
    pub(super) guest: &'a Guest,
    /// Whether it is in C++, perhaps with parts in C.
    pub(super) is_cpp: bool,
    /// Where generated headers are, and where products go.
    pub(super) products: &'a Path,
    /// Where the SDK goes, for all guests.
    pub(super) cache: &'a Path,
}

/// A source on its way to an object.
struct Source {
    path: PathBuf,
    is_cpp: bool,
    object: PathBuf,
}

/// Builds the component.
pub(super) fn build(setting: &Setting<'_>) -> Result<Vec<u8>> {
    let toolchain = Toolchain::find(setting.guest.freestanding)?;
    let sdk = sdk::write("c", &setting.cache.join("sdk"))?;
    let builder = Builder {
        setting,
        toolchain,
        sdk,
    };
    let own = builder.own_sources()?;
    for source in &own {
        builder.compile(source)?;
    }
    let mut is_plugin = false;
    for source in &own {
        is_plugin |= component::is_plugin(&read(&source.object)?);
    }
    let library = builder.sdk_sources(is_plugin)?;
    for source in &library {
        builder.compile(source)?;
    }
    let module = builder.link(&own, &library)?;
    component::of_file(&module)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("read {}", path.display()))
}

struct Builder<'a> {
    setting: &'a Setting<'a>,
    toolchain: Toolchain,
    sdk: PathBuf,
}

impl Builder<'_> {
    fn own_sources(&self) -> Result<Vec<Source>> {
        let folder = self.setting.folder;
        let paths = match &self.setting.guest.sources {
            Some(sources) => sources.iter().map(PathBuf::from).collect(),
            None => sources_in(find_sources(folder)?, self.setting.is_cpp),
        };
        if paths.is_empty() {
            return Err(anyhow!("find the guest's sources in {}", folder.display())).hint(format!(
                "they are *.c and *.cpp of the folder and of src/, or what `sources` under [guest] \
                 of {MANIFEST_FILE} names"
            ));
        }
        let objects = self.setting.products.join("guest");
        paths
            .into_iter()
            .map(|path| source(path, &objects))
            .collect()
    }

    /// The library's sources for a guest of this world.
    fn sdk_sources(&self, is_plugin: bool) -> Result<Vec<Source>> {
        let unwanted = if is_plugin {
            COMMAND_SOURCE
        } else {
            PLUGIN_SOURCE
        };
        let (folders, objects): (&[&str], _) = match self.setting.guest.freestanding {
            true => (&["src", "freestanding"], "sdk/objects-freestanding"),
            false => (&["src"], "sdk/objects"),
        };
        let objects = self.setting.cache.join(objects);
        let sources = folders.iter().flat_map(|folder| {
            let of_folder = format!("guest-sdk/c/{folder}");
            sdk::files(&of_folder)
                .filter_map(|(name, _)| name.rsplit('/').next())
                .filter(|name| name.ends_with(".c") && *name != unwanted)
                .map(|name| self.sdk.join(folder).join(name))
                .collect::<Vec<_>>()
        });
        sources.map(|path| source(path, &objects)).collect()
    }

    /// Flags that decide what an object is.
    fn flags(&self, is_cpp: bool) -> Vec<String> {
        let folder = self.setting.folder.display();
        let language: &[&str] = if is_cpp { &CPP_FLAGS } else { &C_FLAGS };
        let mut flags = self.toolchain.target_flags();
        flags.extend(FLAGS.iter().chain(language).map(|flag| (*flag).to_owned()));
        if self.setting.guest.freestanding {
            let include = self.sdk.join("freestanding/include");
            flags.extend(FREESTANDING_FLAGS.map(str::to_owned));
            flags.push(format!("-isystem{}", include.display()));
        }
        flags.extend([
            format!("-I{}", self.sdk.join("include").display()),
            // No path of this machine in messages of asserts.
            format!("-ffile-prefix-map={folder}=."),
        ]);
        flags
    }

    fn own_flags(&self, is_cpp: bool) -> Vec<String> {
        let mut flags = self.flags(is_cpp);
        flags.extend([
            format!("-I{}", self.setting.folder.display()),
            format!("-I{}", self.setting.products.display()),
        ]);
        flags.extend(self.setting.guest.flags.iter().cloned());
        flags
    }

    /// Compiles a source if it or what it includes has changed.
    fn compile(&self, source: &Source) -> Result<()> {
        // The SDK's sources are absolute, and the same for all guests.
        let flags = match source.path.is_absolute() {
            true => self.flags(source.is_cpp),
            false => self.own_flags(source.is_cpp),
        };
        let recipe = self.recipe(flags.clone());
        let stamp_file = source.object.with_extension("stamp.json");
        let folder = self.setting.folder;
        if source.object.is_file() && Stamp::is_current(&stamp_file, &recipe, folder) {
            return Ok(());
        }
        let dependencies = source.object.with_extension("d");
        let temporary = file::temporary_beside(&source.object);
        create_folder_of(&source.object)
            .with_context(|| format!("create the folder of {}", source.object.display()))?;
        tracing::info!("compiling {}", source.path.display());
        let mut command = self.toolchain.command(source.is_cpp);
        command
            .current_dir(folder)
            .args(&flags)
            .args(["-MD", "-MF"])
            .arg(&dependencies);
        command
            .arg("-c")
            .arg(&source.path)
            .arg("-o")
            .arg(&temporary);
        run(command).with_context(|| format!("compile {}", folder.join(&source.path).display()))?;
        std::fs::rename(&temporary, &source.object)
            .with_context(|| format!("create {}", source.object.display()))?;
        let inputs = stamp::read_dependencies(&dependencies)?;
        Stamp::of(recipe, folder, inputs)?.write(&stamp_file)
    }

    fn link(&self, own: &[Source], library: &[Source]) -> Result<PathBuf> {
        let is_cpp = own.iter().any(|source| source.is_cpp);
        // A folder may have a guest in either language.
        let name = if self.setting.is_cpp { "cpp" } else { "c" };
        let module = self.setting.products.join(format!("{name}-guest.wasm"));
        let stamp_file = module.with_extension("stamp.json");
        let objects: Vec<PathBuf> = own
            .iter()
            .chain(library)
            .map(|source| source.object.clone())
            .collect();
        let freestanding: &[&str] = match self.setting.guest.freestanding {
            true => &FREESTANDING_LINK_FLAGS,
            false => &[],
        };
        let flags = LINK_FLAGS.iter().chain(freestanding);
        let flags: Vec<String> = flags.map(|flag| (*flag).to_owned()).collect();
        let recipe = self.recipe(flags.clone());
        let folder = self.setting.folder;
        let stamp = Stamp::of(recipe, folder, objects.clone())?;
        if module.is_file() && stamp.is_written_in(&stamp_file) {
            return Ok(module);
        }
        let temporary = file::temporary_beside(&module);
        let mut command = self.toolchain.command(is_cpp);
        command
            .args(&flags)
            .args(&objects)
            .arg("-o")
            .arg(&temporary);
        run(command).context("link the guest")?;
        std::fs::rename(&temporary, &module)
            .with_context(|| format!("create {}", module.display()))?;
        stamp.write(&stamp_file)?;
        Ok(module)
    }

    fn recipe(&self, flags: Vec<String>) -> Recipe {
        Recipe {
            version: RECIPE,
            compiler: self.toolchain.version.clone(),
            flags,
        }
    }
}

/// Runs clang, whose words go to stderr.
fn run(mut command: std::process::Command) -> Result<()> {
    let status = command.status().context("run clang")?;
    if !status.success() {
        bail!("clang ended with {status}");
    }
    Ok(())
}

/// Sources by their ends, BPF C left out.
pub(super) fn find_sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for name in SOURCE_FOLDERS {
        // `src` need not exist.
        let Ok(entries) = std::fs::read_dir(folder.join(name)) else {
            continue;
        };
        for entry in entries {
            let file = entry
                .with_context(|| format!("read {}", folder.display()))?
                .file_name();
            let path = Path::new(name).join(file);
            let is_bpf = path.to_string_lossy().ends_with(".bpf.c");
            if !is_bpf && end_of(&path).is_some() && folder.join(&path).is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Of the sources that were found, those of a guest in one of the languages. C++ has parts in C,
/// but for a source of the same name: `guest.c` beside `guest.cpp` is another guest.
fn sources_in(found: Vec<PathBuf>, is_cpp: bool) -> Vec<PathBuf> {
    let belongs = |path: &PathBuf| match (is_cpp, end_of(path)) {
        (true, Some(false)) => !found.iter().any(|other| {
            end_of(other) == Some(true) && other.with_extension("") == path.with_extension("")
        }),
        (is_cpp, end) => end == Some(is_cpp),
    };
    found.iter().filter(|path| belongs(path)).cloned().collect()
}

/// Whether a file is C++, if it is a source at all.
pub(super) fn end_of(path: &Path) -> Option<bool> {
    let end = path.extension()?.to_str()?;
    let mut ends = ENDS.iter();
    ends.find(|(known, _)| *known == end)
        .map(|(_, is_cpp)| *is_cpp)
}

fn source(path: PathBuf, objects: &Path) -> Result<Source> {
    let is_cpp = end_of(&path)
        .with_context(|| format!("compile {}", path.display()))
        .hint("sources of guests end in .c, .cpp, .cc or .cxx")?;
    let name = match path.is_absolute() {
        true => PathBuf::from(path.file_name().unwrap_or_default()),
        false => path.clone(),
    };
    // `a.c` and `a.cpp` are two objects.
    let object = objects.join(format!("{}.o", name.display()));
    Ok(Source {
        path,
        is_cpp,
        object,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_found_without_those_for_bpf() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("src")).unwrap();
        for name in ["b.c", "a.bpf.c", "src/c.cpp", "d.h"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let found = find_sources(folder.path()).unwrap();
        assert_eq!(found, ["b.c", "src/c.cpp"].map(PathBuf::from));
        assert_eq!(sources_in(found.clone(), false), [PathBuf::from("b.c")]);
        assert_eq!(sources_in(found, true).len(), 2);
        assert_eq!(end_of(Path::new("x.cc")), Some(true));
        assert_eq!(end_of(Path::new("x.rs")), None);
    }

    #[test]
    fn a_folder_may_have_a_guest_in_each_language() {
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        let found = paths(&["guest.c", "guest.cpp", "parts.c"]);
        let c = sources_in(found.clone(), false);
        assert_eq!(c, paths(&["guest.c", "parts.c"]));
        let cpp = sources_in(found, true);
        assert_eq!(cpp, paths(&["guest.cpp", "parts.c"]));
    }

    #[test]
    fn two_sources_have_two_objects() {
        let objects = Path::new("/objects");
        let object = |path: &str| source(PathBuf::from(path), objects).unwrap().object;
        assert_ne!(object("a.c"), object("a.cpp"));
        assert_eq!(object("/sdk/src/map.c"), Path::new("/objects/map.c.o"));
    }
}
