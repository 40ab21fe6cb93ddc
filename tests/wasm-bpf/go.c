// SPDX-License-Identifier: MIT OR Apache-2.0
/* The form of guests written in Go: the poll comes from a module of its own, has no callback, and
 * calls what the guest exports. */
#include "wasm_bpf.h"

#ifndef WRAPPER
#define WRAPPER "callback-wrapper"
#define CALLBACK "go-callback"
#endif

FROM(WRAPPER, "wasm_bpf_buffer_poll")
int poll_exported(object_t object, int map, uint32_t ctx, char *data, int bytes_max,
		  int timeout_ms);

__attribute__((export_name(CALLBACK)))
int callback(uint32_t ctx, uint32_t data, uint32_t size)
{
	const int *event = (const int *)(uintptr_t)data;
	printf("%s %d %s\n", event[1] ? "EXIT" : "EXEC", event[0], (const char *)(event + 2));
	return 0;
}

int main(void)
{
	static char data[512];
	object_t object = load_or_exit();
	attach_or_exit(object, "handle_exec", NULL);
	int map = map_or_exit(object, "rb");
	printf("attached\n");
	/* As they do: for ever, whatever it returns. */
	for (;;)
		poll_exported(object, map, 7, data, sizeof(data), 100);
}
