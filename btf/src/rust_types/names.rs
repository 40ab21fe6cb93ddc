//! Rust names from C names.

use crate::records::names::{Naming, camel_case, shown, snake_case};

/// Rust's names for types and members.
pub(super) struct RustNaming;

impl Naming for RustNaming {
    fn type_name(&self, c_name: &str) -> String {
        raw(camel_case(c_name))
    }

    fn member_name(&self, c_name: &str) -> String {
        field_name(c_name)
    }

    fn enumerator_name(&self, c_name: &str) -> String {
        raw(crate::records::names::identifier(shown(c_name), "UNNAMED"))
    }

    /// A type has a view.
    fn companions(&self, name: &str) -> Vec<String> {
        vec![name.to_owned(), format!("{name}Ref")]
    }

    fn reserved_members(&self) -> &'static [&'static str] {
        &METHODS
    }

    fn reserved_enumerators(&self) -> &'static [&'static str] {
        &["name"]
    }
}

/// Methods that all generated types have, or that their traits would otherwise hide.
pub(super) const METHODS: [&str; 6] = [
    "new",
    "from_array",
    "as_bytes",
    "to_record",
    "read_from",
    "write_to",
];

/// `targetPid` and `target_pid` to `target_pid`, `type` to `r#type`.
pub(super) fn field_name(c_name: &str) -> String {
    raw(snake_case(c_name))
}

/// `targ_pid` to `TARG_PID`.
pub(super) fn constant_name(c_name: &str) -> String {
    snake_case(c_name).to_ascii_uppercase()
}

fn raw(name: String) -> String {
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
    fn names_are_never_keywords() {
        for (c, field, constant, ty) in [
            ("pid", "pid", "PID", "Pid"),
            ("type", "r#type", "TYPE", "Type"),
            ("self", "self_", "SELF", "Self_"),
            ("", "unnamed", "UNNAMED", "Unnamed"),
            ("_", "__", "__", "Unnamed"),
            ("3d", "_3d_", "_3D_", "_3d_"),
        ] {
            assert_eq!(field_name(c), field, "{c}");
            assert_eq!(constant_name(c), constant, "{c}");
            assert_eq!(RustNaming.type_name(c), ty, "{c}");
        }
    }
}
