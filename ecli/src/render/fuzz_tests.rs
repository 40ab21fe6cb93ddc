//! Hostile types and hostile bytes through every renderer: no panic, and every line is what its
//! format says. Deterministic: the same mutations in every run.

use std::sync::Arc;

use eunomia_btf::{Btf, Definition};
use eunomia_runtime::output::{Hints, Layout, OutputSink as _, Table};

use super::btf_tests::section;
use super::tests::{Screen, batch};
use super::*;

/// Mutations of the types; each is shown in every format.
const ROUNDS: usize = 400;

/// A linear congruential generator.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % bound
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.below(256) as u8).collect()
    }
}

/// Hints of every kind on every field.
fn hints(random: &mut Random, btf: &Btf) -> std::collections::BTreeMap<String, Hints> {
    use eunomia_runtime::output::Format as Shown;
    let mut hints = std::collections::BTreeMap::new();
    for path in ["pid", "comm", "kind", "at.x", "at.y", "trail"] {
        let format = Shown::ALL[random.below(Shown::ALL.len())].name();
        let mut own = Hints::from([("format".to_owned(), format.to_owned())]);
        if random.below(3) == 0 {
            own.insert("histogram".to_owned(), "log2".to_owned());
        }
        if random.below(4) == 0 {
            own.insert("json".to_owned(), "both".to_owned());
        }
        own.insert("family".to_owned(), "pid".to_owned());
        own.insert("pid".to_owned(), "kind".to_owned());
        hints.insert(path.to_owned(), own);
    }
    assert!(btf.type_count() > 0);
    hints
}

#[test]
fn hostile_types_and_bytes_break_no_format() {
    let whole = section();
    let mut random = Random(7);
    let (mut tables, mut rows) = (0, 0);
    for _ in 0..ROUNDS {
        let mut bytes = whole.clone();
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        let Ok(btf) = Btf::parse(&bytes) else {
            continue;
        };
        let btf = Arc::new(btf);
        let is_struct =
            |definition| matches!(definition, Definition::Struct(_) | Definition::Union(_));
        let types: Vec<_> = btf
            .types()
            .filter(|ty| is_struct(ty.definition()))
            .map(|ty| ty.id())
            .collect();
        for type_id in types {
            let Ok(size) = btf.size_of(type_id) else {
                continue;
            };
            let table = Arc::new(Table {
                name: "hostile".into(),
                layout: Layout::Btf {
                    btf: Arc::clone(&btf),
                    type_id,
                    size: size as usize,
                },
                hints: Hints::new(),
                field_hints: hints(&mut random, &btf),
            });
            tables += 1;
            let length = (size as usize).min(4096) + random.below(9);
            let payload = random.bytes(length);
            rows += show_everywhere(&table, payload);
        }
    }
    assert!(tables > ROUNDS / 4, "{tables} tables");
    assert!(rows > ROUNDS / 4, "{rows} rows");
}

/// Shows a row in all formats; in how many it was shown.
fn show_everywhere(table: &Arc<Table>, payload: Vec<u8>) -> usize {
    let mut shown = 0;
    for format in Format::value_variants() {
        let screen = Screen::default();
        let mut sink = screen.rows(*format);
        let outcome = sink.rows(table, &batch(std::slice::from_ref(&payload)));
        if sink.report().finish().is_err() || outcome.is_err() {
            continue;
        }
        shown += 1;
        let text = screen.text();
        let is_control =
            |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\u{80}'..='\u{9f}');
        assert!(!text.contains(is_control), "{format:?}: {text:?}");
        match format {
            Format::Json => {
                let parse = |line| serde_json::from_str::<serde_json::Value>(line).unwrap();
                let values: Vec<_> = text.lines().map(parse).collect();
                assert_eq!(values.len(), 2, "{text}");
            }
            Format::Jsonpretty => {
                let values = serde_json::Deserializer::from_str(&text);
                let values = values.into_iter::<serde_json::Value>();
                let values: Vec<_> = values.map(Result::unwrap).collect();
                assert_eq!(values.len(), 2, "{text}");
            }
            Format::Csv => assert_eq!(text.matches("\r\n").count(), 2, "{text:?}"),
            Format::Yaml => assert!(text.ends_with("---\nlost: 0\n"), "{text}"),
            Format::Columns | Format::None => {}
        }
    }
    shown
}
