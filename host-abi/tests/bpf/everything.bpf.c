/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* One of each thing that an object can declare, for the fake kernel to read. Needs only clang. */
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name
#define __array(name, val) typeof(val) *name[]
#define __ulong(name, val) enum { unique_value = val } name

typedef unsigned int u32;
typedef unsigned long long u64;

struct bpf_spin_lock {
	u32 val;
};

struct event {
	u64 time;
	u32 pid;
	char command[16];
};

struct locked {
	struct bpf_spin_lock lock;
	u32 count;
};

struct {
	__uint(type, 27);
	__uint(max_entries, 8192);
	__type(value, struct event);
} events SEC(".maps");

struct {
	__uint(type, 1);
	__uint(max_entries, 16);
	__type(key, u32);
	__type(value, struct locked);
	__uint(map_flags, 1);
	__uint(pinning, 1);
} shared SEC(".maps");

struct {
	__uint(type, 6);
	__uint(key_size, 4);
	__uint(value_size, 12);
	__uint(max_entries, 3);
} per_cpu SEC(".maps");

struct inner {
	__uint(type, 2);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u64);
};

struct {
	__uint(type, 13);
	__uint(max_entries, 8);
	__type(key, u64);
	__array(values, struct inner);
} outer SEC(".maps");

struct inner first_inner SEC(".maps");

struct {
	__uint(type, 12);
	__uint(max_entries, 3);
	__uint(key_size, 4);
	__array(values, struct inner);
} filled SEC(".maps") = {
	.values = { [2] = &first_inner },
};

int handle_tail(void *ctx);

struct {
	__uint(type, 3);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__array(values, int(void *));
} tails SEC(".maps") = {
	.values = { [1] = (void *)&handle_tail },
};

struct {
	__uint(type, 30);
	__uint(max_entries, 100);
	__uint(value_size, 4);
	__ulong(map_extra, 3);
} filter SEC(".maps");

const volatile u32 target_pid = 0;
const volatile u64 min_duration_ns = 1000000;
static volatile u32 started = 7;
u64 drops;
struct event last;
u32 custom SEC(".data.config") = 42;

static __attribute__((noinline)) u32 helper(u32 number)
{
	asm volatile("" : "+r"(number));
	return number + started;
}

SEC("tracepoint/sched/sched_process_exec")
int handle_exec(void *ctx)
{
	if (helper(target_pid) > min_duration_ns)
		drops++;
	last.pid = custom;
	return 0;
}

SEC("?kprobe/do_exit")
int handle_exit(void *ctx)
{
	return 0;
}

SEC("tracepoint/sched/sched_process_exec")
int handle_exec_again(void *ctx)
{
	return 0;
}

SEC("uprobe")
int handle_tail(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
