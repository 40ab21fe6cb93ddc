// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* An image that no kernel, or not every one, runs: see tests/tests/check.rs. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";
__u64 seen;

SEC("uprobe/libc.so.6:getpid")
int program(void *ctx)
{
	bpf_copy_from_user(&seen, sizeof(seen), NULL);
	return 0;
}
