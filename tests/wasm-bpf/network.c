// SPDX-License-Identifier: MIT OR Apache-2.0
/* sockfilter (load only), sockops and xdp: arguments are the cgroup and the interface. Stays until
 * a line is read. */
#include "wasm_bpf.h"

int main(int argc, char **argv)
{
	object_t object = load_or_exit();
	printf("socket filter without a target: %d\n",
	       wasm_attach_bpf_program(object, "socket_handler", "") < 0);
	attach_or_exit(object, "sockets", argv[1]);
	attach_or_exit(object, "packets", argv[2]);
	printf("descriptor: %d\n", wasm_attach_bpf_program_fd(object, "sockets", 5));
	printf("no interface: %d\n",
	       wasm_attach_bpf_program(object, "packets", "no-such-if") < 0);
	printf("attached\n");
	wait_for_line();
	printf("closed: %d\n", wasm_close_bpf_object(object));
	printf("again: %d\n", wasm_close_bpf_object(object));
	wait_for_line();
	return 0;
}
