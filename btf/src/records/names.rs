//! Names for what has a name in C.
//!
//! BTF is untrusted and need not come from C: whatever a name holds, an identifier comes out.

use std::collections::{HashMap, HashSet};

/// How a language names types and members.
pub(crate) trait Naming {
    /// The name of a type; of an anonymous one, what it belongs to is given.
    fn type_name(&self, c_name: &str) -> String;

    fn member_name(&self, c_name: &str) -> String;

    /// By default the C name, so that it is found by searching for it.
    fn enumerator_name(&self, c_name: &str) -> String {
        identifier(shown(c_name), "UNNAMED")
    }

    /// All names that are taken by a type of this name.
    fn companions(&self, name: &str) -> Vec<String> {
        vec![name.to_owned()]
    }

    /// Members cannot have these names.
    fn reserved_members(&self) -> &'static [&'static str] {
        &[]
    }

    /// Nor enumerators these.
    fn reserved_enumerators(&self) -> &'static [&'static str] {
        &[]
    }
}

/// Names of one namespace, each used once.
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

    /// Takes a name together with others that follow from it.
    pub(crate) fn take_with(&mut self, name: String, all: impl Fn(&str) -> Vec<String>) -> String {
        self.take_all(name, "", all)
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
            // What marks a keyword of Rust is not needed any more.
            chosen = format!("{}{separator}{number}", name.trim_start_matches("r#"));
            *number += 1;
        }
        self.taken.extend(all(&chosen));
        chosen
    }
}

/// `sched_event` and `SCHED_EVENT` to `SchedEvent`, `schedEvent_t` to `SchedEventT`.
pub(crate) fn camel_case(c_name: &str) -> String {
    let mut name = String::new();
    for word in shown(c_name).split('_').filter(|word| !word.is_empty()) {
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

/// `targetPid` and `target_pid` to `target_pid`.
pub(crate) fn snake_case(c_name: &str) -> String {
    let mut name = String::new();
    let mut after_lower = false;
    for c in shown(c_name).chars() {
        if c.is_ascii_uppercase() && after_lower {
            name.push('_');
        }
        after_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        name.push(c.to_ascii_lowercase());
    }
    identifier(name, "unnamed")
}

/// Letters, digits and `_`, also to show in a comment: no line break, no markup.
pub(crate) fn shown(c_name: &str) -> String {
    c_name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect()
}

/// A name that may stand in a program, unless it is a keyword there.
pub(crate) fn identifier(name: String, if_empty: &str) -> String {
    if name.is_empty() {
        return if_empty.to_owned();
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) || name == "_" {
        return format!("_{}_", name.trim_end_matches('_'));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_in_words() {
        for (c, camel, snake) in [
            ("event", "Event", "event"),
            ("sched_event", "SchedEvent", "sched_event"),
            ("EVENT_KIND", "EventKind", "event_kind"),
            ("_hidden_t", "HiddenT", "_hidden_t"),
            ("fooBar", "FooBar", "foo_bar"),
            ("", "Unnamed", "unnamed"),
            ("_", "Unnamed", "__"),
            ("9p", "_9p_", "_9p_"),
            ("a\"b\n", "AB", "a_b_"),
            ("naïve", "NaVe", "na_ve"),
        ] {
            assert_eq!(camel_case(c), camel, "{c}");
            assert_eq!(snake_case(c), snake, "{c}");
        }
    }

    #[test]
    fn a_name_is_given_once() {
        let mut names = Namespace::reserving(&["new"]);
        assert_eq!(names.take("new".into()), "new_2");
        assert_eq!(names.take("r#type".into()), "r#type");
        assert_eq!(names.take("r#type".into()), "type_2");
        let with_view = |name: &str| vec![name.to_owned(), format!("{name}Ref")];
        assert_eq!(names.take_with("Event".into(), with_view), "Event");
        assert_eq!(names.take_with("EventRef".into(), with_view), "EventRef2");
    }
}
