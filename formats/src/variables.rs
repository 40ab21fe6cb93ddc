//! Options for global variables.

use eunomia_btf::decode::{Decoder, Value};
use eunomia_btf::{Btf, Definition, TypeId};

use crate::facts::{Facts, Global};
use crate::limits::OPTIONS_MAX;
use crate::options::{OptionSpec, Sets};

/// What a package says about a variable's option.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    pub(crate) long: Option<String>,
    pub(crate) short: Option<char>,
    pub(crate) help: Option<String>,
    /// A default that the package states, as text: it holds, whatever the object has.
    pub(crate) default: Option<String>,
    /// What the package says that the object has, as text.
    pub(crate) value: Option<String>,
}

/// Options for all variables that can be set by a text.
pub(crate) fn options(facts: &Facts) -> Vec<OptionSpec> {
    let options = facts.globals.iter().filter(|global| is_for_people(global));
    let options = options.flat_map(|global| option(facts, global, &Said::default()));
    options.take(OPTIONS_MAX).collect()
}

/// The option for one variable; none when its type has no text form, two for a switch that is on.
pub(crate) fn option(facts: &Facts, global: &Global, said: &Said) -> Vec<OptionSpec> {
    let Some(btf) = facts.btf.as_deref() else {
        return Vec::new();
    };
    let ty = TypeId(global.info.type_id);
    let Some((type_name, is_switch)) = text_form(btf, ty) else {
        return Vec::new();
    };
    let name = global.info.name.clone();
    let default = said
        .default
        .clone()
        .or_else(|| said.value.clone())
        .or_else(|| shown(btf, ty, global.initial.as_deref()?));
    let make = |long: String, short, fixed: Option<&'static str>, help: String| OptionSpec {
        long,
        short,
        value: (!is_switch).then(|| type_name.clone()),
        default: default
            .clone()
            .filter(|default| !default.is_empty() && !is_switch),
        initial: said.default.clone(),
        help,
        sets: Sets::Global {
            name: name.clone(),
            ty,
            fixed,
        },
        required: false,
    };
    let long = said.long.clone().unwrap_or_else(|| name.clone());
    let help = said.help.clone().unwrap_or_default();
    if !is_switch || default.as_deref() != Some("true") {
        return vec![make(long, said.short, is_switch.then_some("true"), help)];
    }
    // It is on already: what people want is to switch it off.
    vec![
        make(
            format!("enable-{long}"),
            said.short,
            Some("true"),
            format!("{help} (the default)"),
        ),
        make(format!("disable-{long}"), None, Some("false"), help),
    ]
}

/// Whether a variable is one that a person may set: no string of a `bpf_printk`, nothing that the
/// compiler or libbpf made.
pub(crate) fn is_for_people(global: &Global) -> bool {
    let info = &global.info;
    let section = &info.section;
    let is_data = [".rodata", ".data", ".bss"]
        .iter()
        .any(|it| section.starts_with(it));
    let mut bytes = info.name.bytes();
    is_data
        && !info.name.starts_with("__")
        && bytes
            .next()
            .is_some_and(|it| it.is_ascii_alphabetic() || it == b'_')
        && bytes.all(|it| it.is_ascii_alphanumeric() || it == b'_')
}

/// How help names a type that can be written as text, and whether it is a switch.
fn text_form(btf: &Btf, ty: TypeId) -> Option<(String, bool)> {
    let mut named = btf.ty(ty).ok()?;
    while let Definition::Qualifier(target) = named.definition() {
        named = btf.ty(target).ok()?;
    }
    let resolved = btf.resolve(ty).ok()?;
    match resolved.definition() {
        Definition::Int(int) if int.boolean => Some((named.to_string(), true)),
        Definition::Int(int) if int.size <= 8 => Some((named.to_string(), false)),
        Definition::Float { size: 4 | 8 } => Some((named.to_string(), false)),
        Definition::Enum(enumeration) => {
            let names = enumeration.enumerators().map(|it| it.name);
            let names: Vec<&str> = names.take(ENUMERATORS_SHOWN_MAX).collect();
            Some((names.join("|"), false))
        }
        Definition::Array(array) => match btf.resolve(array.item).ok()?.definition() {
            Definition::Int(int) if int.character => {
                Some((format!("char[{}]", array.count), false))
            }
            _ => None,
        },
        _ => None,
    }
}

/// Names of an enum that help shows.
const ENUMERATORS_SHOWN_MAX: usize = 16;

fn shown(btf: &Btf, ty: TypeId, bytes: &[u8]) -> Option<String> {
    Some(match Decoder::new(btf, ty).ok()?.value(bytes).ok()? {
        Value::Text(text) => text,
        // As it is written on the command line.
        Value::Character(byte) if byte.is_ascii_graphic() && !byte.is_ascii_digit() => {
            char::from(byte).to_string()
        }
        Value::Character(byte) => byte.to_string(),
        Value::Enum { number, name } => name.unwrap_or_else(|| number.to_string()),
        Value::Unsigned(value) => value.to_string(),
        Value::Signed(value) => value.to_string(),
        Value::Boolean(value) => value.to_string(),
        Value::Float32(value) => value.to_string(),
        Value::Float64(value) => value.to_string(),
        _ => return None,
    })
}
