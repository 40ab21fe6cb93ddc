//! Finding the BPF C sources.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::manifest::MANIFEST_FILE;
use crate::failure::HintExt;

/// What is compiled when the manifest does not say.
pub(super) const DEFAULT_PATTERN: &str = "*.bpf.c";

/// The end of a source's file name; what is before it names the object.
const SUFFIX: &str = ".bpf.c";

/// The sources that match the patterns, relative to `folder`, sorted. In a pattern, `*` stands for
/// any part of a file name.
pub(super) fn find(folder: &Path, patterns: &Option<Vec<String>>) -> Result<Vec<PathBuf>> {
    let Some(patterns) = patterns else {
        return matching(folder, DEFAULT_PATTERN);
    };
    let mut sources = Vec::new();
    for pattern in patterns {
        let found = matching(folder, pattern)?;
        if found.is_empty() {
            bail!("{MANIFEST_FILE}: bpf.sources: no file is like {pattern:?}");
        }
        sources.extend(found);
    }
    sources.sort();
    sources.dedup();
    Ok(sources)
}

/// The name of the object that is compiled from a source.
pub(super) fn object_name(source: &Path) -> Result<&str> {
    source
        .file_name()
        .and_then(|name| name.to_str())
        .and_then(|name| name.strip_suffix(SUFFIX))
        .filter(|name| !name.is_empty())
        .with_context(|| format!("name the object of {}", source.display()))
        .hint("sources of BPF objects are called NAME.bpf.c")
}

fn matching(folder: &Path, pattern: &str) -> Result<Vec<PathBuf>> {
    let (parent, name) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    let searched = folder.join(parent);
    let operation = || format!("look for {pattern} in {}", folder.display());
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(&searched).with_context(operation)? {
        let file = entry.with_context(operation)?.file_name();
        if file.to_str().is_some_and(|file| is_like(file, name)) {
            sources.push(Path::new(parent).join(file));
        }
    }
    sources.sort();
    Ok(sources)
}

/// Whether `*`s in the pattern can be replaced so that it is the name.
fn is_like(name: &str, pattern: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return name == pattern;
    };
    let Some(mut name) = name.strip_prefix(start) else {
        return false;
    };
    let mut parts = rest.split('*');
    // `split` gives at least one part, which is the end.
    let end = parts.next_back().unwrap_or_default();
    for part in parts {
        match name.find(part) {
            Some(at) => name = &name[at + part.len()..],
            None => return false,
        }
    }
    name.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_part_of_a_name() {
        for (name, pattern, like) in [
            ("a.bpf.c", "*.bpf.c", true),
            ("a.c", "*.bpf.c", false),
            (".bpf.c", "*.bpf.c", true),
            ("abcabc", "a*b*c", true),
            ("ab", "a*b*c", false),
            ("aba", "aba*ba", false),
            ("x", "x", true),
            ("x", "*", true),
        ] {
            assert_eq!(is_like(name, pattern), like, "{name} {pattern}");
        }
    }

    #[test]
    fn sources_are_sorted_and_relative_and_each_pattern_must_match() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("src")).unwrap();
        for name in ["src/b.bpf.c", "src/a.bpf.c", "c.bpf.c", "d.c"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let find = |patterns: &[&str]| {
            find(
                folder.path(),
                &Some(patterns.iter().map(|p| (*p).to_owned()).collect()),
            )
        };
        let found = find(&["src/*.bpf.c", "src/a.bpf.c", "*.bpf.c"]).unwrap();
        assert_eq!(
            found,
            ["c.bpf.c", "src/a.bpf.c", "src/b.bpf.c"].map(PathBuf::from)
        );
        let error = find(&["*.bpf.c", "x*.c"]).unwrap_err().to_string();
        assert_eq!(error, "ecli.toml: bpf.sources: no file is like \"x*.c\"");
        assert!(object_name(Path::new("src/a.bpf.c")).is_ok_and(|name| name == "a"));
        assert!(object_name(Path::new("d.c")).is_err());
    }
}
