//! The saved registers of a CPU, as its kernels describe them, for objects that are built on
//! another CPU: `bpf_tracing.h` reads arguments of functions from them.
//!
//! Only what that header and the kernel's types agree on is here. Accesses are relocated when an
//! object is loaded, by names, so that what is left out at the end does not matter.

/// What `bpf_tracing.h` calls the CPU, and the registers.
const KNOWN: [(&str, &str); 5] = [
    ("arm64", include_str!("arm64.h")),
    ("loongarch", include_str!("loongarch.h")),
    ("powerpc", include_str!("powerpc.h")),
    ("riscv", include_str!("riscv.h")),
    ("x86", include_str!("x86.h")),
];

/// Structs of registers, of which each CPU has some.
const STRUCTS: [&str; 3] = ["pt_regs", "user_pt_regs", "user_regs_struct"];

/// That of `vmlinux.h` itself is inside.
const GUARD: &str = "__ECLI_VMLINUX_OF_ANOTHER_CPU_H__";

/// `vmlinux.h` with the registers of `architecture` in place of those of this machine; `None` for a
/// CPU whose registers are not known here.
pub(super) fn of_another_cpu(vmlinux: &str, architecture: &str) -> Option<String> {
    let (_, registers) = KNOWN.iter().find(|(name, _)| *name == architecture)?;
    let mut text = format!("#ifndef {GUARD}\n#define {GUARD}\n");
    // The types of this machine that have them keep their own.
    for name in STRUCTS {
        text += &format!("#define {name} {name}___of_the_builder\n");
    }
    text += vmlinux;
    for name in STRUCTS {
        text += &format!("#undef {name}\n");
    }
    text += "#pragma clang attribute push(__attribute__((preserve_access_index)), \
             apply_to = record)\n";
    text += registers;
    text += "#pragma clang attribute pop\n#endif\n";
    Some(text)
}
