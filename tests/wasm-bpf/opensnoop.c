// SPDX-License-Identifier: MIT OR Apache-2.0
/* Files that a process opens, through a perf event array. Ignores the operator's wish to stop, as
 * the published opensnoop does: it polls for ever. */
#include "wasm_bpf.h"

struct event {
	int pid;
	char name[64];
};

static int handle_event(void *ctx, void *data, size_t size)
{
	const struct event *event = data;
	/* Perf samples are padded behind. */
	if (size >= sizeof(*event))
		printf("OPEN %d %s\n", event->pid, event->name);
	return 0;
}

int main(int argc, char **argv)
{
	const int mark = 0x12345678;
	int pid = atoi(argv[1]);
	for (unsigned int i = 0; i + sizeof(mark) <= bpf_object_len; i++)
		if (!memcmp(bpf_object + i, &mark, sizeof(mark)))
			memcpy(bpf_object + i, &pid, sizeof(pid));
	object_t object = load_or_exit();
	attach_or_exit(object, "enter_openat", "");
	int map = map_or_exit(object, "events");
	printf("attached\n");
	for (;;) {
		int err = poll_buffer(object, map, handle_event, NULL, 100);
		if (err < 0 && err != -EINTR)
			return 1;
	}
}
