//! Records to visits and values.

use eunomia_btf::decode::{Decoder, Group, Label, LeafKind, Scalar, Value, Visitor};
use eunomia_btf::{Btf, ErrorKind, TypeId};
use serde_json::json;

use crate::objects::{DUMP, LAYOUTS_BTF};
use crate::section::{INT_SIGNED, Info, Section};

/// The JSON of the value that `dump.c` prints for a struct.
fn dumped(name: &str) -> serde_json::Value {
    let decoder = Decoder::for_name(&LAYOUTS_BTF, name).unwrap();
    let value = decoder.value(&DUMP.values[name]).unwrap();
    serde_json::to_value(&value).unwrap()
}

#[test]
fn numbers_of_all_widths_keep_their_values() {
    let expected = json!({
        "a": 255, "b": -1, "c": 65535, "d": -2, "e": 4_000_000_000_u32, "f": -3,
        "g": 18_000_000_000_000_000_000_u64, "h": -4, "i": true, "j": "x", "k": 1.5, "l": -2.25,
        "m": "-1267650600228229401496703205376", "n": "170141183460469231731687303715884105729",
    });
    assert_eq!(dumped("numbers"), expected);
}

#[test]
fn members_of_anonymous_members_stand_in_their_places() {
    let expected = json!({
        "tag": 7,
        "at": { "x": -1, "y": 2 },
        "anonymous_type": { "inner_a": 3, "inner_b": 4 },
        "flat_a": 5,
        "flat_b": 6,
        "flat_word": 0x0403_0201,
        "flat_bytes": [1, 2, 3, 4],
        "path": [{ "x": 0, "y": 0 }, { "x": 0, "y": 8 }, { "x": 9, "y": 0 }],
        "grid": [[0, 0, 0], [0, 0, 10]],
    });
    assert_eq!(dumped("nested"), expected);
}

#[test]
fn bit_fields_have_their_sign_and_their_enum() {
    let expected = json!({
        "a": 1, "b": 5, "c": -7, "d": 0xab_cdef_0123_u64, "plain": 9, "e": 300,
        "kind": "EVENT_EXIT", "yes": true,
    });
    assert_eq!(dumped("flags"), expected);
}

#[test]
fn text_enums_and_pointers_are_readable() {
    let expected = json!({
        "timestamp": 123_456_789, "pid": 42, "kind": "EVENT_EXEC", "small": "SMALL_B",
        "comm": "bash", "raw": [1, 2, 3, 4, 5], "address": "0xffff888012345678", "delta": -9,
        "type": 11, "self": 12, "names": ["one", "two"],
    });
    assert_eq!(dumped("event"), expected);
    // In the order of the struct.
    let decoder = Decoder::for_name(&LAYOUTS_BTF, "event").unwrap();
    let text = serde_json::to_string(&decoder.value(&DUMP.values["event"]).unwrap()).unwrap();
    assert!(
        text.starts_with(r#"{"timestamp":123456789,"pid":42,"kind":"EVENT_EXEC""#),
        "{text}"
    );
}

#[test]
fn packed_structs_and_unions_are_read_where_they_are() {
    let packed = dumped("packed");
    assert_eq!(packed["b"], 0x0102_0304);
    assert_eq!(packed["p"]["y"], -6);
    assert_eq!(packed["address"]["v6"][15], 7);
    assert_eq!(packed["d"], 8);
    let connection = dumped("connection");
    assert_eq!(connection["source"]["v4"], 0x0100_007f);
    assert_eq!(
        connection["target"]["words"],
        json!([0, 0x1122_3344_5566_7788_u64])
    );
    assert_eq!(
        dumped("aligned"),
        json!({ "a": 1, "p": { "x": 2, "y": 0 }, "b": 3 })
    );
    assert_eq!(dumped("unnamed_t"), json!({ "id": 77, "label": "sixsix" }));
}

#[test]
fn flexible_arrays_reach_to_the_end_of_the_record() {
    assert_eq!(
        dumped("with_tail"),
        json!({ "length": 5, "code": 6, "text": "hello" })
    );
    let expected = json!({ "count": 2, "points": [{ "x": 1, "y": 0 }, { "x": 0, "y": -1 }] });
    assert_eq!(dumped("with_records"), expected);

    let decoder = Decoder::for_name(&LAYOUTS_BTF, "with_records").unwrap();
    let bytes = &DUMP.values["with_records"];
    // Half an item is none.
    let value = decoder.value(&bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(
        serde_json::to_value(&value).unwrap()["points"],
        json!([{ "x": 1, "y": 0 }])
    );
    let value = decoder.value(&bytes[..4]).unwrap();
    assert_eq!(serde_json::to_value(&value).unwrap()["points"], json!([]));
}

#[test]
fn a_short_record_names_the_first_field_that_is_cut() {
    let event = &DUMP.values["event"];
    let decoder = Decoder::for_name(&LAYOUTS_BTF, "event").unwrap();
    let error = |length| decoder.value(&event[..length]).unwrap_err();
    assert_eq!(error(10).kind(), ErrorKind::ShortRecord);
    let expected = "struct event: field \"pid\" ends at byte 12, the record has 10";
    assert_eq!(error(10).to_string(), expected);
    let expected = "struct event: field \"names[1]\" ends at byte 80, the record has 72";
    assert_eq!(error(72).to_string(), expected);
    let expected = "struct event: field \"timestamp\" ends at byte 8, the record has 0";
    assert_eq!(error(0).to_string(), expected);

    let nested = Decoder::for_name(&LAYOUTS_BTF, "nested").unwrap();
    let error = nested.value(&DUMP.values["nested"][..50]).unwrap_err();
    let expected = "struct nested: field \"path[0].y\" ends at byte 52, the record has 50";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn padding_at_the_end_may_be_missing() {
    let decoder = Decoder::for_name(&LAYOUTS_BTF, "padded").unwrap();
    let bytes = &DUMP.values["padded"];
    assert_eq!(
        decoder.value(&bytes[..25]).unwrap(),
        decoder.value(bytes).unwrap()
    );
    assert!(decoder.value(&bytes[..24]).is_err());
}

#[test]
fn numbers_without_a_name_and_bytes_that_are_no_text_are_shown() {
    let decoder = Decoder::for_name(&LAYOUTS_BTF, "event").unwrap();
    let mut event = DUMP.values["event"].clone();
    event[12] = 99;
    event[17..33].fill(0xff);
    let value = serde_json::to_value(decoder.value(&event).unwrap()).unwrap();
    assert_eq!(value["kind"], 99);
    // Not ended by a NUL, not UTF-8.
    assert_eq!(value["comm"], "\u{fffd}".repeat(16));
}

#[test]
fn visitors_see_typedefs_and_stable_indexes() {
    #[derive(Default)]
    struct Names(Vec<(String, Vec<String>, String)>);
    impl Names {
        fn add(&mut self, label: &Label) {
            let typedefs = label.typedefs().map(str::to_owned).collect();
            self.0.push((
                label.name().to_owned(),
                typedefs,
                label.type_name().to_owned(),
            ));
        }
    }
    impl Visitor for Names {
        fn begin(&mut self, label: &Label, _group: Group) {
            self.add(label);
        }
        fn end(&mut self, _label: &Label, _group: Group) {}
        fn scalar(&mut self, label: &Label, _value: Scalar<'_>) {
            self.add(label);
        }
    }
    let decoder = Decoder::for_name(&LAYOUTS_BTF, "event").unwrap();
    let mut names = Names::default();
    decoder.decode(&DUMP.values["event"], &mut names).unwrap();
    let typedefs = ["gadget_timestamp", "u64"].map(str::to_owned).to_vec();
    assert_eq!(
        names.0[0],
        (String::new(), vec![], "struct event".to_owned())
    );
    assert_eq!(
        names.0[1],
        (
            "timestamp".to_owned(),
            typedefs,
            "unsigned long long".to_owned()
        )
    );
    // Through `const` and `volatile`.
    let delta = names.0.iter().find(|(name, ..)| name == "delta").unwrap();
    assert_eq!(delta.1, ["s64"]);
    for (index, label) in decoder.labels().iter().enumerate() {
        assert_eq!(label.index(), index);
    }
    let columns: Vec<_> = decoder.columns().iter().map(|label| label.name()).collect();
    assert_eq!(columns[..3], ["timestamp", "pid", "kind"]);
}

#[test]
fn leaves_are_read_one_by_one_at_their_places() {
    let decoder = Decoder::for_name(&LAYOUTS_BTF, "nested").unwrap();
    let leaves = decoder.leaves().unwrap();
    let paths: Vec<_> = leaves.iter().map(|leaf| leaf.path()).collect();
    let expected = [
        "tag",
        "at.x",
        "at.y",
        "anonymous_type.inner_a",
        "anonymous_type.inner_b",
        "flat_a",
        "flat_b",
        "flat_word",
        "flat_bytes",
        "path",
        "grid",
    ];
    assert_eq!(paths, expected);
    let read = |path: &str| {
        let leaf = leaves.iter().find(|leaf| leaf.path() == path).unwrap();
        decoder.read(leaf, &DUMP.values["nested"])
    };
    assert_eq!(read("at.x"), Some(Scalar::Signed(-1)));
    assert_eq!(read("anonymous_type.inner_b"), Some(Scalar::Unsigned(4)));
    assert_eq!(read("flat_b"), Some(Scalar::Unsigned(6)));
    assert_eq!(read("flat_bytes"), Some(Scalar::Bytes(&[1, 2, 3, 4])));
    assert_eq!(read("path"), None);
    assert_eq!(leaves[9].kind(), LeafKind::Array);

    // Bit fields, enums with their names, and text, also in a struct in a struct.
    let decoder = Decoder::for_name(&LAYOUTS_BTF, "flags").unwrap();
    let leaves = decoder.leaves().unwrap();
    let kind = leaves.iter().find(|leaf| leaf.path() == "kind").unwrap();
    let exit = Scalar::Enum {
        number: 2,
        name: Some("EVENT_EXIT"),
    };
    assert_eq!(decoder.read(kind, &DUMP.values["flags"]), Some(exit));
    assert_eq!(kind.kind(), LeafKind::Enum);
    let names: Vec<_> = decoder.enumerators(kind).collect();
    assert_eq!(
        names,
        [(1, "EVENT_EXEC"), (2, "EVENT_EXIT"), (7, "EVENT_type")]
    );
    let decoder = Decoder::for_name(&LAYOUTS_BTF, "with_tail").unwrap();
    let leaves = decoder.leaves().unwrap();
    let text = decoder.read(&leaves[2], &DUMP.values["with_tail"]);
    assert_eq!(text, Some(Scalar::Text(b"hello")));
    assert_eq!(decoder.read(&leaves[0], &[]), None);
}

#[test]
fn types_that_are_no_structs_are_decoded_too() {
    let mut section = Section::new();
    let int = section.int("int", 4, INT_SIGNED);
    let array = section.array(int, 2);
    let names = [section.name("BIG"), section.name("NEGATIVE")];
    let tail = [names[0], 0, 1, names[1], u32::MAX, u32::MAX];
    let wide = section.add("wide", Info::of(19).flagged().count(2), 8, &tail);
    let char_type = section.int("char", 1, INT_SIGNED);
    let text = section.array(char_type, 0);
    let float = section.add("half", Info::of(16), 2, &[]);
    let btf = Btf::parse(&section.bytes()).unwrap();
    let value = |id, bytes: &[u8]| {
        Decoder::new(&btf, TypeId(id))
            .unwrap()
            .value(bytes)
            .unwrap()
    };
    assert_eq!(value(int, &[0xff; 4]), Value::Signed(-1));
    let expected = Value::Array(vec![Value::Signed(1), Value::Signed(2)]);
    assert_eq!(value(array, &[1, 0, 0, 0, 2, 0, 0, 0]), expected);
    let named = |number, name: &str| Value::Enum {
        number,
        name: Some(name.to_owned()),
    };
    assert_eq!(
        value(wide, &(1_u64 << 32).to_le_bytes()),
        named(1 << 32, "BIG")
    );
    assert_eq!(value(wide, &[0xff; 8]), named(-1, "NEGATIVE"));
    assert_eq!(
        value(text, b"any length"),
        Value::Text("any length".to_owned())
    );
    assert_eq!(value(float, &[1, 2]), Value::Bytes(vec![1, 2]));
}
