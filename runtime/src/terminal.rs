//! What a guest may send to a terminal: text, colours, and moving about on the screen.
//!
//! A terminal obeys far more than that: it sets titles and clipboards, answers questions as if the
//! user had typed, switches its keyboard. None of it is a sandboxed guest's to use, nor that of
//! whoever chose the name of a file that a guest prints. What is not allowed is shown, as in rows.

/// Bytes of the parameters of a control sequence; `38;2;255;255;255;48;2;255;255;255` has 33.
const PARAMETERS_BYTES_MAX: usize = 48;

/// Final bytes of the control sequences (ECMA-48, 8.3) that are passed on: SGR, cursor movement,
/// erasing in the display and the line.
const HARMLESS: &[u8] = b"mABCDEFGHJKf";

/// Undoes what a guest that ended may have left: attributes, and a hidden cursor.
const RESET: &[u8] = b"\x1b[0m\x1b[?25h";

/// Lets through what is harmless. Sequences may be split between calls.
#[derive(Debug, Default)]
pub(crate) struct TerminalFilter {
    state: State,
    /// Something is to be undone at the end.
    altered: bool,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Text,
    /// In a character of more than one byte: the bytes so far and how many follow.
    Character(Vec<u8>, usize),
    /// Behind ESC.
    Escape,
    /// Behind ESC and `[`: the parameters so far.
    Sequence(Vec<u8>),
}

impl TerminalFilter {
    /// Appends to `shown` what the terminal gets of `bytes`.
    pub(crate) fn pass(&mut self, bytes: &[u8], shown: &mut Vec<u8>) {
        shown.reserve(bytes.len());
        for byte in bytes {
            self.pass_byte(*byte, shown);
        }
    }

    /// What leaves the terminal as it was, for the end.
    pub(crate) fn reset(&self) -> &'static [u8] {
        if self.altered { RESET } else { b"" }
    }

    fn pass_byte(&mut self, byte: u8, shown: &mut Vec<u8>) {
        match std::mem::take(&mut self.state) {
            State::Text => self.text(byte, shown),
            State::Character(mut bytes, missing) => {
                if byte & 0xc0 != 0x80 {
                    show_invalid(shown);
                    return self.text(byte, shown);
                }
                bytes.push(byte);
                if missing > 1 {
                    self.state = State::Character(bytes, missing - 1);
                } else {
                    show_character(&bytes, shown);
                }
            }
            State::Escape if byte == b'[' => self.state = State::Sequence(Vec::new()),
            State::Escape => {
                show_control('\x1b', shown);
                self.text(byte, shown);
            }
            State::Sequence(mut parameters) => match byte {
                0x20..=0x3f if parameters.len() < PARAMETERS_BYTES_MAX => {
                    parameters.push(byte);
                    self.state = State::Sequence(parameters);
                }
                _ if is_harmless(&parameters, byte) => {
                    self.altered |= byte == b'm' || byte == b'l';
                    shown.extend_from_slice(b"\x1b[");
                    shown.extend_from_slice(&parameters);
                    shown.push(byte);
                }
                _ => {
                    show_control('\x1b', shown);
                    shown.push(b'[');
                    shown.extend_from_slice(&parameters);
                    self.text(byte, shown);
                }
            },
        }
    }

    fn text(&mut self, byte: u8, shown: &mut Vec<u8>) {
        let missing = match byte {
            0x1b => {
                self.state = State::Escape;
                return;
            }
            b'\n' | b'\r' | b'\t' | 0x20..=0x7e => return shown.push(byte),
            0..=0x1f | 0x7f => return show_control(char::from(byte), shown),
            0xc2..=0xdf => 1,
            0xe0..=0xef => 2,
            0xf0..=0xf4 => 3,
            // A stray one could be a control character to a terminal that is not in UTF-8 mode.
            0x80..=0xc1 | 0xf5..=0xff => return show_invalid(shown),
        };
        self.state = State::Character(vec![byte], missing);
    }
}

fn is_harmless(parameters: &[u8], last: u8) -> bool {
    let plain = parameters
        .iter()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b';' | b':'));
    (plain && HARMLESS.contains(&last)) || (parameters == b"?25" && matches!(last, b'h' | b'l'))
}

/// A whole character: the control characters U+0080 to U+009F are as powerful as ESC.
fn show_character(bytes: &[u8], shown: &mut Vec<u8>) {
    match std::str::from_utf8(bytes).map(|text| text.chars().next()) {
        Ok(Some(control @ '\u{80}'..='\u{9f}')) => show_control(control, shown),
        Ok(_) => shown.extend_from_slice(bytes),
        Err(_) => show_invalid(shown),
    }
}

fn show_control(control: char, shown: &mut Vec<u8>) {
    shown.extend(control.escape_unicode().map(|part| part as u8));
}

fn show_invalid(shown: &mut Vec<u8>) {
    shown.extend_from_slice("\u{fffd}".as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(bytes: &[u8]) -> String {
        let mut whole = Vec::new();
        TerminalFilter::default().pass(bytes, &mut whole);
        // Wherever it is split, the same comes out.
        let mut split = Vec::new();
        let mut filter = TerminalFilter::default();
        for byte in bytes {
            filter.pass(&[*byte], &mut split);
        }
        assert_eq!(whole, split);
        String::from_utf8(whole).unwrap()
    }

    #[test]
    fn text_and_colours_pass() {
        for text in [
            "plain\ttext\r\n",
            "grüße, 世界 🦀",
            "\x1b[1;31mred\x1b[0m \x1b[38;2;255;255;255;48;2;255;255;255mx",
            "\x1b[2J\x1b[H\x1b[K\x1b[3A",
            "\x1b[?25l\x1b[?25h",
        ] {
            assert_eq!(passed(text.as_bytes()), text);
        }
    }

    #[test]
    fn what_commands_the_terminal_is_shown() {
        for (bytes, shown) in [
            (&b"\x1b]0;title\x07"[..], "\\u{1b}]0;title\\u{7}"),
            (
                b"\x1b]52;c;ZXZpbA==\x1b\\",
                "\\u{1b}]52;c;ZXZpbA==\\u{1b}\\",
            ),
            (b"\x1bP+q544e\x1b\\", "\\u{1b}P+q544e\\u{1b}\\"),
            (b"\x1b[6n", "\\u{1b}[6n"),
            (b"\x1b[?1049h", "\\u{1b}[?1049h"),
            (b"\x1b[>4;2m", "\\u{1b}[>4;2m"),
            (b"\x1bc", "\\u{1b}c"),
            (b"\x1b\x1b[6n", "\\u{1b}\\u{1b}[6n"),
            (b"\xc2\x9b6n", "\\u{9b}6n"),
            (b"\x9b6n", "\u{fffd}6n"),
            (b"\xe4\xb8x\xff", "\u{fffd}x\u{fffd}"),
            (b"a\x08\x7f\0", "a\\u{8}\\u{7f}\\u{0}"),
        ] {
            assert_eq!(passed(bytes), shown);
        }
    }

    #[test]
    fn endless_parameters_are_not_gathered() {
        let bytes = [b"\x1b[".to_vec(), vec![b'1'; 100_000], b"m".to_vec()].concat();
        assert!(passed(&bytes).starts_with("\\u{1b}[111"));
    }

    #[test]
    fn a_terminal_is_left_as_it_was() {
        let mut filter = TerminalFilter::default();
        let mut shown = Vec::new();
        filter.pass(b"plain", &mut shown);
        assert_eq!(filter.reset(), b"");
        filter.pass(b"\x1b[31mred", &mut shown);
        assert_eq!(filter.reset(), RESET);
    }
}
