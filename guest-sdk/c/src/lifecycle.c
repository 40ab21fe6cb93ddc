/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "internal.h"

bool bpf_stop_requested(void)
{
	return abi_stop_requested();
}

void bpf_request_stop(void)
{
	abi_request_stop();
}

void lifecycle__wait(const abi_handle *pollables, size_t count)
{
	struct abi_list ready;

	CALL(abi_poll(pollables, count, &ready));
}

bool bpf_sleep_ms(uint64_t milliseconds)
{
	const uint64_t milliseconds_max = INT64_MAX / 1000000;
	abi_handle pollables[2];

	if (milliseconds > milliseconds_max)
		milliseconds = milliseconds_max;
	output__flush_before_wait();
	pollables[0] = abi_subscribe_stop();
	pollables[1] = abi_subscribe_duration((int64_t)milliseconds * 1000000);
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
