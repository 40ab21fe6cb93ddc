//! Patterns of names, as libbpf has them (`glob_match`) and people write them in policies: `*`
//! stands for any text, `?` for one character.

/// Whether `pattern` covers all of `name`, in time proportional to the product of their lengths.
pub fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut at, mut in_name) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while in_name < name.len() {
        match pattern.get(at) {
            Some('*') => {
                retry = Some((at + 1, in_name));
                at += 1;
            }
            Some(c) if *c == '?' || *c == name[in_name] => {
                at += 1;
                in_name += 1;
            }
            _ => {
                let Some((after_star, start)) = retry else {
                    return false;
                };
                retry = Some((after_star, start + 1));
                (at, in_name) = (after_star, start + 1);
            }
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_text() {
        for (pattern, name) in [
            ("*", ""),
            ("*", "vfs_read"),
            ("vfs_*", "vfs_read"),
            ("*_re?d", "vfs_read"),
            ("v*s*d", "vfs_read"),
            ("a**b", "ab"),
            ("?", "ü"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("", "a"),
            ("?", ""),
            ("vfs_", "vfs_read"),
            ("*_write", "vfs_read"),
            ("v?s", "vfs_read"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
