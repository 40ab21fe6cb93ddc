/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include "internal.h"

bool bpf_stop_requested(void)
{
	return abi_stop_requested();
}

void bpf_request_stop(void)
{
	abi_request_stop();
}

/* Nanoseconds, as many as the contract can say. */
static int64_t duration(uint64_t milliseconds)
{
	const uint64_t milliseconds_max = INT64_MAX / 1000000;

	if (milliseconds > milliseconds_max)
		milliseconds = milliseconds_max;
	return (int64_t)milliseconds * 1000000;
}

struct abi_list lifecycle__wait(const abi_handle *pollables, size_t count)
{
	struct abi_list ready;

	CALL(abi_poll(pollables, count, &ready));
	return ready;
}

struct bpf_pollable {
	abi_handle handle;
};

struct bpf_pollable *lifecycle__pollable(abi_handle handle)
{
	struct bpf_pollable *pollable = memory__zeroed(sizeof(*pollable));

	pollable->handle = handle;
	return pollable;
}

struct bpf_pollable *bpf_pollable__stop(void)
{
	return lifecycle__pollable(abi_subscribe_stop());
}

struct bpf_pollable *bpf_pollable__after_ms(uint64_t milliseconds)
{
	return lifecycle__pollable(abi_subscribe_duration(duration(milliseconds)));
}

bool bpf_pollable__is_ready(struct bpf_pollable *pollable)
{
	return abi_pollable_ready(pollable->handle);
}

int bpf_pollable__wait(struct bpf_pollable *const *pollables, size_t count, bool *is_ready)
{
	abi_handle *handles;
	struct abi_list ready;
	size_t i;

	if (!count)
		return error__set(BPF_ERROR_INVALID_STATE, EALREADY,
				  "wait: there is nothing to wait for");
	if (output__flush_before_wait() < 0)
		return -errno;
	handles = memory__zeroed(count * sizeof(*handles));
	for (i = 0; i < count; i++) {
		handles[i] = pollables[i]->handle;
		is_ready[i] = false;
	}
	ready = lifecycle__wait(handles, count);
	memory__free(handles);
	for (i = 0; i < ready.count; i++)
		is_ready[((uint32_t *)ready.data)[i]] = true;
	return (int)ready.count;
}

void bpf_pollable__free(struct bpf_pollable *pollable)
{
	if (!pollable)
		return;
	abi_pollable_drop(pollable->handle);
	memory__free(pollable);
}

bool bpf_sleep_ms(uint64_t milliseconds)
{
	abi_handle pollables[2];

	output__flush_before_wait();
	pollables[0] = abi_subscribe_stop();
	pollables[1] = abi_subscribe_duration(duration(milliseconds));
	lifecycle__wait(pollables, 2);
	abi_pollable_drop(pollables[0]);
	abi_pollable_drop(pollables[1]);
	return !bpf_stop_requested();
}

void bpf_exit(uint8_t code)
{
	output__flush_before_wait();
	abi_exit(code);
	__builtin_unreachable();
}
