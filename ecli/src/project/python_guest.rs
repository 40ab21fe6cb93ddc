//! Building a guest in Python: componentize-py puts its modules, the SDK and an interpreter into a
//! component, as they are after the modules were imported.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, anyhow, bail};
use eunomia_image::Digest;

use super::manifest::{Guest, MANIFEST_FILE};
use super::program::Wanted;
use super::stamp::{Recipe, Stamp};
use super::{component, file, sdk, still};
use crate::failure::{HintExt, hinted};

/// Names another componentize-py than that of the PATH.
const COMPONENTIZE_VARIABLE: &str = "ECLI_COMPONENTIZE_PY";

/// The series whose form of bindings the SDK is written for.
const SERIES: &str = "0.25";

const INSTALL: &str = "install componentize-py 0.25, which needs Python 3.9 or newer:\n  \
    Debian, Ubuntu: apt install pipx; pipx install componentize-py==0.25.0\n  \
    Fedora: dnf install pipx; pipx install componentize-py==0.25.0\n  \
    Arch: pacman -S python-pipx; pipx install componentize-py==0.25.0\n  \
    openEuler: dnf install python3-pip; pip3 install --user componentize-py==0.25.0\n  \
    macOS: brew install pipx; pipx install componentize-py==0.25.0\n  \
    ECLI_COMPONENTIZE_PY names a componentize-py that is not in the PATH";

/// Part of the stamps: raised when components are made in another way.
const RECIPE: u32 = 1;

/// The main module's file, unless the manifest names another.
const MAIN_FILE: &str = "guest.py";

/// The module that is made around the guest's.
const ENTRY: &str = "ecli_entry";

/// Where the SDK's package is.
const SDK: &str = "guest-sdk/python/";

/// Folders of a project that hold no modules of the guest.
const OTHER_FOLDERS: [&str; 3] = ["target", "tests", "__pycache__"];
/// Folders in each other; links to folders are not followed.
const DEPTH_MAX: usize = 16;

/// What is to be built.
pub(super) struct Setting<'a> {
    /// The project's folder.
    pub(super) folder: &'a Path,
    pub(super) guest: &'a Guest,
    /// The folder of the generated module, if there is one.
    pub(super) types: Option<&'a Path>,
    /// Where the component goes.
    pub(super) products: &'a Path,
}

/// Whether a folder has a main module.
pub(super) fn has_main(folder: &Path) -> bool {
    folder.join(MAIN_FILE).is_file()
}

/// Builds the component, unless nothing has changed.
pub(super) fn build(setting: &Setting<'_>) -> Result<Vec<u8>> {
    let componentize = Componentize::find()?;
    // For editors.
    sdk::write_beside(setting.folder, "python", "pyproject.toml")?;
    let main = main_module(setting)?;
    let text = std::fs::read_to_string(setting.folder.join(format!("{main}.py")))
        .with_context(|| format!("read {}", setting.folder.join(&main).display()))?;
    let world = World::of(&text).with_context(|| format!("build the guest {main}.py"))?;
    let modules = modules(setting, &main, world)?;
    let product = setting.products.join("python-guest.component.wasm");
    let stamp_file = product.with_extension("json");
    let recipe = Recipe {
        version: RECIPE,
        compiler: componentize.version.clone(),
        flags: vec![
            world.name().to_owned(),
            sdk::contract_digest(),
            digest(&modules),
        ],
    };
    let stamp = Stamp::of(recipe, setting.folder, Vec::new())?;
    if !product.is_file() || !stamp.is_written_in(&stamp_file) {
        let bytes = componentize
            .run(world, &modules, setting.products)
            .with_context(|| format!("build the guest {main}.py"))?;
        component::check(&bytes, || "use another componentize-py".to_owned())?;
        file::write(&product, &bytes)?;
        stamp.write(&stamp_file)?;
        return Ok(bytes);
    }
    std::fs::read(&product).with_context(|| format!("read {}", product.display()))
}

/// The name of the main module.
fn main_module(setting: &Setting<'_>) -> Result<String> {
    let file = match setting.guest.sources.as_deref() {
        Some([source]) => source,
        Some(_) => bail!("{MANIFEST_FILE}: guest.sources: of Python the main module's file only"),
        None if has_main(setting.folder) => MAIN_FILE,
        None => {
            let error = anyhow!(
                "find the guest's main module in {}",
                setting.folder.display()
            );
            let hint = format!("it is called {MAIN_FILE}, or as `sources` under [guest] says");
            return Err(hinted(error, hint));
        }
    };
    let name = file.strip_suffix(".py");
    let name = name.filter(|name| !name.is_empty() && name.chars().all(is_of_name));
    name.map(str::to_owned).with_context(|| {
        format!("use {file} as main module: it is no file NAME.py in the project's folder")
    })
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Who drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum World {
    Command,
    Plugin,
}

impl World {
    /// A command has a function `main`, a plugin a class that is derived from `Plugin`.
    fn of(text: &str) -> Result<Self> {
        if text.lines().any(|line| line.starts_with("def main(")) {
            return Ok(Self::Command);
        }
        let is_plugin = |line: &str| {
            let bases = line
                .strip_prefix("class ")
                .and_then(|line| line.split_once('('));
            bases.is_some_and(|(_, bases)| {
                bases.split(&[',', ')', '.', ' ']).any(|it| it == "Plugin")
            })
        };
        match text.lines().any(is_plugin) {
            true => Ok(Self::Plugin),
            false => Err(anyhow!(
                "it has neither `def main()` nor a class derived from Plugin"
            ))
            .hint("a command has a function `main`, a plugin `class NAME(Plugin):`"),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Plugin => "plugin",
        }
    }

    /// The module that exports what the host calls.
    fn entry(self, main: &str) -> String {
        let (export, make) = match self {
            Self::Command => ("Run", "command"),
            Self::Plugin => ("Handler", "handler"),
        };
        format!(
            "import {main}\nfrom eunomia_bpf import entry\n\n{export} = entry.{make}({main})\n\
             entry.settle()\n"
        )
    }
}

/// All modules of the component but the interpreter's own: texts by paths.
fn modules(setting: &Setting<'_>, main: &str, world: World) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut modules = BTreeMap::new();
    find_modules(setting.folder, "", 0, &mut modules)?;
    let own = sdk::files(SDK.trim_end_matches('/'))
        .filter(|(name, _)| name.ends_with(".py"))
        .map(|(name, bytes)| (name.trim_start_matches(SDK).to_owned(), bytes.to_vec()));
    let mut made: Vec<_> = own.collect();
    made.push((format!("{ENTRY}.py"), world.entry(main).into_bytes()));
    if let Some(folder) = setting.types {
        let mut types = BTreeMap::new();
        find_modules(folder, "", 0, &mut types)?;
        made.extend(types);
    }
    for (name, bytes) in made {
        if modules.insert(name.clone(), bytes).is_some() {
            return Err(anyhow!(
                "the project has a module {name}, which ecli makes itself"
            ))
            .hint("give it another name");
        }
    }
    Ok(modules)
}

fn find_modules(
    folder: &Path,
    prefix: &str,
    depth: usize,
    modules: &mut BTreeMap<String, Vec<u8>>,
) -> Result<()> {
    let operation = || format!("look for modules in {}", folder.display());
    if depth > DEPTH_MAX {
        bail!(
            "{}: folders in each other more than {DEPTH_MAX} times",
            operation()
        );
    }
    for entry in std::fs::read_dir(folder).with_context(operation)? {
        let entry = entry.with_context(operation)?;
        let name = entry.file_name();
        // What is no module's name cannot be imported.
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else {
            continue;
        };
        let path = entry.path();
        if entry.file_type().with_context(operation)?.is_dir() {
            let is_package = name.chars().all(is_of_name) && !OTHER_FOLDERS.contains(&name);
            if is_package {
                find_modules(&path, &format!("{prefix}{name}/"), depth + 1, modules)?;
            }
        } else if name.ends_with(".py") {
            let bytes = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
            modules.insert(format!("{prefix}{name}"), bytes);
        }
    }
    Ok(())
}

fn digest(modules: &BTreeMap<String, Vec<u8>>) -> String {
    let listed: String = modules
        .iter()
        .map(|(name, bytes)| format!("{name} {}\n", Digest::of(bytes)))
        .collect();
    Digest::of(listed.as_bytes()).to_string()
}

/// A componentize-py.
struct Componentize {
    command: PathBuf,
    version: String,
}

impl Componentize {
    fn find() -> Result<Self> {
        let wanted = Wanted {
            what: "componentize-py",
            variable: COMPONENTIZE_VARIABLE,
            name: "componentize-py",
            argument: "--version",
            install: INSTALL,
        };
        let is_of_series = |version: &String| {
            let number = version.rsplit(' ').next().unwrap_or_default();
            number.starts_with(&format!("{SERIES}."))
        };
        let (command, version) = wanted.find(
            |text| Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            is_of_series,
            SERIES,
        )?;
        Ok(Self { command, version })
    }

    /// Imports the modules and makes a component of what is then in memory.
    fn run(
        &self,
        world: World,
        modules: &BTreeMap<String, Vec<u8>>,
        products: &Path,
    ) -> Result<Vec<u8>> {
        let scratch = still::Scratch::new()?;
        let guest = scratch.folder("guest")?;
        for (name, bytes) in modules {
            file::write(&guest.join(name), bytes)?;
        }
        let wit = scratch.folder("wit")?;
        for (name, text) in sdk::contract() {
            file::write(&wit.join(name), text.as_bytes())?;
        }
        // Instead of the packages that are installed on this machine.
        let packages = scratch.folder("packages")?;
        std::fs::create_dir_all(packages.join("lib/site-packages")).context("create a folder")?;
        let product = scratch.path().join("guest.wasm");
        tracing::info!("importing the guest's modules, which takes some seconds");
        let mut command = Command::new(&self.command);
        command
            .arg("--quiet")
            .arg("--wit-path")
            .arg(wit.join("wit"))
            .args(["--world", world.name(), "componentize", "--python-path"])
            .arg(&guest)
            .arg("--output")
            .arg(&product)
            .arg(ENTRY)
            .env("VIRTUAL_ENV", &packages)
            .current_dir(scratch.path())
            .stdin(Stdio::null());
        scratch.still(&mut command, products)?;
        let status = command.status().context("run componentize-py")?;
        if !status.success() {
            bail!("componentize-py ended with {status}");
        }
        std::fs::read(&product).with_context(|| format!("read {}", product.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_world_follows_from_what_the_main_module_has() {
        for (text, expected) in [
            ("import x\n\ndef main():\n    pass\n", Some(World::Command)),
            ("def main(options) -> None: ...", Some(World::Command)),
            ("class Counter(Plugin):\n    pass\n", Some(World::Plugin)),
            ("class Counter(Base, plugin.Plugin):\n", Some(World::Plugin)),
            ("class Plugin:\n    def main(self): ...\n", None),
            ("    def main():\n", None),
            ("class PluginLike(Plugins):\n", None),
            ("", None),
        ] {
            assert_eq!(World::of(text).ok(), expected, "{text}");
        }
        assert!(
            World::Plugin
                .entry("guest")
                .contains("Handler = entry.handler(guest)")
        );
    }

    fn setting<'a>(folder: &'a Path, guest: &'a Guest) -> Setting<'a> {
        Setting {
            folder,
            guest,
            types: None,
            products: folder,
        }
    }

    #[test]
    fn modules_are_those_of_the_project_and_of_the_sdk() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "guest.py",
            "parts/__init__.py",
            "parts/deep/x.py",
            "tests/test_guest.py",
            ".hidden/x.py",
            "not-a-package/x.py",
            "README.md",
        ] {
            file::write(&folder.path().join(name), b"").unwrap();
        }
        let guest = Guest::default();
        let setting = setting(folder.path(), &guest);
        assert_eq!(main_module(&setting).unwrap(), "guest");
        let names = modules(&setting, "guest", World::Command).unwrap();
        let own = |name: &&String| !name.starts_with("eunomia_bpf/");
        let own: Vec<&String> = names.keys().filter(own).collect();
        assert_eq!(
            own,
            [
                "ecli_entry.py",
                "guest.py",
                "parts/__init__.py",
                "parts/deep/x.py"
            ]
        );
        assert!(names.contains_key("eunomia_bpf/__init__.py"));

        file::write(&folder.path().join("eunomia_bpf/__init__.py"), b"").unwrap();
        let error = modules(&setting, "guest", World::Command).unwrap_err();
        assert!(error.to_string().contains("eunomia_bpf/__init__.py"));
    }

    #[test]
    fn the_main_module_is_a_file_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let main = |sources: Option<&[&str]>| {
            let sources = sources.map(|names| names.iter().map(ToString::to_string).collect());
            let guest = Guest {
                sources,
                ..Guest::default()
            };
            main_module(&setting(folder.path(), &guest)).ok()
        };
        assert_eq!(main(None), None);
        assert_eq!(main(Some(&["tool.py"])).as_deref(), Some("tool"));
        for wrong in [&["../tool.py"][..], &["tool"], &[".py"], &["a.py", "b.py"]] {
            assert_eq!(main(Some(wrong)), None, "{wrong:?}");
        }
    }
}
