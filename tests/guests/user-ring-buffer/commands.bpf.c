// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Takes on request what the guest has sent.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

__u32 taken;
__u64 sum;

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} commands SEC(".maps");

struct take_args {
	__u32 records;
};

static long take_one(struct bpf_dynptr *dynptr, void *ctx)
{
	__u32 *left = ctx;
	__u32 word = 0;

	bpf_dynptr_read(&word, sizeof(word), dynptr, 0, 0);
	taken++;
	sum += word;
	*left -= 1;
	return *left == 0;
}

/* Takes at most so many records. */
SEC("syscall")
int take(struct take_args *args)
{
	__u32 left = args->records;

	if (left)
		bpf_user_ringbuf_drain(&commands, take_one, &left, 0);
	return 0;
}
