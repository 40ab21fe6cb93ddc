//! Prints how fast records are decoded: `decode_rate OBJECT.bpf.o TYPE`.

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use eunomia_btf::Btf;
use eunomia_btf::decode::{Decoder, Group, Label, Scalar, Visitor};

/// Uses every value, at the least cost.
#[derive(Default)]
struct Count(u64);

impl Visitor for Count {
    fn begin(&mut self, _label: &Label, _group: Group) {}
    fn end(&mut self, _label: &Label, _group: Group) {}
    fn scalar(&mut self, label: &Label, value: Scalar<'_>) {
        self.0 += label.index() as u64;
        black_box(value);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [path, name] = &arguments[..] else {
        return Err("usage: decode_rate OBJECT TYPE".into());
    };
    let btf = Btf::from_elf(&std::fs::read(path)?)?;
    let decoder = Decoder::for_name(&btf, name)?;
    let record = vec![b'a'; decoder.size()];
    let mut count = Count::default();
    print_rate("visitor", || decoder.decode(&record, &mut count))?;
    print_rate("tree", || decoder.value(&record).map(drop))?;
    Ok(())
}

fn print_rate(
    what: &str,
    mut decode: impl FnMut() -> eunomia_btf::Result<()>,
) -> eunomia_btf::Result<()> {
    let start = Instant::now();
    let mut records = 0_u32;
    while start.elapsed() < Duration::from_secs(1) {
        for _ in 0..1000 {
            decode()?;
        }
        records += 1000;
    }
    println!(
        "{what}: {} ns a record",
        (start.elapsed() / records).as_nanos()
    );
    Ok(())
}
