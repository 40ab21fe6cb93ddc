//! What an object says about itself: by the names of symbols, and by tags on declarations.

use std::collections::BTreeSet;

use eunomia_btf::Definition;

use crate::facts::Facts;

const SEPARATOR: &str = "___";

/// Names of symbols that start like this say something, and what they say.
const SYMBOLS: [(&str, Kind); 6] = [
    ("gadget_tracer_", Kind::Tracer),
    ("gadget_mapiter_", Kind::MapIterator),
    // What map iterators and iterators were called before.
    ("gadget_topper_", Kind::MapIterator),
    ("gadget_iter_", Kind::Iterator),
    ("gadget_snapshotter_", Kind::Iterator),
    ("gadget_param_", Kind::Parameter),
];

/// The same for `btf_decl_tag`, which took the place of symbols.
const TAGS: [(&str, Kind); 9] = [
    ("ig:mapiter:", Kind::MapIterator),
    ("ig:param:", Kind::Parameter),
    ("ig:iter_target_map:", Kind::IteratorMap),
    ("ig:tracer:", Kind::Tracer),
    ("ig:iter:", Kind::Iterator),
    ("ig:only_if:", Kind::Condition),
    ("ig:attach_to:", Kind::Condition),
    ("ig:assert:", Kind::Condition),
    ("ig:define:", Kind::Condition),
];

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// `NAME___MAP___TYPE`: the records of a buffer.
    Tracer,
    /// `NAME___MAP`: the entries of a map.
    MapIterator,
    /// `NAME___TYPE___PROGRAM...`: what iterators write.
    Iterator,
    /// `PROGRAM___MAP`: the map whose entries an iterator walks.
    IteratorMap,
    /// `NAME`: a variable that the user sets.
    Parameter,
    /// An expression that decides what is loaded, and where it is attached.
    Condition,
}

/// One thing that an object says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) kind: Kind,
    /// As the object has it, for errors.
    pub(super) text: String,
    /// What follows the prefix.
    pub(super) rest: String,
}

impl Mark {
    /// The parts of what is said.
    pub(super) fn parts(&self) -> Vec<&str> {
        self.rest.split(SEPARATOR).collect()
    }
}

/// All that an object says, in the order of kinds and names; nothing twice.
pub(super) fn all(facts: &Facts) -> Vec<Mark> {
    let symbols = facts.globals.iter().map(|global| &*global.info.name);
    let mut marks: Vec<Mark> = symbols.filter_map(|name| mark(name, &SYMBOLS)).collect();
    if let Some(btf) = &facts.btf {
        let tags = btf
            .types()
            .filter(|ty| matches!(ty.definition(), Definition::DeclTag { .. }));
        marks.extend(tags.filter_map(|tag| mark(tag.name(), &TAGS)));
    }
    marks.sort();
    let mut seen = BTreeSet::new();
    marks.retain(|mark| seen.insert((mark.kind, mark.rest.clone())));
    marks
}

fn mark(text: &str, known: &[(&str, Kind)]) -> Option<Mark> {
    known.iter().find_map(|(prefix, kind)| {
        let rest = text.strip_prefix(prefix)?;
        Some(Mark {
            kind: *kind,
            text: text.to_owned(),
            rest: rest.to_owned(),
        })
    })
}
