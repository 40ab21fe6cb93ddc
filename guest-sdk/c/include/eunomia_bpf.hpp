// SPDX-License-Identifier: MIT OR Apache-2.0
//
// eunomia_bpf.h for C++20: handles that release what they hold, ranges over records and entries,
// and results instead of return codes. No exceptions, no run-time type information, and nothing of
// the standard library, which few toolchains for WebAssembly have.
//
// What a call does is said in eunomia_bpf.h and, in full, in the contract, `wit/`.
#ifndef EUNOMIA_BPF_HPP
#define EUNOMIA_BPF_HPP

#include <stdio.h>
#include <string.h>

#include <eunomia_bpf.h>

// What the compiler makes of lists in braces, where there is no standard library to have it.
#if __has_include(<initializer_list>)
#include <initializer_list>
#else
namespace std {
template <class T> class initializer_list {
      public:
	constexpr initializer_list() = default;
	constexpr size_t size() const
	{
		return size_;
	}
	constexpr const T *begin() const
	{
		return data_;
	}
	constexpr const T *end() const
	{
		return data_ + size_;
	}

      private:
	const T *data_ = nullptr;
	size_t size_ = 0;
};
} // namespace std
#endif

namespace bpf {

// --- results ---------------------------------------------------------------------------------

// Why an operation failed.
class error {
      public:
	// That of the last call that failed.
	error() : error(*bpf_error())
	{
	}
	// One of the guest's own; the text must outlive it.
	error(bpf_error_code code, const char *message) : code_(code), message_(message)
	{
	}

	// To decide on.
	bpf_error_code code() const
	{
		return code_;
	}
	// The kernel's errno, 0 when no system call failed.
	int kernel_errno() const
	{
		return kernel_errno_;
	}
	// For people; valid until the next call fails.
	const char *message() const
	{
		return message_;
	}

      private:
	explicit error(const struct bpf_error &from)
	    : code_(from.code), kernel_errno_(from.kernel_errno), message_(from.message)
	{
	}

	bpf_error_code code_;
	int kernel_errno_ = 0;
	const char *message_;
};

// A value, or an error. `BPF_TRY` hands errors on.
template <class T> class [[nodiscard]] result {
      public:
	using value_type = T;

	result(T value) : value_(static_cast<T &&>(value)), error_(BPF_ERROR_OTHER, "")
	{
	}
	result(const bpf::error &error) : is_ok_(false), error_(error)
	{
	}

	explicit operator bool() const
	{
		return is_ok_;
	}
	// The value; only of a success.
	T &operator*()
	{
		return value_;
	}
	T *operator->()
	{
		return &value_;
	}
	T take()
	{
		return static_cast<T &&>(value_);
	}
	// Only of a failure.
	const bpf::error &error() const
	{
		return error_;
	}
	bool failed_with(bpf_error_code code) const
	{
		return !is_ok_ && error_.code() == code;
	}

      private:
	bool is_ok_ = true;
	T value_{};
	bpf::error error_;
};

template <> class [[nodiscard]] result<void> {
      public:
	using value_type = void;

	result() : error_(BPF_ERROR_OTHER, "")
	{
	}
	result(const bpf::error &error) : is_ok_(false), error_(error)
	{
	}

	explicit operator bool() const
	{
		return is_ok_;
	}
	void take() const
	{
	}
	const bpf::error &error() const
	{
		return error_;
	}
	bool failed_with(bpf_error_code code) const
	{
		return !is_ok_ && error_.code() == code;
	}

      private:
	bool is_ok_ = true;
	bpf::error error_;
};

// The value of a result; a function that has none returns the error.
#define BPF_TRY(expression) \
	({ \
		auto bpf_tried = (expression); \
		if (!bpf_tried) \
			return bpf_tried.error(); \
		bpf_tried.take(); \
	})

// What a function of C returned.
inline result<void> checked(int outcome)
{
	return outcome < 0 ? result<void>(error()) : result<void>();
}
inline result<int> counted(int outcome)
{
	return outcome < 0 ? result<int>(error()) : result<int>(outcome);
}

// Runs the body of `main`: an error is printed, and is exit code 1.
template <class Body> int run(Body body)
{
	auto outcome = body();

	if (outcome)
		return 0;
	bpf_output__flush();
	fprintf(stderr, "error: %s\n", outcome.error().message());
	return 1;
}

// --- pieces of memory ------------------------------------------------------------------------

// Items that belong to somebody else.
template <class T> class span {
      public:
	span() = default;
	span(T *data, size_t size) : data_(data), size_(size)
	{
	}
	template <size_t N> span(T (&items)[N]) : data_(items), size_(N)
	{
	}

	T *data() const
	{
		return data_;
	}
	size_t size() const
	{
		return size_;
	}
	bool empty() const
	{
		return !size_;
	}
	T &operator[](size_t index) const
	{
		return data_[index];
	}
	T *begin() const
	{
		return data_;
	}
	T *end() const
	{
		return data_ + size_;
	}

      private:
	T *data_ = nullptr;
	size_t size_ = 0;
};

// A handle that frees what it holds; it can be moved, not copied.
template <class T, auto Free> class handle {
      public:
	handle() = default;
	explicit handle(T *raw) : raw_(raw)
	{
	}
	handle(handle &&other) noexcept : raw_(other.release())
	{
	}
	handle &operator=(handle &&other) noexcept
	{
		T *raw = other.release();

		if (raw_)
			Free(raw_);
		raw_ = raw;
		return *this;
	}
	~handle()
	{
		if (raw_)
			Free(raw_);
	}

	// For functions of C.
	T *get() const
	{
		return raw_;
	}
	// Gives it away.
	T *release()
	{
		T *raw = raw_;

		raw_ = nullptr;
		return raw;
	}
	explicit operator bool() const
	{
		return raw_;
	}

      private:
	T *raw_ = nullptr;
};

// A handle around what a function of C returned; NULL is the error.
template <class Handle, class T> result<Handle> owned(T *raw)
{
	return raw ? result<Handle>(Handle(raw)) : result<Handle>(error());
}

// --- records ---------------------------------------------------------------------------------

// The end of a range.
struct sentinel {};

// The records of a batch that are long enough for a `T`, each borrowed.
template <class T> class records {
      public:
	// Where a record starts; in registers, which `bpf_batch__next` with its record is not.
	class iterator {
	      public:
		iterator(const char *at, const char *end) : at_(at), end_(end)
		{
			settle();
		}
		const T &operator*() const
		{
			return *reinterpret_cast<const T *>(at_ + head_bytes);
		}
		iterator &operator++()
		{
			at_ += bytes_;
			settle();
			return *this;
		}
		bool operator!=(sentinel) const
		{
			return at_ < end_;
		}

	      private:
		static constexpr size_t head_bytes = 8;
		static constexpr uint32_t discarded = 1U << 30, size_mask = discarded - 1;

		// Whether the record here is to be passed over; a batch ends at the end of a record.
		bool is_other()
		{
			uint32_t head;

			if (at_ >= end_)
				return false;
			__builtin_memcpy(&head, at_, sizeof(head));
			bytes_ = head_bytes + (((head & size_mask) + 7) & ~7U);
			return (head & discarded) || (head & size_mask) < sizeof(T);
		}
		void settle()
		{
			if (__builtin_expect(is_other(), 0))
				*this = skipped(*this);
		}
		// Apart, so that there is one loop where all records are wanted.
		__attribute__((noinline)) static iterator skipped(iterator from)
		{
			do
				from.at_ += from.bytes_;
			while (from.is_other());
			return from;
		}

		const char *at_, *end_;
		size_t bytes_ = 0;
	};

	explicit records(const bpf_batch &batch)
	    : start_(static_cast<const char *>(batch.records)), bytes_(batch.bytes)
	{
	}
	iterator begin() const
	{
		return iterator(start_, start_ + bytes_);
	}
	sentinel end() const
	{
		return {};
	}

      private:
	const char *start_;
	size_t bytes_;
};

// Records as they are, with size and CPU: `for (const bpf_record &record : batch)`.
class batch {
      public:
	class iterator {
	      public:
		explicit iterator(const bpf_batch *batch) : batch_(batch)
		{
			++*this;
		}
		const bpf_record &operator*() const
		{
			return record_;
		}
		iterator &operator++()
		{
			is_there_ = bpf_batch__next(batch_, &record_);
			return *this;
		}
		bool operator!=(sentinel) const
		{
			return is_there_;
		}

	      private:
		const bpf_batch *batch_;
		bpf_record record_{};
		bool is_there_ = false;
	};

	batch() = default;
	explicit batch(const bpf_batch &raw) : raw_(raw)
	{
	}

	// Nothing arrived in time.
	bool empty() const
	{
		return !raw_.bytes;
	}
	size_t bytes() const
	{
		return raw_.bytes;
	}
	// Records that the kernel dropped before these; perf event arrays only.
	uint64_t lost() const
	{
		return raw_.lost;
	}
	// Those that are a `T`, or longer. The batch must outlive it.
	template <class T> bpf::records<T> records() const &
	{
		return bpf::records<T>(raw_);
	}
	const bpf_batch &raw() const
	{
		return raw_;
	}
	iterator begin() const
	{
		return iterator(&raw_);
	}
	sentinel end() const
	{
		return {};
	}

      private:
	bpf_batch raw_{};
};

// --- maps ------------------------------------------------------------------------------------

// A key with its value, borrowed from the cursor that it came from.
template <class K, class V> struct entry {
	const K &key;
	const V &value;
};

// A walk over a map: `for (auto [key, value] : entries)`. It ends early when the host fails;
// `outcome` then says why.
template <class K, class V> class entries {
      public:
	class iterator {
	      public:
		explicit iterator(entries *from) : from_(from)
		{
		}
		entry<K, V> operator*() const
		{
			const void *key = bpf_map_entries__key(&from_->step_, from_->index_);
			const void *value = bpf_map_entries__value(&from_->step_, from_->index_);

			return { *static_cast<const K *>(key), *static_cast<const V *>(value) };
		}
		iterator &operator++()
		{
			if (++from_->index_ == from_->step_.count)
				from_->advance();
			return *this;
		}
		bool operator!=(sentinel) const
		{
			return from_->index_ < from_->step_.count;
		}

	      private:
		entries *from_;
	};

	entries() = default;
	explicit entries(bpf_map_cursor *cursor) : cursor_(cursor)
	{
	}
	iterator begin()
	{
		advance();
		return iterator(this);
	}
	sentinel end() const
	{
		return {};
	}
	result<void> outcome() const
	{
		return outcome_;
	}

      private:
	void advance()
	{
		index_ = 0;
		outcome_ = checked(bpf_map_cursor__next(cursor_.get(), 0, &step_));
		if (!outcome_)
			step_.count = 0;
	}

	handle<bpf_map_cursor, bpf_map_cursor__free> cursor_;
	bpf_map_entries step_{};
	uint32_t index_ = 0;
	result<void> outcome_;
};

// A map, which belongs to its object. Queues, stacks and bloom filters have a key of type `void`.
template <class K, class V> class map {
      public:
	map() = default;
	// The types must be those of the map: the host refuses other sizes.
	map(bpf_map *raw) : raw_(raw)
	{
	}

	bpf_map *get() const
	{
		return raw_;
	}
	// BPF_ERROR_NOT_FOUND: there is no such key.
	result<V> lookup(const K &key, uint64_t flags = 0) const
	{
		V value{};

		BPF_TRY(checked(bpf_map__lookup_elem(raw_, &key, sizeof(K), &value, sizeof(V),
						     flags)));
		return value;
	}
	result<void> update(const K &key, const V &value, uint64_t flags = BPF_ANY) const
	{
		return checked(bpf_map__update_elem(raw_, &key, sizeof(K), &value, sizeof(V),
						    flags));
	}
	// Whether the key was there.
	result<bool> remove(const K &key) const
	{
		auto outcome = checked(bpf_map__delete_elem(raw_, &key, sizeof(K), 0));

		if (outcome || outcome.failed_with(BPF_ERROR_NOT_FOUND))
			return static_cast<bool>(outcome);
		return outcome.error();
	}
	// Takes a value out in one step.
	result<V> take(const K &key) const
	{
		V value{};

		BPF_TRY(checked(bpf_map__lookup_and_delete_elem(raw_, &key, sizeof(K), &value,
								sizeof(V), 0)));
		return value;
	}
	// Sets as many entries as there are keys; returns how many were set.
	result<int> update_batch(span<const K> keys, span<const V> values,
				 uint64_t flags = BPF_ANY) const
	{
		return counted(bpf_map__update_batch(raw_, keys.data(), values.data(),
						     keys.size(), flags));
	}
	result<int> remove_batch(span<const K> keys) const
	{
		return counted(bpf_map__delete_batch(raw_, keys.data(), keys.size()));
	}
	result<entries<K, V>> iterate() const
	{
		return owned<entries<K, V>>(bpf_map__iterate(raw_));
	}
	// The same, and what is met is also removed.
	result<entries<K, V>> drain() const
	{
		return owned<entries<K, V>>(bpf_map__drain(raw_));
	}

      private:
	bpf_map *raw_ = nullptr;
};

template <class V> class map<void, V> {
      public:
	map() = default;
	map(bpf_map *raw) : raw_(raw)
	{
	}

	bpf_map *get() const
	{
		return raw_;
	}
	result<void> push(const V &value) const
	{
		return checked(
			bpf_map__update_elem(raw_, nullptr, 0, &value, sizeof(V), BPF_ANY));
	}
	// BPF_ERROR_NOT_FOUND: it is empty.
	result<V> peek() const
	{
		V value{};

		BPF_TRY(checked(bpf_map__lookup_elem(raw_, nullptr, 0, &value, sizeof(V), 0)));
		return value;
	}
	result<V> pop() const
	{
		V value{};

		BPF_TRY(checked(bpf_map__lookup_and_delete_elem(raw_, nullptr, 0, &value,
								sizeof(V), 0)));
		return value;
	}
	// Of a bloom filter.
	result<bool> may_contain(const V &value) const
	{
		auto outcome =
			checked(bpf_map__lookup_elem(raw_, &value, sizeof(V), nullptr, 0, 0));

		if (outcome || outcome.failed_with(BPF_ERROR_NOT_FOUND))
			return static_cast<bool>(outcome);
		return outcome.error();
	}
	result<entries<V, V>> drain() const
	{
		return owned<entries<V, V>>(bpf_map__drain(raw_));
	}

      private:
	bpf_map *raw_ = nullptr;
};

// The value of one CPU in a value of a per-CPU map.
template <class V> struct alignas(8) slot {
	V value;
};

// A map with values of each CPU: spans of as many slots as there are possible CPUs.
template <class K, class V> class per_cpu_map {
      public:
	per_cpu_map() = default;
	per_cpu_map(bpf_map *raw) : raw_(raw)
	{
	}

	bpf_map *get() const
	{
		return raw_;
	}
	// How many slots a value has.
	static size_t cpus()
	{
		return static_cast<size_t>(libbpf_num_possible_cpus());
	}
	result<void> lookup(const K &key, span<slot<V>> values) const
	{
		return checked(bpf_map__lookup_elem(raw_, &key, sizeof(K), values.data(),
						    values.size() * sizeof(slot<V>), 0));
	}
	result<void> update(const K &key, span<const slot<V>> values,
			    uint64_t flags = BPF_ANY) const
	{
		return checked(bpf_map__update_elem(raw_, &key, sizeof(K), values.data(),
						    values.size() * sizeof(slot<V>), flags));
	}
	result<void> take(const K &key, span<slot<V>> values) const
	{
		return checked(bpf_map__lookup_and_delete_elem(raw_, &key, sizeof(K),
							       values.data(),
							       values.size() * sizeof(slot<V>),
							       0));
	}
	// `values` has those of all CPUs for the first key, then for the second...
	result<int> update_batch(span<const K> keys, span<const slot<V>> values,
				 uint64_t flags = BPF_ANY) const
	{
		return counted(bpf_map__update_batch(raw_, keys.data(), values.data(),
						     keys.size(), flags));
	}
	// An entry's value is that of CPU 0; `(&entry.value)[cpu]` are the others.
	result<entries<K, slot<V>>> iterate() const
	{
		return owned<entries<K, slot<V>>>(bpf_map__iterate(raw_));
	}
	result<entries<K, slot<V>>> drain() const
	{
		return owned<entries<K, slot<V>>>(bpf_map__drain(raw_));
	}

      private:
	bpf_map *raw_ = nullptr;
};

// A map that was found in a map of maps, or made for one.
using inner_map = handle<bpf_map, bpf_map__free>;

inline result<inner_map> create_inner(bpf_map *outer)
{
	return owned<inner_map>(bpf_map__create_inner(outer));
}
template <class K> result<inner_map> lookup_inner(bpf_map *outer, const K &key)
{
	return owned<inner_map>(bpf_map__lookup_inner(outer, &key, sizeof(K)));
}
template <class K>
result<void> update_inner(bpf_map *outer, const K &key, const inner_map &inner,
			  uint64_t flags = BPF_ANY)
{
	return checked(bpf_map__update_inner(outer, &key, sizeof(K), inner.get(), flags));
}

// --- objects, programs, links ----------------------------------------------------------------

inline void detach(bpf_link *link)
{
	bpf_link__destroy(link);
}

// An attached program; dropping it detaches.
class link : public handle<bpf_link, detach> {
      public:
	using handle::handle;

	// Detaches, and says how that went.
	result<void> detach()
	{
		return checked(bpf_link__detach(get()));
	}
	// Leaves it attached until the guest ends.
	void keep()
	{
		bpf_link__disconnect(release());
	}
	// Where it is attached; what it points to is valid until the next such call.
	bpf_link_info info() const
	{
		bpf_link_info info{};

		bpf_link__info(get(), &info);
		return info;
	}
};

// A program, which belongs to its object.
class program {
      public:
	program() = default;
	program(bpf_program *raw) : raw_(raw)
	{
	}

	bpf_program *get() const
	{
		return raw_;
	}
	const char *name() const
	{
		return bpf_program__name(raw_);
	}
	bool autoload() const
	{
		return bpf_program__autoload(raw_);
	}
	result<void> set_autoload(bool load) const
	{
		return checked(bpf_program__set_autoload(raw_, load));
	}
	result<void> set_autoattach(bool attach) const
	{
		return checked(bpf_program__set_autoattach(raw_, attach));
	}
	result<void> set_attach_target(const char *function) const
	{
		return checked(bpf_program__set_attach_target(raw_, function));
	}
	// Attaches to where the section says.
	result<link> attach() const
	{
		return owned<link>(bpf_program__attach(raw_));
	}
	// Attaches to a target in the text form of `ecli run --attach`. For others there are the
	// functions of C: `bpf::owned<bpf::link>(bpf_program__attach_usdt(program.get(), ...))`.
	result<link> attach_to(const char *target) const
	{
		return owned<link>(bpf_program__attach_target(raw_, target));
	}
	// Puts it in the place of the one that the link holds.
	result<void> replace_in(link &link) const
	{
		return checked(bpf_link__update_program(link.get(), raw_));
	}
	result<void> store_in(bpf_map *programs, uint32_t index) const
	{
		return checked(bpf_program__store_in(raw_, programs, index));
	}
	// Runs it now.
	result<void> test_run(bpf_test_run_opts &opts) const
	{
		return checked(bpf_program__test_run(raw_, &opts));
	}
	result<void> test_run() const
	{
		bpf_test_run_opts opts{};

		return test_run(opts);
	}
	// The same with a context, for `SEC("syscall")` programs; what it returned.
	template <class T> result<uint32_t> test_run(const T &context) const
	{
		bpf_test_run_opts opts{};

		opts.ctx_in = &context;
		opts.ctx_size_in = sizeof(T);
		BPF_TRY(test_run(opts));
		return opts.retval;
	}
	result<bpf_program_statistics> statistics() const
	{
		bpf_program_statistics statistics{};

		BPF_TRY(checked(bpf_program__statistics(raw_, &statistics)));
		return statistics;
	}

      private:
	bpf_program *raw_ = nullptr;
};

// An object of the image; dropping it releases its programs and maps.
class object : public handle<bpf_object, bpf_object__close> {
      public:
	using handle::handle;

	// Without a name: the default one.
	static result<object> open(const char *name = nullptr)
	{
		return owned<object>(bpf_object__open(name));
	}
	result<void> load()
	{
		return checked(bpf_object__load(get()));
	}
	// Attaches every program to where its section says; the links belong to the object.
	result<void> attach()
	{
		return checked(bpf_object__attach(get()));
	}
	result<bpf::program> program(const char *name) const
	{
		return owned<bpf::program>(bpf_object__find_program_by_name(get(), name));
	}
	template <class K, class V> result<bpf::map<K, V>> map(const char *name) const
	{
		return owned<bpf::map<K, V>>(bpf_object__find_map_by_name(get(), name));
	}
	template <class T> result<T> global(const char *name) const
	{
		T value{};

		BPF_TRY(checked(bpf_object__get_global(get(), name, &value, sizeof(T))));
		return value;
	}
	template <class T> result<void> set_global(const char *name, const T &value)
	{
		return checked(bpf_object__set_global(get(), name, &value, sizeof(T)));
	}
};

// A generated skeleton (`struct NAME_bpf` of NAME.skel.h) that is released in the end.
template <class T> class skeleton : public handle<T, T::destroy> {
      public:
	using handle<T, T::destroy>::handle;

	static result<skeleton> open()
	{
		return owned<skeleton>(T::open());
	}
	result<void> load()
	{
		return checked(T::load(this->get()));
	}
	result<void> attach()
	{
		return checked(T::attach(this->get()));
	}
	result<bpf::program> program(const char *name) const
	{
		return owned<bpf::program>(
			bpf_object__find_program_by_name(this->get()->obj, name));
	}
	// Maps and programs by name: `skel->maps.events`.
	T *operator->() const
	{
		return this->get();
	}
};

// --- buffers ---------------------------------------------------------------------------------

// The end of the time of a wait.
inline constexpr int forever = -1;

// The reader of a ring buffer.
class ring_buffer : public handle<::ring_buffer, ring_buffer__free> {
      public:
	using handle::handle;

	static result<ring_buffer> open(bpf_map *map)
	{
		return owned<ring_buffer>(ring_buffer__new(map, nullptr, nullptr, nullptr));
	}
	// Frees the last batch and waits for the next; an empty one when the time is up.
	// BPF_ERROR_INTERRUPTED: the operator asked the guest to stop, and everything is read.
	result<batch> next_batch(int timeout_ms = forever)
	{
		bpf_batch raw{};

		BPF_TRY(checked(ring_buffer__next_batch(get(), timeout_ms, &raw)));
		return batch(raw);
	}
	// Calls `handle` for each record of type `T` until the operator asks the guest to stop.
	template <class T, class Handle> result<void> for_each(Handle handle)
	{
		for (;;) {
			auto batch = next_batch();

			if (batch.failed_with(BPF_ERROR_INTERRUPTED))
				return {};
			if (!batch)
				return batch.error();
			for (const T &record : batch->template records<T>())
				handle(record);
		}
	}
	// Frees the last batch without reading on.
	void release_batch()
	{
		ring_buffer__release(get());
	}
	uint64_t available() const
	{
		return ring_buffer__avail_data_size(get());
	}
	void set_batch_size(uint32_t bytes_max)
	{
		ring_buffer__set_batch_size(get(), bytes_max);
	}
};

// The reader of a perf event array.
class perf_buffer : public handle<::perf_buffer, perf_buffer__free> {
      public:
	using handle::handle;

	// With so many pages for each CPU; 0: 64.
	static result<perf_buffer> open(bpf_map *map, size_t page_count = 0)
	{
		return owned<perf_buffer>(
			perf_buffer__new(map, page_count, nullptr, nullptr, nullptr, nullptr));
	}
	// As of ring buffers; `batch::lost` may be there without records.
	result<batch> next_batch(int timeout_ms = forever)
	{
		bpf_batch raw{};

		BPF_TRY(checked(perf_buffer__next_batch(get(), timeout_ms, &raw)));
		return batch(raw);
	}
};

// The writer of a user ring buffer.
class user_ring_buffer : public handle<::user_ring_buffer, user_ring_buffer__free> {
      public:
	using handle::handle;

	static result<user_ring_buffer> open(bpf_map *map)
	{
		return owned<user_ring_buffer>(user_ring_buffer__new(map, nullptr));
	}
	template <class T> result<void> write(const T &record, int timeout_ms = forever)
	{
		return checked(
			user_ring_buffer__write(get(), &record, sizeof(T), timeout_ms));
	}
	// Gathers a record for `submit_all`.
	template <class T> result<void> push(const T &record)
	{
		return checked(user_ring_buffer__push(get(), &record, sizeof(T)));
	}
	// How many bytes are left because time or room ran out.
	result<int> submit_all(int timeout_ms = forever)
	{
		return counted(user_ring_buffer__submit_all(get(), timeout_ms));
	}
};

// Something that becomes ready; see `bpf_pollable__wait`.
class pollable : public handle<bpf_pollable, bpf_pollable__free> {
      public:
	using handle::handle;

	static pollable stop()
	{
		return pollable(bpf_pollable__stop());
	}
	static pollable after_ms(uint64_t milliseconds)
	{
		return pollable(bpf_pollable__after_ms(milliseconds));
	}
	static pollable of(ring_buffer &buffer)
	{
		return pollable(ring_buffer__subscribe(buffer.get()));
	}
	static pollable of(perf_buffer &buffer)
	{
		return pollable(perf_buffer__subscribe(buffer.get()));
	}
	static pollable of(user_ring_buffer &buffer)
	{
		return pollable(user_ring_buffer__subscribe(buffer.get()));
	}
	bool is_ready() const
	{
		return bpf_pollable__is_ready(get());
	}
};

// Waits until one of them is ready, and says for each whether it is.
template <size_t N> result<int> wait(const pollable (&pollables)[N], bool (&is_ready)[N])
{
	bpf_pollable *raw[N];

	for (size_t i = 0; i < N; i++)
		raw[i] = pollables[i].get();
	return counted(bpf_pollable__wait(raw, N, is_ready));
}

// --- output ----------------------------------------------------------------------------------

// Text or bytes of a row.
struct text {
	const char *at;
	uint32_t bytes;

	text(const char *string) : at(string), bytes(static_cast<uint32_t>(strlen(string)))
	{
	}
	text(const void *data, size_t size)
	    : at(static_cast<const char *>(data)), bytes(static_cast<uint32_t>(size))
	{
	}
};

// A row of declared fields: `row.put(pid).put("text")`, in their order.
class row {
      public:
	row() = default;
	~row()
	{
		bpf_row__free(&raw_);
	}
	row(const row &) = delete;
	row &operator=(const row &) = delete;

	// Numbers must have the type of the field.
	template <class T>
		requires(__is_arithmetic(T) || __is_enum(T))
	row &put(T value)
	{
		bpf_row__put(&raw_, &value, sizeof(T));
		return *this;
	}
	row &put(const text &value)
	{
		bpf_row__put_bytes(&raw_, value.at, value.bytes);
		return *this;
	}
	row &put(const char *value)
	{
		return put(text(value));
	}
	// An optional field without a value; one with a value begins with `present()`.
	row &absent()
	{
		bpf_row__put_present(&raw_, false);
		return *this;
	}
	row &present()
	{
		bpf_row__put_present(&raw_, true);
		return *this;
	}
	// In front of the values of a repeated field.
	row &count(uint32_t count)
	{
		bpf_row__put_count(&raw_, count);
		return *this;
	}
	void clear()
	{
		bpf_row__clear(&raw_);
	}
	const bpf_row &raw() const
	{
		return raw_;
	}

      private:
	bpf_row raw_{};
};

// Rows that the host shows as the operator chose.
class table : public handle<bpf_table, bpf_table__free> {
      public:
	using handle::handle;

	// Rows that are structs of the object.
	static result<table> from_btf(const char *name, bpf_object *object, const char *type)
	{
		return owned<table>(bpf_table__from_btf(name, object, type));
	}
	static result<table> from_fields(const char *name, span<const bpf_field> fields)
	{
		return owned<table>(bpf_table__from_fields(name, fields.data(), fields.size()));
	}
	// Without a field: of the table. Before the first row.
	result<void> add_hint(const char *field, const char *key, const char *value)
	{
		return checked(bpf_table__add_hint(get(), field, key, value));
	}
	// A struct of the object.
	template <class T> result<void> push(const T &record)
	{
		return checked(bpf_table__push(get(), &record, sizeof(T)));
	}
	result<void> push(const row &row)
	{
		return checked(bpf_table__push_row(get(), &row.raw()));
	}
	result<void> emit(const batch &batch)
	{
		return checked(bpf_table__emit_batch(get(), &batch.raw()));
	}
	result<void> flush()
	{
		return checked(bpf_table__flush(get()));
	}
	result<void> end_of_interval()
	{
		return checked(bpf_table__end_of_interval(get()));
	}
};

// --- plugins ---------------------------------------------------------------------------------

// Hands the error of a result to the host.
inline int answer(const result<void> &outcome)
{
	if (outcome)
		return 0;
	return bpf_fail(outcome.error().code(), outcome.error().message());
}

} // namespace bpf

// Makes the guest a plugin. `Type` has a static `result<Type *> start()`, and
// `result<void> on_events(uint32_t source, const batch &)`, `on_tick()` and `stop()`.
#define BPF_PLUGIN_CLASS(Type) \
	BPF_PLUGIN; \
	static Type *bpf_plugin_instance; \
	extern "C" int bpf_plugin_start(void) \
	{ \
		auto started = Type::start(); \
		if (!started) \
			return bpf::answer(started.error()); \
		bpf_plugin_instance = *started; \
		return 0; \
	} \
	extern "C" int bpf_plugin_on_events(uint32_t source, const struct bpf_batch *raw) \
	{ \
		return bpf::answer(bpf_plugin_instance->on_events(source, bpf::batch(*raw))); \
	} \
	extern "C" int bpf_plugin_on_tick(void) \
	{ \
		return bpf::answer(bpf_plugin_instance->on_tick()); \
	} \
	extern "C" int bpf_plugin_stop(void) \
	{ \
		return bpf::answer(bpf_plugin_instance->stop()); \
	} \
	static_assert(true, "so that a semicolon follows")

#endif
