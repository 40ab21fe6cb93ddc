//! The owned form of structs.

use super::emit_view::{record_ref, view, view_storage};
use super::expression::Storage;
use super::text::Member;
use crate::records::model::{Accessor, AccessorPlace, Field, Form, Item, Role, Tail};
use crate::source::Source;

/// What a struct consists of.
pub(super) struct StructBody<'a> {
    pub(super) fields: &'a [Field],
    pub(super) members: &'a [Member<'a>],
    pub(super) is_packed: bool,
    pub(super) tail: Option<&'a Tail>,
}

/// Emits a struct, its view and their traits.
pub(super) fn emit(source: &mut Source, item: &Item, body: &StructBody<'_>) {
    definition(source, item, body);
    layout_checks(source, item, body);
    methods(source, item, body);
    debug(source, item, body);
    record(source, item, body);
    view(source, item, body.members);
    record_ref(source, item, |source| to_record(source, item, body));
}

fn definition(source: &mut Source, item: &Item, body: &StructBody<'_>) {
    source.line(format!("/// `{}`: {} bytes.", item.shown, item.size));
    if let Some(tail) = body.tail {
        source.line("///");
        source.line(format!(
            "/// The flexible array `{}` follows: its bytes are those of the record from \
             [`Self::TAIL_OFFSET`] on.",
            tail.name
        ));
    }
    source.line(if body.is_packed {
        "#[repr(C, packed)]"
    } else {
        "#[repr(C)]"
    });
    source.line(match item.is_eq {
        true => "#[derive(Clone, Copy, PartialEq, Eq, Hash)]",
        false => "#[derive(Clone, Copy, PartialEq)]",
    });
    source.block(format!("pub struct {}", item.name), |source| {
        for field in body.fields {
            match field.role {
                Role::Padding => source.line("#[doc(hidden)]"),
                Role::Bits => source.line("/// Bit fields, which have methods."),
                Role::Union => source.line("/// An anonymous union, whose members have methods."),
                Role::Member => {}
            }
            source.line(format!("pub {}: {},", field.name, field.ty.rust()));
        }
    });
}

fn layout_checks(source: &mut Source, item: &Item, body: &StructBody<'_>) {
    let Item { name, size, .. } = item;
    source.line(format!(
        "const _: () = assert!(::core::mem::size_of::<{name}>() == {size});"
    ));
    for field in body.fields {
        source.line(format!(
            "const _: () = assert!(::core::mem::offset_of!({name}, {}) == {});",
            field.name, field.offset
        ));
    }
}

fn methods(source: &mut Source, item: &Item, body: &StructBody<'_>) {
    source.block(format!("impl {}", item.name), |source| {
        if let Some(tail) = body.tail {
            source.line(format!(
                "/// Where the flexible array `{}` starts.",
                tail.name
            ));
            source.line(format!("pub const TAIL_OFFSET: usize = {};", tail.offset));
        }
        for member in body.members {
            let accessor = member.accessor;
            let storage = owned_storage(body, accessor);
            if let Some(storage) = &storage {
                owned_accessors(source, storage, member);
            }
            let Some(text_name) = &member.text_name else {
                continue;
            };
            let bytes = match &storage {
                Some(storage) => storage.read(accessor),
                None => format!("&self.{}", accessor.name),
            };
            source.line(format!("/// `{}` up to its first NUL.", accessor.name));
            source.line("#[inline]");
            source.line(format!(
                "pub fn {text_name}(&self) -> ::std::borrow::Cow<'_, str> \
                 {{ text_until_nul({bytes}) }}"
            ));
        }
    });
}

/// Emits the getter and the setter of a member that is no field.
pub(super) fn owned_accessors(source: &mut Source, storage: &Storage, member: &Member<'_>) {
    let accessor = member.accessor;
    let (name, ty) = (&accessor.name, accessor.ty.rust());
    let value = storage.read_owned(accessor);
    source.line("#[inline]");
    source.line(format!("pub fn {name}(&self) -> {ty} {{ {value} }}"));
    if let Some(setter_name) = &member.setter_name {
        let statement = storage.write(accessor);
        source.line(format!("/// Sets `{name}`."));
        source.line("#[inline]");
        source.line(format!(
            "pub fn {setter_name}(&mut self, value: {ty}) {{ {statement} }}"
        ));
    }
}

/// The bytes of the field in which a member lies, if it is not a field itself.
fn owned_storage(body: &StructBody<'_>, accessor: &Accessor) -> Option<Storage> {
    let inside = accessor.inside.as_ref()?;
    let field = body.fields.iter().find(|field| field.name == *inside)?;
    let place = match field.role {
        Role::Union => format!("self.{}.bytes", field.name),
        _ => format!("self.{}", field.name),
    };
    let reference = format!("&{place}");
    Some(Storage {
        reference,
        place,
        offset: field.offset,
        size: field.ty.size,
    })
}

fn debug(source: &mut Source, item: &Item, body: &StructBody<'_>) {
    source.block(
        format!("impl ::core::fmt::Debug for {}", item.name),
        |source| {
            source.block(
                "fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result",
                |source| {
                    source.line(format!(
                        "let mut shown = formatter.debug_struct(\"{}\");",
                        item.name
                    ));
                    for field in body.fields.iter().filter(|field| field.role == Role::Union) {
                        source.line(format!(
                            "shown.field(\"{0}\", &{{ self.{0} }});",
                            field.name
                        ));
                    }
                    for member in body.members {
                        if let Some(value) = shown_value(member) {
                            let name = member.accessor.name.trim_start_matches("r#");
                            source.line(format!("shown.field(\"{name}\", &{value});"));
                        }
                    }
                    source.line("shown.finish()");
                },
            );
        },
    );
}

fn shown_value(member: &Member<'_>) -> Option<String> {
    let accessor = member.accessor;
    match (&accessor.inside, accessor.place, &member.text_name) {
        // The union shows it.
        (Some(_), AccessorPlace::Byte(_), _) => None,
        (Some(_), AccessorPlace::Bits(_), _) => Some(format!("self.{}()", accessor.name)),
        (None, _, Some(text_name)) => Some(format!("self.{text_name}()")),
        // In braces, it is a copy: packed fields cannot be borrowed.
        (None, _, None) => Some(format!("{{ self.{} }}", accessor.name)),
    }
}

fn record(source: &mut Source, item: &Item, body: &StructBody<'_>) {
    let Item { name, size, .. } = item;
    source.block(format!("impl ::eunomia_bpf::Record for {name}"), |source| {
        source.line(format!("const SIZE: usize = {size};"));
        source.line("const ZERO: Self = Self {");
        for field in body.fields {
            let zero = match field.ty.form {
                Form::Bytes { .. } => format!("[0; {}]", field.ty.size),
                _ => format!("<{} as ::eunomia_bpf::Record>::ZERO", field.ty.rust()),
            };
            source.line(format!("    {}: {zero},", field.name));
        }
        source.line("};");
        source.line(format!("type Ref<'a> = {name}Ref<'a>;"));
        source.line("#[inline]");
        source.block(
            "fn write_to(&self, out: &mut [u8]) -> ::core::option::Option<()>",
            |source| {
                source.line(format!("let out = out.first_chunk_mut::<{size}>()?;"));
                source.line(format!("*out = [0; {size}];"));
                for field in body
                    .fields
                    .iter()
                    .filter(|field| field.role != Role::Padding)
                {
                    source.line(write_field(field));
                }
                source.line("::core::option::Option::Some(())");
            },
        );
    });
}

fn write_field(field: &Field) -> String {
    let (name, start, end) = (&field.name, field.offset, field.offset + field.ty.size);
    match field.ty.form {
        Form::Bytes { .. } => format!("out[{start}..{end}].copy_from_slice(&self.{name});"),
        _ => format!(
            "::eunomia_bpf::Record::write_to(&{{ self.{name} }}, &mut out[{start}..{end}])?;"
        ),
    }
}

fn to_record(source: &mut Source, item: &Item, body: &StructBody<'_>) {
    let storage = view_storage(item);
    source.line(format!("{} {{", item.name));
    for field in body.fields {
        let value = match field.role {
            Role::Padding => format!("[0; {}]", field.ty.size),
            _ => storage.read_owned(&Accessor {
                name: field.name.clone(),
                place: AccessorPlace::Byte(field.offset),
                ty: field.ty.clone(),
                inside: None,
            }),
        };
        source.line(format!("    {}: {value},", field.name));
    }
    source.line("}");
}
