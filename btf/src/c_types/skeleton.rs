//! The skeleton: an opened object with its maps, and functions for its global variables.

use super::names::identifier;
use super::types::{Declared, Types};
use crate::error::Result;
use crate::records::interface::{self, Map};
use crate::records::names::{Namespace, shown};
use crate::source::Source;

/// A global variable with its declarations.
pub(super) struct Global {
    c_name: String,
    name: String,
    /// As a parameter that is set, and as one that is read.
    value: Declared,
    pointer: Declared,
}

/// The variables that have a size, and the types of all.
pub(super) fn globals(types: &mut Types<'_>) -> Result<Vec<Global>> {
    let mut globals = Vec::new();
    let mut names = Namespace::default();
    for global in interface::globals(types.btf)? {
        let mut declare = |declarator: &str| {
            types
                .declare(global.ty, global.name, declarator, 0)
                .map_err(|error| global.within(error))
        };
        let value = declare("value")?;
        let pointer = declare("(*value)")?;
        if value.size > 0 && !global.is_mention {
            globals.push(Global {
                c_name: shown(global.name),
                name: names.take(identifier(global.name)),
                value,
                pointer,
            });
        }
    }
    Ok(globals)
}

pub(super) struct Skeleton<'a> {
    pub(super) prefix: String,
    object: &'a str,
    maps: Vec<(String, String)>,
    globals: &'a [Global],
}

impl<'a> Skeleton<'a> {
    pub(super) fn new(object: &'a str, maps: &[Map<'_>], globals: &'a [Global]) -> Self {
        let mut names = Namespace::default();
        let maps = maps
            .iter()
            .map(|map| (names.take(identifier(map.name)), shown(map.name)))
            .collect();
        Self {
            prefix: format!("{}_bpf", identifier(object)),
            object,
            maps,
            globals,
        }
    }

    pub(super) fn emit(&self, source: &mut Source) {
        let prefix = &self.prefix;
        source.line(format!(
            "/* BPF object `{}`, opened. */",
            shown(self.object)
        ));
        source.line(format!("struct {prefix} {{"));
        source.line("\tstruct bpf_object *obj;");
        if !self.maps.is_empty() {
            source.line("\tstruct {");
            for (member, _) in &self.maps {
                source.line(format!("\t\tstruct bpf_map *{member};"));
            }
            source.line("\t} maps;");
        }
        source.line("};");
        self.emit_life(source);
        for global in self.globals {
            self.emit_global(source, global);
        }
    }

    fn emit_life(&self, source: &mut Source) {
        let prefix = &self.prefix;
        let object = escaped(self.object);
        source.line("");
        source.line("/* Opens the object; NULL when that fails, see bpf_error(). */");
        source.line(format!(
            "static inline struct {prefix} *{prefix}__open(void)"
        ));
        source.line("{");
        source.line(format!(
            "\tstruct {prefix} *skel = (struct {prefix} *)calloc(1, sizeof(*skel));"
        ));
        source.line("");
        source.line("\tif (!skel)");
        source.line("\t\treturn NULL;");
        source.line(format!("\tskel->obj = bpf_object__open(\"{object}\");"));
        source.line("\tif (!skel->obj) {");
        source.line("\t\tfree(skel);");
        source.line("\t\treturn NULL;");
        source.line("\t}");
        for (member, name) in &self.maps {
            source.line(format!(
                "\tskel->maps.{member} = bpf_object__find_map_by_name(skel->obj, \"{name}\");"
            ));
        }
        source.line("\treturn skel;");
        source.line("}");
        for (verb, returns) in [("load", "int"), ("attach", "int"), ("detach", "void")] {
            let give = if returns == "int" { "return " } else { "" };
            source.line("");
            source.line(format!(
                "static inline {returns} {prefix}__{verb}(struct {prefix} *skel)"
            ));
            source.line("{");
            source.line(format!("\t{give}bpf_object__{verb}(skel->obj);"));
            source.line("}");
        }
        source.line("");
        source.line(format!(
            "static inline void {prefix}__destroy(struct {prefix} *skel)"
        ));
        source.line("{");
        source.line("\tif (skel)");
        source.line("\t\tbpf_object__close(skel->obj);");
        source.line("\tfree(skel);");
        source.line("}");
    }

    fn emit_global(&self, source: &mut Source, global: &Global) {
        let prefix = &self.prefix;
        let Global {
            c_name,
            name,
            value,
            pointer,
        } = global;
        let (parameter, address) = match value.is_scalar {
            true => (value.text.clone(), "&value"),
            false => (format!("const {}", pointer.text), "value"),
        };
        let size = value.size;
        for (verb, parameter, address) in [
            ("set", &parameter, address),
            ("get", &pointer.text, "value"),
        ] {
            source.line("");
            source.line(format!(
                "static inline int {prefix}__{verb}_{name}(struct {prefix} *skel, {parameter})"
            ));
            source.line("{");
            source.line(format!(
                "\treturn bpf_object__{verb}_global(skel->obj, \"{c_name}\", {address}, {size});"
            ));
            source.line("}");
        }
    }
}

/// Object names are file names, which may hold nearly anything.
fn escaped(name: &str) -> String {
    name.chars()
        .flat_map(|c| match c {
            '"' | '\\' => vec!['\\', c],
            c if c.is_control() => Vec::new(),
            c => vec![c],
        })
        .collect()
}
