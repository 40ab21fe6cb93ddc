//! Types, names, sizes and members.

use eunomia_btf::decode::Decoder;
use eunomia_btf::{Btf, Definition, ErrorKind, Kind, Linkage, Place, TypeId};

use crate::objects::{DUMP, LAYOUTS, LAYOUTS_BTF};
use crate::section::{INT_SIGNED, Info, Section};

#[test]
fn sizes_and_offsets_are_those_of_a_c_compiler() {
    let btf = &*LAYOUTS_BTF;
    for (name, bytes) in DUMP
        .values
        .iter()
        .filter(|(name, _)| !name.starts_with("with_"))
    {
        let ty = btf.find_data(name).unwrap();
        assert_eq!(
            btf.size_of(ty.id()).unwrap() as usize,
            bytes.len(),
            "{name}"
        );
    }
    for (name, member_name, offset) in &DUMP.offsets {
        let ty = btf.find(name, Kind::Struct).unwrap();
        let Definition::Struct(composite) = ty.definition() else {
            panic!("{name}")
        };
        let place = composite
            .members()
            .map(Result::unwrap)
            .find(|m| m.name == member_name);
        match place.map(|member| member.place) {
            Some(place) => assert_eq!(place, Place::Byte { offset: *offset }, "{member_name}"),
            // It is a member of an anonymous struct; the decoder's tests cover these.
            None => assert!(member_name.starts_with("flat_"), "{name}.{member_name}"),
        }
    }
}

#[test]
fn alignments_are_those_of_a_c_compiler() {
    let btf = &*LAYOUTS_BTF;
    let align = |name| btf.align_of(btf.find_data(name).unwrap().id()).unwrap();
    assert_eq!(align("padded"), 8);
    assert_eq!(align("numbers"), 16);
    assert_eq!(align("point"), 4);
    assert_eq!(align("packed"), 1);
    assert_eq!(align("address"), 8);
    assert_eq!(align("small_kind"), 1);
}

#[test]
fn bit_fields_have_their_bits() {
    let btf = &*LAYOUTS_BTF;
    let ty = btf.find("flags", Kind::Struct).unwrap();
    let Definition::Struct(composite) = ty.definition() else {
        panic!()
    };
    let bits: Vec<_> = composite
        .members()
        .map(Result::unwrap)
        .filter_map(|member| match member.place {
            Place::Bits(bits) => Some((member.name, bits.offset, bits.size)),
            Place::Byte { .. } => None,
        })
        .collect();
    // clang 14 does not record the unnamed one; others may.
    let named: Vec<_> = bits
        .into_iter()
        .filter(|(name, ..)| !name.is_empty())
        .collect();
    let expected = [
        ("a", 0, 1),
        ("b", 1, 3),
        ("c", 4, 5),
        ("d", 13, 40),
        ("e", 64, 9),
        ("kind", 73, 4),
        ("yes", 77, 1),
    ];
    assert_eq!(named, expected);
}

#[test]
fn bit_fields_of_old_compilers_are_found_in_their_integers() {
    let mut section = Section::new();
    let narrow = section.add("unsigned int", Info::of(1), 4, &[2 << 16 | 3]);
    let id = section.structure("old", 4, &[("field", narrow, 8)]);
    let btf = Btf::parse(&section.bytes()).unwrap();
    let Definition::Struct(composite) = btf.get(TypeId(id)).unwrap().definition() else {
        panic!()
    };
    let member = composite.members().next().unwrap().unwrap();
    let Place::Bits(bits) = member.place else {
        panic!("{member:?}")
    };
    assert_eq!((bits.offset, bits.size), (10, 3));
}

#[test]
fn every_kind_is_read() {
    let mut section = Section::new();
    let int = section.int("int", 4, INT_SIGNED);
    section.pointer(int);
    section.array(int, 3);
    section.structure("s", 4, &[("a", int, 0)]);
    section.union("u", 4, &[("a", int, 0)]);
    let names = [section.name("A"), section.name("B")];
    section.add(
        "e",
        Info::of(6).flagged().count(2),
        4,
        &[names[0], 1, names[1], u32::MAX],
    );
    section.add("f", Info::of(7), 0, &[]);
    section.typedef("t", int);
    section.add("", Info::of(9), int, &[]);
    section.add("", Info::of(10), int, &[]);
    section.add("", Info::of(11), int, &[]);
    let parameter = section.name("parameter");
    let prototype = section.add("", Info::of(13).count(1), int, &[parameter, int]);
    section.add("function", Info::of(12), prototype, &[]);
    let variable = section.variable("variable", int);
    section.data_section(".data", &[variable]);
    section.add("double", Info::of(16), 8, &[]);
    section.add("decl", Info::of(17), int, &[u32::MAX]);
    section.add("tag", Info::of(18), int, &[]);
    let tail = [names[0], 1, 0, names[1], u32::MAX, u32::MAX];
    section.add("e64", Info::of(19).count(2), 8, &tail);
    let btf = Btf::parse(&section.bytes()).unwrap();

    let kinds: Vec<_> = btf.types().map(|ty| ty.kind()).collect();
    assert_eq!(kinds.len(), 19);
    let mut sorted: Vec<_> = kinds.iter().map(|kind| *kind as u32).collect();
    sorted.sort_unstable();
    assert_eq!(sorted, (1..20).collect::<Vec<_>>());
    let values = |name, kind| match btf.find(name, kind).unwrap().definition() {
        Definition::Enum(e) => e
            .enumerators()
            .map(|e| (e.name, e.value))
            .collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(values("e", Kind::Enum), [("A", 1), ("B", -1)]);
    assert_eq!(
        values("e64", Kind::Enum64),
        [("A", 1), ("B", i128::from(u64::MAX))]
    );
    let Definition::Variable(variable) = btf.find("variable", Kind::Variable).unwrap().definition()
    else {
        panic!()
    };
    assert_eq!(
        (variable.ty, variable.linkage),
        (TypeId(int), Linkage::Global)
    );
    let Definition::FunctionPrototype(prototype) = btf.get(TypeId(prototype)).unwrap().definition()
    else {
        panic!()
    };
    assert_eq!(
        prototype.parameters().collect::<Vec<_>>(),
        [("parameter", TypeId(int))]
    );
}

#[test]
fn a_type_that_is_missing_is_named_in_the_error() {
    let btf = &*LAYOUTS_BTF;
    let error = btf.find("nothing", Kind::Struct).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(
        error.to_string(),
        "struct \"nothing\": no such type in the BTF"
    );
    assert_eq!(
        btf.ty(TypeId(u32::MAX)).unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn an_object_is_read_at_any_address() {
    let mut shifted = vec![0];
    shifted.extend(&*LAYOUTS);
    let btf = Btf::from_elf(&shifted[1..]).unwrap();
    assert_eq!(btf.type_count(), LAYOUTS_BTF.type_count());
}

#[test]
fn the_other_byte_order_and_other_files_are_refused_with_a_reason() {
    let mut bytes = Section::new().bytes();
    bytes.swap(0, 1);
    let error = Btf::parse(&bytes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("big-endian"), "{error}");
    assert_eq!(Btf::parse(b"").unwrap_err().kind(), ErrorKind::Malformed);
    assert_eq!(
        Btf::from_elf(b"#!/bin/sh\n").unwrap_err().kind(),
        ErrorKind::Malformed
    );
    let own_program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    assert_eq!(
        Btf::from_elf(&own_program).unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn the_types_of_the_running_kernel_are_read_and_can_be_decoded() {
    let path = "/sys/kernel/btf/vmlinux";
    let section = std::fs::read(path)
        .unwrap_or_else(|error| panic!("this test needs a kernel with BTF: {path}: {error}"));
    let btf = Btf::parse(&section).unwrap();
    let mut decoded = 0;
    for ty in btf.types() {
        if let Definition::Struct(composite) | Definition::Union(composite) = ty.definition() {
            for member in composite.members() {
                member.unwrap();
            }
            let decoder = Decoder::new(&btf, ty.id()).unwrap();
            assert!(decoder.size() == composite.size as usize);
            decoder.value(&vec![0; decoder.size()]).unwrap();
            btf.align_of(ty.id()).unwrap();
            decoded += 1;
        }
    }
    assert!(decoded > 1000, "{decoded}");
    let task = btf.find("task_struct", Kind::Struct).unwrap();
    assert!(btf.size_of(task.id()).unwrap() > 1000);
}

#[test]
fn declarations_read_like_c() {
    let btf = &*LAYOUTS_BTF;
    let declaration = |name| btf.declaration(btf.find_data(name).unwrap().id()).unwrap();
    let expected = "\
struct nested {
    u16 tag; /* 0 */
    struct point at; /* 4 */
    struct {
        u8 inner_a; /* 0 */
        u32 inner_b; /* 4 */
    } anonymous_type; /* 12 */
    struct {
        u16 flat_a; /* 0 */
        u64 flat_b; /* 8 */
    }; /* 24 */
    union {
        u32 flat_word; /* 0 */
        u8 flat_bytes[4]; /* 0 */
    }; /* 40 */
    struct point path[3]; /* 44 */
    u32 grid[2][3]; /* 68 */
};";
    assert_eq!(declaration("nested"), expected);
    assert!(declaration("event").contains("\n    void *address; /* 40 */\n"));
    assert!(declaration("event").contains("volatile s64 delta;"));
    assert!(declaration("flags").contains("\n    s32 c : 5; /* bit 4 */\n"));
    assert!(declaration("event_kind").contains("\n    EVENT_EXIT = 2,\n"));
    assert_eq!(declaration("s64"), "typedef long long s64;");

    let mut section = Section::new();
    let int = section.int("int", 4, INT_SIGNED);
    let constant = section.add("", Info::of(10), int, &[]);
    let pointer = section.pointer(constant);
    let constant_pointer = section.add("", Info::of(10), pointer, &[]);
    let prototype = section.add("", Info::of(13), int, &[]);
    let function = section.pointer(prototype);
    let array = section.array(function, 2);
    let btf = Btf::parse(&section.bytes()).unwrap();
    let declaration = |id| btf.declaration(TypeId(id)).unwrap();
    assert_eq!(declaration(constant_pointer), "const int *const x;");
    assert_eq!(declaration(array), "int (*x[2])();");
}
