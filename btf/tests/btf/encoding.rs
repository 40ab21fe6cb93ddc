//! Literals to bytes.

use eunomia_btf::decode::Decoder;
use eunomia_btf::encode::Literal;
use eunomia_btf::{Btf, ErrorKind};
use serde_json::json;

use crate::objects::{DUMP, LAYOUTS_BTF};

fn encode(name: &str, literal: serde_json::Value) -> eunomia_btf::Result<Vec<u8>> {
    let literal: Literal = serde_json::from_value(literal).unwrap();
    let btf: &Btf = &LAYOUTS_BTF;
    btf.encode(btf.find_data(name)?.id(), &literal)
}

/// The message of the error, which must be a wrong value.
fn refusal(name: &str, literal: serde_json::Value) -> String {
    let error = encode(name, literal).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongValue, "{error}");
    error.to_string()
}

#[test]
fn what_decoding_shows_is_encoded_to_the_same_bytes() {
    for name in [
        "padded",
        "numbers",
        "nested",
        "flags",
        "event",
        "connection",
        "packed",
        "aligned",
        "with_tail",
        "with_records",
    ] {
        let bytes = &DUMP.values[name];
        let shown = Decoder::for_name(&LAYOUTS_BTF, name)
            .unwrap()
            .value(bytes)
            .unwrap();
        let encoded = encode(name, serde_json::to_value(&shown).unwrap()).unwrap();
        let again = Decoder::for_name(&LAYOUTS_BTF, name)
            .unwrap()
            .value(&encoded)
            .unwrap();
        assert_eq!(again, shown, "{name}");
        // What follows the last item of a flexible array is padding, which is not shown.
        assert_eq!(encoded[..], bytes[..encoded.len()], "{name}");
    }
}

#[test]
fn what_is_left_out_is_zero_and_numbers_may_be_text() {
    let bytes = encode("numbers", json!({ "g": "0xffffffffffffffff", "b": "-1" })).unwrap();
    let expected = encode("numbers", json!({ "g": u64::MAX, "b": -1 })).unwrap();
    assert_eq!(bytes, expected);
    assert_eq!(bytes.iter().filter(|byte| **byte != 0).count(), 9);
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let message = refusal("numbers", json!({ "a": 256 }));
    assert!(
        message.contains("\"a\": 256 is not a value of 8 bits"),
        "{message}"
    );
    let message = refusal("numbers", json!({ "c": -1 }));
    assert!(message.contains("member \"c\""), "{message}");
    let message = refusal("event", json!({ "kind": "EVENT_NONE" }));
    assert!(message.contains("\"EVENT_NONE\""), "{message}");
    let message = refusal("event", json!({ "comm": "a name of more than 16 bytes" }));
    assert!(message.contains("do not fit in 16"), "{message}");
    let message = refusal("event", json!({ "nothing": 1 }));
    assert!(
        message.contains("struct event has no such member"),
        "{message}"
    );
    let message = refusal("nested", json!({ "at": 1 }));
    assert!(message.contains("struct point"), "{message}");
    let message = refusal("flags", json!({ "b": 8 }));
    assert!(message.contains("3 bits"), "{message}");
    refusal("nested", json!({ "path": [{}, {}, {}, {}] }));
}
