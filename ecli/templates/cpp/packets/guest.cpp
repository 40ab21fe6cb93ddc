// Shows the packets that the BPF program has counted, each second. The first argument is where it
// counts: `{{target}}` unless it says another place.
#include <eunomia_bpf.hpp>

// Generated from probe.bpf.c: its types and maps.
#include "probe.skel.h"

static constexpr uint64_t interval_ms = 1000;

static bpf::result<void> show(const char *target)
{
	auto skel = BPF_TRY(bpf::skeleton<probe_bpf>::open());
	BPF_TRY(skel.load());
	auto table = BPF_TRY(bpf::table::from_btf("traffic", skel->obj, "traffic"));
	BPF_TRY(table.add_hint("bytes", "format", "bytes"));
	// Each interval shows the same entries anew.
	BPF_TRY(table.add_hint(nullptr, "rows", "totals"));
	BPF_TRY(table.add_hint(nullptr, "sort", "protocol"));

	const bpf::map<uint32_t, traffic> traffics = skel->maps.traffics;
	// Attached as long as it is there.
	auto link = BPF_TRY(bpf::program(skel->progs.on_packet).attach_to(target));
	for (;;) {
		// False when the operator asks to stop.
		const bool goes_on = bpf_sleep_ms(interval_ms);

		auto entries = BPF_TRY(traffics.iterate());
		for (auto [protocol, traffic] : entries)
			BPF_TRY(table.push(traffic));
		BPF_TRY(entries.outcome());
		BPF_TRY(table.end_of_interval());
		if (!goes_on)
			return {};
	}
}

int main(int argc, char **argv)
{
	return bpf::run([&] { return show(argc > 1 ? argv[1] : "{{target}}"); });
}
