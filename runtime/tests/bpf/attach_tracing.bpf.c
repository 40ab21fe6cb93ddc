// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Programs at kernel functions and LSM hooks, which full kernels have. All see only `own_pid`. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define EPERM 1

const volatile __u32 own_pid;
/* Whether the programs that can deny something do so: 0 or 1. */
__u8 deny;

__u64 hits;
__s64 returned;
__u64 cookie;

static __always_inline bool is_own(void)
{
	return bpf_get_current_pid_tgid() >> 32 == own_pid;
}

static __always_inline int count(void)
{
	if (is_own())
		__sync_fetch_and_add(&hits, 1);
	return 0;
}

static __always_inline int count_and_deny(void)
{
	count();
	return is_own() && deny ? -EPERM : 0;
}

SEC("kprobe/do_unlinkat")
int BPF_KPROBE(on_kprobe)
{
	cookie = bpf_get_attach_cookie(ctx);
	return count();
}

SEC("kretprobe/do_unlinkat")
int BPF_KRETPROBE(on_kretprobe, long result)
{
	/* Of an int there are 32 bits. */
	if (is_own())
		returned = (int)result;
	return count();
}

SEC("kprobe.multi/do_unlinkat*")
int on_kprobe_multi(struct pt_regs *ctx)
{
	cookie = bpf_get_attach_cookie(ctx);
	return count();
}

SEC("kretprobe.multi/do_unlinkat*")
int on_kretprobe_multi(struct pt_regs *ctx)
{
	return count();
}

SEC("ksyscall/unlink")
int on_ksyscall(struct pt_regs *ctx)
{
	return count();
}

SEC("kretsyscall/unlink")
int on_kretsyscall(struct pt_regs *ctx)
{
	return count();
}

SEC("fentry/do_unlinkat")
int BPF_PROG(on_fentry)
{
	return count();
}

SEC("fexit/do_unlinkat")
int BPF_PROG(on_fexit, int directory, struct filename *name, int result)
{
	if (is_own())
		returned = result;
	return count();
}

SEC("fmod_ret/security_inode_unlink")
int BPF_PROG(on_fmod_ret, struct inode *directory, struct dentry *entry, int result)
{
	return count_and_deny();
}

SEC("lsm/inode_unlink")
int BPF_PROG(on_lsm, struct inode *directory, struct dentry *entry)
{
	return count_and_deny();
}

SEC("lsm_cgroup/socket_bind")
int BPF_PROG(on_lsm_cgroup, struct socket *socket, struct sockaddr *address, int length)
{
	__sync_fetch_and_add(&hits, 1);
	/* 1 allows, 0 denies with EPERM. */
	return !(deny & 1);
}

SEC("syscall")
int on_request(__u64 *words)
{
	words[1] = words[0] + 1;
	return 7;
}
