//! Mirrors: other registries that have the same images.

use std::collections::BTreeMap;

use super::progress::Progress;
use super::retry::RetryPolicy;
use super::{Registry, registry_of};
use crate::{ErrorKind, Reference, Result};

/// Attempts at a mirror: the next one, or the registry itself, is there instead of patience.
const MIRROR_ATTEMPTS_MAX: u32 = 2;

impl Registry {
    /// Calls `operation` with the address of `reference` at each mirror of its registry, then at
    /// the registry itself, until it succeeds.
    ///
    /// # Errors
    /// What the registry itself says.
    pub(super) fn at_mirrors<T>(
        &self,
        reference: &Reference,
        mut operation: impl FnMut(&Reference) -> Result<T>,
    ) -> Result<T> {
        let mirrors = self.options.mirrors.get(registry_of(reference)?);
        for mirror in mirrors.into_iter().flatten() {
            let address = reference.within(mirror)?;
            match operation(&address) {
                Ok(value) => return Ok(value),
                Err(error) => {
                    let reason = error.to_string();
                    tracing::info!(mirror, reason, "trying the next");
                    (self.options.progress)(&Progress::MirrorFailed {
                        mirror,
                        reason: &reason,
                    });
                }
            }
        }
        operation(reference)
    }

    /// Calls `list` with the address of `reference` at the first place that answers. A mirror need
    /// not have what is attached to the images that it has: where it has nothing the registry
    /// itself is asked too. Returns where what was found is.
    ///
    /// # Errors
    /// What the registry itself says, unless it cannot be reached and a mirror has answered.
    pub(super) fn first_list<T>(
        &self,
        reference: &Reference,
        list: impl Fn(&Reference) -> Result<T>,
        is_empty: impl Fn(&T) -> bool,
    ) -> Result<(Reference, T)> {
        let list = |address: &Reference| Ok((address.clone(), list(address)?));
        let found = self.at_mirrors(reference, list)?;
        if found.0 == *reference || !is_empty(&found.1) {
            return Ok(found);
        }
        match list(reference) {
            Err(error) if error.kind() == ErrorKind::Network => {
                tracing::info!("a mirror has nothing attached to {reference}: {error}");
                Ok(found)
            }
            own => own,
        }
    }

    /// How patient requests for `reference` are.
    pub(super) fn retry_at(&self, reference: &Reference) -> RetryPolicy {
        let own = self.options.retry;
        let is_mirror = self
            .options
            .mirrors
            .values()
            .flatten()
            .any(|mirror| mirror.split('/').next() == reference.registry());
        if !is_mirror {
            return own;
        }
        RetryPolicy {
            attempts: own.attempts.min(MIRROR_ATTEMPTS_MAX),
            ..own
        }
    }
}

/// Checks that every mirror can stand in front of a repository.
pub(super) fn check(mirrors: &BTreeMap<String, Vec<String>>) -> Result<()> {
    let probe = Reference::parse("x")?;
    for (registry, mirrors) in mirrors {
        for mirror in mirrors {
            probe.within(mirror).map_err(|error| {
                error.context(format_args!("use mirror {mirror:?} of {registry:?}"))
            })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_registries_are_mirrors() {
        let mirrors = |mirror: &str| {
            let mirrors = vec![mirror.to_owned()];
            check(&BTreeMap::from([("registry.example".to_owned(), mirrors)]))
        };
        for good in ["mirror.example", "box:5000/cache/of/it", "[::1]:5000"] {
            mirrors(good).unwrap();
        }
        for bad in [
            "",
            "mirror",
            "http://mirror.example",
            "mirror.example/",
            "/x",
        ] {
            let error = mirrors(bad).unwrap_err().to_string();
            assert!(error.contains("mirror"), "{bad}: {error}");
        }
    }

    #[test]
    fn a_name_is_moved_below_a_place() {
        let within = |name: &str, place: &str| {
            let moved = Reference::parse(name).unwrap().within(place);
            moved.map(|moved| moved.to_string()).ok()
        };
        for (name, place, expected) in [
            ("a", "r.example", "r.example/a:latest"),
            ("a/b:1", "r.example:5000/x/y", "r.example:5000/x/y/a/b:1"),
            ("other.example/a:1", "r.example", "r.example/a:1"),
        ] {
            assert_eq!(within(name, place).as_deref(), Some(expected));
        }
        let bound = format!("a@{}", crate::Digest::of(b"x"));
        let expected = format!("r.example/{bound}");
        assert_eq!(within(&bound, "r.example"), Some(expected));
        for place in [
            "",
            "r",
            "r.example:x",
            "r.example/x:1",
            "r.example/",
            "/r.example",
        ] {
            assert_eq!(within("a", place), None, "{place}");
        }
    }
}
