// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// A gadget that takes a snapshot of all processes, with a parameter that a tag declares.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "gadget.h"

struct entry {
	struct gadget_process proc;
	__u32 state_raw;
	__u8 __padding[4];
};

SYMBOL(gadget_iter_processes___entry___ig_snapshot)
TAG(param_show_threads, "param:show_threads")
const struct entry *unused_entry __attribute__((unused));

const volatile bool show_threads = false;

SEC("iter/task")
int ig_snapshot(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct entry entry = {};

	if (!task || (!show_threads && task->pid != task->tgid))
		return 0;
	__builtin_memcpy(entry.proc.comm, task->comm, sizeof(entry.proc.comm));
	entry.proc.pid = task->tgid;
	entry.proc.tid = task->pid;
	entry.proc.creds.uid = task->cred->uid.val;
	entry.proc.creds.gid = task->cred->gid.val;
	entry.proc.parent.pid = task->real_parent->tgid;
	entry.state_raw = 7;
	bpf_seq_write(ctx->meta->seq, &entry, sizeof(entry));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
