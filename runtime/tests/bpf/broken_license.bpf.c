// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* An image that no kernel, or not every one, runs: see tests/tests/check.rs. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Proprietary";

SEC("raw_tp/sys_enter")
int program(void *ctx)
{
	bpf_printk("seen");
	return 0;
}
