//! Enums: newtypes, so that values without a name are values too.

use std::collections::HashSet;

use crate::records::model::{EnumConstant, Item};
use crate::source::Source;

/// Emits an enum and its traits.
pub(super) fn emit(source: &mut Source, item: &Item, repr: &str, enumerators: &[EnumConstant]) {
    let Item { name, size, .. } = item;
    source.line(format!(
        "/// `{}`: any `{repr}`, some of which have names.",
        item.shown
    ));
    source.line("#[repr(transparent)]");
    source.line("#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]");
    source.line(format!("pub struct {name}(pub {repr});"));
    source.line(format!(
        "const _: () = assert!(::core::mem::size_of::<{name}>() == {size});"
    ));
    source.block(format!("impl {name}"), |source| {
        for EnumConstant { name, value, .. } in enumerators {
            source.line(format!("pub const {name}: Self = Self({value});"));
        }
        source.line("/// The C name of the value, if it has one.");
        source.block(
            "pub const fn name(self) -> ::core::option::Option<&'static str>",
            |source| {
                source.block("::core::option::Option::Some(match self.0", |source| {
                    let mut seen = HashSet::new();
                    for EnumConstant { c_name, value, .. } in enumerators {
                        if seen.insert(value) {
                            source.line(format!("{value} => \"{c_name}\","));
                        }
                    }
                    source.line("_ => return ::core::option::Option::None,");
                });
                source.line(")");
            },
        );
    });
    shown(source, item);
    source.block(format!("impl ::eunomia_bpf::Record for {name}"), |source| {
        source.line(format!("const SIZE: usize = {size};"));
        source.line("const ZERO: Self = Self(0);");
        source.line("type Ref<'a> = Self;");
        source.line("#[inline]");
        source.block(
            "fn write_to(&self, out: &mut [u8]) -> ::core::option::Option<()>",
            |source| source.line("::eunomia_bpf::Record::write_to(&self.0, out)"),
        );
    });
    source.block(
        format!("impl<'a> ::eunomia_bpf::RecordRef<'a> for {name}"),
        |source| {
            source.line("type Record = Self;");
            source.line("#[inline]");
            source.block(
                "fn new(bytes: &'a [u8]) -> ::core::option::Option<Self>",
                |source| {
                    source.line(format!(
                        "<{repr} as ::eunomia_bpf::Record>::read_from(bytes).map(Self)"
                    ));
                },
            );
            source.line("#[inline]");
            source.line("fn to_record(self) -> Self { self }");
        },
    );
}

/// Emits `Debug` and `Display`: the name, or else the number.
fn shown(source: &mut Source, item: &Item) {
    for (name_of_trait, unnamed) in [
        (
            "Debug",
            format!("write!(formatter, \"{}({{}})\", self.0)", item.name),
        ),
        (
            "Display",
            "::core::fmt::Display::fmt(&self.0, formatter)".to_owned(),
        ),
    ] {
        let head = format!("impl ::core::fmt::{name_of_trait} for {}", item.name);
        source.block(head, |source| {
            source.block(
                "fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result",
                |source| {
                    source.block("match self.name()", |source| {
                        source.line("::core::option::Option::Some(name) => formatter.pad(name),");
                        source.line(format!("::core::option::Option::None => {unnamed},"));
                    });
                },
            );
        });
    }
}
