// SPDX-License-Identifier: MIT OR Apache-2.0
// Traps while it holds a loaded object: says so, then aborts.
#include <stdio.h>
#include <stdlib.h>

#include <eunomia_bpf.hpp>

#include "trap.skel.h"

static bpf::result<void> trap()
{
	auto skel = BPF_TRY(bpf::skeleton<trap_bpf>::open());
	uint32_t mark = 0;

	BPF_TRY(skel.load());
	BPF_TRY(bpf::checked(trap_bpf__set_mark(skel.get(), 1)));
	BPF_TRY(bpf::checked(trap_bpf__get_mark(skel.get(), &mark)));
	printf("mark %u\n", mark);
	fflush(stdout);
	abort();
}

int main()
{
	return bpf::run(trap);
}
