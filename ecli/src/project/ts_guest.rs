//! Building a guest in TypeScript or JavaScript: a program of the SDK, run by Node.js, checks the
//! types, bundles the guest with the SDK into one file, and puts that with an engine into a
//! component.
//!
//! What that program calls (the compiler, the bundler, the engine) are npm packages, fetched once,
//! in the versions and with the hashes of the SDK's `package-lock.json`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, anyhow, bail};
use eunomia_image::Digest;
use serde_json::json;

use super::manifest::{Guest, MANIFEST_FILE};
use super::program::Wanted;
use super::stamp::{Recipe, Stamp};
use super::{component, file, sdk};
use crate::context::user_cache;
use crate::environment::variable;
use crate::failure::HintExt;

/// Names another Node.js than the `node` of the PATH.
const NODE_VARIABLE: &str = "ECLI_NODE";
/// Names a folder whose `node_modules` has the packages, in place of ecli's cache.
const PACKAGES_VARIABLE: &str = "ECLI_NODE_PACKAGES";

/// The first version that the packages run on.
const VERSION_MIN: u32 = 18;

/// Part of the stamp: raised when components are made in another way that the SDK does not show.
const RECIPE: u32 = 1;

/// Where a guest starts, when the manifest does not say it; each in the folder and in its `src/`.
const ENTRIES: [&str; 6] = [
    "guest.ts",
    "main.ts",
    "guest.js",
    "main.js",
    "guest.mjs",
    "main.mjs",
];

/// What the packages are, and their hashes.
const LOCK: [&str; 2] = ["package.json", "package-lock.json"];

const INSTALL: &str = "install Node.js 18 or newer, with npm:\n  \
    Debian, Ubuntu: apt install nodejs npm\n  \
    Fedora: dnf install nodejs npm\n  \
    Arch: pacman -S nodejs npm\n  \
    openEuler: dnf install nodejs npm\n  \
    macOS: brew install node\n  \
    ECLI_NODE names a node that is not in the PATH";

/// What is to be built.
pub(super) struct Setting<'a> {
    pub(super) folder: &'a Path,
    pub(super) guest: &'a Guest,
    /// The generated types.
    pub(super) bindings: Option<&'a Path>,
    pub(super) products: &'a Path,
    /// Where the SDK goes, for all guests.
    pub(super) cache: &'a Path,
}

/// Where the guest in `folder` starts, if there is one.
pub(super) fn find_entry(folder: &Path) -> Option<PathBuf> {
    let places = ENTRIES
        .iter()
        .flat_map(|name| [folder.join(name), folder.join("src").join(name)]);
    places.into_iter().find(|path| path.is_file())
}

/// Builds the component; does nothing when nothing changed.
pub(super) fn build(setting: &Setting<'_>) -> Result<Vec<u8>> {
    let operation = || format!("build the guest in {}", setting.folder.display());
    let entry = entry(setting).with_context(operation)?;
    sdk::write_beside(setting.folder, "ts", "tsconfig.json")?;
    let sdk = sdk::write("ts", &setting.cache.join("sdk"))?;
    let product = setting.products.join("guest.component.wasm");
    let stamp_file = setting.products.join("guest.component.json");
    let recipe = recipe(&entry, setting.bindings);
    if Stamp::is_current(&stamp_file, &recipe, setting.folder)
        && let Ok(bytes) = std::fs::read(&product)
    {
        return Ok(bytes);
    }
    let work = setting.products.join("ts");
    std::fs::create_dir_all(&work).with_context(|| format!("create {}", work.display()))?;
    let node = find_node()?;
    let packages = packages(&node, &sdk)?;
    let inputs = work.join("inputs.json");
    let settings = json!({
        "folder": setting.folder, "entry": entry, "bindings": setting.bindings, "sdk": sdk,
        "wit": setting.cache.join("sdk/wit"), "packages": packages, "work": work,
        "component": product, "inputs": inputs,
    });
    let settings_file = work.join("settings.json");
    file::write(&settings_file, settings.to_string().as_bytes())?;
    let status = Command::new(&node)
        .arg(sdk.join("build.mjs"))
        .arg(&settings_file)
        .current_dir(setting.folder)
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("run {}", node.display()))?;
    if !status.success() {
        return Err(anyhow!("node ended with {status}")).with_context(operation);
    }
    let bytes = read(&product)?;
    component::check(&bytes, String::new).with_context(|| format!("use {}", product.display()))?;
    let inputs: Vec<PathBuf> = serde_json::from_slice(&read(&inputs)?)
        .with_context(|| format!("read {}", inputs.display()))?;
    Stamp::of(recipe, setting.folder, inputs)?.write(&stamp_file)?;
    Ok(bytes)
}

fn entry(setting: &Setting<'_>) -> Result<PathBuf> {
    let folder = setting.folder;
    match setting.guest.sources.as_deref() {
        Some([entry]) => Ok(folder.join(entry)),
        Some(several) => bail!(
            "{MANIFEST_FILE}: `sources` names {} files; in TypeScript and JavaScript it names the \
             one that the guest starts with, which imports the others",
            several.len()
        ),
        None => find_entry(folder)
            .context("find the guest's source")
            .hint(format!(
                "it is guest.ts, main.ts, or one of these in JavaScript or in src/; or what \
                 `sources` under [guest] of {MANIFEST_FILE} names"
            )),
    }
}

/// The SDK is part of it: files that a guest does not use could become of use.
fn recipe(entry: &Path, bindings: Option<&Path>) -> Recipe {
    let sdk: Vec<u8> = sdk::files("guest-sdk/ts")
        .flat_map(|(_, bytes)| bytes.iter().copied())
        .collect();
    let bindings = bindings.map(|path| path.display().to_string());
    Recipe {
        version: RECIPE,
        compiler: Digest::of(&sdk).to_string(),
        flags: vec![
            sdk::contract_digest(),
            entry.display().to_string(),
            bindings.unwrap_or_default(),
        ],
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("read {}", path.display()))
}

/// A Node.js that is new enough.
fn find_node() -> Result<PathBuf> {
    let wanted = Wanted {
        what: "Node.js",
        variable: NODE_VARIABLE,
        name: "node",
        argument: "--version",
        install: INSTALL,
    };
    let (node, _) = wanted.find(major_version, |version| *version >= VERSION_MIN, "18")?;
    Ok(node)
}

/// Of `v20.20.2`.
fn major_version(text: &str) -> Option<u32> {
    text.trim()
        .strip_prefix('v')?
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// The folder that has the packages in its `node_modules`; fetches them when they are not there.
fn packages(node: &Path, sdk: &Path) -> Result<PathBuf> {
    if let Some(folder) = variable(PACKAGES_VARIABLE) {
        return Ok(PathBuf::from(folder));
    }
    let lock: Vec<u8> = LOCK
        .iter()
        .map(|name| read(&sdk.join(name)))
        .collect::<Result<Vec<_>>>()?
        .concat();
    let digest = Digest::of(&lock).to_string();
    let key = digest.rsplit(':').next().unwrap_or(&digest);
    let cache = user_cache()
        .context("find a cache for npm packages: neither XDG_CACHE_HOME nor HOME is set")
        .hint(format!(
            "{PACKAGES_VARIABLE} names a folder in which `npm ci` was run beside the SDK's \
             package.json and package-lock.json"
        ))?;
    let folder = cache.join(format!("node-packages-{}", &key[..16]));
    if !folder.is_dir() {
        fetch(node, sdk, &folder).with_context(|| {
            format!(
                "fetch the npm packages for guests in TypeScript into {}",
                folder.display()
            )
        })?;
    }
    Ok(folder)
}

/// With the hashes of the lock file, and without running anything of the packages.
fn fetch(node: &Path, sdk: &Path, folder: &Path) -> Result<()> {
    say!("fetching the TypeScript compiler and engine for guests (80 MB, once)");
    let parent = folder.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).with_context(|| format!("create {}", parent.display()))?;
    let work = file::temporary_beside(folder);
    // Of a process of the same number, which did not get to the end.
    let _ = std::fs::remove_dir_all(&work);
    let outcome = npm_ci(node, sdk, &work).and_then(|()| {
        match std::fs::rename(&work, folder) {
            // Another ecli was faster.
            Err(_) if folder.is_dir() => Ok(()),
            outcome => outcome.with_context(|| format!("move {} into place", work.display())),
        }
    });
    // It may have been moved.
    let _ = std::fs::remove_dir_all(&work);
    outcome
}

fn npm_ci(node: &Path, sdk: &Path, work: &Path) -> Result<()> {
    for name in LOCK {
        file::write(&work.join(name), &read(&sdk.join(name))?)?;
    }
    let npm = npm_beside(node);
    let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    let operation = || format!("run {} {}", npm.display(), arguments.join(" "));
    let output = Command::new(&npm)
        .args(arguments)
        .current_dir(work)
        .stdin(Stdio::null())
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(error).with_context(operation).hint(INSTALL);
        }
        Err(error) => return Err(error).with_context(operation),
    };
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        return Err(anyhow!("{}: {}", operation(), words.trim_end())).hint(
            "it needs npm's registry once; without it, copy the folder from a machine that has it",
        );
    }
    Ok(())
}

/// The npm that came with a node outside of the PATH, or else that of the PATH.
fn npm_beside(node: &Path) -> PathBuf {
    let beside = node.with_file_name("npm");
    match node.components().count() > 1 && beside.is_file() {
        true => beside,
        false => "npm".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(major_version("v20.20.2\n"), Some(20));
        assert_eq!(major_version("20"), None);
    }

    #[test]
    fn a_guest_starts_where_its_name_says() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(find_entry(folder.path()), None);
        std::fs::create_dir(folder.path().join("src")).unwrap();
        let source = folder.path().join("src/main.ts");
        std::fs::write(&source, "").unwrap();
        assert_eq!(find_entry(folder.path()), Some(source));
    }
}
