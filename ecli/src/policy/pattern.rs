//! Patterns of names: `*` stands for any text, `?` for one character.

use std::fmt;

use eunomia_runtime::glob;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

/// Bytes of a pattern; names in images are no longer.
const PATTERN_BYTES_MAX: usize = 512;

/// A pattern that matches whole names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(String);

impl Pattern {
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > PATTERN_BYTES_MAX {
            return Err(format!("a pattern has 1 to {PATTERN_BYTES_MAX} bytes"));
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether it covers `name`. Where `name` is itself a pattern its `*` is a character like any
    /// other, so that only what covers all of it matches.
    pub(crate) fn matches(&self, name: &str) -> bool {
        glob::matches(&self.0, name)
    }

    /// Whether there is a name that both this and `other` cover, which is what a denial must ask
    /// where a guest attaches by a pattern.
    pub(crate) fn overlaps(&self, other: &str) -> bool {
        let other: Vec<char> = other.chars().collect();
        // overlap[j]: whether what is left of both overlaps, from the ends backwards.
        let mut after: Vec<bool> = (0..=other.len())
            .map(|at| other[at..].iter().all(|c| *c == '*'))
            .collect();
        for own in self.0.chars().rev() {
            let mut now = vec![false; other.len() + 1];
            now[other.len()] = own == '*' && after[other.len()];
            for at in (0..other.len()).rev() {
                let theirs = other[at];
                now[at] = if own == '*' || theirs == '*' {
                    // A star ends here, or takes one more character of the other.
                    after[at] || now[at + 1]
                } else {
                    (own == '?' || theirs == '?' || own == theirs) && after[at + 1]
                };
            }
            after = now;
        }
        after[0]
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::new(text).unwrap()
    }

    #[test]
    fn stars_and_question_marks_match_whole_names() {
        for (text, name, expected) in [
            ("kprobe:*", "kprobe:tcp_connect", true),
            ("kprobe:*", "kprobe", false),
            ("*:tcp_*", "kprobe:tcp_connect", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("tcp_?", "tcp_v", true),
            ("tcp_?", "tcp_", false),
            ("tcp_*", "tcp_*", true),
            ("tcp_connect", "tcp_*", false),
            ("*", "", true),
            ("é*", "éa", true),
        ] {
            assert_eq!(pattern(text).matches(name), expected, "{text} {name}");
        }
        let slow = pattern(&"*a".repeat(200));
        assert!(!slow.matches(&"a".repeat(199)));
    }

    #[test]
    fn patterns_that_share_a_name_overlap() {
        for (text, other, expected) in [
            ("tcp_connect", "tcp_*", true),
            ("*_creds", "commit_*", true),
            ("tcp_*", "udp_*", false),
            ("a?c", "abc", true),
            ("a?c", "a*", true),
            ("a", "a?", false),
            ("x*", "*y", true),
            ("*", "", true),
            ("a", "", false),
        ] {
            assert_eq!(pattern(text).overlaps(other), expected, "{text} {other}");
        }
    }
}
