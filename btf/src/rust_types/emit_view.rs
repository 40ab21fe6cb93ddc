//! The borrowed views of structs and unions.

use super::expression::Storage;
use super::text::Member;
use crate::records::model::Item;
use crate::source::Source;

/// Emits `NameRef<'a>` with its accessors.
pub(super) fn view(source: &mut Source, item: &Item, members: &[Member<'_>]) {
    let Item { name, size, .. } = item;
    let storage = view_storage(item);
    source.line(format!("/// A borrowed view of [`{name}`]."));
    source.line("#[derive(Clone, Copy)]");
    source.line(format!("pub struct {name}Ref<'a>(&'a [u8; {size}]);"));
    source.block(format!("impl<'a> {name}Ref<'a>"), |source| {
        source.line("/// Views exactly the bytes of one record.");
        source.line("#[inline]");
        source.line(format!(
            "pub const fn from_array(bytes: &'a [u8; {size}]) -> Self {{ Self(bytes) }}"
        ));
        source.line("/// The bytes that are viewed.");
        source.line("#[inline]");
        source.line(format!(
            "pub const fn as_bytes(self) -> &'a [u8; {size}] {{ self.0 }}"
        ));
        for Member {
            accessor,
            text_name,
            ..
        } in members
        {
            let (accessor_name, ty) = (&accessor.name, accessor.ty.rust_view());
            let value = storage.read(accessor);
            source.line("#[inline]");
            source.line(format!(
                "pub fn {accessor_name}(self) -> {ty} {{ {value} }}"
            ));
            if let Some(text_name) = text_name {
                source.line(format!("/// `{accessor_name}` up to its first NUL."));
                source.line("#[inline]");
                source.line(format!(
                    "pub fn {text_name}(self) -> ::std::borrow::Cow<'a, str> \
                     {{ text_until_nul({value}) }}"
                ));
            }
        }
    });
    source.block(
        format!("impl ::core::fmt::Debug for {name}Ref<'_>"),
        |source| {
            source.block(
                "fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result",
                |source| {
                    source.line("let record = ::eunomia_bpf::RecordRef::to_record(*self);");
                    source.line("::core::fmt::Debug::fmt(&record, formatter)");
                },
            );
        },
    );
}

/// Emits the trait that makes a view of bytes; `to_record` emits how the record is copied.
pub(super) fn record_ref(source: &mut Source, item: &Item, to_record: impl FnOnce(&mut Source)) {
    let Item { name, size, .. } = item;
    source.block(
        format!("impl<'a> ::eunomia_bpf::RecordRef<'a> for {name}Ref<'a>"),
        |source| {
            source.line(format!("type Record = {name};"));
            source.line("#[inline]");
            source.block(
                "fn new(bytes: &'a [u8]) -> ::core::option::Option<Self>",
                |source| {
                    source.line(format!("bytes.first_chunk::<{size}>().map(Self)"));
                },
            );
            source.line("#[inline]");
            source.block(format!("fn to_record(self) -> {name}"), to_record);
        },
    );
}

/// The bytes of a view.
pub(super) fn view_storage(item: &Item) -> Storage {
    Storage {
        reference: "self.0".into(),
        place: String::new(),
        offset: 0,
        size: item.size,
    }
}
