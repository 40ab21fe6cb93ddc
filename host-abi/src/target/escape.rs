//! Fields of a target in text form: a backslash takes the character behind it as it is.

use std::fmt::{self, Write};

/// The character that escapes.
const ESCAPE: char = '\\';

/// The parts of `text` between unescaped `separator`s, still escaped; at least one.
pub(super) fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for at in unescaped(text, separator) {
        parts.push(&text[start..at]);
        start = at + separator.len_utf8();
    }
    parts.push(&text[start..]);
    parts
}

/// `text` in front of and behind the last unescaped `separator`, if there is one.
pub(super) fn split_last(text: &str, separator: char) -> Option<(&str, &str)> {
    let at = unescaped(text, separator).last()?;
    Some((&text[..at], &text[at + separator.len_utf8()..]))
}

/// Whether `text` has one of these characters unescaped.
pub(super) fn has_unescaped(text: &str, wanted: &[char]) -> bool {
    wanted
        .iter()
        .any(|wanted| unescaped(text, *wanted).next().is_some())
}

/// Takes the backslashes out; `None` when nothing follows the last one.
pub(super) fn unescape(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        plain.push(match character {
            ESCAPE => characters.next()?,
            other => other,
        });
    }
    Some(plain)
}

/// Offsets of the unescaped occurrences of a character.
fn unescaped(text: &str, wanted: char) -> impl Iterator<Item = usize> {
    let mut is_escaped = false;
    text.char_indices().filter_map(move |(at, character)| {
        let was_escaped = is_escaped;
        is_escaped = character == ESCAPE && !was_escaped;
        (character == wanted && !was_escaped).then_some(at)
    })
}

/// Text with backslashes before backslashes and before the given characters.
pub(super) struct Escaped<'a> {
    pub(super) text: &'a str,
    pub(super) special: &'a [char],
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.text.chars() {
            if character == ESCAPE || self.special.contains(&character) {
                f.write_char(ESCAPE)?;
            }
            f.write_char(character)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_split_unless_escaped() {
        assert_eq!(split(r"a:b\:c:\\:", ':'), ["a", r"b\:c", r"\\", ""]);
        assert_eq!(split("", ':'), [""]);
        assert_eq!(split_last(r"a+b+c\+d", '+'), Some(("a+b", r"c\+d")));
        assert_eq!(split_last(r"a\+b", '+'), None);
    }

    #[test]
    fn what_is_escaped_is_unescaped_to_the_same() {
        for text in ["", "plain", r"\", r"\\", "a:b,c@d+e", "ü:ß\\"] {
            let escaped = Escaped {
                text,
                special: &[':', ',', '@'],
            }
            .to_string();
            assert!(!has_unescaped(&escaped, &[':', ',', '@']), "{escaped}");
            assert_eq!(unescape(&escaped).as_deref(), Some(text));
        }
    }

    #[test]
    fn a_backslash_at_the_end_escapes_nothing() {
        assert_eq!(unescape(r"a\"), None);
        assert_eq!(unescape(r"a\\").as_deref(), Some(r"a\"));
    }
}
