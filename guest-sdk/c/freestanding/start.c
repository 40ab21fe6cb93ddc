/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What wasi-libc does between the host and `main`. */
#include <eunomia_bpf.h>

/* What clang calls `int main(int argc, char **argv)`. A `main` without arguments is
 * `__main_void`, and replaces the one here. */
int __main_argc_argv(int argc, char **argv);

__attribute__((weak)) int __main_void(void)
{
	int count;
	char **arguments = bpf_arguments(&count);

	return __main_argc_argv(count, arguments);
}

/* Constructors, which the linker gathers. */
void __wasm_call_ctors(void);

/* The host calls it before everything else. */
__attribute__((export_name("_initialize"))) void freestanding_initialize(void)
{
	__wasm_call_ctors();
}

/* Destructors of C++ objects that last as long as the guest: the host drops what they hold. */
int __cxa_atexit(void (*destroy)(void *), void *object, void *dso);
int __cxa_atexit(void (*destroy)(void *), void *object, void *dso)
{
	(void)destroy;
	(void)object;
	(void)dso;
	return 0;
}

void *__dso_handle;
