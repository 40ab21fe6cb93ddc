//! The part of a kernel's types that objects need.

use std::process::Command;

use eunomia_btf::minimize::{Minimized, minimize};
use eunomia_btf::{Btf, Definition, Kind, TypeId};

use crate::objects::{run, source};

fn compiled(file: &str, flags: &[&str]) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let object = directory.path().join("object.o");
    run(Command::new("clang")
        .args(["-target", "bpf", "-g", "-O2", "-c"])
        .args(flags)
        .arg(source(file))
        .arg("-o")
        .arg(&object));
    std::fs::read(object).unwrap()
}

fn kernel() -> Btf {
    Btf::from_elf(&compiled("bpf/kernel.c", &[])).unwrap()
}

fn wanting(number: u32) -> Vec<u8> {
    compiled("bpf/relocated.bpf.c", &[&format!("-DWANTED={number}")])
}

/// The part that the object needs, which must be one.
fn part(number: u32) -> (Btf, bool) {
    match minimize(&kernel(), &[&wanting(number)]).unwrap() {
        Minimized::Section {
            bytes,
            lacks_candidates,
        } => (Btf::parse(&bytes).unwrap(), lacks_candidates),
        other => panic!("{other:?}"),
    }
}

fn members(btf: &Btf, name: &str) -> Vec<String> {
    let found = btf.find(name, Kind::Struct).unwrap();
    let Definition::Struct(composite) = found.definition() else {
        panic!("{found}")
    };
    let names = composite
        .members()
        .map(|member| member.unwrap().name.to_owned());
    names.collect()
}

fn names(btf: &Btf) -> Vec<String> {
    let named = btf.types().filter(|ty| !ty.name().is_empty());
    named.map(|ty| ty.to_string()).collect()
}

#[test]
fn members_on_the_way_are_kept_and_others_are_not() {
    let (btf, lacks_candidates) = part(1);
    assert!(!lacks_candidates);
    // The union is without a name; the last member tells where the struct ends.
    assert_eq!(members(&btf, "outer"), ["pointer", "", "items", "last"]);
    assert_eq!(members(&btf, "inner"), ["value", "after"]);
    let names = names(&btf);
    assert!(
        names.contains(&"struct outer___second".to_owned()),
        "{names:?}"
    );
    assert!(!names.contains(&"struct unrelated".to_owned()), "{names:?}");
    // Places and sizes are the kernel's.
    let whole = kernel();
    for name in ["outer", "inner", "outer___second"] {
        let size = |btf: &Btf| {
            let id = btf.find(name, Kind::Struct).unwrap().id();
            btf.size_of(id).unwrap()
        };
        assert_eq!(size(&btf), size(&whole), "{name}");
    }
}

#[test]
fn what_a_pointer_points_to_is_not_kept_for_a_member() {
    let (btf, _) = part(1);
    let mut pointers = btf.types().filter(|ty| ty.kind() == Kind::Pointer);
    let pointer = pointers.next().unwrap().definition();
    assert!(
        matches!(pointer, Definition::Pointer(TypeId::VOID)),
        "{pointer:?}"
    );
}

#[test]
fn an_array_without_items_stays_where_it_was() {
    let (btf, _) = part(2);
    assert_eq!(members(&btf, "flexible"), ["items"]);
    assert_eq!(members(&btf, "middle"), ["items", "behind"]);
}

#[test]
fn the_shape_of_a_function_pointer_and_enumerators_are_kept() {
    let (btf, _) = part(3);
    let function = btf.types().find(|ty| ty.kind() == Kind::FunctionPrototype);
    let Definition::FunctionPrototype(prototype) = function.unwrap().definition() else {
        panic!()
    };
    let parameters: Vec<_> = prototype.parameters().map(|(_, ty)| ty).collect();
    assert_eq!(parameters.len(), 2);
    let Definition::Pointer(outer) = btf.ty(parameters[0]).unwrap().definition() else {
        panic!()
    };
    assert_eq!(btf.ty(outer).unwrap().name(), "outer");
    assert_eq!(members(&btf, "outer"), [""; 0]);
    let Definition::Enum(state) = btf.find("state", Kind::Enum).unwrap().definition() else {
        panic!()
    };
    let busy = state.enumerators().find(|item| item.name == "STATE_BUSY");
    assert!(busy.is_some());
}

#[test]
fn a_type_that_the_kernel_lacks_is_told() {
    let (btf, lacks_candidates) = part(4);
    assert!(lacks_candidates);
    assert!(btf.find("absent", Kind::Struct).is_err());
}

#[test]
fn the_number_of_a_type_takes_the_whole_kernel() {
    let outcome = minimize(&kernel(), &[&wanting(5)]).unwrap();
    assert!(matches!(outcome, Minimized::Whole(_)), "{outcome:?}");
}

#[test]
fn an_object_without_relocations_needs_nothing() {
    let outcome = minimize(&kernel(), &[&compiled("bpf/kernel.c", &[])]).unwrap();
    assert_eq!(outcome, Minimized::Nothing);
}

#[test]
fn objects_share_one_part() {
    let objects = [wanting(2), wanting(3)];
    let objects: Vec<&[u8]> = objects.iter().map(Vec::as_slice).collect();
    let Minimized::Section { bytes, .. } = minimize(&kernel(), &objects).unwrap() else {
        panic!()
    };
    let names = names(&Btf::parse(&bytes).unwrap());
    for name in ["struct flexible", "callback_t"] {
        assert!(names.contains(&name.to_owned()), "{names:?}");
    }
}

#[test]
fn a_damaged_object_ends_in_an_error_or_in_a_sound_part() {
    let kernel = kernel();
    let object = wanting(1);
    // Steps that are no multiple of the size of anything in it.
    for at in (0..object.len()).step_by(7) {
        for value in [0, 0x7f, 0xff] {
            let mut damaged = object.clone();
            damaged[at] = value;
            if let Ok(Minimized::Section { bytes, .. }) = minimize(&kernel, &[&damaged]) {
                Btf::parse(&bytes).unwrap();
            }
        }
    }
    for length in (0..object.len()).step_by(11) {
        let _ = minimize(&kernel, &[&object[..length]]); // It must return.
    }
}
