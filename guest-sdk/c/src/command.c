/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* World `command`: the host calls `wasi:cli/run`, which is `main`. Only linked into commands. */
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

/* wasi-libc's: fetches the arguments and calls `main` in any of its forms. */
int __main_void(void);

ABI_EXPORT("wasi:cli/run@0.2.12#run")
int eunomia_bpf_run(void)
{
	int code = __main_void();

	/* When nobody reads any more, there is nobody to tell. */
	if (output__flush_before_wait() < 0 && !code)
		code = 1;
	fflush(stderr);
	/* `run` itself knows success and failure only. */
	if (code > 1 || code < 0)
		bpf_exit((uint8_t)code);
	return code;
}
