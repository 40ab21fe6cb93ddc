/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* World `plugin`: what `BPF_PLUGIN` leads to. Only linked into plugins. */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

int bpf_plugin_fail(const char *message)
{
	return error__set(BPF_ERROR_OTHER, EIO, message);
}

void *eunomia_bpf_plugin_answer(int outcome)
{
	/* The host reads it after the call; nobody else writes to it before the next one. */
	static struct abi_result result;
	const struct bpf_error *error = bpf_error();

	memset(&result, 0, sizeof(result));
	if (output__flush_before_wait() < 0 && outcome >= 0)
		outcome = -errno;
	if (outcome < 0) {
		result.is_error = 1;
		result.error = (struct abi_error){
			.code = error->code,
			.errno_value = (uint32_t)error->kernel_errno,
			.message = { error->message, strlen(error->message) },
		};
	}
	return &result;
}

void *eunomia_bpf_plugin_on_events(uint32_t source, void *records, size_t bytes, uint64_t lost)
{
	struct bpf_batch batch = { records, bytes, lost };
	int outcome = bpf_plugin_on_events(source, &batch);

	/* The host asked for the memory outside of our calls, so it is malloc's. */
	if (bytes)
		free(records);
	return eunomia_bpf_plugin_answer(outcome);
}

static int driven(const struct abi_result_u32 *result)
{
	return OUTCOME(*result) < 0 ? -errno : (int)result->value;
}

int bpf_driver__add_ring_buffer(struct bpf_map *map)
{
	struct abi_result_handle buffer;
	struct abi_result_u32 result;

	CALL(abi_ring_open(map->handle, &buffer));
	if (OUTCOME(buffer) < 0)
		return -errno;
	CALL(abi_driver_add_ring_buffer(buffer.value, &result));
	return driven(&result);
}

int bpf_driver__add_perf_buffer(struct bpf_map *map, size_t page_count)
{
	struct abi_result_handle buffer;
	struct abi_result_u32 result;

	CALL(abi_perf_open(map->handle, page_count, &buffer));
	if (OUTCOME(buffer) < 0)
		return -errno;
	CALL(abi_driver_add_perf_buffer(buffer.value, &result));
	return driven(&result);
}

int bpf_driver__set_tick_ns(uint64_t nanoseconds)
{
	struct abi_result result;

	CALL(abi_driver_set_tick((int64_t)nanoseconds, &result));
	return OUTCOME(result);
}

int bpf_driver__set_tick_ms(uint64_t milliseconds)
{
	return bpf_driver__set_tick_ns(milliseconds * 1000000);
}
