//! From words to an expression.

use anyhow::{Result, anyhow, bail};
use regex::bytes::{Regex, RegexBuilder};

use super::token::{Compare, Token, TokenKind, tokens};

/// How deep expressions are nested.
const NESTING_MAX: usize = 64;

/// Bytes of a compiled regular expression.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// What must hold for a row.
#[derive(Clone, Debug)]
pub(super) enum Expression {
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Not(Box<Expression>),
    Compare {
        field: String,
        compare: Compare,
        value: String,
    },
    Match {
        field: String,
        regex: Regex,
        is_negated: bool,
    },
    /// The field is true, not 0, or not empty.
    Truth(String),
}

impl Expression {
    pub(super) fn collect_names<'e>(&'e self, names: &mut Vec<&'e str>) {
        match self {
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().for_each(|part| part.collect_names(names));
            }
            Self::Not(inner) => inner.collect_names(names),
            Self::Compare { field, .. } | Self::Match { field, .. } | Self::Truth(field) => {
                names.push(field);
            }
        }
    }
}

pub(super) fn parse(text: &str) -> Result<Expression> {
    let tokens = tokens(text)?;
    let mut parser = Parser {
        text,
        tokens: tokens.into_iter().peekable(),
    };
    let expression = parser.any(0)?;
    match parser.tokens.next() {
        None => Ok(expression),
        Some(token) => bail!(
            "filter `{text}`, at {}: expected `and`, `or` or the end",
            token.at
        ),
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
}

impl Parser<'_> {
    /// Alternatives.
    fn any(&mut self, depth: usize) -> Result<Expression> {
        let mut parts = vec![self.all(depth)?];
        while self.take(&TokenKind::Or) {
            parts.push(self.all(depth)?);
        }
        Ok(match parts.len() {
            1 => parts.remove(0),
            _ => Expression::Or(parts),
        })
    }

    fn all(&mut self, depth: usize) -> Result<Expression> {
        let mut parts = vec![self.one(depth)?];
        while self.take(&TokenKind::And) {
            parts.push(self.one(depth)?);
        }
        Ok(match parts.len() {
            1 => parts.remove(0),
            _ => Expression::And(parts),
        })
    }

    fn one(&mut self, depth: usize) -> Result<Expression> {
        if depth > NESTING_MAX {
            bail!("filter `{}`: more than {NESTING_MAX} levels", self.text);
        }
        if self.take(&TokenKind::Not) {
            return Ok(Expression::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.take(&TokenKind::Open) {
            let inner = self.any(depth + 1)?;
            if !self.take(&TokenKind::Close) {
                let at = self.at();
                bail!("filter `{}`, at {at}: expected `)`", self.text);
            }
            return Ok(inner);
        }
        let at = self.at();
        match self.tokens.next().map(|token| token.kind) {
            Some(TokenKind::Word(field)) => self.condition(field),
            _ => bail!(
                "filter `{}`, at {at}: expected a field, as in `pid == 1`",
                self.text
            ),
        }
    }

    /// What is said of a field.
    fn condition(&mut self, field: String) -> Result<Expression> {
        let kind = self.tokens.peek().map(|token| token.kind.clone());
        match kind {
            Some(TokenKind::Compare(compare)) => {
                self.tokens.next();
                let value = self.value()?;
                Ok(Expression::Compare {
                    field,
                    compare,
                    value,
                })
            }
            Some(kind @ (TokenKind::Match | TokenKind::NoMatch)) => {
                self.tokens.next();
                let pattern = self.value()?;
                let regex = RegexBuilder::new(&pattern)
                    .size_limit(REGEX_BYTES_MAX)
                    .build()
                    // In one text: clap shows the outermost alone.
                    .map_err(|error| anyhow!("filter `{}`: {error}", self.text))?;
                let is_negated = kind == TokenKind::NoMatch;
                Ok(Expression::Match {
                    field,
                    regex,
                    is_negated,
                })
            }
            _ => Ok(Expression::Truth(field)),
        }
    }

    fn value(&mut self) -> Result<String> {
        let at = self.at();
        match self.tokens.next().map(|token| token.kind) {
            Some(TokenKind::Word(value) | TokenKind::Quoted(value)) => Ok(value),
            _ => bail!("filter `{}`, at {at}: expected a value", self.text),
        }
    }

    fn take(&mut self, kind: &TokenKind) -> bool {
        self.tokens.next_if(|token| token.kind == *kind).is_some()
    }

    /// Where the next word starts.
    fn at(&mut self) -> usize {
        self.tokens.peek().map_or(self.text.len(), |token| token.at)
    }
}
