//! Prints the Python types of a BPF object: `python_types OBJECT.bpf.o [NAME]`.

use std::error::Error;

use eunomia_btf::python_types::{Options, generate};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments
        .next()
        .ok_or("usage: python_types OBJECT.bpf.o [NAME]")?;
    let name = arguments.next().unwrap_or_else(|| "object".to_owned());
    let btf = eunomia_btf::Btf::from_elf(&std::fs::read(path)?)?;
    print!("{}", generate(&btf, &Options::new(name))?);
    Ok(())
}
