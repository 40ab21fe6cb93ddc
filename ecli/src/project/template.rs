//! New projects: what `ecli init` writes. `ecli/templates/README.md` says how it is put together.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;

use super::manifest::Language;
use super::{schema, sdk};
use crate::failure::HintExt as _;

/// What the BPF program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Template {
    // Described by `description`, which `ecli init --list` prints, so that its help stays short.
    Tracepoint,
    Kprobe,
    Uprobe,
    Ringbuf,
    Histogram,
    Counter,
    Xdp,
    Tc,
    Lsm,
    Plugin,
}

/// A project that is to be written.
#[derive(Debug)]
pub(crate) struct NewProject<'a> {
    /// Of the tool, its image and, in Rust, its package.
    pub(crate) name: &'a str,
    /// Of the guest.
    pub(crate) language: Language,
    /// What it does.
    pub(crate) template: Template,
}

/// Bytes of a name: less than what every tool that reads it takes.
const NAME_BYTES_MAX: usize = 64;

/// The folder of the templates in the repository.
const TEMPLATES: &str = "ecli/templates";

impl Template {
    /// What the tool does, without a full stop.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Tracepoint => "Shows every program that starts, by a tracepoint",
            Self::Kprobe => "Shows every file that is removed, by a probe at a kernel function",
            Self::Uprobe => "Shows every line typed into bash, by a probe at a user function",
            Self::Ringbuf => "Shows every process that is started, through a ring buffer",
            Self::Histogram => "Shows how long processes live, as a histogram",
            Self::Counter => "Shows how often processes get a CPU, from a map",
            Self::Xdp => "Counts packets before the kernel looks at them",
            Self::Tc => "Counts packets by traffic control",
            Self::Lsm => "Shows, and can deny, every file that is opened, by a security hook",
            Self::Plugin => "Shows starts of programs and their rate; the host drives the guest",
        }
    }

    /// What not every kernel or machine has.
    pub(crate) fn needs(self) -> Option<&'static str> {
        match self {
            Self::Kprobe => Some("a kernel with CONFIG_KPROBE_EVENTS"),
            Self::Uprobe => Some("/bin/bash with its symbol `readline`"),
            Self::Lsm => Some("a kernel with `bpf` among the active LSMs (boot option lsm=)"),
            _ => None,
        }
    }

    /// The folder of the guests that suit it.
    fn shape(self) -> &'static str {
        match self {
            Self::Tracepoint | Self::Kprobe | Self::Uprobe | Self::Ringbuf | Self::Lsm => "events",
            Self::Histogram => "histogram",
            Self::Counter => "counter",
            Self::Xdp | Self::Tc => "packets",
            Self::Plugin => "plugin",
        }
    }

    /// Where its program is attached when the user says nothing, for those whose guests ask.
    fn target(self) -> &'static str {
        match self {
            Self::Xdp => "xdp:lo",
            Self::Tc => "tc:lo:ingress",
            _ => "",
        }
    }

    fn name(self) -> String {
        value_name(self)
    }
}

/// What a project in a language is about.
struct LanguageFacts {
    /// Its folder among the templates.
    folder: &'static str,
    /// Shell lines that install on Ubuntu what every project does not need.
    install: &'static [&'static str],
}

impl LanguageFacts {
    fn of(language: Language) -> Self {
        const C: &[&str] = &["sudo apt-get install --yes lld wasi-libc libclang-rt-dev-wasm32"];
        let (folder, install): (_, &[&str]) = match language {
            Language::Rust => ("rust", &["rustup target add wasm32-wasip2"]),
            Language::C => ("c", C),
            Language::Cpp => ("cpp", C),
            Language::Go => ("go", &["sudo apt-get install --yes golang-go"]),
            // Node.js is there.
            Language::Ts => ("ts", &[]),
            Language::Python => ("python", &["pipx install componentize-py==0.25.0"]),
            Language::Zig => (
                "zig",
                &[
                    "pip install --target zig ziglang==0.17.1",
                    "echo \"ECLI_ZIG=$PWD/zig/ziglang/zig\" >> \"$GITHUB_ENV\"",
                ],
            ),
        };
        Self { folder, install }
    }
}

impl NewProject<'_> {
    /// Paths and contents of its files.
    ///
    /// # Errors
    /// When the name cannot be that of a project, or the language has no guest of this shape.
    pub(crate) fn files(&self) -> Result<Vec<(PathBuf, String)>> {
        check_name(self.name)?;
        let facts = LanguageFacts::of(self.language);
        let shape = self.template.shape();
        let guest = files(&format!("{}/{shape}", facts.folder))?;
        let Some((guest_file, _)) = guest.iter().find(|(path, _)| is_source(path)) else {
            bail!("ecli has no template `{}` in this language", facts.folder);
        };
        let guest_file = guest_file.display().to_string();
        let needs = match self.template.needs() {
            Some(needs) => format!("\nIt needs {needs}.\n"),
            None => String::new(),
        };
        let description = self.template.description();
        let values = [
            ("{{name}}", self.name),
            ("{{description}}", description),
            ("{{language}}", &*value_name(self.language)),
            ("{{guest-file}}", &*format!("`{guest_file}`")),
            // In the place and depth of the workflow's own lines.
            ("{{install}}", &*facts.install.join("\n          ")),
            ("{{needs}}", &*needs),
            ("{{target}}", self.template.target()),
        ];
        let bpf = files("bpf")?.into_iter().filter_map(|(path, text)| {
            let own = format!("{}.bpf.c", self.template.name());
            (path == Path::new(&own)).then(|| (PathBuf::from("probe.bpf.c"), text))
        });
        let mut all = files("project")?;
        let more = [
            bpf.collect(),
            files(&format!("tests/{shape}"))?,
            files(&format!("{}/common", facts.folder))?,
            guest,
        ];
        for (path, text) in more.into_iter().flatten() {
            all.retain(|(known, _)| *known != path);
            all.push((path, text));
        }
        for (_, text) in &mut all {
            *text = filled(text, &values);
        }
        // Each ecli writes its own into projects whose manifest names it, as this one does.
        all.push((PathBuf::from(schema::FILE), schema::TEXT.to_owned()));
        Ok(all)
    }

    /// Writes it into `folder`, which must not exist or be empty: all of it, or nothing.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let operation = || format!("create project {}", folder.display());
        let files = self.files().with_context(operation)?;
        // With a parent, also for `.`.
        let folder = std::path::absolute(folder).with_context(operation)?;
        let exists = match folder
            .read_dir()
            .map(|mut entries| entries.next().is_some())
        {
            Ok(true) => {
                return Err(anyhow::anyhow!("the folder is not empty"))
                    .with_context(operation)
                    .hint("name a folder that does not exist yet");
            }
            Ok(false) => true,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
            Err(error) => return Err(error).with_context(operation),
        };
        let parent = folder.parent().unwrap_or(&folder);
        std::fs::create_dir_all(parent).with_context(operation)?;
        // Moved from there; in a folder that exists, which is kept, the user may stand.
        let made = tempfile::tempdir_in(if exists { &folder } else { parent });
        let made = made.with_context(operation)?;
        for (path, text) in &files {
            let path = made.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(made.path()))
                .and_then(|()| std::fs::write(&path, text))
                .with_context(operation)?;
        }
        if exists {
            for entry in made.path().read_dir().with_context(operation)? {
                let entry = entry.with_context(operation)?;
                std::fs::rename(entry.path(), folder.join(entry.file_name()))
                    .with_context(operation)?;
            }
            return Ok(());
        }
        // Temporary folders are private.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(made.path(), mode).with_context(operation)?;
        std::fs::rename(made.path(), &folder).with_context(operation)?;
        // Its place is empty, so that nothing is removed.
        let _ = made.keep();
        Ok(())
    }
}

/// What people type for a value.
fn value_name(value: impl ValueEnum) -> String {
    let name = value.to_possible_value();
    name.map_or_else(String::new, |name| name.get_name().to_owned())
}

/// Files below a folder of the templates, as the project calls them.
fn files(folder: &str) -> Result<Vec<(PathBuf, String)>> {
    let folder = format!("{TEMPLATES}/{folder}");
    sdk::files(&folder)
        .map(|(name, bytes)| {
            let own = name.strip_prefix(&*folder).unwrap_or(name);
            let own = own.trim_start_matches('/');
            let own = own.strip_suffix(".in").unwrap_or(own);
            let parts = own.split('/').map(|part| match part.strip_prefix("dot.") {
                Some(hidden) => format!(".{hidden}"),
                None => part.to_owned(),
            });
            let text = std::str::from_utf8(bytes).with_context(|| name.to_owned())?;
            Ok((parts.collect(), text.to_owned()))
        })
        .collect()
}

/// Whether it is the guest's source, rather than what its language's tools read.
fn is_source(path: &Path) -> bool {
    let end = path.extension().and_then(|end| end.to_str());
    matches!(
        end,
        Some("rs" | "c" | "cpp" | "go" | "ts" | "js" | "py" | "zig")
    )
}

/// A text with names in double braces filled in. A trailing space that an empty value leaves is
/// dropped.
fn filled(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    for line in text.split_inclusive('\n') {
        let mut line = line.to_owned();
        let had_braces = line.contains("{{");
        for (name, value) in values {
            line = line.replace(name, value);
        }
        match had_braces {
            true => filled.push_str(&format!("{}\n", line.trim_end_matches([' ', '\n']))),
            false => filled.push_str(&line),
        }
    }
    format!("{}\n", filled.trim_end())
}

/// What images, Cargo and Go take: a letter, then letters, digits and dashes.
///
/// # Errors
/// Says what is wrong with it.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let is_wanted = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    if !begins || !name.chars().all(is_wanted) || name.ends_with('-') {
        bail!("{name:?} is no name: it has small letters, digits and dashes, a letter first");
    }
    if name.len() > NAME_BYTES_MAX {
        bail!(
            "the name has {} bytes, at most {NAME_BYTES_MAX} are possible",
            name.len()
        );
    }
    // A guest in Rust is a crate of this name beside these, and a program that is none of cargo's
    // folders; one in Go a module that is not these, nor a device of Windows.
    const TAKEN: &[&str] = &[
        "test",
        "core",
        "std",
        "alloc",
        "bpf",
        "eunomia-bpf",
        "build",
        "deps",
        "examples",
        "incremental",
        "go",
        "toolchain",
        "con",
        "prn",
        "aux",
        "nul",
    ];
    if TAKEN.contains(&name) {
        bail!("{name:?} means something else to compilers of guests");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_exists_in_every_language_and_is_filled_in() {
        for language in Language::value_variants() {
            for template in Template::value_variants() {
                let project = NewProject {
                    name: "some-name",
                    language: *language,
                    template: *template,
                };
                let files = project.files().unwrap();
                let has = |path: &str| files.iter().any(|(known, _)| known == Path::new(path));
                for path in ["ecli.toml", "probe.bpf.c", "README.md", ".gitignore"] {
                    assert!(has(path), "{language:?} {template:?} has no {path}");
                }
                assert!(files.iter().any(|(path, _)| path.starts_with("tests")));
                for (path, text) in &files {
                    // Workflows have braces of their own, behind a `$`.
                    let text = text.replace("${{", "");
                    assert!(!text.contains("{{"), "{}", path.display());
                    assert!(!text.lines().any(|line| line.ends_with(' ')));
                }
            }
        }
    }

    #[test]
    fn names_suit_images_and_packages() {
        for name in ["a", "my-tool2"] {
            check_name(name).unwrap();
        }
        let long = "x".repeat(65);
        for name in [
            "", "A", "2a", "-a", "a-", "a_b", "a/b", "ä", "std", "go", &*long,
        ] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
