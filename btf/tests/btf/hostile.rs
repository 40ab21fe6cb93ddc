//! Bytes that nobody honest makes: no panic, no endless loop, no memory without bound.

use std::collections::HashSet;

use eunomia_btf::decode::{Decoder, LEAVES_MAX, LeafKind};
use eunomia_btf::rust_types::{Options, generate};
use eunomia_btf::{Btf, Definition, Error, ErrorKind, TypeId};

use crate::objects::{DUMP, LAYOUTS};
use crate::section::{INT_SIGNED, Info, Section};

/// Does everything that this crate can do with a section.
fn exercise(section: &[u8]) {
    let Ok(btf) = Btf::parse(section) else { return };
    let record = [0x5a; 256];
    for ty in btf.types() {
        let _ = format!("{ty} {ty:?} {:?}", ty.definition());
        let _ = btf.size_of(ty.id());
        let _ = btf.align_of(ty.id());
        let _ = btf.declaration(ty.id());
        if let Definition::Struct(composite) | Definition::Union(composite) = ty.definition() {
            composite.members().for_each(drop);
        }
        if let Ok(decoder) = Decoder::new(&btf, ty.id()) {
            let _ = decoder
                .value(&record)
                .map(|value| serde_json::to_string(&value).unwrap());
            let _ = decoder.value(&[]);
            exercise_leaves(&decoder, &record);
        }
    }
    let _ = generate(&btf, &Options::new("hostile"));
}

/// Reads the values of a record one by one: those that are there are those that decoding visits.
fn exercise_leaves(decoder: &Decoder, record: &[u8]) {
    let Ok(leaves) = decoder.leaves() else { return };
    let is_complete = decoder.check(record).is_ok();
    for leaf in &leaves {
        let _ = decoder.enumerators(leaf).count();
        let _ = decoder.label_of(leaf).typedefs().count();
        let scalar = decoder.read(leaf, record);
        if leaf.kind() == LeafKind::Array {
            assert!(scalar.is_none(), "{}", leaf.path());
        } else if is_complete {
            assert!(scalar.is_some(), "{}", leaf.path());
        }
        let _ = decoder.read(leaf, &[]);
    }
}

/// The `.BTF` section of the object that the tests compile.
fn real_section() -> Vec<u8> {
    let magic = [0x9f, 0xeb, 1, 0, 24, 0, 0, 0];
    let object = &*LAYOUTS;
    let start = object.windows(8).position(|bytes| bytes == magic).unwrap();
    let word = |at: usize| {
        u32::from_le_bytes(object[start + at..start + at + 4].try_into().unwrap()) as usize
    };
    object[start..start + 24 + word(16) + word(20)].to_vec()
}

/// The error of everything that needs a layout of the first struct called `name`.
fn layout_errors(section: &Section, name: &str) -> Vec<Error> {
    let btf = Btf::parse(&section.bytes()).unwrap();
    let id = btf.find_data(name).unwrap().id();
    let mut options = Options::new("hostile");
    options.types.push(name.to_owned());
    [
        btf.align_of(id).err(),
        Decoder::new(&btf, id).err(),
        generate(&btf, &options).err(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn a_section_cut_anywhere_is_refused() {
    let section = real_section();
    assert!(Btf::parse(&section).is_ok());
    for length in 0..section.len() {
        assert!(Btf::parse(&section[..length]).is_err(), "cut at {length}");
    }
}

#[test]
fn an_object_cut_anywhere_does_no_harm() {
    for length in (0..LAYOUTS.len()).step_by(7) {
        if let Ok(btf) = Btf::from_elf(&LAYOUTS[..length]) {
            assert!(btf.type_count() > 1);
        }
    }
}

#[test]
fn every_byte_may_have_any_other_value() {
    let section = real_section();
    let strings_start = section.len() - 2000;
    let mut outcomes = HashSet::new();
    for at in 0..section.len() {
        // All bytes of the types; of the names, some.
        if at > strings_start && at % 16 != 0 {
            continue;
        }
        for flip in [0x01, 0x80, 0xff] {
            let mut broken = section.clone();
            broken[at] ^= flip;
            exercise(&broken);
            outcomes.insert(Btf::parse(&broken).map_err(|error| error.kind()).is_ok());
        }
    }
    assert_eq!(
        outcomes.len(),
        2,
        "some variants are refused, others are read"
    );
}

/// Several bits at a time, and records of any bytes: the same ones in every run.
#[test]
fn any_damage_and_any_bytes_are_survived() {
    let section = real_section();
    // A linear congruential generator.
    let mut state: u64 = 0x2545_f491_4f6c_dd1d;
    let mut below = |bound: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % bound
    };
    let mut parsed = 0;
    for _ in 0..1000 {
        let mut broken = section.clone();
        for _ in 0..=below(4) {
            let at = below(broken.len());
            // Words of types are often small numbers: so are the hostile ones.
            broken[at] = [below(256) as u8, 0, 1, 0xff][below(4)];
        }
        let Ok(btf) = Btf::parse(&broken) else {
            continue;
        };
        parsed += 1;
        let record: Vec<u8> = (0..below(200)).map(|_| below(256) as u8).collect();
        for ty in btf.types() {
            if let Ok(decoder) = Decoder::new(&btf, ty.id()) {
                let _ = decoder.value(&record);
                exercise_leaves(&decoder, &record);
            }
        }
    }
    assert!(parsed > 50, "{parsed} of 1000 were parsed");
}

#[test]
fn names_and_numbers_beyond_the_end_are_refused() {
    let mut section = Section::new();
    let int = section.int("int", 4, INT_SIGNED);
    section.structure("s", 4, &[("a", int + 2, 0)]);
    let error = Btf::parse(&section.bytes()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "type 2: it refers to type 3, there are only 3"
    );

    let mut section = Section::new();
    section.int("int", 4, INT_SIGNED);
    let mut bytes = section.bytes();
    bytes[24] = 200;
    let error = Btf::parse(&bytes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "type 1: a name at 200 of the BTF string part, which has 5 bytes"
    );
    bytes[24] = 1;
    *bytes.last_mut().unwrap() = b'x';
    assert_eq!(Btf::parse(&bytes).unwrap_err().kind(), ErrorKind::Malformed);
}

#[test]
fn a_name_in_the_middle_of_a_character_is_refused() {
    let mut section = Section::new();
    section.int("é", 4, INT_SIGNED);
    let mut bytes = section.bytes();
    assert!(Btf::parse(&bytes).is_ok());
    bytes[24] = 2;
    assert_eq!(Btf::parse(&bytes).unwrap_err().kind(), ErrorKind::Malformed);
}

#[test]
fn long_names_are_refused_but_other_long_strings_are_not() {
    let mut section = Section::new();
    let source_line = section.name(&"long ".repeat(1000));
    section.int("int", 4, INT_SIGNED);
    let mut bytes = section.bytes();
    assert!(Btf::parse(&bytes).is_ok());
    bytes[24..28].copy_from_slice(&source_line.to_le_bytes());
    assert_eq!(Btf::parse(&bytes).unwrap_err().kind(), ErrorKind::TooLarge);
}

#[test]
fn unknown_kinds_and_versions_are_unsupported() {
    let mut section = Section::new();
    section.add("new", Info::of(20), 0, &[]);
    let error = Btf::parse(&section.bytes()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.to_string(), "type 1: BTF kind 20 is unknown");
    let mut bytes = Section::new().bytes();
    bytes[2] = 2;
    assert_eq!(
        Btf::parse(&bytes).unwrap_err().kind(),
        ErrorKind::Unsupported
    );
}

#[test]
fn circles_end_in_errors() {
    let mut typedefs = Section::new();
    typedefs.typedef("a", 2);
    typedefs.typedef("b", 1);
    typedefs.structure("s", 8, &[("loop", 1, 0)]);
    let errors = layout_errors(&typedefs, "s");
    assert_eq!(errors.len(), 3, "{errors:?}");

    let mut arrays = Section::new();
    arrays.array(1, 1);
    arrays.structure("s", 8, &[("loop", 1, 0)]);
    assert_eq!(layout_errors(&arrays, "s").len(), 3);

    let mut structs = Section::new();
    structs.structure("s", 8, &[("itself", 1, 0)]);
    assert_eq!(layout_errors(&structs, "s").len(), 3);

    let mut anonymous = Section::new();
    anonymous.structure("s", 8, &[("", 2, 0)]);
    anonymous.union("", 8, &[("", 1, 0)]);
    assert_eq!(layout_errors(&anonymous, "s").len(), 3);

    let mut through_array = Section::new();
    through_array.structure("s", 8, &[("itself", 2, 0)]);
    through_array.array(1, 1);
    assert_eq!(layout_errors(&through_array, "s").len(), 3);

    // A pointer to oneself is no circle.
    let mut list = Section::new();
    list.structure("s", 8, &[("next", 2, 0)]);
    list.pointer(1);
    assert_eq!(layout_errors(&list, "s"), []);
}

#[test]
fn types_that_multiply_are_refused_in_time() {
    // Each struct holds the one before it twice: 2^40 members in the end, all of them empty.
    for name in ["a", ""] {
        let mut section = Section::new();
        let mut inner = section.structure("s0", 0, &[]);
        for level in 1..31 {
            let second = if name.is_empty() { "" } else { "b" };
            let members = [(name, inner, 0), (second, inner, 0)];
            inner = section.structure(&format!("s{level}"), 0, &members);
        }
        let _ = layout_errors(&section, "s30");
        exercise(&section.bytes());
    }
    // The same with a byte in each, all in one place.
    let mut section = Section::new();
    let byte = section.int("unsigned char", 1, 0);
    let mut inner = section.union("u0", 1, &[("byte", byte, 0)]);
    for level in 1..31 {
        inner = section.union(&format!("u{level}"), 1, &[("a", inner, 0), ("b", inner, 0)]);
    }
    let btf = Btf::parse(&section.bytes()).unwrap();
    let error = Decoder::new(&btf, TypeId(inner)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    exercise(&section.bytes());
    // Fewer levels can be decoded, but nobody wants so many columns.
    let wide = (0..30).map(|level| Decoder::for_name(&btf, &format!("u{level}")));
    let leaves = wide
        .flatten()
        .map(|decoder| decoder.leaves().map(|leaves| leaves.len()));
    let leaves: Vec<_> = leaves.collect();
    assert!(leaves.iter().flatten().all(|count| *count <= LEAVES_MAX));
    let error = leaves.into_iter().find_map(Result::err).unwrap();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[test]
fn many_equal_names_take_no_quadratic_time() {
    let mut section = Section::new();
    let int = section.int("int", 4, INT_SIGNED);
    let members: Vec<_> = (0..15_000).map(|index| ("same", int, index * 32)).collect();
    section.structure("s", 60_000, &members);
    let variables: Vec<_> = (0..60_000).map(|_| section.variable("same", int)).collect();
    section.data_section(".bss", &variables);
    assert_eq!(layout_errors(&section, "s"), []);
}

#[test]
fn huge_arrays_and_structs_are_refused() {
    let mut section = Section::new();
    let int = section.int("int", 4, INT_SIGNED);
    let huge = section.array(int, u32::MAX);
    let huger = section.array(huge, u32::MAX);
    section.structure("s", u32::MAX, &[("items", huge, 0)]);
    section.structure("t", u32::MAX, &[("items", huger, 0)]);
    let btf = Btf::parse(&section.bytes()).unwrap();
    assert_eq!(
        btf.size_of(TypeId(huge)).unwrap_err().kind(),
        ErrorKind::TooLarge
    );
    assert_eq!(
        btf.size_of(TypeId(huger)).unwrap_err().kind(),
        ErrorKind::TooLarge
    );
    for name in ["s", "t"] {
        let errors = layout_errors(&section, name);
        let kinds: Vec<_> = errors.iter().map(Error::kind).collect();
        assert_eq!(kinds, [ErrorKind::TooLarge; 2], "{errors:?}");
    }
}

#[test]
fn a_flexible_array_of_costly_items_is_bounded_by_the_record() {
    let mut section = Section::new();
    let byte = section.int("unsigned char", 1, 0);
    let members: Vec<_> = (0..2000).map(|_| ("byte", byte, 0)).collect();
    let item = section.union("item", 1, &members);
    let items = section.array(item, 0);
    let id = section.structure("s", 0, &[("items", items, 0)]);
    let btf = Btf::parse(&section.bytes()).unwrap();
    let decoder = Decoder::new(&btf, TypeId(id)).unwrap();
    assert!(decoder.value(&[0; 100]).is_ok());
    let error = decoder.value(&[0; 10_000]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains("\"items\""), "{error}");
}

#[test]
fn members_outside_of_their_struct_are_refused() {
    let mut section = Section::new();
    let int = section.int("int", 4, INT_SIGNED);
    section.structure("behind", 4, &[("a", int, 0), ("b", int, 32)]);
    section.structure("far", 4, &[("a", int, 320)]);
    section.structure("between", 4, &[("a", int, 3)]);
    for name in ["behind", "far", "between"] {
        let kinds: Vec<_> = layout_errors(&section, name)
            .iter()
            .map(Error::kind)
            .collect();
        assert!(kinds.len() >= 2, "{name}: {kinds:?}");
        assert!(
            kinds.iter().all(|kind| *kind == ErrorKind::Malformed),
            "{name}: {kinds:?}"
        );
    }
    let mut bits = Section::new();
    let int = bits.int("int", 4, INT_SIGNED);
    let field = bits.name("field");
    bits.add(
        "s",
        Info::of(4).flagged().count(1),
        4,
        &[field, int, 5 << 24 | 30],
    );
    assert!(layout_errors(&bits, "s").len() >= 2);
}

#[test]
fn maps_that_make_no_sense_are_named() {
    let mut section = Section::new();
    let int = section.int("int", 4, INT_SIGNED);
    let definition = section.structure("", 8, &[("key", int, 0)]);
    let map = section.variable("odd", definition);
    section.data_section(".maps", &[map]);
    let btf = Btf::parse(&section.bytes()).unwrap();
    let error = generate(&btf, &Options::new("x")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "map \"odd\": its key or value is not given as a pointer to a type"
    );
}

#[test]
fn records_of_any_length_do_no_harm() {
    let btf = &*crate::objects::LAYOUTS_BTF;
    for (name, bytes) in &DUMP.values {
        let decoder = Decoder::for_name(btf, name).unwrap();
        for length in 0..bytes.len() {
            let _ = decoder.value(&bytes[..length]);
        }
        let _ = decoder.value(&[0xff; 4096]).unwrap();
    }
}
