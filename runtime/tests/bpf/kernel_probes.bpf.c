// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Programs that not every kernel allows. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("kprobe/do_unlinkat")
int BPF_KPROBE(on_kprobe)
{
	return 0;
}

SEC("kprobe.multi/tcp_*")
int on_kprobes(struct pt_regs *ctx)
{
	return 0;
}

SEC("ksyscall/openat")
int on_ksyscall(struct pt_regs *ctx)
{
	return 0;
}

SEC("fentry/do_unlinkat")
int BPF_PROG(on_fentry)
{
	return 0;
}

SEC("lirc_mode2")
int on_lirc(unsigned int *sample)
{
	return 0;
}

SEC("lsm/file_open")
int BPF_PROG(on_lsm, struct file *file)
{
	return 0;
}
