/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the cases in C and C++ print in the words of those in Rust. */
#ifndef CASE_H
#define CASE_H

#include <stdio.h>
#include <string.h>

#include <eunomia_bpf.h>

static inline const char *truth(bool is)
{
	return is ? "true" : "false";
}

/* The code of the last error. */
static inline const char *error_code(void)
{
	static const char *const names[] = {
		"ErrorCode::DeniedByPolicy",  "ErrorCode::PermissionDenied",
		"ErrorCode::NotFound",	      "ErrorCode::AlreadyExists",
		"ErrorCode::InvalidArgument", "ErrorCode::InvalidState",
		"ErrorCode::NotSupported",    "ErrorCode::Rejected",
		"ErrorCode::LimitExceeded",   "ErrorCode::OutOfMemory",
		"ErrorCode::Busy",	      "ErrorCode::TryAgain",
		"ErrorCode::Interrupted",     "ErrorCode::Closed",
		"ErrorCode::Other",
	};

	return names[bpf_error()->code];
}

/* How a call ended. */
static inline const char *code(bool is_ok)
{
	return is_ok ? "ok" : error_code();
}

/* Prints how a call ended as Rust shows a `Result<()>`. */
static inline void print_result(const char *what, bool is_ok)
{
	if (is_ok)
		printf("%s: Ok(())\n", what);
	else
		printf("%s: Err(%s)\n", what, error_code());
}

#endif
