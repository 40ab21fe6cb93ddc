//! The few forms of URL that registries use.

use std::fmt;
use std::net::IpAddr;

/// An absolute HTTP URL. `Display` leaves out the query, which may hold signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) is_https: bool,
    /// Host and port.
    pub(super) authority: String,
    /// Path and query; starts with a slash.
    path: String,
}

impl Url {
    pub(super) fn new(is_https: bool, authority: &str, path: String) -> Self {
        Self {
            is_https,
            authority: authority.to_owned(),
            path,
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (is_https, rest) = if let Some(rest) = strip_prefix_ignore_case(text, "https://") {
            (true, rest)
        } else {
            (false, strip_prefix_ignore_case(text, "http://")?)
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        // Credentials in a URL are not sent anywhere.
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        if authority.is_empty() || !authority.bytes().all(is_host) {
            return None;
        }
        Some(Self::new(is_https, authority, clean_path(path)?))
    }

    /// Where a `Location` header of an answer from here points to.
    pub(super) fn join(&self, location: &str) -> Option<Self> {
        if location.contains("://") {
            return Self::parse(location);
        }
        if let Some(rest) = location.strip_prefix("//") {
            return Self::parse(&format!("{}://{rest}", self.scheme()));
        }
        let path = location.starts_with('/').then(|| clean_path(location))??;
        Some(Self {
            path,
            ..self.clone()
        })
    }

    /// Appends `name=value` to the query.
    pub(super) fn with_query(mut self, name: &str, value: &str) -> Self {
        self.path
            .push(if self.path.contains('?') { '&' } else { '?' });
        self.path.push_str(name);
        self.path.push('=');
        self.path.push_str(&percent_encode(value));
        self
    }

    /// The text that is sent.
    pub(super) fn full(&self) -> String {
        format!("{}://{}{}", self.scheme(), self.authority, self.path)
    }

    /// Whether credentials for one are credentials for the other.
    pub(super) fn same_origin(&self, other: &Self) -> bool {
        self.is_https == other.is_https && self.authority.eq_ignore_ascii_case(&other.authority)
    }

    fn scheme(&self) -> &'static str {
        if self.is_https { "https" } else { "http" }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.split('?').next().unwrap_or_default();
        write!(f, "{}://{}{path}", self.scheme(), self.authority)
    }
}

/// Whether `authority` (host and port) is this machine.
pub(super) fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn clean_path(path: &str) -> Option<String> {
    let path = path.split('#').next().unwrap_or_default();
    let printable = path.bytes().all(|byte| byte.is_ascii_graphic());
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    printable.then_some(path)
}

fn strip_prefix_ignore_case<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// RFC 3986, section 2.1: all but the unreserved characters.
pub(super) fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_joined() {
        let base = Url::parse("https://registry.example:5000/v2/a?x=1").unwrap();
        let join = |location| base.join(location).map(|url| url.full());
        assert_eq!(
            join("/b?c"),
            Some("https://registry.example:5000/b?c".into())
        );
        assert_eq!(join("http://other/x#y"), Some("http://other/x".into()));
        assert_eq!(join("//other"), Some("https://other/".into()));
        assert_eq!(join("HTTPS://Other/x"), Some("https://Other/x".into()));
        for bad in [
            "relative",
            "",
            "ftp://x/",
            "https://user:pass@x/",
            "https:///x",
            "/a b",
            "/\n",
        ] {
            assert_eq!(join(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn queries_grow_and_are_not_shown() {
        let url = Url::parse("https://a/b")
            .unwrap()
            .with_query("digest", "sha256:1");
        let url = url.with_query("n", "a b");
        assert_eq!(url.full(), "https://a/b?digest=sha256%3A1&n=a%20b");
        assert_eq!(url.to_string(), "https://a/b");
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for host in [
            "localhost",
            "LOCALHOST:5000",
            "127.0.0.1:5000",
            "127.9.9.9",
            "[::1]:1",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "localhost.example",
            "127.0.0.1.example",
            "10.0.0.1",
            "[::2]:1",
            "example",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
