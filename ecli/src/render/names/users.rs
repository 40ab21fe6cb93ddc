//! Users and groups, from files like `/etc/passwd`. Other sources of names (LDAP) would mean
//! network connections while events are shown.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

/// Bytes of the file that are read: tens of thousands of users.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Names by number, read when first needed.
#[derive(Debug)]
pub(in crate::render) struct Users {
    path: PathBuf,
    names: Option<HashMap<u32, String>>,
}

impl Users {
    pub(super) fn of(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            names: None,
        }
    }

    /// The name of a number.
    pub(in crate::render) fn name(&mut self, number: i64) -> Option<&str> {
        let number = u32::try_from(number).ok()?;
        self.names().get(&number).map(String::as_str)
    }

    /// The number of a name.
    pub(in crate::render) fn number(&mut self, wanted: &str) -> Option<i64> {
        let mut names = self.names().iter();
        names
            .find(|(_, name)| *name == wanted)
            .map(|(number, _)| i64::from(*number))
    }

    fn names(&mut self) -> &HashMap<u32, String> {
        let path = &self.path;
        self.names.get_or_insert_with(|| {
            let mut bytes = Vec::new();
            // Without the file there are no names.
            let _ =
                File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes));
            parse(&String::from_utf8_lossy(&bytes))
        })
    }
}

/// Lines are `name:password:number:...`; of several names the first counts.
fn parse(text: &str) -> HashMap<u32, String> {
    let mut names = HashMap::new();
    for line in text.lines() {
        let mut parts = line.split(':');
        if let (Some(name), Some(_), Some(number)) = (parts.next(), parts.next(), parts.next())
            && let Ok(number) = number.parse()
        {
            names.entry(number).or_insert_with(|| name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_both_ways_and_broken_lines_are_passed_over() {
        let names = parse("root:x:0:0::/root:/bin/sh\nbroken\n:::\ntoor:x:0:0\nme:x:1000:");
        assert_eq!(names[&0], "root");
        assert_eq!(names[&1000], "me");
        assert_eq!(names.len(), 2);
        let mut users = Users::of("/etc/passwd");
        assert_eq!(users.name(0), Some("root"));
        assert_eq!(users.number("root"), Some(0));
        assert_eq!(users.name(-1), None);
        assert_eq!(Users::of("/nonexistent").name(0), None);
    }
}
