//! Terminals: how wide they are, and text that must not control them.

use std::fmt::Write as _;

/// Columns of the terminal on stdout; `None` where there is none, or it does not say.
pub(crate) fn width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Replaces control characters, so that the text stays on its line.
pub(crate) fn visible(text: &str) -> String {
    escape(text, |_| false)
}

/// The same for text of several lines.
pub(crate) fn visible_lines(text: &str) -> String {
    escape(text, |character| character == '\n' || character == '\t')
}

fn escape(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut visible = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hostile(character) && !keep(character) {
            // Writing to a String cannot fail.
            let _ = write!(visible, "{}", character.escape_unicode());
        } else {
            visible.push(character);
        }
    }
    visible
}

/// Characters that move the cursor, change colours, or reorder what is shown: C0, DEL, C1, and
/// Unicode's line separators and directional overrides.
pub(crate) fn is_hostile(character: char) -> bool {
    matches!(character,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_become_text() {
        assert_eq!(visible("a\u{1b}[31m\nb"), "a\\u{1b}[31m\\u{a}b");
        assert_eq!(visible_lines("a\n\tb\r"), "a\n\tb\\u{d}");
        assert_eq!(visible("\u{9b}2J\u{202e}é"), "\\u{9b}2J\\u{202e}é");
    }
}
