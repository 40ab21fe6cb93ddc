// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Reports every file that is opened, or that somebody fails to open.
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define COMM_BYTES 16
/* PATH_MAX: open refuses longer names. */
#define PATH_BYTES_MAX 4096
#define INVALID_UID ((__u32)-1)

/* A record is as long as its path: seldom more than 120 bytes. */
struct event {
	/* CLOCK_BOOTTIME */
	__u64 time_ns;
	/* O_*, as open(2) was given them. */
	__u64 flags;
	__u32 pid;
	__u32 tid;
	__u32 uid;
	/* A file descriptor, or minus an errno. */
	__s32 result;
	char comm[COMM_BYTES];
	/* With its NUL; as long as the record. */
	char path[];
};

/* Filters: set before load, so that the verifier drops the tests of those that are off. */
const volatile __u32 filter_pid = 0;
const volatile __u32 filter_tid = 0;
const volatile __u32 filter_uid = INVALID_UID;
const volatile char filter_comm[COMM_BYTES] = {};
const volatile bool failed_only = false;

/* Those flags of open(2) whose values differ between CPUs; user space reads them here. */
struct cpu_flags {
	__u64 direct;
	__u64 directory;
	__u64 nofollow;
};

#ifdef __TARGET_ARCH_arm64
const volatile struct cpu_flags cpu_flags = {
	.directory = 040000,
	.nofollow = 0100000,
	.direct = 0200000,
};
#else
const volatile struct cpu_flags cpu_flags = {
	.direct = 040000,
	.directory = 0200000,
	.nofollow = 0400000,
};
#endif

/* Events that found the ring buffer full. */
__u64 lost_events = 0;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} events SEC(".maps");

/* Where an event is put together: too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct event) + PATH_BYTES_MAX);
} scratch SEC(".maps");

/* The arguments of the system call that is about to return. */
struct open_call {
	const char *path;
	__u64 flags;
};

/* Whether `comm` contains `filter_comm`. */
static bool has_wanted_name(const char *comm)
{
	for (int start = 0; start < COMM_BYTES; start++) {
		for (int i = 0; start + i < COMM_BYTES; i++) {
			if (!filter_comm[i])
				return true;
			if (filter_comm[i] != comm[start + i])
				break;
		}
	}
	return false;
}

static bool is_wanted(const struct event *event)
{
	if (failed_only && event->result >= 0)
		return false;
	if (filter_pid && event->pid != filter_pid)
		return false;
	if (filter_tid && event->tid != filter_tid)
		return false;
	if (filter_uid != INVALID_UID && event->uid != filter_uid)
		return false;
	return !filter_comm[0] || has_wanted_name(event->comm);
}

static int report(const struct open_call *call, long result)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct event *event;
	__u32 zero = 0;
	long bytes;

	event = bpf_map_lookup_elem(&scratch, &zero);
	if (!event)
		return 0;
	event->pid = id >> 32;
	event->tid = id;
	event->uid = bpf_get_current_uid_gid();
	event->result = result;
	bpf_get_current_comm(event->comm, COMM_BYTES);
	if (!is_wanted(event))
		return 0;

	bytes = bpf_probe_read_user_str(event->path, PATH_BYTES_MAX, call->path);
	if (bytes < 0)
		bytes = 0;
	event->time_ns = bpf_ktime_get_boot_ns();
	event->flags = call->flags;
	if (bpf_ringbuf_output(&events, event, sizeof(*event) + bytes, 0))
		__sync_fetch_and_add(&lost_events, 1);
	return 0;
}

/*
 * The arguments are read on the way out: they are still in the registers that user space passed
 * them in (but for the first, where the result goes on some CPUs), and the kernel has just read the
 * path, so that it is in memory. Nothing has to be kept from the way in.
 */
static struct pt_regs *registers(void)
{
	return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
}

#ifdef __TARGET_ARCH_x86
/* Newer CPUs have openat only. */
SEC("tracepoint/syscalls/sys_exit_open")
int on_open(struct trace_event_raw_sys_exit *ctx)
{
	struct pt_regs *regs = registers();
	struct open_call call = {
		.path = (const char *)PT_REGS_PARM1_CORE_SYSCALL(regs),
		.flags = PT_REGS_PARM2_CORE_SYSCALL(regs),
	};

	return report(&call, ctx->ret);
}
#endif

SEC("tracepoint/syscalls/sys_exit_openat")
int on_openat(struct trace_event_raw_sys_exit *ctx)
{
	struct pt_regs *regs = registers();
	struct open_call call = {
		.path = (const char *)PT_REGS_PARM2_CORE_SYSCALL(regs),
		.flags = PT_REGS_PARM3_CORE_SYSCALL(regs),
	};

	return report(&call, ctx->ret);
}

SEC("tracepoint/syscalls/sys_exit_openat2")
int on_openat2(struct trace_event_raw_sys_exit *ctx)
{
	struct pt_regs *regs = registers();
	struct open_call call = { .path = (const char *)PT_REGS_PARM2_CORE_SYSCALL(regs) };
	struct open_how how = {};

	/* A block that cannot be read made the call fail: there is nothing to show of it. */
	bpf_probe_read_user(&how, sizeof(how), (void *)PT_REGS_PARM3_CORE_SYSCALL(regs));
	call.flags = how.flags;
	return report(&call, ctx->ret);
}

/* Records of a ring buffer have no type in BTF; this makes it appear there. */
struct event *unused_event __attribute__((unused));

char LICENSE[] SEC("license") = "Dual BSD/GPL";
