// Shows a histogram of what the BPF program measures, each second.
#include <stdlib.h>

#include <eunomia_bpf.hpp>

// Generated from probe.bpf.c: its types and maps.
#include "probe.skel.h"

static bpf::result<void> show(int seconds)
{
	if (seconds < 1)
		return bpf::error(BPF_ERROR_INVALID_ARGUMENT,
				  "the argument is no number of seconds");
	auto skel = BPF_TRY(bpf::skeleton<probe_bpf>::open());
	BPF_TRY(skel.load());
	auto table = BPF_TRY(bpf::table::from_btf("lives", skel->obj, "histogram"));
	BPF_TRY(table.add_hint("slots", "histogram", "log2"));
	BPF_TRY(table.add_hint("slots", "unit", "usecs"));

	const bpf::map<uint32_t, histogram> lives = skel->maps.lives;
	BPF_TRY(skel.attach());
	for (;;) {
		// False when the operator asks to stop.
		const bool goes_on = bpf_sleep_ms(static_cast<uint64_t>(seconds) * 1000);

		BPF_TRY(table.push(BPF_TRY(lives.lookup(0))));
		BPF_TRY(table.end_of_interval());
		if (!goes_on)
			return {};
	}
}

int main(int argc, char **argv)
{
	return bpf::run([&] { return show(argc > 1 ? atoi(argv[1]) : 1); });
}
