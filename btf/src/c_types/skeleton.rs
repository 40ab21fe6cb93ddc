//! The skeleton: an opened object with its maps, and functions for its global variables.

use super::names::identifier;
use super::sections::{self, Section};
use super::types::{Declared, Types};
use crate::btf::Btf;
use crate::error::Result;
use crate::records::interface::{self, Map};
use crate::records::names::{Namespace, shown};
use crate::source::Source;

/// A global variable with its declarations.
pub(super) struct Global {
    pub(super) c_name: String,
    pub(super) section: String,
    pub(super) name: String,
    /// As a parameter that is set, and as one that is read.
    value: Declared,
    pointer: Declared,
    /// As a member of its section's struct.
    pub(super) member: Declared,
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
        if value.size == 0 || global.is_mention {
            continue;
        }
        let name = names.take(identifier(global.name));
        let member = declare(&name)?;
        globals.push(Global {
            c_name: shown(global.name),
            section: global.section.to_owned(),
            name,
            value,
            pointer,
            member,
        });
    }
    Ok(globals)
}

/// What is done to an opened object, and what that returns.
const VERBS: [(&str, &str); 3] = [("load", "int"), ("attach", "int"), ("detach", "void")];

pub(super) struct Skeleton<'a> {
    pub(super) prefix: String,
    object: &'a str,
    maps: Vec<Member>,
    programs: Vec<Member>,
    globals: &'a [Global],
    sections: Vec<Section<'a>>,
}

/// The name of a member, and that of the map or program.
type Member = (String, String);

fn members<'a>(c_names: impl Iterator<Item = &'a str>) -> Vec<Member> {
    let mut names = Namespace::default();
    c_names
        .map(|name| (names.take(identifier(name)), shown(name)))
        .collect()
}

impl<'a> Skeleton<'a> {
    pub(super) fn new(
        btf: &'a Btf,
        object: &'a str,
        maps: &[Map<'_>],
        globals: &'a [Global],
    ) -> Self {
        Self {
            prefix: format!("{}_bpf", identifier(object)),
            object,
            maps: members(maps.iter().map(|map| map.name)),
            programs: members(interface::functions(btf)),
            globals,
            sections: sections::of(globals),
        }
    }

    pub(super) fn emit(&self, source: &mut Source) {
        let prefix = &self.prefix;
        for section in &self.sections {
            section.emit_struct(source, prefix);
        }
        source.line(format!(
            "/* BPF object `{}`, opened. */",
            shown(self.object)
        ));
        source.line(format!("struct {prefix} {{"));
        source.line("\tstruct bpf_object *obj;");
        for (group, ty, members) in [
            ("maps", "bpf_map", &self.maps),
            ("progs", "bpf_program", &self.programs),
            ("links", "bpf_link", &self.programs),
        ] {
            if members.is_empty() {
                continue;
            }
            source.line("\tstruct {");
            for (member, _) in members {
                source.line(format!("\t\tstruct {ty} *{member};"));
            }
            source.line(format!("\t}} {group};"));
        }
        for section in &self.sections {
            let name = section.name;
            source.line(format!("\tstruct {prefix}__{name} *{name};"));
        }
        source.line("");
        source.line("#ifdef __cplusplus");
        source.line(format!("\tstatic struct {prefix} *open();"));
        source.line(format!("\tstatic struct {prefix} *open_and_load();"));
        for (verb, returns) in VERBS.iter().chain([&("destroy", "void")]) {
            source.line(format!("\tstatic {returns} {verb}(struct {prefix} *skel);"));
        }
        source.line("#endif");
        source.line("};");
        self.emit_life(source);
        self.emit_cpp(source);
        for global in self.globals {
            self.emit_global(source, global);
        }
    }

    fn emit_life(&self, source: &mut Source) {
        let prefix = &self.prefix;
        let object = escaped(self.object);
        sections::emit_copies(source, prefix, &self.sections);
        self.emit_destroy(source);
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
        for (member, name) in &self.programs {
            source.line(format!(
                "\tskel->progs.{member} = bpf_object__program(skel->obj, \"{name}\");"
            ));
        }
        if !self.sections.is_empty() {
            source.line(format!("\tif ({prefix}__pull(skel) < 0) {{"));
            source.line(format!("\t\t{prefix}__destroy(skel);"));
            source.line("\t\treturn NULL;");
            source.line("\t}");
        }
        source.line("\treturn skel;");
        source.line("}");
        for (verb, returns) in VERBS {
            let give = if returns == "int" { "return " } else { "" };
            source.line("");
            source.line(format!(
                "static inline {returns} {prefix}__{verb}(struct {prefix} *skel)"
            ));
            source.line("{");
            if verb == "load" && !self.sections.is_empty() {
                source.line(format!("\tint outcome = {prefix}__push(skel);"));
                source.line("");
                source.line("\tif (outcome < 0)");
                source.line("\t\treturn outcome;");
            }
            source.line(format!("\t{give}bpf_object__{verb}(skel->obj);"));
            source.line("}");
        }
        self.emit_open_and_load(source);
    }

    fn emit_open_and_load(&self, source: &mut Source) {
        let prefix = &self.prefix;
        source.line("");
        source.line("/* Opens and loads the object; NULL when that fails, see bpf_error(). */");
        source.line(format!(
            "static inline struct {prefix} *{prefix}__open_and_load(void)"
        ));
        source.line("{");
        source.line(format!("\tstruct {prefix} *skel = {prefix}__open();"));
        source.line("");
        source.line(format!("\tif (!skel || {prefix}__load(skel) == 0)"));
        source.line("\t\treturn skel;");
        source.line(format!("\t{prefix}__destroy(skel);"));
        source.line("\treturn NULL;");
        source.line("}");
    }

    fn emit_destroy(&self, source: &mut Source) {
        let prefix = &self.prefix;
        source.line("");
        source.line(format!(
            "static inline void {prefix}__destroy(struct {prefix} *skel)"
        ));
        source.line("{");
        source.line("\tif (!skel)");
        source.line("\t\treturn;");
        for (member, _) in &self.programs {
            source.line(format!("\tbpf_link__destroy(skel->links.{member});"));
        }
        for section in &self.sections {
            source.line(format!("\tfree(skel->{});", section.name));
        }
        source.line("\tbpf_object__close(skel->obj);");
        source.line("\tfree(skel);");
        source.line("}");
    }

    /// The same as members, as templates need it.
    fn emit_cpp(&self, source: &mut Source) {
        let prefix = &self.prefix;
        source.line("");
        source.line("#ifdef __cplusplus");
        source.line(format!(
            "inline struct {prefix} *{prefix}::open() {{ return {prefix}__open(); }}"
        ));
        source.line(format!("inline struct {prefix} *{prefix}::open_and_load()"));
        source.line(format!("{{ return {prefix}__open_and_load(); }}"));
        for (verb, returns) in VERBS.iter().chain([&("destroy", "void")]) {
            let give = if *returns == "int" { "return " } else { "" };
            source.line(format!(
                "inline {returns} {prefix}::{verb}(struct {prefix} *skel)"
            ));
            source.line(format!("{{ {give}{prefix}__{verb}(skel); }}"));
        }
        source.line("#endif");
    }

    fn emit_global(&self, source: &mut Source, global: &Global) {
        let prefix = &self.prefix;
        let Global {
            c_name,
            name,
            value,
            pointer,
            ..
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
