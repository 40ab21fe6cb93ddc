// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Counts system calls, by number or by process, and the time that they take.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define COMM_BYTES 16
/* The largest errno that a system call returns. */
#define MAX_ERRNO 4095

/* Which numbers the system calls have. */
enum numbering {
	NUMBERING_X86_64,
	NUMBERING_ARM64,
};

#if defined(__TARGET_ARCH_x86)
const volatile enum numbering numbering = NUMBERING_X86_64;
#define SYSCALL_NUMBER(regs) ((regs)->orig_ax)
#elif defined(__TARGET_ARCH_arm64)
const volatile enum numbering numbering = NUMBERING_ARM64;
#define SYSCALL_NUMBER(regs) ((regs)->syscallno)
#else
#error "syscount knows the system calls of x86_64 and arm64"
#endif

struct totals {
	__u64 count;
	/* With `measure_time`. */
	__u64 time_ns;
	char comm[COMM_BYTES];
};

const volatile __u32 filter_pid = 0;
const volatile bool failed_only = false;
/* Count only those that failed with this errno; 0: any. */
const volatile __s32 filter_errno = 0;
const volatile bool by_process = false;
const volatile bool measure_time = false;

/* Calls that were not counted because a map was full. */
__u64 lost_calls = 0;

/* When a thread entered the call that it is in. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, __u32);
	__type(value, __u64);
} entered_at SEC(".maps");

/* Each CPU counts for itself, so none waits for another. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct totals);
} totals SEC(".maps");

static const struct totals no_totals;

static struct totals *totals_of(__u32 key)
{
	struct totals *found = bpf_map_lookup_elem(&totals, &key);

	if (found)
		return found;
	bpf_map_update_elem(&totals, &key, &no_totals, BPF_NOEXIST);
	return bpf_map_lookup_elem(&totals, &key);
}

/* That of the first thread: others may have names of their own. */
static void read_process_name(char *comm)
{
	struct task_struct *task = bpf_get_current_task_btf();

	bpf_probe_read_kernel(comm, COMM_BYTES, &task->group_leader->comm);
}

static bool is_wanted(long result)
{
	if (filter_errno)
		return result == -filter_errno;
	return !failed_only || (result < 0 && result >= -MAX_ERRNO);
}

/* Loaded only to measure time. */
SEC("tp_btf/sys_enter")
int BPF_PROG(on_enter, struct pt_regs *regs, long number)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u64 now = bpf_ktime_get_ns();
	__u32 tid = id;

	if (filter_pid && id >> 32 != filter_pid)
		return 0;
	if (bpf_map_update_elem(&entered_at, &tid, &now, BPF_ANY))
		__sync_fetch_and_add(&lost_calls, 1);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_exit, struct pt_regs *regs, long result)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tid = id, pid = id >> 32;
	struct totals *found;
	__u64 time_ns = 0, *at;
	int number;

	if (filter_pid && pid != filter_pid)
		return 0;
	if (measure_time) {
		/* Calls that began before we did cannot be measured. */
		at = bpf_map_lookup_elem(&entered_at, &tid);
		if (!at)
			return 0;
		time_ns = bpf_ktime_get_ns() - *at;
		bpf_map_delete_elem(&entered_at, &tid);
	}
	/* Returning from a signal handler overwrites the number. */
	number = SYSCALL_NUMBER(regs);
	if (number < 0 || !is_wanted(result))
		return 0;
	found = totals_of(by_process ? pid : (__u32)number);
	if (!found) {
		__sync_fetch_and_add(&lost_calls, 1);
		return 0;
	}
	if (by_process && !found->count)
		read_process_name(found->comm);
	found->count++;
	found->time_ns += time_ns;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
