/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include "internal.h"

static struct arena symbols_arena;

int bpf_resolve_kernel(const uint64_t *addresses, size_t count, struct bpf_symbol *symbols)
{
	struct abi_result_list result;
	struct abi_optional_symbol *list;
	size_t i;

	arena__reset(&symbols_arena);
	memory__begin(&symbols_arena);
	abi_resolve_kernel(addresses, count * sizeof(*addresses), &result);
	memory__end();
	if (OUTCOME(result) < 0)
		return -errno;
	list = result.value.data;
	for (i = 0; i < count; i++) {
		const struct abi_symbol *symbol = &list[i].symbol;

		memset(&symbols[i], 0, sizeof(symbols[i]));
		if (!list[i].is_some)
			continue;
		symbols[i].name = arena__string(&symbols_arena, symbol->name);
		symbols[i].offset = symbol->offset;
		if (symbol->module.is_some)
			symbols[i].module = arena__string(&symbols_arena, symbol->module.value);
	}
	return 0;
}

int bpf_kernel_address(const char *name, uint64_t *address)
{
	struct abi_result_optional_u64 result;

	CALL(abi_kernel_address(name, strlen(name), &result));
	if (OUTCOME(result) < 0)
		return -errno;
	if (!result.value.is_some)
		return error__not_found("there is no such kernel symbol");
	*address = result.value.value;
	return 0;
}

char **bpf_arguments(int *count)
{
	static struct arena arena;
	static char **arguments;
	static uint32_t argument_count;

	if (!arguments) {
		struct abi_list list;
		uint32_t i;

		memory__begin(&arena);
		abi_get_arguments(&list);
		memory__end();
		argument_count = list.count;
		arguments = arena__alloc(&arena, sizeof(*arguments),
					 (list.count + 1) * sizeof(*arguments));
		for (i = 0; i < list.count; i++)
			arguments[i] = (char *)arena__string(
				&arena, ((struct abi_string *)list.data)[i]);
		arguments[list.count] = NULL;
	}
	*count = (int)argument_count;
	return arguments;
}

int libbpf_num_possible_cpus(void)
{
	return (int)abi_possible_cpus();
}

struct bpf_kernel_version bpf_kernel_version(void)
{
	struct abi_version version;

	abi_kernel_version(&version);
	return (struct bpf_kernel_version){ version.major, version.minor, version.patch };
}

static uint64_t since_1970(const struct abi_datetime *time)
{
	return time->seconds * 1000000000 + time->nanoseconds;
}

uint64_t bpf_monotonic_epoch_ns(void)
{
	struct abi_datetime time;

	abi_monotonic_epoch(&time);
	return since_1970(&time);
}

uint64_t bpf_boot_epoch_ns(void)
{
	struct abi_datetime time;

	abi_boot_epoch(&time);
	return since_1970(&time);
}
