//! Terminals: how wide they are, and text that must not control them.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};

use anyhow::{Context as _, Result, bail};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

/// Columns of the terminal on stdout; `None` where there is none, or it does not say.
pub(crate) fn width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Longest answer to a question.
const ANSWER_BYTES_MAX: u64 = 4096;

/// Prints a line to stderr. Nobody is left to tell when that fails.
pub(crate) fn say(line: std::fmt::Arguments<'_>) {
    let _ = std::io::stderr()
        .lock()
        .write_all(format!("{line}\n").as_bytes());
}

/// Asks the user at the terminal of this process, wherever stdin comes from.
pub(crate) fn ask(question: &str) -> Result<String> {
    let mut terminal = open_terminal()?;
    terminal.write_all(question.as_bytes())?;
    read_line(&terminal)
}

/// The same, without showing what is typed.
pub(crate) fn ask_secret(question: &str) -> Result<String> {
    let mut terminal = open_terminal()?;
    // Before the question: what is typed at its sight must not be shown or thrown away.
    let silence = Silence::of(&terminal)?;
    (&terminal).write_all(question.as_bytes())?;
    let answer = read_line(&terminal);
    drop(silence);
    terminal.write_all(b"\n")?;
    answer
}

fn open_terminal() -> Result<File> {
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty");
    terminal.context("ask the user: there is no terminal")
}

fn read_line(terminal: &File) -> Result<String> {
    let mut line = String::new();
    BufReader::new(terminal.take(ANSWER_BYTES_MAX))
        .read_line(&mut line)
        .context("read the answer from the terminal")?;
    // An interrupt without a signal, see `Silence`; or the end of the input.
    if line.contains(INTERRUPT) || !line.ends_with('\n') {
        bail!("ask the user: no answer");
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// What Ctrl-C sends.
const INTERRUPT: char = '\u{3}';

/// A terminal that does not show what is typed, until this is dropped. Meanwhile Ctrl-C ends the
/// line instead of the process, which would leave it so.
struct Silence<'t> {
    terminal: &'t File,
    before: Termios,
}

impl<'t> Silence<'t> {
    fn of(terminal: &'t File) -> Result<Self> {
        let before = tcgetattr(terminal).context("hide what is typed")?;
        let mut silent = before.clone();
        silent
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ISIG);
        silent.special_codes[SpecialCodeIndex::VEOL] = INTERRUPT as u8;
        tcsetattr(terminal, OptionalActions::Flush, &silent).context("hide what is typed")?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        // A terminal that has gone needs nothing.
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
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
