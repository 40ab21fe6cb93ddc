// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Relocations of every kind, with the shapes of types that are easily got wrong. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

__u64 results[64];

/* Flavours: as the kernel has it, with a member that it has not, of a type that it has not. */
struct task_struct___own {
	int pid;
	int no_such_member;
} __attribute__((preserve_access_index));

struct no_such_struct___at_all {
	int x;
} __attribute__((preserve_access_index));

/* A member whose type does not fit: there it is a struct. */
struct task_struct___misfit {
	int se;
} __attribute__((preserve_access_index));

enum bpf_map_type___own {
	BPF_MAP_TYPE_HASH___own = 999,
	BPF_MAP_TYPE_NONESUCH___own,
};

enum no_such_enum {
	NO_SUCH_ENUMERATOR,
};

typedef struct {
	int x;
} no_such_typedef;

SEC("raw_tp/sys_enter")
int fields(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct task_struct___own *own = (void *)task;
	struct task_struct___misfit *misfit = (void *)task;
	struct no_such_struct___at_all *nothing = (void *)task;
	struct sk_buff *skb = (void *)task;
	struct page *page = (void *)task;

	results[0] = bpf_core_field_offset(task->comm[3]);
	results[1] = bpf_core_field_size(task->comm);
	results[2] = bpf_core_field_size(task->comm[3]);
	results[3] = bpf_core_field_exists(own->no_such_member);
	results[4] = bpf_core_field_exists(misfit->se);
	results[5] = bpf_core_field_exists(nothing->x);
	/* Within structs by value, unions and anonymous ones. */
	results[6] = bpf_core_field_offset(task->se.avg.load_avg);
	results[7] = bpf_core_field_offset(task->thread_info.flags);
	results[8] = bpf_core_field_offset(page->mapping);
	results[9] = bpf_core_field_offset(page->_refcount.counter);
	results[10] = bpf_core_field_offset(skb->dev);
	results[11] = BPF_CORE_READ(own, pid);
	results[12] = BPF_CORE_READ(task, mm, arg_start);
	results[13] = BPF_CORE_READ(task, real_parent, signal, group_exit_code);
	return 0;
}

SEC("raw_tp/sys_enter")
int bit_fields(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct sk_buff *skb = (void *)task;

	results[20] = BPF_CORE_READ_BITFIELD_PROBED(task, in_execve);
	results[21] = BPF_CORE_READ_BITFIELD_PROBED(task, sched_reset_on_fork);
	results[22] = BPF_CORE_READ_BITFIELD_PROBED(skb, cloned);
	results[23] = bpf_core_field_exists(skb->pkt_type);
	return 0;
}

/* Arrays without items, at the end of a struct and before it. */
SEC("raw_tp/sys_enter")
int arrays(void *ctx)
{
	struct linux_dirent64 *entry = (void *)bpf_get_current_task();
	struct fdtable *table = (void *)entry;
	struct cpumask *mask = (void *)entry;
	struct pid *pid = (void *)entry;
	struct task_struct *task = (void *)entry;

	results[30] = bpf_core_field_offset(entry->d_name);
	results[31] = bpf_core_field_offset(pid->numbers[2].nr);
	results[32] = bpf_core_field_offset(mask->bits[0]);
	results[33] = bpf_core_field_exists(table->max_fds);
	results[34] = bpf_core_field_offset(task->rcu_node_entry.next);
	results[35] = bpf_core_field_offset(task[1].pid);
	results[36] = bpf_core_field_size(task->pushable_tasks);
	return 0;
}

SEC("raw_tp/sys_enter")
int types(void *ctx)
{
	results[40] = bpf_core_type_exists(struct task_struct);
	results[41] = bpf_core_type_exists(struct task_struct___own);
	results[42] = bpf_core_type_exists(struct no_such_struct___at_all);
	results[43] = bpf_core_type_exists(u64);
	results[44] = bpf_core_type_exists(no_such_typedef);
	results[45] = bpf_core_type_exists(bpf_func_t);
	results[46] = bpf_core_type_exists(work_func_t);
	results[47] = bpf_core_type_exists(enum bpf_map_type);
	results[48] = bpf_core_type_size(struct task_struct);
	results[49] = bpf_core_type_size(pid_t);
	results[50] = bpf_core_type_size(union bpf_attr);
	results[51] = bpf_core_type_id_local(struct task_struct);
	results[52] = bpf_core_type_size(kernel_cap_t);
	return 0;
}

SEC("raw_tp/sys_enter")
int enumerators(void *ctx)
{
	results[55] = bpf_core_enum_value(enum bpf_map_type___own, BPF_MAP_TYPE_HASH___own);
	results[56] = bpf_core_enum_value_exists(enum bpf_map_type___own,
						 BPF_MAP_TYPE_NONESUCH___own);
	results[57] = bpf_core_enum_value(enum pid_type, PIDTYPE_TGID);
	results[58] = bpf_core_enum_value_exists(enum no_such_enum, NO_SUCH_ENUMERATOR);
	return 0;
}
