// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#define EPERM 1

struct event {
	int pid;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} rb SEC(".maps");

/* Programs of this name cannot make folders. */
static const char guarded[] = "no-folders";

SEC("lsm/path_mkdir")
int BPF_PROG(deny_mkdir, const struct path *parent, struct dentry *folder, umode_t mode)
{
	char comm[16];

	bpf_get_current_comm(comm, sizeof(comm));
	for (int i = 0; i < sizeof(guarded); i++)
		if (comm[i] != guarded[i])
			return 0;
	struct event *event = bpf_ringbuf_reserve(&rb, sizeof(*event), 0);
	if (event) {
		event->pid = bpf_get_current_pid_tgid() >> 32;
		bpf_ringbuf_submit(event, 0);
	}
	return -EPERM;
}
