//! The owned form of unions: their bytes.

use super::emit_struct::owned_accessors;
use super::emit_view::{record_ref, view};
use super::expression::Storage;
use super::text::Member;
use crate::records::model::{Accessor, Item};
use crate::source::Source;

/// Emits a union, its view and their traits.
pub(super) fn emit(source: &mut Source, item: &Item, accessors: &[Accessor]) {
    let Item { name, size, .. } = item;
    let members = Member::name_all(accessors, &[]);
    // An empty array gives the alignment; unlike `repr(align)`, packed structs may hold it.
    let align = match item.align {
        2 => Some("u16"),
        4 => Some("u32"),
        8 => Some("u64"),
        _ => None,
    };
    let zero_align = align.map_or("", |_| "_align: [], ");
    source.line(format!(
        "/// `{}`: {size} bytes, which mean one of its members.",
        item.shown
    ));
    source.line("#[repr(C)]");
    source.line("#[derive(Clone, Copy, PartialEq, Eq, Hash)]");
    source.block(format!("pub struct {name}"), |source| {
        if let Some(align) = align {
            source.line(format!("_align: [{align}; 0],"));
        }
        source.line(format!("bytes: [u8; {size}],"));
    });
    source.line(format!(
        "const _: () = assert!(::core::mem::size_of::<{name}>() == {size});"
    ));
    methods(source, item, &members);
    source.block(format!("impl ::core::fmt::Debug for {name}"), |source| {
        source.block(
            "fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result",
            |source| {
                source.line(format!(
                    "formatter.debug_tuple(\"{name}\").field(&self.bytes).finish()"
                ));
            },
        );
    });
    source.block(format!("impl ::eunomia_bpf::Record for {name}"), |source| {
        source.line(format!("const SIZE: usize = {size};"));
        source.line(format!(
            "const ZERO: Self = Self {{ {zero_align}bytes: [0; {size}] }};"
        ));
        source.line(format!("type Ref<'a> = {name}Ref<'a>;"));
        source.line("#[inline]");
        source.block(
            "fn write_to(&self, out: &mut [u8]) -> ::core::option::Option<()>",
            |source| {
                source.line("*out.first_chunk_mut()? = self.bytes;");
                source.line("::core::option::Option::Some(())");
            },
        );
    });
    view(source, item, &members);
    record_ref(source, item, |source| {
        source.line(format!("{name} {{ {zero_align}bytes: *self.0 }}"));
    });
}

fn methods(source: &mut Source, item: &Item, members: &[Member<'_>]) {
    let storage = Storage {
        reference: "&self.bytes".into(),
        place: "self.bytes".into(),
        offset: 0,
        size: item.size,
    };
    source.block(format!("impl {}", item.name), |source| {
        source.line("/// The bytes of all members.");
        source.line("#[inline]");
        source.line(format!(
            "pub const fn as_bytes(&self) -> &[u8; {}] {{ &self.bytes }}",
            item.size
        ));
        for member in members {
            owned_accessors(source, &storage, member);
            if let Some(text_name) = &member.text_name {
                let bytes = storage.read(member.accessor);
                source.line(format!(
                    "/// `{}` up to its first NUL.",
                    member.accessor.name
                ));
                source.line("#[inline]");
                source.line(format!(
                    "pub fn {text_name}(&self) -> ::std::borrow::Cow<'_, str> \
                     {{ text_until_nul({bytes}) }}"
                ));
            }
        }
    });
}
