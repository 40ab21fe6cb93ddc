//! Building `.BTF` sections by hand.

/// A section under construction. The methods give the number of the type that they add.
pub(crate) struct Section {
    words: Vec<u32>,
    strings: Vec<u8>,
    count: u32,
}

/// The flag of signed integers.
pub(crate) const INT_SIGNED: u32 = 1 << 24;

impl Section {
    pub(crate) fn new() -> Self {
        Self {
            words: Vec::new(),
            strings: vec![0],
            count: 0,
        }
    }

    /// Adds a name and gives its offset.
    pub(crate) fn name(&mut self, name: &str) -> u32 {
        if name.is_empty() {
            return 0;
        }
        let offset = u32::try_from(self.strings.len()).unwrap();
        self.strings.extend(name.as_bytes());
        self.strings.push(0);
        offset
    }

    /// Adds any type: `info` is the kind's number with the flag and the count of parts.
    pub(crate) fn add(&mut self, name: &str, info: Info, size_or_type: u32, tail: &[u32]) -> u32 {
        let name = self.name(name);
        let flag = u32::from(info.flag) << 31;
        self.words
            .extend([name, flag | info.kind << 24 | info.count, size_or_type]);
        self.words.extend(tail);
        self.count += 1;
        self.count
    }

    pub(crate) fn int(&mut self, name: &str, size: u32, encoding: u32) -> u32 {
        self.add(name, Info::of(1), size, &[encoding | (size * 8)])
    }

    pub(crate) fn pointer(&mut self, to: u32) -> u32 {
        self.add("", Info::of(2), to, &[])
    }

    pub(crate) fn array(&mut self, item: u32, count: u32) -> u32 {
        self.add("", Info::of(3), 0, &[item, item, count])
    }

    pub(crate) fn typedef(&mut self, name: &str, to: u32) -> u32 {
        self.add(name, Info::of(8), to, &[])
    }

    /// Members with the offset word that the format has: bits.
    pub(crate) fn structure(&mut self, name: &str, size: u32, members: &[(&str, u32, u32)]) -> u32 {
        self.composite(4, name, size, members)
    }

    pub(crate) fn union(&mut self, name: &str, size: u32, members: &[(&str, u32, u32)]) -> u32 {
        self.composite(5, name, size, members)
    }

    pub(crate) fn variable(&mut self, name: &str, ty: u32) -> u32 {
        self.add(name, Info::of(14), ty, &[1])
    }

    pub(crate) fn data_section(&mut self, name: &str, variables: &[u32]) -> u32 {
        let tail: Vec<u32> = variables
            .iter()
            .flat_map(|variable| [*variable, 0, 0])
            .collect();
        self.add(name, Info::of(15).count(variables.len()), 0, &tail)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let types_length = u32::try_from(self.words.len() * 4).unwrap();
        let strings_length = u32::try_from(self.strings.len()).unwrap();
        let mut bytes = vec![0x9f, 0xeb, 1, 0];
        for word in [24, 0, types_length, types_length, strings_length] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(self.words.iter().flat_map(|word| word.to_le_bytes()));
        bytes.extend(&self.strings);
        bytes
    }

    fn composite(&mut self, kind: u32, name: &str, size: u32, members: &[(&str, u32, u32)]) -> u32 {
        let tail: Vec<u32> = members
            .iter()
            .flat_map(|(name, ty, bits)| [self.name(name), *ty, *bits])
            .collect();
        self.add(name, Info::of(kind).count(members.len()), size, &tail)
    }
}

/// The second word of a type.
#[derive(Clone, Copy)]
pub(crate) struct Info {
    kind: u32,
    flag: bool,
    count: u32,
}

impl Info {
    pub(crate) fn of(kind: u32) -> Self {
        Self {
            kind,
            flag: false,
            count: 0,
        }
    }

    pub(crate) fn count(self, count: usize) -> Self {
        Self {
            count: u32::try_from(count).unwrap(),
            ..self
        }
    }

    pub(crate) fn flagged(self) -> Self {
        Self { flag: true, ..self }
    }
}
