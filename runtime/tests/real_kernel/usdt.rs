//! A USDT probe in the test's own binary: provider `ecli_test`, name `probe`, one argument.
#![allow(unsafe_code)]

use std::arch::global_asm;

#[cfg(target_arch = "x86_64")]
macro_rules! argument {
    () => {
        "8@%rdi"
    };
}
#[cfg(target_arch = "aarch64")]
macro_rules! argument {
    () => {
        "8@x0"
    };
}

// What `DTRACE_PROBE1` of <sys/sdt.h> makes: a nop, and a note that says where it is.
global_asm!(
    ".text",
    ".globl ecli_test_usdt",
    ".type ecli_test_usdt, %function",
    "ecli_test_usdt:",
    "990: nop",
    "ret",
    ".size ecli_test_usdt, . - ecli_test_usdt",
    ".pushsection .note.stapsdt, \"\", %note",
    ".balign 4",
    ".4byte 992f-991f, 994f-993f, 3",
    "991: .asciz \"stapsdt\"",
    "992: .balign 4",
    "993: .8byte 990b",
    ".8byte _.stapsdt.base",
    ".8byte 0",
    ".asciz \"ecli_test\"",
    ".asciz \"probe\"",
    concat!(".asciz \"", argument!(), "\""),
    "994: .balign 4",
    ".popsection",
    ".pushsection .stapsdt.base, \"aG\", %progbits, .stapsdt.base, comdat",
    ".weak _.stapsdt.base",
    ".hidden _.stapsdt.base",
    "_.stapsdt.base: .space 1",
    ".size _.stapsdt.base, 1",
    ".popsection",
);

unsafe extern "C" {
    fn ecli_test_usdt(argument: u64);
}

/// Pass the probe.
pub(crate) fn hit(argument: u64) {
    // SAFETY: the function does nothing and returns.
    unsafe { ecli_test_usdt(argument) };
}
