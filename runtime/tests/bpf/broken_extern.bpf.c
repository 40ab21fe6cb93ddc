// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* An image that no kernel, or not every one, runs: see tests/tests/check.rs. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";
__u64 seen;

extern const int ecli_no_such_variable __ksym;

SEC("raw_tp/sys_enter")
int program(void *ctx)
{
	seen = (__u64)&ecli_no_such_variable;
	return 0;
}
