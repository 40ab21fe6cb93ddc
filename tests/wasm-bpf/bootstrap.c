// SPDX-License-Identifier: MIT OR Apache-2.0
/* Every program that starts and every process that ends, as the example `bootstrap`. The first
 * argument, if any, is the name to show; it leaves when its poll is interrupted. */
#include <stdbool.h>
#include "wasm_bpf.h"

struct event {
	int pid;
	int is_exit;
	char comm[16];
};

static const char *wanted;

static int handle_event(void *ctx, void *data, size_t size)
{
	const struct event *event = data;
	if (size != sizeof(*event))
		return -1;
	if (!wanted || !strcmp(wanted, event->comm))
		printf("%s %d %s\n", event->is_exit ? "EXIT" : "EXEC", event->pid, event->comm);
	return 0;
}

int main(int argc, char **argv)
{
	wanted = argc > 1 ? argv[1] : NULL;
	object_t object = load_or_exit();
	/* The SDK passes "" where there is no target. */
	attach_or_exit(object, "handle_exec", "");
	attach_or_exit(object, "handle_exit", NULL);
	int map = map_or_exit(object, "rb"), err;
	printf("attached as %s\n", argv[0]);
	while (true) {
		err = poll_buffer(object, map, handle_event, NULL, 100);
		if (err == -EINTR) {
			err = 0;
			break;
		}
		if (err < 0) {
			printf("poll: %d\n", err);
			break;
		}
	}
	wasm_close_bpf_object(object);
	printf("left\n");
	return err < 0 ? -err : 0;
}
