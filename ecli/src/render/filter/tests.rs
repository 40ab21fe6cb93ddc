//! Filters as text: what is refused, and that nothing breaks the parser.

use super::Filter;

#[test]
fn mistakes_are_told_with_their_place() {
    for (text, message) in [
        ("", "filter ``, at 0: expected a field"),
        ("pid ==", "filter `pid ==`, at 6: expected a value"),
        (
            "pid == 1 2",
            "filter `pid == 1 2`, at 9: expected `and`, `or` or the end",
        ),
        ("(pid == 1", "filter `(pid == 1`, at 9: expected `)`"),
        (
            "pid == \"x",
            "filter `pid == \"x`, at 7: the quote \" has no end",
        ),
        (
            "pid { 1",
            "filter `pid { 1`, at 4: `{` is no part of a filter",
        ),
        ("== 1", "filter `== 1`, at 0: expected a field"),
    ] {
        let error = Filter::parse(text).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
    let error = format!("{:#}", Filter::parse("comm ~ '('").unwrap_err());
    assert!(error.contains("unclosed group"), "{error}");
    assert!(
        Filter::parse(&"!".repeat(1000))
            .unwrap_err()
            .to_string()
            .contains("levels")
    );
    assert!(
        Filter::parse(&"(".repeat(1000))
            .unwrap_err()
            .to_string()
            .contains("levels")
    );
    assert!(
        Filter::parse(&"a".repeat(5000))
            .unwrap_err()
            .to_string()
            .contains("bytes")
    );
    // A regular expression that would need gigabytes.
    assert!(Filter::parse("comm ~ '((a{100}){100}){100}'").is_err());
}

#[test]
fn quotes_hold_anything() {
    for text in [
        "a == \"\\\"\\\\ and\"",
        "a == 'x\"y' or b",
        "a ~ '\\d+'",
        "é == ü",
    ] {
        Filter::parse(text).unwrap();
    }
    let filter = Filter::parse("not a and (b or c == 1) && d ~ x").unwrap();
    assert_eq!(filter.names(), ["a", "b", "c", "d"]);
}

/// Words that the grammar knows, in any order: no panic, and what is accepted has fields.
#[test]
fn any_sequence_of_words_is_read_or_refused() {
    const WORDS: [&str; 20] = [
        "pid",
        "and",
        "or",
        "not",
        "(",
        ")",
        "==",
        "!=",
        "<",
        ">=",
        "~",
        "!~",
        "\"x\"",
        "'",
        "1",
        "10ms",
        "!",
        "&&",
        "||",
        "\u{1f600}\"\\",
    ];
    // A linear congruential generator: the same sequences in every run.
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut accepted = 0;
    for _ in 0..50_000 {
        let mut text = String::new();
        for _ in 0..(state >> 60) + 1 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            text.push_str(WORDS[(state >> 33) as usize % WORDS.len()]);
            if state >> 63 == 0 {
                text.push(' ');
            }
        }
        if let Ok(filter) = Filter::parse(&text) {
            accepted += 1;
            assert!(!filter.names().is_empty(), "{text}");
        }
    }
    assert!(accepted > 100, "{accepted} were accepted");
}
