//! Histograms as text, in the layout of bcc and libbpf-tools.

use std::fmt;

/// Slots of a power-of-two histogram: a u64 falls into one of them.
const LOG2_SLOTS_MAX: usize = 64;

/// The last slot whose numbers fit into narrow columns.
const NARROW_SLOT_MAX: usize = 32;

/// Characters of the longest bar.
const STARS_MAX: usize = 40;

/// A histogram whose slot `i` counts values from 2 to the power of `i` to just below twice that
/// (the first one 0 as well): what `log2l` of libbpf-tools fills.
///
/// Its text is that of `print_log2_hist` of libbpf-tools, up to the last slot that is not empty; no
/// text at all when all are.
///
/// ```
/// use eunomia_bpf::histogram::Log2Histogram;
///
/// let text = Log2Histogram::new("usecs", [3_u32, 0, 6]).to_string();
/// assert_eq!(
///     text,
///     "     usecs               : count    distribution\n\
///      \x20        0 -> 1          : 3        |********************                    |\n\
///      \x20        2 -> 3          : 0        |                                        |\n\
///      \x20        4 -> 7          : 6        |****************************************|\n"
/// );
/// ```
#[derive(Clone, Debug)]
pub struct Log2Histogram<'a> {
    unit: &'a str,
    slots: Vec<u64>,
}

impl<'a> Log2Histogram<'a> {
    /// A histogram of values of this unit; slots from 64 on are passed over.
    pub fn new<T: Into<u64>>(unit: &'a str, slots: impl IntoIterator<Item = T>) -> Self {
        Self {
            unit,
            slots: filled(slots.into_iter().take(LOG2_SLOTS_MAX)),
        }
    }
}

impl fmt::Display for Log2Histogram<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(count_max) = self.slots.iter().copied().max() else {
            return Ok(());
        };
        let is_narrow = self.slots.len() <= NARROW_SLOT_MAX + 1;
        let (indent, title, number, stars) = match is_narrow {
            true => (5, 19, 10, STARS_MAX),
            false => (15, 29, 20, STARS_MAX / 2),
        };
        let unit = self.unit;
        writeln!(f, "{:indent$}{unit:<title$} : count    distribution", "")?;
        for (slot, count) in self.slots.iter().copied().enumerate() {
            let low = if slot == 0 { 0 } else { 1_u64 << slot };
            let high = u64::MAX >> (LOG2_SLOTS_MAX - 1 - slot);
            let bar = bar(count, count_max, stars);
            writeln!(
                f,
                "{low:>number$} -> {high:<number$} : {count:<8} |{bar:<stars$}|"
            )?;
        }
        Ok(())
    }
}

/// A histogram whose slot `i` counts values from `base + i * step` to just below the next.
///
/// Its text is that of `print_linear_hist` of libbpf-tools, where empty slots are left out; no text
/// at all when all are.
#[derive(Clone, Debug)]
pub struct LinearHistogram<'a> {
    unit: &'a str,
    base: u64,
    step: u64,
    slots: Vec<u64>,
}

impl<'a> LinearHistogram<'a> {
    /// A histogram of values of this unit, from 0 in steps of 1.
    pub fn new<T: Into<u64>>(unit: &'a str, slots: impl IntoIterator<Item = T>) -> Self {
        Self {
            unit,
            base: 0,
            step: 1,
            slots: filled(slots.into_iter()),
        }
    }

    /// Where the first slot starts; 0 by default.
    pub fn base(mut self, base: u64) -> Self {
        self.base = base;
        self
    }

    /// How many values share a slot; 1 by default.
    pub fn step(mut self, step: u64) -> Self {
        self.step = step;
        self
    }
}

impl fmt::Display for LinearHistogram<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(count_max) = self.slots.iter().copied().max() else {
            return Ok(());
        };
        writeln!(f, "     {:<13} : count     distribution", self.unit)?;
        for (slot, count) in self.slots.iter().copied().enumerate() {
            if count > 0 {
                let offset = (slot as u64).wrapping_mul(self.step);
                let value = self.base.wrapping_add(offset);
                let bar = bar(count, count_max, STARS_MAX);
                writeln!(f, "        {value:<10} : {count:<8} |{bar:<STARS_MAX$}|")?;
            }
        }
        Ok(())
    }
}

/// The slots up to the last one that is not empty.
fn filled<T: Into<u64>>(slots: impl Iterator<Item = T>) -> Vec<u64> {
    let mut slots: Vec<u64> = slots.map(Into::into).collect();
    let length = slots.iter().rposition(|count| *count > 0);
    slots.truncate(length.map_or(0, |last| last + 1));
    slots
}

/// A bar that is as long as `count` is large.
fn bar(count: u64, count_max: u64, width: usize) -> &'static str {
    const STARS: &str = "****************************************";
    let length = u128::from(count) * width as u128 / u128::from(count_max.max(1));
    STARS.get(..length as usize).unwrap_or(STARS)
}

/// The expected texts are what the functions of libbpf-tools print.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_without_values_has_no_text() {
        assert_eq!(Log2Histogram::new("usecs", [0_u32; 26]).to_string(), "");
        assert_eq!(LinearHistogram::new("runqlen", [0_u32; 32]).to_string(), "");
    }

    #[test]
    fn columns_are_wide_from_slot_33_on() {
        let mut slots = [0_u32; 34];
        slots[32] = 1;
        let narrow = Log2Histogram::new("nsecs", slots).to_string();
        assert!(narrow.starts_with("     nsecs               : count    distribution\n"));
        slots[33] = 2;
        let wide = Log2Histogram::new("nsecs", slots).to_string();
        let lines: Vec<_> = wide.lines().collect();
        assert_eq!(
            lines[0],
            "               nsecs                         : count    distribution"
        );
        assert_eq!(
            lines[33],
            "          4294967296 -> 8589934591           : 1        |**********          |"
        );
        assert_eq!(
            lines[34],
            "          8589934592 -> 17179869183          : 2        |********************|"
        );
        assert_eq!(lines.len(), 35);
    }

    #[test]
    fn linear_histograms_leave_out_empty_slots() {
        let histogram = LinearHistogram::new("runqlen", [0_u32, 8, 0, 2])
            .base(5)
            .step(10);
        assert_eq!(
            histogram.to_string(),
            "     runqlen       : count     distribution\n\
             \x20       15         : 8        |****************************************|\n\
             \x20       35         : 2        |**********                              |\n"
        );
    }

    #[test]
    fn the_largest_counts_and_slots_are_shown() {
        let mut slots = [0_u64; 70];
        slots[63] = u64::MAX;
        let text = Log2Histogram::new("usecs", slots).to_string();
        let last = text.lines().last().unwrap();
        assert!(last.starts_with(" 9223372036854775808 -> 18446744073709551615 : "));
        assert!(last.ends_with("|********************|"));
    }
}
