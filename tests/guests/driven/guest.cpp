// SPDX-License-Identifier: MIT OR Apache-2.0
// A plugin with two sources and ticks; its first argument says where it goes wrong, if anywhere.
#include <eunomia_bpf.hpp>

#include "../case.h"
#include "driven.skel.h"

static bpf::error asked(const char *message)
{
	return bpf::error(BPF_ERROR_OTHER, message);
}

// Writes records at each tick and adds up what arrives.
class driven {
      public:
	static bpf::result<driven *> start()
	{
		static driven plugin;

		BPF_TRY(plugin.begin());
		return &plugin;
	}

	bpf::result<void> on_events(uint32_t source, const bpf::batch &batch)
	{
		const int index = source == sources_[0] ? 0 : 1;

		if (is("fail-in-events"))
			return asked("it was asked to fail in on-events");
		if (source != sources_[index])
			return asked("events of a source that was not added");
		for (uint32_t word : batch.records<uint32_t>())
			sums_[index] += word;
		sums_[index] += batch.lost();
		return {};
	}

	bpf::result<void> on_tick()
	{
		ticks_++;
		if (ticks_ <= 3) {
			printf("tick %u\n", ticks_);
			BPF_TRY(produce(10));
		}
		if (is("fail-in-tick"))
			return asked("it was asked to fail in on-tick");
		if (ticks_ == 4 && !is("until-asked"))
			bpf_request_stop();
		return {};
	}

	bpf::result<void> stop()
	{
		printf("stop: sums [%u, %u]\n", sums_[0], sums_[1]);
		if (is("fail-in-stop"))
			return asked("it was asked to fail in stop");
		return {};
	}

      private:
	bpf::result<void> begin()
	{
		int count;
		char **arguments = bpf_arguments(&count);

		name_ = count > 1 ? arguments[1] : "";
		printf("start\n");
		if (is("help")) {
			printf("usage: driven\n");
			bpf_request_stop();
		}
		if (is("exit-in-start"))
			bpf_exit(9);
		if (is("fail-in-start"))
			return asked("it was asked to fail in start");
		skel_ = BPF_TRY(bpf::skeleton<driven_bpf>::open());
		BPF_TRY(skel_.load());
		if (is("limits"))
			BPF_TRY(limits());
		sources_[0] = BPF_TRY(add(skel_->maps.events));
		sources_[1] = BPF_TRY(add(skel_->maps.others));
		printf("sources differ: %s\n", truth(sources_[0] != sources_[1]));
		BPF_TRY(bpf::checked(bpf_driver__set_tick_ms(2)));
		// Delivered before the first tick.
		return produce(5);
	}

	static bpf::result<uint32_t> add(bpf_map *map)
	{
		return static_cast<uint32_t>(
			BPF_TRY(bpf::counted(bpf_driver__add_ring_buffer(map))));
	}

	// The shortest tick. The most sources would be 256, but objects that have them are 16.
	static bpf::result<void> limits()
	{
		print_result("less than a millisecond", bpf_driver__set_tick_ns(999999) == 0);
		BPF_TRY(bpf::checked(bpf_driver__set_tick_ms(1)));
		printf("a millisecond: ok\n");
		return {};
	}

	bpf::result<void> produce(uint32_t records)
	{
		BPF_TRY(bpf::program(skel_->progs.produce).test_run(records));
		return {};
	}

	bool is(const char *other) const
	{
		return !strcmp(name_, other);
	}

	const char *name_ = "";
	bpf::skeleton<driven_bpf> skel_;
	uint32_t sources_[2]{};
	uint32_t sums_[2]{};
	uint32_t ticks_ = 0;
};

BPF_PLUGIN_CLASS(driven);
