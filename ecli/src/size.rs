//! Sizes in bytes, for people.

use anyhow::{Result, anyhow};

const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];

/// `12 B`, `1.5 KiB`, `98 KiB`: two or three digits that matter.
pub(crate) fn shown(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // Exact up to 2^53, and rounded to three digits anyway.
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = usize::from(value < 9.95);
    format!("{value:.digits$} {}", UNITS[unit])
}

/// Reads `64MiB`, `64M`, `1GiB`, `65536`.
pub(crate) fn parse(text: &str) -> Result<u64> {
    let wrong = || anyhow!("`{text}` is no size: write 65536, 512KiB, 64MiB or 1GiB");
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let shift = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kib" => 10,
        "m" | "mib" => 20,
        "g" | "gib" => 30,
        _ => return Err(wrong()),
    };
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_two_or_three_digits() {
        let sizes = [
            0,
            1023,
            1024,
            1536,
            100 << 10,
            (1 << 20) - 1,
            5 << 30,
            u64::MAX,
        ];
        let expected = [
            "0 B",
            "1023 B",
            "1.0 KiB",
            "1.5 KiB",
            "100 KiB",
            "1.0 MiB",
            "5.0 GiB",
            "16777216 TiB",
        ];
        assert_eq!(sizes.map(shown), expected.map(str::to_owned));
    }

    #[test]
    fn sizes_are_read_in_units_of_1024() {
        assert_eq!(parse("65536").unwrap(), 65536);
        assert_eq!(parse("64MiB").unwrap(), 64 << 20);
        assert_eq!(parse("1g").unwrap(), 1 << 30);
        for wrong in ["", "MiB", "-1", "1.5M", "1X", "99999999999GiB"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
