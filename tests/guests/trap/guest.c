// SPDX-License-Identifier: MIT OR Apache-2.0
// Traps while it holds a loaded object: says so, then aborts.
#include <stdio.h>
#include <stdlib.h>

#include "trap.skel.h"

int main(void)
{
	struct trap_bpf *skel = trap_bpf__open();
	uint32_t mark;

	if (!skel || trap_bpf__load(skel) < 0 || trap_bpf__set_mark(skel, 1) < 0 ||
	    trap_bpf__get_mark(skel, &mark) < 0)
		return bpf_error_report();
	printf("mark %u\n", mark);
	fflush(stdout);
	abort();
}
