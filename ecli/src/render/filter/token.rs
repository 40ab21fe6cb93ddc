//! The words of a filter.

use anyhow::{Result, bail, ensure};

/// Bytes of a filter; people write them by hand.
const TEXT_BYTES_MAX: usize = 4096;

/// A word, and where it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) at: usize,
    pub(super) kind: TokenKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A name, a number, a duration, an address.
    Word(String),
    Quoted(String),
    Compare(Compare),
    Match,
    NoMatch,
    And,
    Or,
    Not,
    Open,
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Longer ones before those that they start with.
const SIGNS: [(&str, TokenKind); 14] = [
    ("==", TokenKind::Compare(Compare::Equal)),
    ("!=", TokenKind::Compare(Compare::Unequal)),
    ("<=", TokenKind::Compare(Compare::LessOrEqual)),
    (">=", TokenKind::Compare(Compare::GreaterOrEqual)),
    ("!~", TokenKind::NoMatch),
    ("&&", TokenKind::And),
    ("||", TokenKind::Or),
    ("<", TokenKind::Compare(Compare::Less)),
    (">", TokenKind::Compare(Compare::Greater)),
    ("=", TokenKind::Compare(Compare::Equal)),
    ("~", TokenKind::Match),
    ("!", TokenKind::Not),
    ("(", TokenKind::Open),
    (")", TokenKind::Close),
];

pub(super) fn tokens(text: &str) -> Result<Vec<Token>> {
    ensure!(
        text.len() <= TEXT_BYTES_MAX,
        "a filter has at most {TEXT_BYTES_MAX} bytes, this one has {}",
        text.len()
    );
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let at = text.len() - rest.len();
        let (kind, behind) = if matches!(first, '"' | '\'') {
            quoted(text, rest, first)?
        } else if let Some((sign, kind)) = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
            (kind.clone(), &rest[sign.len()..])
        } else {
            let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            if end == 0 {
                bail!("filter `{text}`, at {at}: `{first}` is no part of a filter");
            }
            let (word, behind) = rest.split_at(end);
            (word_kind(word), behind)
        };
        tokens.push(Token { at, kind });
        rest = behind.trim_start();
    }
    Ok(tokens)
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || "_.-+:/@%*#$,^".contains(character)
}

fn word_kind(word: &str) -> TokenKind {
    match word {
        "and" => TokenKind::And,
        "or" => TokenKind::Or,
        "not" => TokenKind::Not,
        _ => TokenKind::Word(word.to_owned()),
    }
}

/// Text in quotes; in double ones, a backslash stands before a quote or another backslash.
fn quoted<'t>(text: &str, rest: &'t str, quote: char) -> Result<(TokenKind, &'t str)> {
    let mut value = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((index, character)) = characters.next() {
        match character {
            _ if character == quote => {
                return Ok((TokenKind::Quoted(value), &rest[index + 1..]));
            }
            // Before anything else it stays: regular expressions are full of them.
            '\\' if quote == '"' => match characters.next() {
                Some((_, next @ ('"' | '\\'))) => value.push(next),
                Some((_, next)) => value.extend(['\\', next]),
                None => break,
            },
            _ => value.push(character),
        }
    }
    let at = text.len() - rest.len();
    bail!("filter `{text}`, at {at}: the quote {quote} has no end")
}
