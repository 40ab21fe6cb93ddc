// SPDX-License-Identifier: MIT OR Apache-2.0
/* What its LSM program has denied, as the example `lsm`. */
#include <stdbool.h>
#include "wasm_bpf.h"

static int handle_event(void *ctx, void *data, size_t size)
{
	int pid;

	if (size != sizeof(pid))
		return -1;
	memcpy(&pid, data, sizeof(pid));
	printf("DENIED %d\n", pid);
	return 0;
}

int main(void)
{
	object_t object = load_or_exit();
	attach_or_exit(object, "deny_mkdir", NULL);
	int map = map_or_exit(object, "rb"), err;
	printf("attached\n");
	do
		err = poll_buffer(object, map, handle_event, NULL, 100);
	while (err >= 0);
	wasm_close_bpf_object(object);
	return err == -EINTR ? 0 : 1;
}
