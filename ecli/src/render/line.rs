//! One line of aligned text.
//!
//! A value that is wider than its column pushes what follows to the right; as soon as there is
//! room, the columns are where they belong again. Nothing is cut off but what the terminal has no
//! room for.

use crate::terminal::is_hostile;

/// Where a column is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// Columns of the terminal in front of it.
    pub(super) start: usize,
    /// Its width in columns of the terminal.
    pub(super) width: usize,
    /// Aligned at its right end.
    pub(super) right: bool,
    /// Nothing follows: it needs no padding.
    pub(super) last: bool,
}

/// A line that is being written at the end of a text.
#[derive(Debug)]
pub(super) struct Line<'a> {
    text: &'a mut Vec<u8>,
    /// Columns of the terminal that are taken.
    position: usize,
    /// Columns of the terminal that there are.
    limit: usize,
    /// There was no room for a value.
    cut: bool,
    /// Spaces that are owed before the next value: none are left at the end of a line.
    owed: usize,
    /// Columns of the terminal that have something in them.
    written: usize,
}

impl<'a> Line<'a> {
    pub(super) fn new(text: &'a mut Vec<u8>, limit: usize) -> Self {
        Self {
            text,
            position: 0,
            limit,
            cut: false,
            owed: 0,
            written: 0,
        }
    }

    /// Writes a value, which may hold anything, into its slot.
    pub(super) fn put(&mut self, slot: &Slot, value: &str) {
        let width = width_of(value);
        let start = slot
            .start
            .max(self.position + usize::from(self.position > 0));
        self.owed += start - self.position;
        self.position = start;
        let room = (slot.start + slot.width).saturating_sub(start + width);
        if slot.right {
            self.owed += room;
            self.position += room;
        }
        self.put_text(value, width);
        if !slot.right && !slot.last {
            self.owed += room;
            self.position += room;
        }
    }

    /// Ends the line.
    pub(super) fn end(self) {
        self.text.push(b'\n');
    }

    fn put_text(&mut self, value: &str, width: usize) {
        if self.cut || value.is_empty() {
            return;
        }
        if self.position >= self.limit {
            self.cut = true;
            // The sign that something is missing, where there is a column for it.
            if let Some(free @ 1..) = self.limit.checked_sub(self.written) {
                self.text.resize(self.text.len() + free - 1, b' ');
                self.text.extend_from_slice("…".as_bytes());
            }
            return;
        }
        self.text.resize(self.text.len() + self.owed, b' ');
        self.owed = 0;
        let room = self.limit - self.position;
        self.position += width;
        self.written = self.position;
        if width <= room && is_plain(value) {
            self.text.extend_from_slice(value.as_bytes());
            return;
        }
        // One column is for the sign that something is missing.
        let mut left = if width <= room { width } else { room - 1 };
        for character in value.chars() {
            let width = width_of_character(character);
            if width > left {
                break;
            }
            left -= width;
            push_visible(self.text, character);
        }
        if width > room {
            self.text.extend_from_slice("…".as_bytes());
            self.cut = true;
        }
    }
}

/// Whether the text is what it looks like, one column a byte.
fn is_plain(value: &str) -> bool {
    value.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Columns of the terminal that a text needs.
pub(super) fn width_of(value: &str) -> usize {
    if is_plain(value) {
        return value.len();
    }
    value.chars().map(width_of_character).sum()
}

/// Appends a character, so that it cannot control the terminal.
pub(super) fn push_visible(text: &mut Vec<u8>, character: char) {
    if let Some(letter) = short_escape(character) {
        text.extend_from_slice(&[b'\\', letter]);
    } else if is_hostile(character) {
        text.extend(character.escape_unicode().map(|part| part as u8));
    } else {
        text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// The letter behind the backslash.
fn short_escape(character: char) -> Option<u8> {
    match character {
        '\n' => Some(b'n'),
        '\r' => Some(b'r'),
        '\t' => Some(b't'),
        _ => None,
    }
}

/// Columns that a terminal needs. An approximation of Unicode's East Asian Width (annex 11): wide
/// scripts and pictures take two, marks on other characters none.
pub(super) fn width_of_character(character: char) -> usize {
    if short_escape(character).is_some() {
        return 2;
    }
    if is_hostile(character) {
        return character.escape_unicode().count();
    }
    match u32::from(character) {
        0x300..=0x36f | 0x200b..=0x200d | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f900..=0x1f9ff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots() -> [Slot; 3] {
        [
            Slot {
                start: 0,
                width: 5,
                right: true,
                last: false,
            },
            Slot {
                start: 6,
                width: 4,
                right: false,
                last: false,
            },
            Slot {
                start: 11,
                width: 3,
                right: false,
                last: true,
            },
        ]
    }

    fn line(limit: usize, values: [&str; 3]) -> String {
        let mut text = Vec::new();
        let mut line = Line::new(&mut text, limit);
        for (slot, value) in slots().iter().zip(values) {
            line.put(slot, value);
        }
        line.end();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn values_are_aligned_without_spaces_at_the_end() {
        assert_eq!(line(80, ["12", "ab", "c"]), "   12 ab   c\n");
        assert_eq!(line(80, ["12", "", ""]), "   12\n");
        assert_eq!(line(80, ["", "", "c"]), "           c\n");
    }

    #[test]
    fn a_wide_value_pushes_the_next_ones_only_as_far_as_needed() {
        assert_eq!(line(80, ["1234567", "ab", "c"]), "1234567 ab c\n");
        assert_eq!(line(80, ["12", "abcdefgh", "c"]), "   12 abcdefgh c\n");
        assert_eq!(line(80, ["123456", "a", "c"]), "123456 a   c\n");
    }

    #[test]
    fn lines_end_where_the_terminal_does() {
        assert_eq!(line(8, ["12", "abcd", "c"]), "   12 a…\n");
        assert_eq!(line(10, ["12", "abcd", "c"]), "   12 abcd\n");
        assert_eq!(line(7, ["12", "字字", "c"]), "   12 …\n");
        assert_eq!(line(9, ["12", "字字", "c"]), "   12 字…\n");
    }

    #[test]
    fn hostile_bytes_cannot_control_the_terminal() {
        let shown = line(80, ["1", "a\u{1b}[2J\n", "x\u{202e}y\u{9b}"]);
        assert_eq!(shown, "    1 a\\u{1b}[2J\\n x\\u{202e}y\\u{9b}\n");
    }
}
