//! Cutting text to a width.

use eunomia_runtime::output::Ellipsis;

use super::line::{push_visible, width_of, width_of_character};

/// Stands for what is missing; one column wide.
const MARK: &str = "…";

/// Whether a text needs more columns of the terminal.
pub(super) fn is_wider(text: &str, width: usize) -> bool {
    width_of(text) > width
}

/// Writes to `out` as much of the text, made visible, as fits.
pub(super) fn cut(text: &str, width: usize, place: Ellipsis, out: &mut String) {
    let room = width.saturating_sub(1);
    let (head, tail) = match place {
        Ellipsis::Start => (0, room),
        Ellipsis::Middle => (room.div_ceil(2), room / 2),
        _ => (room, 0),
    };
    let front = fitting(text.chars(), head);
    let back = fitting(text.chars().rev(), tail);
    let mut bytes = Vec::new();
    text.chars()
        .take(front)
        .for_each(|c| push_visible(&mut bytes, c));
    bytes.extend_from_slice(MARK.as_bytes());
    let behind = text.chars().count().saturating_sub(back);
    text.chars()
        .skip(behind)
        .for_each(|c| push_visible(&mut bytes, c));
    out.clear();
    out.push_str(&String::from_utf8_lossy(&bytes));
}

/// How many of the characters fit into so many columns.
fn fitting(characters: impl Iterator<Item = char>, width: usize) -> usize {
    let mut left = width;
    characters
        .take_while(|character| {
            let fits = width_of_character(*character) <= left;
            left = left.saturating_sub(width_of_character(*character));
            fits
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_where_it_should_be_and_never_wider() {
        let cut = |text: &str, width, place| {
            let mut out = String::new();
            cut(text, width, place, &mut out);
            assert!(width_of(&out) <= width.max(1), "{out:?}");
            out
        };
        assert_eq!(cut("abcdefgh", 5, Ellipsis::End), "abcd…");
        assert_eq!(cut("abcdefgh", 5, Ellipsis::Start), "…efgh");
        assert_eq!(cut("abcdefgh", 6, Ellipsis::Middle), "abc…gh");
        assert_eq!(cut("字字字字", 6, Ellipsis::End), "字字…");
        assert_eq!(cut("a\x1b[2Jbcd", 5, Ellipsis::End), "a…");
        assert_eq!(cut("abc", 0, Ellipsis::End), "…");
    }
}
