// Shows what the BPF program has counted since the last time, each second.
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
	auto table = BPF_TRY(bpf::table::from_btf("counts", skel->obj, "count"));
	// The host sorts and cuts the rows of an interval.
	BPF_TRY(table.add_hint(nullptr, "sort", "-switches,pid"));
	BPF_TRY(table.add_hint(nullptr, "limit", "10"));

	const bpf::map<uint32_t, count> counts = skel->maps.counts;
	BPF_TRY(skel.attach());
	for (;;) {
		// False when the operator asks to stop.
		const bool goes_on = bpf_sleep_ms(static_cast<uint64_t>(seconds) * 1000);

		// Takes the entries out of the map, many at a time.
		auto entries = BPF_TRY(counts.drain());
		for (auto [pid, count] : entries)
			BPF_TRY(table.push(count));
		BPF_TRY(entries.outcome());
		BPF_TRY(table.end_of_interval());
		if (!goes_on)
			return {};
	}
}

int main(int argc, char **argv)
{
	return bpf::run([&] { return show(argc > 1 ? atoi(argv[1]) : 1); });
}
