//! Prints the TypeScript types of a BPF object: `ts_types OBJECT.bpf.o [NAME]`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments
        .next()
        .ok_or("usage: ts_types OBJECT.bpf.o [NAME]")?;
    let name = arguments.next().unwrap_or_else(|| "object".to_owned());
    let btf = eunomia_btf::Btf::from_elf(&std::fs::read(path)?)?;
    let options = eunomia_btf::ts_types::Options::new(name);
    print!(
        "{}{}",
        eunomia_btf::ts_types::HEAD,
        eunomia_btf::ts_types::generate(&btf, &options)?
    );
    Ok(())
}
