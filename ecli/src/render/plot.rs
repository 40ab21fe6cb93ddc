//! Histograms as bcc and libbpf-tools print them.

use eunomia_runtime::output::Histogram;

use super::format::append;
use super::line::push_visible;

/// Slots of a power-of-two histogram: a u64 falls into one of them.
const LOG2_SLOTS_MAX: usize = 64;

/// The last slot whose numbers fit into narrow columns.
const NARROW_SLOT_MAX: usize = 32;

/// Characters of the longest bar.
const STARS_MAX: usize = 40;

/// Characters of the unit that are shown.
const UNIT_CHARACTERS_MAX: usize = 20;

/// Appends the counts of a histogram's slots; nothing when all are 0.
pub(super) fn write(text: &mut Vec<u8>, unit: &str, histogram: Histogram, counts: &[u64]) {
    let mut visible = Vec::new();
    let unit = unit.chars().take(UNIT_CHARACTERS_MAX);
    unit.for_each(|character| push_visible(&mut visible, character));
    let unit = String::from_utf8_lossy(&visible);
    let used = counts
        .iter()
        .rposition(|count| *count > 0)
        .map_or(0, |last| last + 1);
    let counts = &counts[..used];
    let Some(count_max) = counts.iter().copied().max() else {
        return;
    };
    match histogram {
        Histogram::Log2 => write_log2(text, &unit, counts, count_max),
        Histogram::Linear { min, step } => {
            write_linear(text, &unit, (min, step), counts, count_max)
        }
    }
}

fn write_log2(text: &mut Vec<u8>, unit: &str, counts: &[u64], count_max: u64) {
    let counts = &counts[..counts.len().min(LOG2_SLOTS_MAX)];
    let (indent, title, number, stars) = match counts.len() <= NARROW_SLOT_MAX + 1 {
        true => (5, 19, 10, STARS_MAX),
        false => (15, 29, 20, STARS_MAX / 2),
    };
    let header = format_args!("{:indent$}{unit:<title$} : count    distribution\n", "");
    append(text, header);
    for (slot, count) in counts.iter().enumerate() {
        let low = if slot == 0 { 0 } else { 1_u64 << slot };
        let high = u64::MAX >> (LOG2_SLOTS_MAX - 1 - slot);
        append(
            text,
            format_args!("{low:>number$} -> {high:<number$} : {count:<8} "),
        );
        write_bar(text, *count, count_max, stars);
    }
}

fn write_linear(
    text: &mut Vec<u8>,
    unit: &str,
    (min, step): (i64, u64),
    counts: &[u64],
    count_max: u64,
) {
    append(
        text,
        format_args!("     {unit:<13} : count     distribution\n"),
    );
    for (slot, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let low = i128::from(min) + slot as i128 * i128::from(step);
        append(text, format_args!("        {low:<10} : {count:<8} "));
        write_bar(text, *count, count_max, STARS_MAX);
    }
}

/// A bar whose length tells the share in the largest count.
fn write_bar(text: &mut Vec<u8>, count: u64, count_max: u64, stars: usize) {
    let share = u128::from(count) * stars as u128 / u128::from(count_max.max(1));
    let length = usize::try_from(share).unwrap_or(stars);
    append(
        text,
        format_args!("|{:*<length$}{:gap$}|\n", "", "", gap = stars - length),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(unit: &str, histogram: Histogram, counts: &[u64]) -> String {
        let mut text = Vec::new();
        write(&mut text, unit, histogram, counts);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn powers_of_two_look_as_those_of_bcc() {
        let text = shown("usecs", Histogram::Log2, &[3, 0, 6, 0, 0]);
        let expected = [
            "     usecs               : count    distribution",
            "         0 -> 1          : 3        |********************                    |",
            "         2 -> 3          : 0        |                                        |",
            "         4 -> 7          : 6        |****************************************|",
            "",
        ];
        assert_eq!(text, expected.join("\n"));
    }

    #[test]
    fn linear_slots_have_their_start_and_empty_ones_are_left_out() {
        let text = shown("C", Histogram::Linear { min: -10, step: 5 }, &[1, 0, 2]);
        let expected = [
            "     C             : count     distribution",
            "        -10        : 1        |********************                    |",
            "        0          : 2        |****************************************|",
            "",
        ];
        assert_eq!(text, expected.join("\n"));
    }

    #[test]
    fn the_largest_numbers_fit_and_nothing_is_shown_of_nothing() {
        let text = shown("x\x1b", Histogram::Log2, &[u64::MAX; 70]);
        assert_eq!(text.lines().count(), 1 + LOG2_SLOTS_MAX);
        assert!(
            text.contains("9223372036854775808 -> 18446744073709551615"),
            "{text}"
        );
        assert!(!text.contains('\x1b'));
        let widest = Histogram::Linear {
            min: i64::MIN,
            step: u64::MAX,
        };
        assert_eq!(shown("", widest, &[1, 1]).lines().count(), 3);
        assert_eq!(shown("", Histogram::Log2, &[0, 0]), "");
    }
}
