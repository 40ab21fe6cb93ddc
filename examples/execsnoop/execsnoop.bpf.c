// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Reports every program that starts and every process that ends.
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define COMM_BYTES 16
#define INVALID_UID ((__u32)-1)
/* PATH_MAX: exec refuses longer names. */
#define FILE_BYTES_MAX 4096
/* Of the arguments of one program; what goes beyond is only counted. */
#define ARGUMENT_BYTES_LIMIT 8192
/* Kernel macros: the process was forked and has run no program since; all of its threads end. */
#define PF_FORKNOEXEC 0x40
#define SIGNAL_GROUP_EXIT 0x4

enum event_kind {
	EVENT_EXEC,
	EVENT_EXIT,
};

/* A record is as long as its text: an exit takes 64 bytes, an exec seldom more than 150. */
struct event {
	/* CLOCK_BOOTTIME, as is the start time of a process. */
	__u64 time_ns;
	/* Exit: since the process was forked. */
	__u64 duration_ns;
	enum event_kind kind;
	__u32 pid;
	__u32 ppid;
	__u32 uid;
	/* Exit: as wait(2) gives it. */
	__u32 exit_status;
	/* Exec: what `text` holds, the file name (with its NUL), then the arguments (each likewise). */
	__u32 file_bytes;
	__u32 argument_bytes;
	/* Exec: how many bytes of arguments there were. */
	__u32 argument_bytes_total;
	char comm[COMM_BYTES];
	char text[];
};

/* Filters: set before load, so that the verifier drops the tests of those that are off. */
const volatile __u32 filter_pid = 0;
const volatile __u32 filter_ppid = 0;
const volatile __u32 filter_uid = INVALID_UID;
const volatile char filter_comm[COMM_BYTES] = {};
/* Above 0 only exits are reported: nobody knows at exec how long a program will run. */
const volatile __u64 duration_ns_min = 0;
const volatile __u32 argument_bytes_max = 1024;
const volatile bool include_forks = false;

/* Events that found the ring buffer full. */
__u64 lost_events = 0;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

/* Where an exec event is put together: too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct event) + FILE_BYTES_MAX + ARGUMENT_BYTES_LIMIT);
} scratch SEC(".maps");

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
	if (filter_pid && event->pid != filter_pid)
		return false;
	if (filter_ppid && event->ppid != filter_ppid)
		return false;
	if (filter_uid != INVALID_UID && event->uid != filter_uid)
		return false;
	return !filter_comm[0] || has_wanted_name(event->comm);
}

/*
 * Raw tracepoints and reads through a helper, in place of typed ones (tp_btf) and pointers that are
 * followed: for those the kernel and libbpf search all types of the kernel at each load, which
 * takes longer than all the rest of the start.
 *
 * `process` is its first thread, whose name is that of the process.
 */
static void describe(struct event *event, struct task_struct *process)
{
	event->time_ns = bpf_ktime_get_boot_ns();
	event->pid = BPF_CORE_READ(process, tgid);
	event->ppid = BPF_CORE_READ(process, real_parent, tgid);
	event->uid = bpf_get_current_uid_gid();
	bpf_probe_read_kernel(event->comm, COMM_BYTES, &process->comm);
}

static void submit(void *event, __u64 bytes)
{
	if (bpf_ringbuf_output(&events, event, bytes, 0))
		__sync_fetch_and_add(&lost_events, 1);
}

SEC("raw_tp/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *process, pid_t old_pid, struct linux_binprm *bprm)
{
	struct event *event;
	__u64 start, total, bytes;
	long file_bytes;
	__u32 zero = 0;

	if (duration_ns_min)
		return 0;
	event = bpf_map_lookup_elem(&scratch, &zero);
	if (!event)
		return 0;
	describe(event, process);
	if (!is_wanted(event))
		return 0;

	file_bytes = bpf_probe_read_kernel_str(event->text, FILE_BYTES_MAX,
					       BPF_CORE_READ(bprm, filename));
	if (file_bytes < 0)
		file_bytes = 0;
	start = BPF_CORE_READ(process, mm, arg_start);
	total = BPF_CORE_READ(process, mm, arg_end) - start;
	bytes = total;
	if (bytes > argument_bytes_max)
		bytes = argument_bytes_max;
	if (bytes > ARGUMENT_BYTES_LIMIT)
		bytes = ARGUMENT_BYTES_LIMIT;
	if (bpf_probe_read_user(event->text + file_bytes, bytes, (void *)start))
		bytes = 0;

	event->kind = EVENT_EXEC;
	event->duration_ns = 0;
	event->exit_status = 0;
	event->file_bytes = file_bytes;
	event->argument_bytes = bytes;
	event->argument_bytes_total = total;
	submit(event, sizeof(*event) + file_bytes + bytes);
	return 0;
}

/*
 * Whether the process ends with this thread. Since Linux 6.16 the tracepoint says so. Before, the
 * end of the first thread has to stand for it, unless that gives way to a thread that execs.
 */
static __always_inline bool ends_process(struct task_struct *task, unsigned long long *ctx)
{
	if (bpf_core_type_exists(struct trace_event_raw_sched_process_exit))
		return ctx[1];
	if (bpf_core_field_exists(task->signal->group_exec_task) &&
	    BPF_CORE_READ(task, signal, group_exec_task))
		return false;
	return BPF_CORE_READ(task, pid) == BPF_CORE_READ(task, tgid);
}

/* As wait(2) gives it. */
static __u32 exit_status(struct task_struct *process)
{
	if (BPF_CORE_READ(process, signal, flags) & SIGNAL_GROUP_EXIT)
		return BPF_CORE_READ(process, signal, group_exit_code);
	return BPF_CORE_READ(process, exit_code);
}

SEC("raw_tp/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct event event = { .kind = EVENT_EXIT };
	struct task_struct *process;

	if (!ends_process(task, ctx))
		return 0;
	process = BPF_CORE_READ(task, group_leader);
	if (!include_forks && (BPF_CORE_READ(process, flags) & PF_FORKNOEXEC))
		return 0;
	describe(&event, process);
	event.duration_ns = event.time_ns - BPF_CORE_READ(process, start_boottime);
	if (event.duration_ns < duration_ns_min || !is_wanted(&event))
		return 0;
	event.exit_status = exit_status(process);
	submit(&event, sizeof(event));
	return 0;
}

/* Records of a ring buffer have no type in BTF; this makes it appear there. */
struct event *unused_event __attribute__((unused));

char LICENSE[] SEC("license") = "Dual BSD/GPL";
