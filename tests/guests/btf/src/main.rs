//! Describes the types of its object.

use std::collections::BTreeMap;
use std::process::ExitCode;

use eunomia_bpf::btf::{Btf, IntEncoding, TypeDescription, TypeId, TypeKind};
use eunomia_bpf::{Error, Object, Result};

fn main() -> ExitCode {
    eunomia_bpf::run(case)
}

fn case() -> Result<()> {
    let object = Object::open_default()?;
    let btf = object.btf()?;
    println!("types: {}", btf.count() > 10);
    let everything = find(&btf, "struct everything")?;
    println!(
        "without a kind: {}",
        btf.find("everything") == Some(everything)
    );
    println!("of another kind: {:?}", btf.find("union everything"));
    println!("void: {:?}", btf.describe(0)?.kind);
    let beyond = btf.describe(btf.count()).map(drop);
    println!(
        "beyond the last: {:?}",
        beyond.map_err(|error| error.code())
    );

    let closure = btf.closure(everything)?;
    println!(
        "the type itself first: {}",
        closure.first().is_some_and(|it| it.id == everything)
    );
    let names: BTreeMap<_, _> = closure.iter().map(|it| (it.id, name(it))).collect();
    for description in &closure {
        show(description, &names);
    }
    let described = btf.describe(everything)?;
    println!("the same alone: {} {}", described.name, described.size);
    for name in ["enum color", "struct color", "on_exec"] {
        match btf.find(name) {
            Some(id) => show(&btf.describe(id)?, &names),
            None => println!("no {name}"),
        }
    }
    let object = object.load()?;
    println!("after load: {}", object.btf()?.count() == btf.count());
    Ok(())
}

fn find(btf: &Btf, name: &str) -> Result<TypeId> {
    btf.find(name)
        .ok_or_else(|| Error::other(format!("{name} is missing")))
}

fn name(description: &TypeDescription) -> String {
    match description.name.as_str() {
        "" => "(anonymous)".into(),
        name => name.into(),
    }
}

/// Names in place of numbers, which differ between compilers.
fn show(description: &TypeDescription, names: &BTreeMap<TypeId, String>) {
    let to = |id: &TypeId| names.get(id).cloned().unwrap_or("(not in it)".into());
    print!("{}, {} bytes: ", name(description), description.size);
    match &description.kind {
        TypeKind::Int(int) => {
            let signed = int.encoding.contains(IntEncoding::SIGNED);
            let boolean = int.encoding.contains(IntEncoding::BOOLEAN);
            println!(
                "int of {} bits, signed {signed}, boolean {boolean}",
                int.bits
            );
        }
        TypeKind::Struct(members) | TypeKind::Union(members) => {
            println!("struct or union");
            for member in members {
                print!(
                    "  {} at bit {}: {}",
                    member.name,
                    member.bit_offset,
                    to(&member.type_)
                );
                match member.bit_width {
                    0 => println!(),
                    width => println!(", {width} bits"),
                }
            }
        }
        TypeKind::Array(array) => println!("array of {} {}", array.length, to(&array.element)),
        TypeKind::Enumeration(it) => {
            print!("enum, signed {}:", it.signed);
            for enumerator in &it.enumerators {
                print!(" {}={}", enumerator.name, enumerator.value);
            }
            println!();
        }
        TypeKind::Pointer(id) => println!("pointer to {}", to(id)),
        TypeKind::Typedef(id) => println!("typedef of {}", to(id)),
        TypeKind::Volatile(id) => println!("volatile {}", to(id)),
        TypeKind::Const(id) => println!("const {}", to(id)),
        TypeKind::Function(function) => println!("function, linkage {}", function.linkage),
        TypeKind::Float => println!("float"),
        other => println!("{other:?}"),
    }
}
