/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

/* Linux's numbers, which BPF programs and libbpf's users mean, and wasi-libc does not have: its
 * errnos are those of WASI. The header's functions return wasi-libc's, which `strerror` knows. */
static const struct {
	const char *name;
	int errno_value;
} codes[] = {
	[BPF_ERROR_DENIED_BY_POLICY] = { "denied-by-policy", EPERM },
	[BPF_ERROR_PERMISSION_DENIED] = { "permission-denied", EACCES },
	[BPF_ERROR_NOT_FOUND] = { "not-found", ENOENT },
	[BPF_ERROR_ALREADY_EXISTS] = { "already-exists", EEXIST },
	[BPF_ERROR_INVALID_ARGUMENT] = { "invalid-argument", EINVAL },
	[BPF_ERROR_INVALID_STATE] = { "invalid-state", EALREADY },
	[BPF_ERROR_NOT_SUPPORTED] = { "not-supported", ENOTSUP },
	[BPF_ERROR_REJECTED] = { "rejected", EACCES },
	[BPF_ERROR_LIMIT_EXCEEDED] = { "limit-exceeded", E2BIG },
	[BPF_ERROR_OUT_OF_MEMORY] = { "out-of-memory", ENOMEM },
	[BPF_ERROR_BUSY] = { "busy", EBUSY },
	[BPF_ERROR_TRY_AGAIN] = { "try-again", EAGAIN },
	[BPF_ERROR_INTERRUPTED] = { "interrupted", EINTR },
	[BPF_ERROR_CLOSED] = { "closed", EPIPE },
	[BPF_ERROR_OTHER] = { "other", EIO },
};

static struct bpf_error last = { BPF_ERROR_OTHER, 0, "no call has failed" };
static struct arena message;

const struct bpf_error *bpf_error(void)
{
	return &last;
}

const char *bpf_error_name(enum bpf_error_code code)
{
	return (size_t)code < sizeof(codes) / sizeof(*codes) ? codes[code].name : "other";
}

int bpf_error_report(void)
{
	output__flush_before_wait();
	fprintf(stderr, "error: %s\n", last.message);
	return 1;
}

static int set(uint8_t code, uint32_t kernel_errno, struct abi_string text)
{
	arena__reset(&message);
	last.message = arena__string(&message, text);
	last.code = code < sizeof(codes) / sizeof(*codes) ? code : BPF_ERROR_OTHER;
	last.kernel_errno = (int)kernel_errno;
	errno = codes[last.code].errno_value;
	return -errno;
}

int bpf_fail(enum bpf_error_code code, const char *text)
{
	/* It may be the message of the last error, which goes. */
	struct arena before = message;
	int outcome;

	message = (struct arena){ 0 };
	outcome = set(code, 0, (struct abi_string){ text, strlen(text) });
	arena__free(&before);
	return outcome;
}

int error__take(const struct abi_error *error)
{
	return set(error->code, error->errno_value, error->message);
}

int error__set(enum bpf_error_code code, int errno_value, const char *text)
{
	set(code, 0, (struct abi_string){ text, strlen(text) });
	errno = errno_value;
	return -errno_value;
}

int error__not_found(const char *what)
{
	return error__set(BPF_ERROR_NOT_FOUND, ENOENT, what);
}
