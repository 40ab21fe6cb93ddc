// Shows the events that the BPF program reports.
#include <string.h>

#include <eunomia_bpf.hpp>

// Generated from probe.bpf.c: its types, globals and maps.
#include "probe.skel.h"

// Only processes with `wanted` in their name.
static bpf::result<void> show(const char *wanted)
{
	auto skel = BPF_TRY(bpf::skeleton<probe_bpf>::open());
	BPF_TRY(skel.load());
	auto table = BPF_TRY(bpf::table::from_btf("events", skel->obj, "event"));
	BPF_TRY(table.add_hint("time_ns", "format", "time-boot-ns"));
	BPF_TRY(table.add_hint("time_ns", "title", "TIME"));
	BPF_TRY(table.add_hint("pid", "width", "7"));
	BPF_TRY(table.add_hint("uid", "width", "5"));

	auto events = BPF_TRY(bpf::ring_buffer::open(skel->maps.events));
	BPF_TRY(skel.attach());
	for (;;) {
		auto batch = events.next_batch();

		// The operator asked to stop, and everything is read.
		if (batch.failed_with(BPF_ERROR_INTERRUPTED))
			break;
		if (!batch)
			return batch.error();
		// Detach, so that there is an end to what is to be read.
		if (bpf_stop_requested())
			probe_bpf__detach(skel.get());
		for (const event &event : batch->records<event>())
			if (strstr(event.comm, wanted))
				BPF_TRY(table.push(event));
	}
	uint64_t lost = 0;
	BPF_TRY(bpf::checked(probe_bpf__get_lost_events(skel.get(), &lost)));
	bpf_output__report_lost(lost);
	return {};
}

int main(int argc, char **argv)
{
	return bpf::run([&] { return show(argc > 1 ? argv[1] : ""); });
}
