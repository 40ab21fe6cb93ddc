//! Types as C text.

use crate::btf::{Btf, TypeId};
use crate::composite::{Composite, Place};
use crate::enumeration::Enumeration;
use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::layout::{CHAIN_LENGTH_MAX, NESTING_MAX};
use crate::ty::{Definition, Type};

/// Bytes of one declaration; what would be longer is of no use to a reader.
pub const DECLARATION_BYTES_MAX: usize = 256 << 10;

impl Btf {
    /// A type as C declares it, for people to read: of a struct, union or enum its members, of
    /// other types how they name a variable `x`.
    ///
    /// # Errors
    /// `Malformed` for circles, `TooLarge` above [`DECLARATION_BYTES_MAX`] and for more than
    /// [`NESTING_MAX`] anonymous types in each other.
    pub fn declaration(&self, id: TypeId) -> Result<String> {
        let mut writer = Writer {
            btf: self,
            text: String::new(),
        };
        let ty = self.ty(id)?;
        match ty.definition() {
            Definition::Struct(_) | Definition::Union(_) | Definition::Enum(_) => {
                writer.body(ty, 0)?;
            }
            Definition::Typedef(target) => {
                writer.push("typedef ")?;
                writer.variable(target, ty.name().to_owned(), 0)?;
            }
            _ => writer.variable(id, "x".to_owned(), 0)?,
        }
        writer.push(";")?;
        Ok(writer.text)
    }
}

struct Writer<'a> {
    btf: &'a Btf,
    text: String,
}

impl<'a> Writer<'a> {
    fn push(&mut self, text: &str) -> Result<()> {
        if self.text.len() + text.len() > DECLARATION_BYTES_MAX {
            return Err(Error::too_large(format!(
                "a declaration of more than {DECLARATION_BYTES_MAX} bytes"
            )));
        }
        self.text.push_str(text);
        Ok(())
    }

    fn line(&mut self, depth: usize, text: &str) -> Result<()> {
        self.push("\n")?;
        self.push(&"    ".repeat(depth))?;
        self.push(text)
    }

    /// Writes a variable, whose type C spreads around its name from the inside out.
    fn variable(&mut self, id: TypeId, name: String, depth: usize) -> Result<()> {
        let mut declarator = name;
        let mut qualifiers = String::new();
        let mut ty = self.btf.ty(id)?;
        for _ in 0..CHAIN_LENGTH_MAX {
            let next = match ty.definition() {
                Definition::Pointer(target) => {
                    declarator = match self.binds_tighter(target)? {
                        true => format!("({}*{declarator})", std::mem::take(&mut qualifiers)),
                        false => format!("*{}{declarator}", std::mem::take(&mut qualifiers)),
                    };
                    target
                }
                Definition::Array(array) => {
                    declarator = match array.count {
                        0 => format!("{declarator}[]"),
                        count => format!("{declarator}[{count}]"),
                    };
                    array.item
                }
                Definition::FunctionPrototype(prototype) => {
                    declarator.push_str("()");
                    prototype.returns
                }
                Definition::Qualifier(target) => {
                    if ty.kind() != Kind::TypeTag {
                        qualifiers.push_str(&format!("{} ", ty.kind()));
                    }
                    target
                }
                _ => {
                    self.push(&qualifiers)?;
                    self.base(ty, depth)?;
                    let space = if declarator.is_empty() { "" } else { " " };
                    return self.push(&format!("{space}{declarator}"));
                }
            };
            ty = self.btf.ty(next)?;
        }
        Err(Error::malformed(format!(
            "type {}: a chain of more than {CHAIN_LENGTH_MAX} types",
            id.0
        )))
    }

    /// Whether what a pointer points to is written behind its name.
    fn binds_tighter(&self, target: TypeId) -> Result<bool> {
        Ok(matches!(
            self.btf.ty(target)?.kind(),
            Kind::Array | Kind::FunctionPrototype
        ))
    }

    fn base(&mut self, ty: Type<'a>, depth: usize) -> Result<()> {
        match ty.kind() {
            Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64 if ty.name().is_empty() => {
                self.body(ty, depth)
            }
            Kind::Forward => self.push(&format!("struct {}", ty.name())),
            _ => self.push(&ty.to_string()),
        }
    }

    fn body(&mut self, ty: Type<'a>, depth: usize) -> Result<()> {
        if depth > NESTING_MAX {
            return Err(Error::too_large(format!(
                "more than {NESTING_MAX} types in each other"
            )));
        }
        let keyword = ty.kind().to_string().replace("64-bit ", "");
        let space = if ty.name().is_empty() { "" } else { " " };
        self.push(&format!("{keyword}{space}{} {{", ty.name()))?;
        match ty.definition() {
            Definition::Struct(composite) | Definition::Union(composite) => {
                self.members(composite, depth + 1)?;
            }
            Definition::Enum(enumeration) => self.enumerators(enumeration, depth + 1)?,
            _ => {}
        }
        self.line(depth, "}")
    }

    fn members(&mut self, composite: Composite<'a>, depth: usize) -> Result<()> {
        for member in composite.members() {
            let member = member?;
            self.line(depth, "")?;
            self.variable(member.ty, member.name.to_owned(), depth)?;
            match member.place {
                Place::Byte { offset } => self.push(&format!("; /* {offset} */"))?,
                Place::Bits(bits) => {
                    self.push(&format!(" : {}; /* bit {} */", bits.size, bits.offset))?;
                }
            }
        }
        Ok(())
    }

    fn enumerators(&mut self, enumeration: Enumeration<'a>, depth: usize) -> Result<()> {
        for enumerator in enumeration.enumerators() {
            self.line(
                depth,
                &format!("{} = {},", enumerator.name, enumerator.value),
            )?;
        }
        Ok(())
    }
}
