/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The numbers of WASI, as far as the library returns them. */
#ifndef FREESTANDING_ERRNO_H
#define FREESTANDING_ERRNO_H

enum {
	E2BIG = 1,
	EACCES = 2,
	EAGAIN = 6,
	EALREADY = 7,
	EBUSY = 10,
	EEXIST = 20,
	EINTR = 27,
	EINVAL = 28,
	EIO = 29,
	ENOENT = 44,
	ENOMEM = 48,
	ENOSPC = 51,
	ENOTSUP = 58,
	EPERM = 63,
	EPIPE = 64,
};

#ifdef __cplusplus
extern "C" {
#endif
extern int errno;
#ifdef __cplusplus
}
#endif

#endif
