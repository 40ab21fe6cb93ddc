//! How attach targets are written in policies: one spelling for each thing that a program can be
//! attached to, whichever way it gets there.

use eunomia_runtime::target::{Section, Target, UprobeLocation, UprobeLocations};

/// The spellings of what a section names: all of them must be allowed. None when it names nothing:
/// then the guest says where, and is checked then.
pub(crate) fn of_section(section: &str) -> Vec<String> {
    Section::target(section)
        .as_ref()
        .map(of_target)
        .unwrap_or_default()
}

/// The spellings of a target. Offsets, cookies and processes are left out: who may watch a function
/// may watch each of its instructions.
pub(crate) fn of_target(target: &Target) -> Vec<String> {
    match target {
        Target::Kprobe { symbol, .. } => vec![format!("kprobe:{symbol}")],
        Target::KprobeMulti { symbols, .. } => symbols
            .iter()
            .map(|symbol| format!("kprobe:{symbol}"))
            .collect(),
        Target::Uprobe {
            binary, location, ..
        } => vec![match location {
            UprobeLocation::Symbol(symbol, _) => format!("uprobe:{binary}:{symbol}"),
            UprobeLocation::FileOffset(offset) => format!("uprobe:{binary}:{offset:#x}"),
        }],
        Target::UprobeMulti {
            binary, locations, ..
        } => match locations {
            UprobeLocations::Pattern(pattern) => vec![format!("uprobe:{binary}:{pattern}")],
            UprobeLocations::Symbols(symbols) => symbols
                .iter()
                .map(|symbol| format!("uprobe:{binary}:{symbol}"))
                .collect(),
            UprobeLocations::FileOffsets(offsets) => offsets
                .iter()
                .map(|offset| format!("uprobe:{binary}:{offset:#x}"))
                .collect(),
        },
        Target::Usdt {
            binary,
            provider,
            name,
            ..
        } => vec![format!("usdt:{binary}:{provider}:{name}")],
        other => vec![other.to_string()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_a_function_is_spelled_the_same() {
        let spelled = |text: &str| of_target(&text.parse().unwrap());
        assert_eq!(spelled("kprobe:tcp_connect+4"), ["kprobe:tcp_connect"]);
        assert_eq!(spelled("kprobe_multi:a,b"), ["kprobe:a", "kprobe:b"]);
        assert_eq!(
            spelled("uprobe:/bin/bash:readline+8@7"),
            ["uprobe:/bin/bash:readline"]
        );
        assert_eq!(of_section("kretprobe/tcp_connect"), ["kprobe:tcp_connect"]);
        assert_eq!(
            of_section("tp/sched/sched_switch"),
            ["tracepoint:sched:sched_switch"]
        );
        assert!(of_section("xdp").is_empty());
        assert!(of_section("nonsense").is_empty());
    }
}
