//! Copies of the variables of a section, so that programs written for libbpf find them where they
//! look: `skel->rodata->targ_pid = pid` before load.

use super::skeleton::Global;
use crate::source::Source;

/// The sections that have a copy, and what it is called.
const COPIED: [(&str, &str); 3] = [(".rodata", "rodata"), (".data", "data"), (".bss", "bss")];

/// Bytes of one variable: larger ones are not copied back and forth, but have their functions.
const COPIED_BYTES_MAX: u32 = 4096;

/// A section with variables that are copied.
pub(super) struct Section<'a> {
    /// `rodata`.
    pub(super) name: &'static str,
    globals: Vec<&'a Global>,
}

pub(super) fn of(globals: &[Global]) -> Vec<Section<'_>> {
    COPIED
        .iter()
        .map(|(section, name)| Section {
            name,
            globals: globals
                .iter()
                .filter(|it| it.section == *section && it.member.size <= COPIED_BYTES_MAX)
                .collect(),
        })
        .filter(|section| !section.globals.is_empty())
        .collect()
}

impl Section<'_> {
    pub(super) fn emit_struct(&self, source: &mut Source, prefix: &str) {
        source.line(format!("struct {prefix}__{} {{", self.name));
        for global in &self.globals {
            source.line(format!("\t{};", global.member.text));
        }
        source.line("};");
        source.line("");
    }
}

/// Functions that read all variables, and that write those that were changed.
pub(super) fn emit_copies(source: &mut Source, prefix: &str, sections: &[Section<'_>]) {
    if sections.is_empty() {
        return;
    }
    source.line("");
    source.line("/* Reads the variables into the copies `rodata`, `data` and `bss`. */");
    source.line(format!(
        "static inline int {prefix}__pull(struct {prefix} *skel)"
    ));
    source.line("{");
    for Section { name, globals } in sections {
        source.line(format!("\tif (!skel->{name})"));
        // The second one is what was read.
        source.line(format!(
            "\t\tskel->{name} = (struct {prefix}__{name} *)calloc(2, sizeof(*skel->{name}));"
        ));
        source.line(format!("\tif (!skel->{name})"));
        source.line("\t\treturn -1;");
        for global in globals {
            let (c_name, size) = (&global.c_name, global.member.size);
            let copy = format!("&skel->{name}->{}", global.name);
            source.line(format!(
                "\tif (bpf_object__get_global(skel->obj, \"{c_name}\", {copy}, {size}) < 0)"
            ));
            source.line("\t\treturn -1;");
        }
        source.line(format!("\tskel->{name}[1] = skel->{name}[0];"));
    }
    source.line("\treturn 0;");
    source.line("}");
    source.line("");
    source.line("/* Writes those of the copies that were changed; `load` does it too. */");
    source.line(format!(
        "static inline int {prefix}__push(struct {prefix} *skel)"
    ));
    source.line("{");
    source.line("\tint outcome;");
    source.line("");
    for Section { name, globals } in sections {
        for global in globals {
            let member = &global.name;
            source.line(format!(
                "\toutcome = bpf_object__push_global(skel->obj, \"{}\", &skel->{name}[0].{member},",
                global.c_name
            ));
            source.line(format!(
                "\t\t\t\t\t  &skel->{name}[1].{member}, {});",
                global.member.size
            ));
            source.line("\tif (outcome < 0)");
            source.line("\t\treturn outcome;");
        }
    }
    source.line("\treturn 0;");
    source.line("}");
}
