//! From a BTF type to a plan.

use std::collections::HashMap;
use std::sync::Arc;

use super::label::Label;
use super::plan::{Child, Form, Items, Meaning, Names, Node, NodeId, NumberForm};
use crate::btf::{Btf, TypeId};
use crate::composite::{BitRange, Composite, Member, Place};
use crate::enumeration::Enumeration;
use crate::error::{Error, Result};
use crate::layout::{NESTING_MAX, POINTER_BYTES};
use crate::ty::{Array, Definition, Int, Type};

/// What decoding one record may cost: each value counts 1, and 1 more for every [`WEIGHT_BYTES`] of
/// text. It bounds time and memory where types share their members or their bytes.
pub const WEIGHT_MAX: u64 = 1 << 20;
/// Bytes of text or plain bytes that count like one value.
pub const WEIGHT_BYTES: u32 = 64;
/// Members in one plan, those of anonymous members counted as often as they appear.
pub const MEMBERS_MAX: usize = 1 << 16;
/// Bytes of all names in one plan, and 32 for each of them.
pub const LABEL_BYTES_MAX: usize = 16 << 20;
/// What a name costs beside its bytes.
const NAME_OVERHEAD_BYTES: usize = 32;

/// A type, prepared for decoding.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) nodes: Vec<Node>,
    pub(super) labels: Vec<Label>,
    pub(super) root: Child,
}

pub(super) fn compile(btf: &Btf, id: TypeId) -> Result<Plan> {
    let mut compiler = Compiler {
        btf,
        nodes: Vec::new(),
        labels: Vec::new(),
        known: HashMap::new(),
        member_count: 0,
        label_bytes: 0,
    };
    let end = End::OfRecord;
    let node = compiler.node(id, end, 0)?;
    let label = compiler.label("", id)?;
    let Compiler { nodes, labels, .. } = compiler;
    Ok(Plan {
        nodes,
        labels,
        root: Child {
            offset: 0,
            node,
            label,
        },
    })
}

struct Compiler<'a> {
    btf: &'a Btf,
    nodes: Vec<Node>,
    labels: Vec<Label>,
    known: HashMap<(TypeId, End), NodeId>,
    member_count: usize,
    label_bytes: usize,
}

/// Where a value ends: only at the very end of a record can a flexible array have items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum End {
    OfRecord,
    Inside,
}

impl<'a> Compiler<'a> {
    fn node(&mut self, id: TypeId, end: End, depth: usize) -> Result<NodeId> {
        if depth > NESTING_MAX {
            return Err(Error::too_large(format!(
                "more than {NESTING_MAX} types in each other"
            )));
        }
        let ty = self.btf.resolve(id)?;
        if let Some(known) = self.known.get(&(ty.id(), end)) {
            return Ok(*known);
        }
        let node = self.new_node(ty, end, depth)?;
        let id = self.push(node)?;
        self.known.insert((ty.id(), end), id);
        Ok(id)
    }

    fn push(&mut self, node: Node) -> Result<NodeId> {
        if node.weight > WEIGHT_MAX {
            return Err(Error::too_large(format!(
                "decoding one value may cost {}, the limit is {WEIGHT_MAX}",
                node.weight
            )));
        }
        self.nodes.push(node);
        Ok(NodeId(self.nodes.len() - 1))
    }

    fn new_node(&mut self, ty: Type<'a>, end: End, depth: usize) -> Result<Node> {
        let (form, size) = match ty.definition() {
            Definition::Int(int) => (int_form(int), int.size),
            Definition::Pointer(_) => (number(Meaning::Pointer, POINTER_BYTES), POINTER_BYTES),
            Definition::Enum(enumeration) => (self.enum_form(enumeration)?, enumeration.size),
            Definition::Float { size } => (float_form(size), size),
            Definition::Array(array) => return self.array_node(ty, array, end, depth),
            Definition::Struct(composite) => {
                let children = self.children(composite, end, depth);
                let children = children.map_err(|error| error.within(ty))?;
                let (extent, weight) = self.measure(&children, composite, ty)?;
                return Ok(Node {
                    form: Form::Struct(children.into()),
                    extent,
                    weight,
                });
            }
            Definition::Union(composite) => {
                let children = self.children(composite, End::Inside, depth);
                let children = children.map_err(|error| error.within(ty))?;
                let (extent, weight) = self.measure(&children, composite, ty)?;
                return Ok(Node {
                    form: Form::Union(children.into()),
                    extent,
                    weight,
                });
            }
            _ => return Err(Error::unsupported(format!("{ty} has no values"))),
        };
        Ok(Node {
            form,
            extent: size,
            weight: 1 + u64::from(size / WEIGHT_BYTES),
        })
    }

    fn array_node(&mut self, ty: Type<'a>, array: Array, end: End, depth: usize) -> Result<Node> {
        let size = self.btf.size_of(ty.id())?;
        let weight = 1 + u64::from(size / WEIGHT_BYTES);
        let is_flexible = array.count == 0 && end == End::OfRecord;
        if let Some(is_text) = self.is_byte(array.item)? {
            let form = match (is_flexible, is_text) {
                (false, true) => Form::Text,
                (false, false) => Form::Bytes,
                (true, true) => Form::FlexibleText,
                (true, false) => Form::FlexibleBytes,
            };
            return Ok(Node {
                form,
                extent: size,
                weight,
            });
        }
        let stride = self.btf.size_of(array.item)?;
        if stride == 0 || (array.count == 0 && !is_flexible) {
            return Ok(Node {
                form: Form::Bytes,
                extent: 0,
                weight: 1,
            });
        }
        let node = self.node(array.item, End::Inside, depth + 1)?;
        let label = self.label("", array.item)?;
        let items = Items {
            child: Child {
                offset: 0,
                node,
                label,
            },
            stride,
        };
        if is_flexible {
            return Ok(Node {
                form: Form::FlexibleArray(items),
                extent: 0,
                weight: 1,
            });
        }
        let item = &self.nodes[node.0];
        Ok(Node {
            extent: (array.count - 1)
                .saturating_mul(stride)
                .saturating_add(item.extent),
            weight: item
                .weight
                .saturating_mul(u64::from(array.count))
                .saturating_add(1),
            form: Form::Array(items, array.count),
        })
    }

    /// Whether a type is one byte of an array that is given as a whole, and if so, whether as text.
    fn is_byte(&self, item: TypeId) -> Result<Option<bool>> {
        Ok(match self.btf.resolve(item)?.definition() {
            Definition::Int(int) if int.character => Some(true),
            Definition::Int(Int {
                size: 1,
                signed: false,
                boolean: false,
                ..
            }) => Some(false),
            _ => None,
        })
    }

    /// The extent and the weight of a composite.
    fn measure(
        &self,
        children: &[Child],
        composite: Composite<'a>,
        ty: Type<'a>,
    ) -> Result<(u32, u64)> {
        let (mut extent, mut weight) = (0, 1_u64);
        for child in children {
            let node = &self.nodes[child.node.0];
            extent = extent.max(child.offset.saturating_add(node.extent));
            weight = weight.saturating_add(node.weight);
        }
        if extent > composite.size {
            return Err(Error::malformed(format!(
                "{ty} has {} bytes, its members reach to {extent}",
                composite.size
            )));
        }
        Ok((extent, weight))
    }

    fn children(&mut self, composite: Composite<'a>, end: End, depth: usize) -> Result<Vec<Child>> {
        let mut children = Vec::new();
        self.add_children(
            composite,
            Base {
                offset: 0,
                end,
                depth,
            },
            &mut children,
        )?;
        Ok(children)
    }

    /// Adds the members, and those of anonymous members in their places.
    fn add_children(
        &mut self,
        composite: Composite<'a>,
        base: Base,
        children: &mut Vec<Child>,
    ) -> Result<()> {
        if base.depth > NESTING_MAX {
            return Err(Error::too_large(format!(
                "more than {NESTING_MAX} types in each other"
            )));
        }
        let count = composite.member_count();
        for (index, member) in composite.members().enumerate() {
            let member = member?;
            self.member_count += 1;
            if self.member_count > MEMBERS_MAX {
                return Err(Error::too_large(format!("more than {MEMBERS_MAX} members")));
            }
            let end = if index + 1 == count {
                base.end
            } else {
                End::Inside
            };
            self.add_child(member, Base { end, ..base }, children)
                .map_err(|error| error.within(format!("member \"{}\"", member.name)))?;
        }
        Ok(())
    }

    fn add_child(
        &mut self,
        member: Member<'a>,
        base: Base,
        children: &mut Vec<Child>,
    ) -> Result<()> {
        let definition = self.btf.resolve(member.ty)?.definition();
        let offset = match member.place {
            Place::Byte { offset } => offset
                .checked_add(base.offset)
                .ok_or_else(|| Error::malformed("it lies beyond the 4 GiB of a type"))?,
            Place::Bits(_) if member.name.is_empty() => return Ok(()),
            Place::Bits(bits) => {
                let node = self.bits_node(bits, base.offset, definition)?;
                let label = self.label(member.name, member.ty)?;
                children.push(Child {
                    offset: 0,
                    node,
                    label,
                });
                return Ok(());
            }
        };
        if member.name.is_empty() {
            let inner = Base {
                offset,
                depth: base.depth + 1,
                end: base.end,
            };
            return match definition {
                Definition::Struct(composite) => self.add_children(composite, inner, children),
                Definition::Union(composite) => self.add_children(
                    composite,
                    Base {
                        end: End::Inside,
                        ..inner
                    },
                    children,
                ),
                _ => Ok(()),
            };
        }
        let node = self.node(member.ty, base.end, base.depth + 1)?;
        // Members without bytes, such as empty arrays in the middle, have no values.
        if !self.nodes[node.0].is_empty() {
            let label = self.label(member.name, member.ty)?;
            children.push(Child {
                offset,
                node,
                label,
            });
        }
        Ok(())
    }

    fn bits_node(
        &mut self,
        bits: BitRange,
        base: u32,
        definition: Definition<'a>,
    ) -> Result<NodeId> {
        let number = match definition {
            Definition::Int(int) => int_form(int),
            Definition::Enum(enumeration) => self.enum_form(enumeration)?,
            _ => {
                return Err(Error::malformed(
                    "a bit field, but neither an integer nor an enum",
                ));
            }
        };
        let Form::Number(number) = number else {
            return Err(Error::unsupported("a bit field of a width that Rust lacks"));
        };
        let offset = base
            .checked_mul(8)
            .and_then(|base| base.checked_add(bits.offset));
        let range = offset.map(|offset| BitRange { offset, ..bits });
        let end = range.and_then(|range| range.offset.checked_add(range.size));
        let (Some(range), Some(end)) = (range, end) else {
            return Err(Error::malformed(
                "it lies beyond the bits of a type that can be counted",
            ));
        };
        self.push(Node {
            form: Form::Bits(range, number),
            extent: end.div_ceil(8),
            weight: 1,
        })
    }

    fn enum_form(&mut self, enumeration: Enumeration<'a>) -> Result<Form> {
        let mut names = Vec::new();
        for enumerator in enumeration.enumerators() {
            self.count_label_bytes(enumerator.name)?;
            names.push((enumerator.value, Box::from(enumerator.name)));
        }
        // Stable: of two names for one number, the first one counts.
        names.sort_by_key(|(number, _)| *number);
        names.dedup_by_key(|(number, _)| *number);
        let names = Names(names.into());
        Ok(number(
            Meaning::Enum {
                signed: enumeration.signed,
                names,
            },
            enumeration.size,
        ))
    }

    fn label(&mut self, name: &str, id: TypeId) -> Result<usize> {
        let mut typedefs = Vec::new();
        let mut ty = self.btf.ty(id)?;
        // Ends: the type was resolved before, so its chain is no circle.
        loop {
            match ty.definition() {
                Definition::Typedef(target) => {
                    self.count_label_bytes(ty.name())?;
                    typedefs.push(Box::from(ty.name()));
                    ty = self.btf.ty(target)?;
                }
                Definition::Qualifier(target) => ty = self.btf.ty(target)?,
                _ => break,
            }
        }
        let type_name = ty.to_string();
        self.count_label_bytes(name)?;
        self.count_label_bytes(&type_name)?;
        let index = self.labels.len();
        self.labels.push(Label {
            index,
            name: Arc::from(name),
            typedefs: typedefs.into(),
            type_name: type_name.into(),
        });
        Ok(index)
    }

    fn count_label_bytes(&mut self, name: &str) -> Result<()> {
        self.label_bytes += name.len() + NAME_OVERHEAD_BYTES;
        if self.label_bytes > LABEL_BYTES_MAX {
            return Err(Error::too_large(format!(
                "more than {LABEL_BYTES_MAX} bytes of names"
            )));
        }
        Ok(())
    }
}

/// Where members are added.
#[derive(Clone, Copy)]
struct Base {
    offset: u32,
    end: End,
    depth: usize,
}

impl Node {
    /// Whether it never has a value.
    fn is_empty(&self) -> bool {
        let is_flexible = matches!(
            self.form,
            Form::FlexibleText | Form::FlexibleBytes | Form::FlexibleArray(_)
        );
        let holds_flexible = matches!(&self.form, Form::Struct(children) if !children.is_empty());
        self.extent == 0 && !is_flexible && !holds_flexible
    }
}

fn number(meaning: Meaning, size: u32) -> Form {
    match size {
        1 | 2 | 4 | 8 | 16 => Form::Number(NumberForm { meaning, size }),
        _ => Form::Bytes,
    }
}

fn int_form(int: Int) -> Form {
    let meaning = match int {
        Int { boolean: true, .. } => Meaning::Boolean,
        Int {
            character: true, ..
        } => Meaning::Character,
        Int { signed: true, .. } => Meaning::Signed,
        _ => Meaning::Unsigned,
    };
    number(meaning, int.size)
}

fn float_form(size: u32) -> Form {
    match size {
        4 => Form::Float32,
        8 => Form::Float64,
        _ => Form::Bytes,
    }
}
