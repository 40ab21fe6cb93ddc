//! Image references: `[registry/]repository[:tag][@sha256:...]`.

use std::fmt;
use std::str::FromStr;

use crate::limits::{REFERENCE_BYTES_MAX, REFERENCE_NAME_BYTES_MAX, TAG_BYTES_MAX};
use crate::{Digest, Error, ErrorKind, Result};

/// The tag of a reference that names neither a tag nor a digest.
pub const DEFAULT_TAG: &str = "latest";

/// The name of an image, in Docker's grammar.
///
/// `execsnoop` is `execsnoop:latest`. The part before the first `/` is a registry when it holds a
/// `.` or a `:` or is `localhost`. Names that are paths (`./x`, `/x`, `a//b`) are refused. What
/// [`Display`](fmt::Display) prints parses to an equal reference.
///
/// With a digest, the digest decides and the tag is only a note, as in Docker.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    registry: Option<String>,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Reference {
    /// Parses `text`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidReference`] with what is wrong.
    pub fn parse(text: &str) -> Result<Self> {
        parse(text).map_err(|reason| {
            let shown: String = text.chars().take(REFERENCE_BYTES_MAX).collect();
            Error::new(
                ErrorKind::InvalidReference,
                format!("parse image reference {shown:?}: {reason}"),
            )
        })
    }

    /// The registry's host and port; `None` for a short name.
    pub fn registry(&self) -> Option<&str> {
        self.registry.as_deref()
    }

    /// The path in the registry, without tag: `tools/execsnoop`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The last component of the repository: `execsnoop`.
    pub fn name(&self) -> &str {
        self.repository
            .rsplit('/')
            .next()
            .unwrap_or(&self.repository)
    }

    /// The tag; `None` only beside a digest.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest of the manifest or index, if the reference is bound to one.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// This reference in `registry` (host and port), if it named none.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidReference`] when `registry` is not a host.
    pub fn with_default_registry(mut self, registry: &str) -> Result<Self> {
        check_registry(registry).map_err(|reason| {
            Error::new(
                ErrorKind::InvalidReference,
                format!("use registry {registry:?}: {reason}"),
            )
        })?;
        if self.registry.is_none() {
            self.registry = Some(registry.to_owned());
        }
        Ok(self)
    }

    /// The same image below `place`, which takes the place of its registry: a host and port, and
    /// perhaps a path (`registry.example/tools`).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidReference`] when `place` is no such thing, or the name becomes too long.
    pub fn within(&self, place: &str) -> Result<Self> {
        let short = Self {
            registry: None,
            ..self.clone()
        };
        let wrong = || {
            let message =
                format!("use {place:?} in front of {short}: it does not begin with a registry");
            Error::new(ErrorKind::InvalidReference, message)
        };
        let moved = Self::parse(&format!("{place}/{short}"))
            .map_err(|error| error.context(format_args!("use {place:?} in front of {short}")))?;
        // A place with a tag or a digest would have been taken for a part of the name.
        moved.registry.is_some().then_some(moved).ok_or_else(wrong)
    }

    /// The same repository at `digest`, without tag.
    pub fn at_digest(&self, digest: Digest) -> Self {
        Self {
            tag: None,
            digest: Some(digest),
            ..self.clone()
        }
    }

    /// The same repository at `tag`, without digest.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidReference`] for what is no tag.
    pub fn at_tag(&self, tag: &str) -> Result<Self> {
        check_tag(tag).map_err(|reason| {
            Error::new(
                ErrorKind::InvalidReference,
                format!("use tag {tag:?}: {reason}"),
            )
        })?;
        Ok(Self {
            tag: Some(tag.to_owned()),
            digest: None,
            ..self.clone()
        })
    }

    /// Whether both name the same repository of the same registry.
    pub fn same_repository(&self, other: &Self) -> bool {
        self.registry == other.registry && self.repository == other.repository
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(registry) = &self.registry {
            write!(f, "{registry}/")?;
        }
        f.write_str(&self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

type Parsed<T> = std::result::Result<T, String>;

fn parse(text: &str) -> Parsed<Reference> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    if text.len() > REFERENCE_BYTES_MAX {
        return Err(format!("longer than {REFERENCE_BYTES_MAX} bytes"));
    }
    if text.starts_with(['/', '.', '~']) {
        return Err("this is a path, not the name of an image".to_owned());
    }
    if text.contains("://") {
        return Err("leave out the scheme".to_owned());
    }
    let (text, digest) = match text.split_once('@') {
        Some((name, digest)) => (
            name,
            Some(
                digest
                    .parse::<Digest>()
                    .map_err(|error| error.to_string())?,
            ),
        ),
        None => (text, None),
    };
    // A colon after the last slash starts the tag; one before it, a port.
    let path_start = text.rfind('/').map_or(0, |slash| slash + 1);
    let (name, tag) = match text[path_start..].find(':') {
        Some(colon) => (
            &text[..path_start + colon],
            Some(&text[path_start + colon + 1..]),
        ),
        None => (text, None),
    };
    let (registry, repository) = match name.split_once('/') {
        Some((first, rest)) if is_registry(first) => (Some(first), rest),
        _ => (None, name),
    };
    if name.len() > REFERENCE_NAME_BYTES_MAX {
        return Err(format!(
            "the name is longer than {REFERENCE_NAME_BYTES_MAX} bytes"
        ));
    }
    registry.map(check_registry).transpose()?;
    repository.split('/').try_for_each(check_component)?;
    tag.map(check_tag).transpose()?;
    let tag = match (tag, digest) {
        (None, None) => Some(DEFAULT_TAG),
        (tag, _) => tag,
    };
    Ok(Reference {
        registry: registry.map(str::to_owned),
        repository: repository.to_owned(),
        tag: tag.map(str::to_owned),
        digest,
    })
}

fn is_registry(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':'])
}

fn check_registry(registry: &str) -> Parsed<()> {
    let (host, port) = match registry.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest
                .split_once(']')
                .ok_or("the registry's address lacks a `]`")?;
            address
                .parse::<std::net::Ipv6Addr>()
                .map_err(|_| "the registry's address is not IPv6".to_owned())?;
            (
                None,
                port.strip_prefix(':')
                    .or((!port.is_empty()).then_some(port)),
            )
        }
        None => match registry.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(registry), None),
        },
    };
    if let Some(port) = port {
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || !port.parse::<u16>().is_ok_and(|port| port > 0) {
            return Err(format!(
                "the registry's port {port:?} is not between 1 and 65535"
            ));
        }
    }
    match host {
        Some(host) if !host.split('.').all(is_host_label) => {
            Err(format!("{host:?} is not the name of a registry"))
        }
        _ => Ok(()),
    }
}

/// RFC 1123, section 2.1; and RFC 1035 for the length.
fn is_host_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// OCI distribution specification: `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`.
fn check_component(component: &str) -> Parsed<()> {
    if component.is_empty() {
        return Err("a part of the name is empty".to_owned());
    }
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut separator = Vec::new();
    for byte in component.bytes() {
        if is_word(byte) {
            let allowed = match separator.as_slice() {
                b"" | b"." | b"_" | b"__" => true,
                run => run.iter().all(|byte| *byte == b'-'),
            };
            if !allowed {
                break;
            }
            separator.clear();
        } else {
            separator.push(byte);
        }
    }
    if separator.is_empty() && component.bytes().next().is_some_and(is_word) {
        return Ok(());
    }
    if component.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(format!("{component:?} has upper-case letters"));
    }
    Err(format!(
        "{component:?} is not made of lower-case letters and digits, separated by `.`, `_` or `-`"
    ))
}

/// OCI distribution specification: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
fn check_tag(tag: &str) -> Parsed<()> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    if tag.is_empty() {
        return Err("the tag is empty".to_owned());
    }
    if tag.len() > TAG_BYTES_MAX {
        return Err(format!("the tag is longer than {TAG_BYTES_MAX} bytes"));
    }
    if tag.starts_with(['.', '-']) || !tag.bytes().all(allowed) {
        return Err(format!(
            "the tag {tag:?} is not made of letters, digits, `_`, `.` and `-`, or starts with \
             `.` or `-`"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (Option<String>, String, Option<String>, bool) {
        let parsed = Reference::parse(text).expect(text);
        (
            parsed.registry,
            parsed.repository,
            parsed.tag,
            parsed.digest.is_some(),
        )
    }

    fn digest() -> String {
        Digest::of(b"x").to_string()
    }

    #[test]
    fn a_short_name_has_no_registry_and_the_default_tag() {
        assert_eq!(
            parts("execsnoop"),
            (None, "execsnoop".into(), Some("latest".into()), false)
        );
        assert_eq!(
            parts("a/b:1.0"),
            (None, "a/b".into(), Some("1.0".into()), false)
        );
    }

    #[test]
    fn a_first_part_with_dot_or_port_is_a_registry() {
        for (text, registry) in [
            ("registry.example/x", "registry.example"),
            ("localhost/x", "localhost"),
            ("box:5000/x", "box:5000"),
            ("127.0.0.1:5000/x", "127.0.0.1:5000"),
            ("[::1]:5000/x", "[::1]:5000"),
            ("[::1]/x", "[::1]"),
        ] {
            let expected = (
                Some(registry.to_owned()),
                "x".into(),
                Some("latest".into()),
                false,
            );
            // `[::1]` holds a colon, so that it counts as a registry too.
            assert_eq!(parts(text), expected, "{text}");
        }
    }

    #[test]
    fn a_digest_needs_no_tag() {
        let with_digest = format!("registry.example/a/b@{}", digest());
        let expected = (Some("registry.example".into()), "a/b".into(), None, true);
        assert_eq!(parts(&with_digest), expected);
        let with_both = format!("a:1@{}", digest());
        assert_eq!(
            parts(&with_both),
            (None, "a".into(), Some("1".into()), true)
        );
    }

    #[test]
    fn a_reference_prints_as_it_parses() {
        for text in [
            "execsnoop:latest",
            "localhost:5000/a/b_c/d--e/f.g:V1._-x",
            "[fe80::1]:1/x:latest",
            &format!("registry.example/a@{}", digest()),
            &format!("a:1@{}", digest()),
        ] {
            let parsed = Reference::parse(text).expect(text);
            assert_eq!(parsed.to_string(), text);
            assert_eq!(Reference::parse(&parsed.to_string()).expect(text), parsed);
        }
    }

    #[test]
    fn paths_and_other_malformed_names_are_refused() {
        let long_tag = format!("a:{}", "t".repeat(TAG_BYTES_MAX + 1));
        let long_name = "a".repeat(REFERENCE_NAME_BYTES_MAX + 1);
        for text in [
            "",
            "/abs",
            "./rel",
            "../up",
            "~/home",
            ".",
            "..",
            "a//b",
            "a/",
            "a/../b",
            "a/./b",
            "Upper",
            "a/B",
            "a b",
            "a:",
            "a:-x",
            "a:.x",
            "a:x/y:z:w",
            "a:b c",
            "a@",
            "a@sha256:1",
            "a@sha512:00",
            "a:1:2",
            "-a",
            "a-",
            "a..b",
            "a___b",
            "a._b",
            "_a",
            "https://a.b/c",
            "a.b:99999/c",
            "a.b:0/c",
            "a.b:/c",
            "-a.b/c",
            "a..b/c",
            "[::1/x",
            "[zz]/x",
            "[::1]x/y",
            "a.b:+1/c",
            "é",
            "a\0b",
            "a\n",
            &long_tag,
            &long_name,
            ":tag",
            "@x",
            "a.b/",
        ] {
            let error = Reference::parse(text).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::InvalidReference, "{text}");
        }
    }

    #[test]
    fn the_longest_names_are_accepted() {
        let name = "a".repeat(REFERENCE_NAME_BYTES_MAX);
        let text = format!("{name}:{}@{}", "t".repeat(TAG_BYTES_MAX), digest());
        assert!(text.len() <= REFERENCE_BYTES_MAX);
        assert_eq!(
            Reference::parse(&text)
                .expect("within the bounds")
                .to_string(),
            text
        );
    }

    #[test]
    fn the_default_registry_is_used_for_short_names_only() {
        let short = Reference::parse("a/b").expect("valid");
        let long = Reference::parse("x.y/b").expect("valid");
        let expand = |reference: Reference| {
            reference
                .with_default_registry("registry.example:5000")
                .expect("valid")
                .to_string()
        };
        assert_eq!(expand(short.clone()), "registry.example:5000/a/b:latest");
        assert_eq!(expand(long), "x.y/b:latest");
        assert!(short.with_default_registry("a/b").is_err());
    }
}
