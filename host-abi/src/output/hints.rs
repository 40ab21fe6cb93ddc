//! What hints say. docs/output.md is the specification; what this version does not know is passed
//! over, so that images of later versions run.

use super::table::{Hints, Table};

/// The keys of hints.
#[allow(missing_docs)]
pub mod key {
    // Of fields and tables.
    pub const DESCRIPTION: &str = "description";
    pub const METRIC: &str = "metric";
    pub const METRIC_NAME: &str = "metric-name";
    // Of fields.
    pub const ALIGN: &str = "align";
    pub const BUCKETS: &str = "buckets";
    pub const ELLIPSIS: &str = "ellipsis";
    pub const FAMILY: &str = "family";
    pub const FORMAT: &str = "format";
    pub const HIDDEN: &str = "hidden";
    pub const HISTOGRAM: &str = "histogram";
    pub const HISTOGRAM_MIN: &str = "histogram-min";
    pub const HISTOGRAM_STEP: &str = "histogram-step";
    pub const JSON: &str = "json";
    pub const PID: &str = "pid";
    pub const PRECISION: &str = "precision";
    pub const TITLE: &str = "title";
    pub const UNIT: &str = "unit";
    pub const WEIGHT: &str = "weight";
    pub const WIDTH: &str = "width";
    // Of tables.
    pub const CLEAR_SCREEN: &str = "clear-screen";
    pub const LIMIT: &str = "limit";
    pub const ROWS: &str = "rows";
    pub const SORT: &str = "sort";
}

/// Declares an enum whose variants are values of a hint.
macro_rules! words {
    (
        $(#[$meta:meta])*
        $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The one that a hint names; `None` for one that this version does not know.
            pub fn named(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == word)
            }

            /// Its name in hints.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}

words! {
    /// How a value is written: the hint `format`.
    Format {
        #[default]
        Plain = "plain",
        Hex = "hex",
        Octal = "octal",
        Bytes = "bytes",
        Percent = "percent",
        DurationNs = "duration-ns",
        DurationUs = "duration-us",
        DurationMs = "duration-ms",
        DurationS = "duration-s",
        TimeNs = "time-ns",
        TimeMonotonicNs = "time-monotonic-ns",
        TimeBootNs = "time-boot-ns",
        Errno = "errno",
        Signal = "signal",
        Syscall = "syscall",
        Uid = "uid",
        Gid = "gid",
        IpAddress = "ip-address",
        Port = "port",
        MacAddress = "mac-address",
        Flags = "flags",
        FileMode = "file-mode",
        FileFlags = "file-flags",
        MountNamespace = "mount-namespace",
        NetworkNamespace = "network-namespace",
        KernelStack = "kernel-stack",
        UserStack = "user-stack",
    }
}

words! {
    /// What JSON holds of a formatted field: the hint `json`.
    JsonForm {
        /// What docs/output.md says of the format.
        #[default]
        Value = "value",
        Text = "text",
        Both = "both",
        Skip = "skip",
    }
}

words! {
    /// What the rows of a table are: the hint `rows`.
    RowMeaning {
        /// Each row is something that happened.
        #[default]
        Events = "events",
        /// The rows of an interval are a state; the next interval's replace them.
        Totals = "totals",
    }
}

words! {
    /// What a field is to metrics: the hint `metric`.
    Metric {
        #[default]
        Counter = "counter",
        Gauge = "gauge",
        Histogram = "histogram",
        Label = "label",
    }
}

words! {
    /// Where a value that is too long is cut: the hint `ellipsis`.
    Ellipsis {
        #[default]
        End = "end",
        Middle = "middle",
        Start = "start",
    }
}

/// Slots of a histogram, in a field that holds their counts: the hint `histogram`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Histogram {
    /// Slot `i` counts values from 2 to the power of `i` to just below twice that, slot 0 also 0.
    Log2,
    /// Slot `i` counts values from `min + i * step` to just below the next.
    Linear {
        /// Where the first slot starts.
        min: i64,
        /// Values of a slot; not 0.
        step: u64,
    },
}

/// Upper bounds of one histogram metric: Prometheus keeps a time series for each of them.
pub const BUCKETS_MAX: usize = 64;

/// The hints of one field.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldHints {
    /// The header.
    pub title: Option<String>,
    /// What the field is, for help and metrics.
    pub description: Option<String>,
    /// In characters.
    pub width: Option<usize>,
    /// Aligned at the right end, or explicitly not.
    pub right: Option<bool>,
    /// No column unless the operator asks for it.
    pub hidden: bool,
    /// How the value is written.
    pub format: Format,
    /// Digits behind the point of a float.
    pub precision: Option<usize>,
    /// Where what is too long for its column is cut; `None`: it is not cut.
    pub ellipsis: Option<Ellipsis>,
    /// What JSON holds.
    pub json: JsonForm,
    /// The field that tells the family of an address.
    pub family: Option<String>,
    /// The field that tells the process of a user stack.
    pub pid: Option<String>,
    /// What the values are counted in, for histograms.
    pub unit: Option<String>,
    /// The field holds the slots of a histogram.
    pub histogram: Option<Histogram>,
    /// What the field is to metrics.
    pub metric: Option<Metric>,
    /// The metric's name.
    pub metric_name: Option<String>,
    /// Upper bounds of a histogram metric, ascending; empty: powers of two.
    pub buckets: Vec<f64>,
    /// The field that tells how often a histogram metric's value came; `None`: once a row.
    pub weight: Option<String>,
}

/// The hints of a table as a whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableHints {
    /// What a row is, for help and metrics.
    pub description: Option<String>,
    /// What the rows are.
    pub rows: RowMeaning,
    /// The order of the rows of an interval: fields as `--sort` takes them.
    pub sort: Option<String>,
    /// Rows of an interval that are shown.
    pub limit: Option<usize>,
    /// A terminal is cleared before each interval.
    pub clear_screen: bool,
    /// The number of rows is a counter.
    pub is_counted: bool,
    /// The name of that counter.
    pub metric_name: Option<String>,
}

impl FieldHints {
    /// What hints say of a field.
    pub fn read(hints: &Hints) -> Self {
        let text = |key: &str| hints.get(key).cloned();
        Self {
            title: text(key::TITLE),
            description: text(key::DESCRIPTION),
            width: number(hints, key::WIDTH),
            right: match hints.get(key::ALIGN).map(String::as_str) {
                Some("left") => Some(false),
                Some("right") => Some(true),
                _ => None,
            },
            hidden: is_true(hints, key::HIDDEN),
            format: word(hints, key::FORMAT, Format::named).unwrap_or_default(),
            precision: number(hints, key::PRECISION),
            ellipsis: word(hints, key::ELLIPSIS, Ellipsis::named),
            json: word(hints, key::JSON, JsonForm::named).unwrap_or_default(),
            family: text(key::FAMILY),
            pid: text(key::PID),
            unit: text(key::UNIT),
            histogram: histogram(hints),
            metric: word(hints, key::METRIC, Metric::named),
            metric_name: text(key::METRIC_NAME),
            buckets: hints
                .get(key::BUCKETS)
                .and_then(|text| buckets(text))
                .unwrap_or_default(),
            weight: text(key::WEIGHT),
        }
    }
}

impl TableHints {
    /// What hints say of a table.
    pub fn read(hints: &Hints) -> Self {
        Self {
            description: hints.get(key::DESCRIPTION).cloned(),
            rows: word(hints, key::ROWS, RowMeaning::named).unwrap_or_default(),
            sort: hints.get(key::SORT).cloned(),
            limit: number(hints, key::LIMIT),
            clear_screen: is_true(hints, key::CLEAR_SCREEN),
            is_counted: word(hints, key::METRIC, Metric::named) == Some(Metric::Counter),
            metric_name: hints.get(key::METRIC_NAME).cloned(),
        }
    }
}

impl Table {
    /// What its hints say of a field, a nested one with dots.
    pub fn hints_of(&self, field: &str) -> FieldHints {
        self.field_hints
            .get(field)
            .map_or_else(FieldHints::default, FieldHints::read)
    }
}

fn word<T>(hints: &Hints, key: &str, named: impl Fn(&str) -> Option<T>) -> Option<T> {
    hints.get(key).and_then(|word| named(word))
}

fn number(hints: &Hints, key: &str) -> Option<usize> {
    hints.get(key)?.parse().ok()
}

fn is_true(hints: &Hints, key: &str) -> bool {
    hints.get(key).is_some_and(|value| value == "true")
}

fn histogram(hints: &Hints) -> Option<Histogram> {
    let parsed = |key: &str| hints.get(key).map(|text| text.parse::<i64>().ok());
    match hints.get(key::HISTOGRAM)?.as_str() {
        "log2" => Some(Histogram::Log2),
        "linear" => Some(Histogram::Linear {
            min: parsed(key::HISTOGRAM_MIN).unwrap_or(Some(0))?,
            step: u64::try_from(parsed(key::HISTOGRAM_STEP).unwrap_or(Some(1))?)
                .ok()
                .filter(|step| *step > 0)?,
        }),
        _ => None,
    }
}

/// Upper bounds of a histogram's buckets: numbers with commas between. Nothing at all unless they
/// ascend and are not too many ([`BUCKETS_MAX`]).
pub fn buckets(text: &str) -> Option<Vec<f64>> {
    let bounds: Option<Vec<f64>> = text
        .split(',')
        .map(|bound| {
            bound
                .trim()
                .parse()
                .ok()
                .filter(|bound: &f64| bound.is_finite())
        })
        .collect();
    bounds.filter(|bounds| bounds.len() <= BUCKETS_MAX && bounds.is_sorted_by(|a, b| a < b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(hints: &[(&str, &str)]) -> FieldHints {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        FieldHints::read(&hints.iter().map(owned).collect())
    }

    #[test]
    fn every_word_names_itself() {
        for format in Format::ALL {
            assert_eq!(Format::named(format.name()), Some(*format));
        }
        assert_eq!(Format::named("nonsense"), None);
    }

    #[test]
    fn hints_are_read_and_unknown_ones_are_passed_over() {
        let hints = field(&[
            ("format", "syscall"),
            ("align", "right"),
            ("hidden", "true"),
            ("width", "12"),
            ("metric", "label"),
            ("buckets", "0.5, 1,10"),
            ("colour", "red"),
        ]);
        assert_eq!(hints.format, Format::Syscall);
        assert_eq!(hints.right, Some(true));
        assert!(hints.hidden);
        assert_eq!(hints.width, Some(12));
        assert_eq!(hints.metric, Some(Metric::Label));
        assert_eq!(hints.buckets, [0.5, 1.0, 10.0]);
        let odd = [
            ("format", "new"),
            ("width", "-1"),
            ("align", "up"),
            ("buckets", "2,1"),
        ];
        assert_eq!(field(&odd), FieldHints::default());
    }

    #[test]
    fn histograms_have_their_slots_and_a_step_of_none_is_refused() {
        let linear = |step| {
            field(&[
                ("histogram", "linear"),
                ("histogram-min", "-5"),
                ("histogram-step", step),
            ])
        };
        let expected = Histogram::Linear { min: -5, step: 10 };
        assert_eq!(linear("10").histogram, Some(expected));
        assert_eq!(linear("0").histogram, None);
        assert_eq!(linear("x").histogram, None);
        assert_eq!(
            field(&[("histogram", "log2")]).histogram,
            Some(Histogram::Log2)
        );
        let plain = Histogram::Linear { min: 0, step: 1 };
        assert_eq!(field(&[("histogram", "linear")]).histogram, Some(plain));
    }
}
