// Shows events and how many there are a second; the host drives it.
#include <eunomia_bpf.hpp>

// Generated from probe.bpf.c: its types, globals and maps.
#include "probe.skel.h"

class starts {
      public:
	static bpf::result<starts *> start()
	{
		static starts plugin;

		BPF_TRY(plugin.begin());
		return &plugin;
	}

	bpf::result<void> on_events(uint32_t, const bpf::batch &batch)
	{
		for ([[maybe_unused]] const event &event : batch.records<event>())
			count_++;
		return events_.emit(batch);
	}

	bpf::result<void> on_tick()
	{
		bpf::row row;

		total_ += count_;
		row.put(count_).put(total_);
		count_ = 0;
		BPF_TRY(rates_.push(row));
		return rates_.end_of_interval();
	}

	bpf::result<void> stop()
	{
		uint64_t lost = 0;

		BPF_TRY(bpf::checked(probe_bpf__get_lost_events(skel_.get(), &lost)));
		bpf_output__report_lost(lost);
		return {};
	}

      private:
	bpf::result<void> begin()
	{
		const bpf_field fields[] = { { "count", BPF_FIELD_U64 }, { "total", BPF_FIELD_U64 } };

		skel_ = BPF_TRY(bpf::skeleton<probe_bpf>::open());
		BPF_TRY(skel_.load());
		BPF_TRY(bpf::checked(bpf_driver__add_ring_buffer(skel_->maps.events)));
		BPF_TRY(bpf::checked(bpf_driver__set_tick_ms(1000)));
		events_ = BPF_TRY(bpf::table::from_btf("events", skel_->obj, "event"));
		BPF_TRY(events_.add_hint("time_ns", "format", "time-boot-ns"));
		rates_ = BPF_TRY(bpf::table::from_fields("rates", fields));
		return skel_.attach();
	}

	bpf::skeleton<probe_bpf> skel_;
	bpf::table events_, rates_;
	// Since the last tick, and in all.
	uint64_t count_ = 0, total_ = 0;
};

BPF_PLUGIN_CLASS(starts);
