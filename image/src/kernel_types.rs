//! Types (BTF) of kernels that do not show their own, as far as an image's objects need them.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::Descriptor;
use crate::limits::{
    KERNEL_RELEASE_BYTES_MAX, KERNEL_TYPES_BYTES_MAX, KERNEL_TYPES_MAX, KERNELS_MAX,
};
use crate::{Digest, Error, ErrorKind, Result, annotation};

/// What separates releases in the annotation.
const SEPARATOR: char = ' ';

/// The types of some kernels, for all of which the image's objects need the same ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelTypes {
    /// Releases of the kernels, as `uname -r` prints them; sorted, at least one.
    pub releases: Vec<String>,
    /// BTF, raw.
    pub bytes: Vec<u8>,
    /// Digest of `bytes`.
    pub digest: Digest,
}

impl KernelTypes {
    /// What `layer` holds.
    pub(crate) fn read(layer: &Descriptor, bytes: Vec<u8>) -> Result<Self> {
        let corrupt = |reason: String| {
            let message = format!("read kernel types {}: {reason}", layer.digest);
            Error::new(ErrorKind::Corrupt, message)
        };
        let text = layer.annotations.get(annotation::KERNELS);
        let text = text.map(String::as_str).unwrap_or_default();
        let releases: Vec<String> = text.split(SEPARATOR).map(str::to_owned).collect();
        for release in &releases {
            check_release(release)
                .map_err(|error| corrupt(format!("annotation {}: {error}", annotation::KERNELS)))?;
        }
        Ok(Self {
            releases,
            bytes,
            digest: layer.digest,
        })
    }

    /// The file name that other clients give to them.
    pub(crate) fn title(&self) -> String {
        format!("{}.btf", self.releases[0])
    }

    /// The value of the annotation that says for which kernels they are.
    pub(crate) fn annotation(&self) -> String {
        self.releases.join(&SEPARATOR.to_string())
    }
}

/// Puts kernels that need the same types together, in the order of their first releases.
pub(crate) fn grouped(by_release: BTreeMap<String, Vec<u8>>) -> Vec<KernelTypes> {
    let mut groups: Vec<KernelTypes> = Vec::new();
    for (release, bytes) in by_release {
        let digest = Digest::of(&bytes);
        match groups.iter_mut().find(|group| group.digest == digest) {
            Some(group) => group.releases.push(release),
            None => groups.push(KernelTypes {
                releases: vec![release],
                bytes,
                digest,
            }),
        }
    }
    groups
}

/// Checks how many there are, and that no kernel has two.
pub(crate) fn check(all: &[KernelTypes]) -> Result<()> {
    let too_many = |count: usize, what: &str, max: usize| {
        let message = format!("kernel types: {count} {what}, at most {max} are allowed");
        Err(Error::new(ErrorKind::TooLarge, message))
    };
    if all.len() > KERNEL_TYPES_MAX {
        return too_many(all.len(), "layers", KERNEL_TYPES_MAX);
    }
    let mut seen = BTreeSet::new();
    for release in all.iter().flat_map(|types| &types.releases) {
        if !seen.insert(release) {
            let message = format!("kernel types: the image has those of {release} twice");
            return Err(Error::new(ErrorKind::Corrupt, message));
        }
    }
    if seen.len() > KERNELS_MAX {
        return too_many(seen.len(), "kernels", KERNELS_MAX);
    }
    for types in all {
        if types.bytes.len() as u64 > KERNEL_TYPES_BYTES_MAX {
            let message = format!(
                "kernel types of {}: {} bytes, at most {KERNEL_TYPES_BYTES_MAX} are allowed",
                types.releases[0],
                types.bytes.len()
            );
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
    }
    Ok(())
}

/// Checks the release of a kernel, of which a file name is made.
pub(crate) fn check_release(release: &str) -> Result<()> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+~".contains(&byte);
    let valid = release.starts_with(|first: char| first.is_ascii_digit())
        && release.len() <= KERNEL_RELEASE_BYTES_MAX
        && release.bytes().all(allowed);
    if valid {
        return Ok(());
    }
    let shown: String = release.chars().take(KERNEL_RELEASE_BYTES_MAX).collect();
    Err(Error::new(
        ErrorKind::InvalidInput,
        format!(
            "{shown:?} is no release of a kernel: those begin with a digit and have at most \
             {KERNEL_RELEASE_BYTES_MAX} letters, digits, `.`, `_`, `-`, `+` or `~`"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_with_the_same_types_share_them() {
        let types = [
            ("5.4.0-9", b"b".to_vec()),
            ("4.19.0-25-amd64", b"a".to_vec()),
            ("5.4.0-10", b"a".to_vec()),
        ];
        let groups = grouped(
            types
                .map(|(release, bytes)| (release.to_owned(), bytes))
                .into(),
        );
        let annotations: Vec<_> = groups.iter().map(KernelTypes::annotation).collect();
        assert_eq!(annotations, ["4.19.0-25-amd64 5.4.0-10", "5.4.0-9"]);
        assert_eq!(groups[0].title(), "4.19.0-25-amd64.btf");
        check(&groups).unwrap();
    }

    #[test]
    fn releases_are_file_names_and_no_more() {
        for release in ["6.18.44-fc-v782", "5.10.0-1+deb11u1~x", "4"] {
            check_release(release).unwrap();
        }
        let long = "5".repeat(KERNEL_RELEASE_BYTES_MAX + 1);
        for release in ["", "vmlinux", "../5", "5/6", "5 6", "5\n", &long] {
            assert!(check_release(release).is_err(), "{release:?}");
        }
    }

    #[test]
    fn a_kernel_cannot_have_two() {
        let one = |bytes: &[u8]| KernelTypes {
            releases: vec!["5.4".to_owned()],
            bytes: bytes.to_vec(),
            digest: Digest::of(bytes),
        };
        let error = check(&[one(b"a"), one(b"b")]).unwrap_err();
        assert!(error.to_string().contains("5.4 twice"), "{error}");
    }
}
