//! What the types (BTF) of a BPF object tell: the kernel functions that it calls, and maps that are
//! declared to be pinned (`__uint(pinning, LIBBPF_PIN_BY_NAME)`).

use eunomia_btf::{Btf, Definition, Linkage, Type, TypeId};
use object::read::elf::ElfFile64;
use object::{Object as _, ObjectSection as _};

use super::Permissions;
use super::elf::NAMES_MAX;

/// The section of map declarations, in the ELF file and in its types.
const MAPS: &str = ".maps";

/// Adds the names of pinned maps and of kernel functions.
///
/// # Errors
/// Why it cannot be told: then libbpf cannot tell either, and refuses the object.
pub(super) fn read(elf: &ElfFile64<'_>, permissions: &mut Permissions) -> Result<(), String> {
    let Some(section) = elf.section_by_name(".BTF") else {
        // Maps and kernel functions are declared by their types only.
        return Ok(());
    };
    let data = section
        .data()
        .map_err(|error| format!("section .BTF: {error}"))?;
    let btf = Btf::parse(data).map_err(|error| error.to_string())?;
    for ty in btf.types() {
        match ty.definition() {
            // libbpf looks for them by name and linkage, in whatever section.
            Definition::Function(function) if function.linkage == Linkage::Extern => {
                permissions.kernel_functions.insert(ty.name().to_owned());
            }
            Definition::DataSection(section) if ty.name() == MAPS => {
                for variable in section.variables() {
                    let variable = btf
                        .ty(variable.variable)
                        .map_err(|error| error.to_string())?;
                    if is_pinned(&btf, &variable) {
                        permissions.pinned_maps.insert(variable.name().to_owned());
                    }
                }
            }
            _ => {}
        }
        if permissions
            .kernel_functions
            .len()
            .max(permissions.pinned_maps.len())
            > NAMES_MAX
        {
            return Err(format!("it names more than {NAMES_MAX} maps or functions"));
        }
    }
    Ok(())
}

/// Whether the declaration has a member `pinning` that is not 0: libbpf writes numbers as the
/// length of an array behind a pointer.
fn is_pinned(btf: &Btf, variable: &Type<'_>) -> bool {
    let Definition::Variable(variable) = variable.definition() else {
        return false;
    };
    let Ok(declaration) = btf.resolve(variable.ty) else {
        return false;
    };
    let Definition::Struct(declaration) = declaration.definition() else {
        return false;
    };
    declaration
        .members()
        .filter_map(Result::ok)
        .filter(|member| member.name == "pinning")
        .any(|member| number(btf, member.ty) != Some(0))
}

fn number(btf: &Btf, id: TypeId) -> Option<u32> {
    let Definition::Pointer(array) = btf.resolve(id).ok()?.definition() else {
        return None;
    };
    let Definition::Array(array) = btf.resolve(array).ok()?.definition() else {
        return None;
    };
    Some(array.count)
}
