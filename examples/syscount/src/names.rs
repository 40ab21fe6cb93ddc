//! Names of system calls.

use std::borrow::Cow;

use crate::bpf::Numbering;

/// Names in the order of their numbers; a number in between is that of the name after it.
const X86_64: &str = include_str!("syscalls/x86_64.txt");
const ARM64: &str = include_str!("syscalls/arm64.txt");

/// The system calls of one CPU.
pub(crate) struct SyscallNames {
    /// By number; empty where there is none.
    names: Vec<&'static str>,
}

impl SyscallNames {
    pub(crate) fn of(numbering: Numbering) -> Self {
        let text = match numbering {
            Numbering::NUMBERING_ARM64 => ARM64,
            _ => X86_64,
        };
        let mut names = Vec::new();
        for word in text.split_ascii_whitespace() {
            match word.parse() {
                Ok(number) => names.resize(number, ""),
                Err(_) => names.push(word),
            }
        }
        Self { names }
    }

    /// The name, or the number of a call that is younger than the list.
    pub(crate) fn name(&self, number: u32) -> Cow<'static, str> {
        match self.names.get(number as usize) {
            Some(name) if !name.is_empty() => Cow::Borrowed(name),
            _ => Cow::Owned(format!("[{number}]")),
        }
    }

    /// All numbers with their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &'static str)> {
        let all = self.names.iter().copied().enumerate();
        all.filter(|(_, name)| !name.is_empty())
    }
}
