//! The command line of a tool that has no program of its own: options made from what its object
//! and its package say.

mod help;
mod parse;

use std::time::Duration;

use eunomia_btf::TypeId;
use eunomia_host_abi::Target;

pub use help::help;
pub(crate) use parse::duration;
pub use parse::parse;

use crate::places::Place;

/// One option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionSpec {
    /// Its name, without the dashes in front. `_` and `-` are the same.
    pub long: String,
    /// A second name, of one character.
    pub short: Option<char>,
    /// What follows it, as help shows it; `None`: nothing.
    pub value: Option<String>,
    /// What holds when it is not given.
    pub default: Option<String>,
    /// What its variable is set to when neither this nor another option of that variable is given:
    /// a default of the package's, which the object need not have.
    pub initial: Option<String>,
    /// What it is for.
    pub help: String,
    /// What it changes.
    pub sets: Sets,
    /// The tool cannot run without it.
    pub required: bool,
}

/// What an option changes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sets {
    /// A global variable.
    Global {
        /// Its name.
        name: String,
        /// Its type.
        ty: TypeId,
        /// The value that a switch stands for.
        fixed: Option<&'static str>,
    },
    /// The bytes of any global variable: `NAME=HEX`.
    GlobalBytes,
    /// A part of where programs are attached.
    Place(Place),
    /// Where one program is attached: `PROGRAM=TARGET`.
    Attach,
    /// What the records of a map are: `MAP=STRUCT`.
    Type,
    /// A map to show.
    Map,
    /// How often maps are shown.
    Interval,
    /// A mount namespace whose processes count: the number of its inode.
    MountNamespace,
    /// What a histogram's field and buckets are.
    Histogram(HistogramPart),
}

/// A part of how a map of counts is served as a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistogramPart {
    /// `MAP,FIELD`: the field of the key whose values are counted.
    Key,
    /// `MAP,[BOUND,...]`: upper bounds of the buckets.
    Buckets,
}

/// What the user asked for.
#[derive(Clone, Debug)]
pub enum Request {
    /// To run it.
    Run(Choices),
    /// To tell its options.
    Help,
    /// To tell its version.
    Version,
}

/// What the user chose.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// Variables and their bytes.
    pub(crate) globals: Vec<(String, Vec<u8>)>,
    /// Parts of attach targets.
    pub(crate) places: Vec<(Place, String)>,
    /// Programs and their targets.
    pub(crate) targets: Vec<(String, Target)>,
    /// Maps and the types of their records.
    pub(crate) types: Vec<(String, String)>,
    /// Maps that are shown.
    pub(crate) maps: Vec<String>,
    /// How often.
    pub(crate) interval: Option<Duration>,
    /// Mount namespaces that count; none: all.
    pub(crate) mount_namespaces: Vec<u64>,
    /// Histograms: map, what is said, and the text behind the comma.
    pub(crate) histograms: Vec<(String, HistogramPart, String)>,
}

impl OptionSpec {
    /// A switch or option that the host adds to every tool.
    fn of_host(long: &str, value: &str, help: &str, sets: Sets) -> Self {
        Self {
            long: long.to_owned(),
            short: None,
            value: Some(value.to_owned()),
            default: None,
            initial: None,
            help: help.to_owned(),
            sets,
            required: false,
        }
    }

    /// Whether the tool itself, not the host, brought it.
    pub(crate) fn is_own(&self) -> bool {
        matches!(self.sets, Sets::Global { .. })
    }

    pub(crate) fn is_called(&self, name: &str) -> bool {
        let same = |(ours, theirs): (u8, u8)| ours == theirs || (ours == b'_' && theirs == b'-');
        self.long.len() == name.len() && self.long.bytes().zip(name.bytes()).all(same)
    }
}

/// Options of every tool, besides `--help` and `--version`. A tool's own of the same name win.
pub(crate) fn of_every_tool() -> [OptionSpec; 4] {
    let option = OptionSpec::of_host;
    [
        option(
            "attach",
            "PROGRAM=TARGET",
            "Attach a program somewhere; may be repeated",
            Sets::Attach,
        ),
        option(
            "type",
            "MAP=STRUCT",
            "Read the records of a buffer, or the values of a map, as this type; may be repeated",
            Sets::Type,
        ),
        option(
            "map",
            "NAME",
            "Show the entries of this map, or of `all`; may be repeated",
            Sets::Map,
        ),
        option(
            "interval",
            "DURATION",
            "How often maps are shown: 500ms, 1s, 1m",
            Sets::Interval,
        ),
    ]
}
