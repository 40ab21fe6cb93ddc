//! Rust names from C names.
//!
//! BTF is untrusted and need not come from C: whatever a name holds, an identifier comes out.

use std::collections::{HashMap, HashSet};

/// Names of one Rust namespace, each used once.
#[derive(Default)]
pub(crate) struct Namespace {
    taken: HashSet<String>,
    /// The number to try next for a name that is taken. Without it, many equal names, which no C
    /// compiler makes, take quadratic time.
    numbers: HashMap<String, u64>,
}

impl Namespace {
    /// A namespace in which some names have a meaning already.
    pub(crate) fn reserving(names: &[&str]) -> Self {
        let taken = names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            taken,
            numbers: HashMap::new(),
        }
    }

    /// Takes `name`, or the first free one of `name_2`, `name_3`...
    pub(crate) fn take(&mut self, name: String) -> String {
        self.take_all(name, "_", |name| vec![name.to_owned()])
    }

    /// Takes a type name together with that of its view.
    pub(crate) fn take_type(&mut self, name: String) -> String {
        self.take_all(name, "", |name| vec![name.to_owned(), format!("{name}Ref")])
    }

    /// Whether a name is still free.
    pub(crate) fn is_free(&self, name: &str) -> bool {
        !self.taken.contains(name)
    }

    fn take_all(
        &mut self,
        name: String,
        separator: &str,
        all: impl Fn(&str) -> Vec<String>,
    ) -> String {
        let mut chosen = name.clone();
        // Ends: each round tries another name, and finitely many are taken.
        while !all(&chosen).iter().all(|name| self.is_free(name)) {
            let number = self.numbers.entry(name.clone()).or_insert(2);
            chosen = format!("{}{separator}{number}", name.trim_start_matches("r#"));
            *number += 1;
        }
        self.taken.extend(all(&chosen));
        chosen
    }
}

/// `sched_event` and `SCHED_EVENT` to `SchedEvent`, `schedEvent_t` to `SchedEventT`.
pub(crate) fn type_name(c_name: &str) -> String {
    let mut name = String::new();
    for word in ascii(c_name).split('_').filter(|word| !word.is_empty()) {
        let shouted = !word.chars().any(|c| c.is_ascii_lowercase());
        for (index, c) in word.chars().enumerate() {
            name.push(match (index, shouted) {
                (0, _) => c.to_ascii_uppercase(),
                (_, true) => c.to_ascii_lowercase(),
                (_, false) => c,
            });
        }
    }
    identifier(name, "Unnamed")
}

/// `targetPid` and `target_pid` to `target_pid`, `type` to `r#type`.
pub(crate) fn field_name(c_name: &str) -> String {
    let mut name = String::new();
    let mut after_lower = false;
    for c in ascii(c_name).chars() {
        if c.is_ascii_uppercase() && after_lower {
            name.push('_');
        }
        after_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        name.push(c.to_ascii_lowercase());
    }
    identifier(name, "unnamed")
}

/// `targ_pid` to `TARG_PID`.
pub(crate) fn constant_name(c_name: &str) -> String {
    identifier(
        field_name(c_name)
            .trim_start_matches("r#")
            .to_ascii_uppercase(),
        "UNNAMED",
    )
}

/// An enumerator keeps its C name, so that it is found by searching for it.
pub(crate) fn enumerator_name(c_name: &str) -> String {
    identifier(ascii(c_name), "UNNAMED")
}

/// A name to show in a comment: no line break, no markup.
pub(crate) fn shown(c_name: &str) -> String {
    ascii(c_name)
}

fn ascii(c_name: &str) -> String {
    c_name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect()
}

fn identifier(name: String, if_empty: &str) -> String {
    if name.is_empty() {
        return if_empty.to_owned();
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) || name == "_" {
        return format!("_{}_", name.trim_end_matches('_'));
    }
    match name.as_str() {
        // These cannot be written raw.
        "self" | "Self" | "super" | "crate" => format!("{name}_"),
        word if KEYWORDS.contains(&word) => format!("r#{word}"),
        _ => name,
    }
}

/// Keywords of all editions, in use or reserved.
const KEYWORDS: [&str; 49] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "union", "unsafe", "unsized",
    "use", "virtual", "where", "while", "yield",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_names_are_camel_case() {
        for (c, rust) in [
            ("event", "Event"),
            ("sched_event", "SchedEvent"),
            ("EVENT_KIND", "EventKind"),
            ("_hidden_t", "HiddenT"),
            ("fooBar", "FooBar"),
            ("", "Unnamed"),
            ("9p", "_9p_"),
            ("self", "Self_"),
            ("a\"b\n", "AB"),
        ] {
            assert_eq!(type_name(c), rust, "{c}");
        }
    }

    #[test]
    fn field_names_are_snake_case_and_never_keywords() {
        for (c, rust) in [
            ("pid", "pid"),
            ("targetPid", "target_pid"),
            ("type", "r#type"),
            ("self", "self_"),
            ("_", "__"),
            ("3d", "_3d_"),
            ("naïve", "na_ve"),
        ] {
            assert_eq!(field_name(c), rust, "{c}");
        }
        assert_eq!(constant_name("type"), "TYPE");
    }

    #[test]
    fn a_name_is_given_once() {
        let mut names = Namespace::reserving(&["new"]);
        assert_eq!(names.take("new".into()), "new_2");
        assert_eq!(names.take("r#type".into()), "r#type");
        assert_eq!(names.take("r#type".into()), "type_2");
        assert_eq!(names.take_type("Event".into()), "Event");
        assert_eq!(names.take_type("EventRef".into()), "EventRef2");
    }
}
