//! BPF instructions, as far as calls need them (RFC 9669).

/// Bytes of an instruction; wide ones take two slots.
pub(super) const BYTES: usize = 8;

/// `BPF_JMP | BPF_CALL`.
const CALL: u8 = 0x85;

/// What a call calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// A helper, by number.
    Helper(u32),
    /// Another function of the object, or a kernel function when the linker says so.
    Function,
    /// A kernel function, by the id of its type.
    KernelFunction(u32),
    /// Helper by the id of its type, or what no kernel of now knows.
    Other(u8),
}

/// The call in a slot, if it holds one. The second slot of a wide instruction is looked at like any
/// other: the kernel refuses one that looks like a call, so that nothing can hide there, and no
/// honest object has one.
pub(super) fn call(slot: &[u8; BYTES], is_little_endian: bool) -> Option<Call> {
    let [code, registers, _, _, immediate @ ..] = slot;
    if *code != CALL {
        return None;
    }
    let (source, immediate) = match is_little_endian {
        true => (registers >> 4, u32::from_le_bytes(*immediate)),
        false => (registers & 0xf, u32::from_be_bytes(*immediate)),
    };
    Some(match source {
        0 => Call::Helper(immediate),
        1 => Call::Function,
        2 => Call::KernelFunction(immediate),
        other => Call::Other(other),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_apart_in_both_byte_orders() {
        let little = |registers, number| [CALL, registers, 0, 0, number, 0, 0, 0];
        assert_eq!(call(&little(0, 36), true), Some(Call::Helper(36)));
        assert_eq!(call(&little(0x10, 255), true), Some(Call::Function));
        assert_eq!(call(&little(0x20, 7), true), Some(Call::KernelFunction(7)));
        assert_eq!(call(&little(0x30, 7), true), Some(Call::Other(3)));
        assert_eq!(
            call(&[CALL, 0x01, 0, 0, 0, 0, 0, 9], false),
            Some(Call::Function)
        );
        assert_eq!(
            call(&[CALL, 0x00, 0, 0, 0, 0, 0, 9], false),
            Some(Call::Helper(9))
        );
        // exit; a wide load.
        assert_eq!(call(&[0x95, 0, 0, 0, 0, 0, 0, 0], true), None);
        assert_eq!(call(&[0x18, 0x10, 0, 0, CALL, 0, 0, 0], true), None);
    }
}
