/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* So that programs written for libbpf find what they include. */
#ifndef EUNOMIA_BPF_LIBBPF_H
#define EUNOMIA_BPF_LIBBPF_H

#include <stdarg.h>

#include "../eunomia_bpf.h"

enum libbpf_print_level { LIBBPF_WARN, LIBBPF_INFO, LIBBPF_DEBUG };
typedef int (*libbpf_print_fn_t)(enum libbpf_print_level level, const char *format,
				 va_list arguments);

/* What libbpf has to say is in the host, which shows it with `ecli run --verbose`. */
static inline libbpf_print_fn_t libbpf_set_print(libbpf_print_fn_t print)
{
	(void)print;
	return 0;
}

#endif
