//! Names like one that does not exist.

/// The candidates closest to `wanted`, the best first; none that differs in more than a third.
pub(crate) fn similar<'a>(
    wanted: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Vec<&'a str> {
    const SHOWN_MAX: usize = 3;
    let distance_max = 1 + wanted.chars().count() / 3;
    let mut ranked: Vec<(usize, &str)> = candidates
        .into_iter()
        .map(|candidate| (distance(wanted, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= distance_max || candidate.starts_with(wanted))
        .collect();
    ranked.sort();
    ranked.dedup();
    ranked
        .into_iter()
        .take(SHOWN_MAX)
        .map(|(_, candidate)| candidate)
        .collect()
}

/// Levenshtein's: insertions, deletions and replacements.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (line, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_mistakes_find_the_name() {
        let names = ["execsnoop", "opensnoop", "runqlat"];
        assert_eq!(similar("execsnop", names), ["execsnoop"]);
        assert_eq!(similar("snoop", names), [""; 0]);
        assert_eq!(similar("run", names), ["runqlat"]);
        assert_eq!(similar("", names).len(), 3);
    }
}
