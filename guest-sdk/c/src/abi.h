/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The contract (wit/) as WebAssembly sees it: every imported function in the form that the
 * component model's canonical ABI gives it. `ecli build` checks each signature against the WIT.
 *
 * Records have the layout that C gives them for wasm32, which is that of the canonical ABI.
 */
#ifndef EUNOMIA_BPF_ABI_H
#define EUNOMIA_BPF_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ABI_EXPORT(name) __attribute__((export_name(name)))
#define ABI_IMPORT_FROM(module, name) \
	__attribute__((import_module(module), import_name(name))) extern
#define ABI_IMPORT(interface, name) ABI_IMPORT_FROM("eunomia:bpf/" interface "@0.1.0", name)

typedef int32_t abi_handle;

struct abi_list {
	void *data;
	uint32_t count;
};

struct abi_string {
	const char *data;
	uint32_t bytes;
};

struct abi_error {
	uint8_t code;
	uint32_t errno_value;
	struct abi_string message;
};

/* `result<T, error>`: `NAME.value` while `is_error` is 0. */
#define ABI_RESULT(name, type) \
	struct name { \
		uint8_t is_error; \
		union { \
			type value; \
			struct abi_error error; \
		}; \
	}

struct abi_optional_list {
	uint8_t is_some;
	struct abi_list list;
};

struct abi_optional_handle {
	uint8_t is_some;
	abi_handle handle;
};

ABI_RESULT(abi_result, uint8_t);
ABI_RESULT(abi_result_bool, uint8_t);
ABI_RESULT(abi_result_u32, uint32_t);
ABI_RESULT(abi_result_handle, abi_handle);
ABI_RESULT(abi_result_list, struct abi_list);
ABI_RESULT(abi_result_optional_list, struct abi_optional_list);
ABI_RESULT(abi_result_optional_handle, struct abi_optional_handle);

/* --- bpf-object --- */

struct abi_program_info {
	struct abi_string name, section;
	uint32_t program_type;
	struct abi_string type_name;
	uint32_t attach_type;
	struct abi_string attach_target;
	uint8_t autoload, autoattach;
	uint32_t id;
};

struct abi_map_info {
	struct abi_string name;
	uint32_t map_type;
	struct abi_string type_name;
	uint32_t key_size, value_size, user_value_size, max_entries, map_flags;
	uint32_t key_type_id, value_type_id;
	uint64_t map_extra;
	struct {
		uint8_t is_some;
		struct abi_string value;
	} pin_name;
	uint8_t frozen;
	uint32_t id;
};

struct abi_global_info {
	struct abi_string name, section;
	uint32_t offset, size, type_id;
	uint8_t constant;
};

struct abi_run_output {
	uint32_t return_value;
	struct abi_list data, context;
	uint32_t duration_ns;
};
ABI_RESULT(abi_result_run, struct abi_run_output);

struct abi_statistics {
	uint64_t run_count, run_time_ns, recursion_misses;
};
ABI_RESULT(abi_result_statistics, struct abi_statistics);

#define OBJECT "bpf-object"
ABI_IMPORT(OBJECT, "list-objects") void abi_list_objects(struct abi_list *ret);
ABI_IMPORT(OBJECT, "[static]bpf-object.open")
void abi_object_open(const char *name, size_t bytes, struct abi_result_handle *ret);
ABI_IMPORT(OBJECT, "[resource-drop]bpf-object") void abi_object_drop(abi_handle self);
ABI_IMPORT(OBJECT, "[method]bpf-object.programs")
void abi_object_programs(abi_handle self, struct abi_list *ret);
ABI_IMPORT(OBJECT, "[method]bpf-object.maps")
void abi_object_maps(abi_handle self, struct abi_list *ret);
ABI_IMPORT(OBJECT, "[method]bpf-object.globals")
void abi_object_globals(abi_handle self, struct abi_list *ret);
ABI_IMPORT(OBJECT, "[method]bpf-object.program")
void abi_object_program(abi_handle self, const char *name, size_t bytes,
			struct abi_result_handle *ret);
ABI_IMPORT(OBJECT, "[method]bpf-object.map")
void abi_object_map(abi_handle self, const char *name, size_t bytes,
		    struct abi_result_handle *ret);
ABI_IMPORT(OBJECT, "[method]bpf-object.get-global")
void abi_object_get_global(abi_handle self, const char *name, size_t bytes,
			   struct abi_result_list *ret);
ABI_IMPORT(OBJECT, "[method]bpf-object.set-global")
void abi_object_set_global(abi_handle self, const char *name, size_t name_bytes,
			   const void *value, size_t bytes, struct abi_result *ret);
ABI_IMPORT(OBJECT, "[method]bpf-object.load")
void abi_object_load(abi_handle self, struct abi_result *ret);
ABI_IMPORT(OBJECT, "[method]bpf-object.attach")
void abi_object_attach(abi_handle self, struct abi_result_list *ret);
ABI_IMPORT(OBJECT, "[method]bpf-object.attach-struct-ops")
void abi_object_attach_struct_ops(abi_handle self, abi_handle map, struct abi_result_handle *ret);

ABI_IMPORT(OBJECT, "[method]bpf-object.btf")
void abi_object_btf(abi_handle self, struct abi_result_handle *ret);

ABI_IMPORT(OBJECT, "[method]program.info")
void abi_program_info(abi_handle self, struct abi_program_info *ret);
ABI_IMPORT(OBJECT, "[resource-drop]program") void abi_program_drop(abi_handle self);
ABI_IMPORT(OBJECT, "[method]program.set-autoload")
void abi_program_set_autoload(abi_handle self, int32_t load, struct abi_result *ret);
ABI_IMPORT(OBJECT, "[method]program.set-autoattach")
void abi_program_set_autoattach(abi_handle self, int32_t attach, struct abi_result *ret);
ABI_IMPORT(OBJECT, "[method]program.set-attach-target")
void abi_program_set_attach_target(abi_handle self, const char *function, size_t bytes,
				   struct abi_result *ret);
/* `payload`: the members of `target`, in places that all cases share. */
ABI_IMPORT(OBJECT, "[method]program.attach")
void abi_program_attach(abi_handle self, int32_t is_some, int32_t kind, int64_t payload0,
			int64_t payload1, int64_t payload2, int64_t payload3, int64_t payload4,
			int64_t payload5, int32_t payload6, int32_t payload7, int64_t payload8,
			int64_t payload9, int32_t payload10, int32_t payload11,
			int32_t payload12, struct abi_result_handle *ret);
ABI_IMPORT(OBJECT, "[method]program.replace-in")
void abi_program_replace_in(abi_handle self, abi_handle link, struct abi_result *ret);
ABI_IMPORT(OBJECT, "[method]program.store-in")
void abi_program_store_in(abi_handle self, abi_handle map, uint32_t index,
			  struct abi_result *ret);
ABI_IMPORT(OBJECT, "[method]program.test-run")
void abi_program_test_run(abi_handle self, const void *data, size_t data_bytes,
			  const void *context, size_t context_bytes, uint32_t repeat,
			  uint32_t flags, int32_t has_cpu, uint32_t cpu, uint32_t batch_size,
			  struct abi_result_run *ret);
ABI_IMPORT(OBJECT, "[method]program.statistics")
void abi_program_statistics(abi_handle self, struct abi_result_statistics *ret);

/* --- attach --- */

struct abi_link_info {
	struct abi_string name;
	uint32_t link_type;
	struct abi_list targets, ids;
};

ABI_IMPORT("attach", "[method]link.info")
void abi_link_info(abi_handle self, struct abi_link_info *ret);
ABI_IMPORT("attach", "[resource-drop]link") void abi_link_drop(abi_handle self);
ABI_IMPORT("attach", "[method]link.keep") void abi_link_keep(abi_handle self);
ABI_IMPORT("attach", "[method]link.detach")
void abi_link_detach(abi_handle self, struct abi_result *ret);
ABI_IMPORT("attach", "[method]link.iterate")
void abi_link_iterate(abi_handle self, struct abi_result_handle *ret);

/* --- bpf-map --- */

struct abi_entries {
	uint32_t count;
	struct abi_list keys, values;
};
ABI_RESULT(abi_result_entries, struct abi_entries);

#define MAP "bpf-map"
ABI_IMPORT(MAP, "[resource-drop]cursor") void abi_cursor_drop(abi_handle self);
ABI_IMPORT(MAP, "[method]cursor.next")
void abi_cursor_next(abi_handle self, uint32_t entries_max, struct abi_result_entries *ret);
ABI_IMPORT(MAP, "[resource-drop]bpf-map") void abi_map_drop(abi_handle self);
ABI_IMPORT(MAP, "[method]bpf-map.info")
void abi_map_info(abi_handle self, struct abi_map_info *ret);
ABI_IMPORT(MAP, "[method]bpf-map.set-max-entries")
void abi_map_set_max_entries(abi_handle self, uint32_t max_entries, struct abi_result *ret);
ABI_IMPORT(MAP, "[method]bpf-map.set-value-size")
void abi_map_set_value_size(abi_handle self, uint32_t bytes, struct abi_result *ret);
ABI_IMPORT(MAP, "[method]bpf-map.set-map-type")
void abi_map_set_map_type(abi_handle self, uint32_t map_type, struct abi_result *ret);
ABI_IMPORT(MAP, "[method]bpf-map.set-autocreate")
void abi_map_set_autocreate(abi_handle self, int32_t create, struct abi_result *ret);
ABI_IMPORT(MAP, "[method]bpf-map.set-pin-name")
void abi_map_set_pin_name(abi_handle self, const char *name, size_t bytes,
			  struct abi_result *ret);
ABI_IMPORT(MAP, "[method]bpf-map.lookup")
void abi_map_lookup(abi_handle self, const void *key, size_t bytes, uint64_t flags,
		    struct abi_result_optional_list *ret);
ABI_IMPORT(MAP, "[method]bpf-map.update")
void abi_map_update(abi_handle self, const void *key, size_t key_bytes, const void *value,
		    size_t value_bytes, uint64_t flags, struct abi_result *ret);
ABI_IMPORT(MAP, "[method]bpf-map.delete")
void abi_map_delete(abi_handle self, const void *key, size_t bytes, struct abi_result_bool *ret);
ABI_IMPORT(MAP, "[method]bpf-map.lookup-and-delete")
void abi_map_lookup_and_delete(abi_handle self, const void *key, size_t bytes, uint64_t flags,
			       struct abi_result_optional_list *ret);
ABI_IMPORT(MAP, "[method]bpf-map.next-key")
void abi_map_next_key(abi_handle self, int32_t has_key, const void *key, size_t bytes,
		      struct abi_result_optional_list *ret);
ABI_IMPORT(MAP, "[method]bpf-map.iterate")
void abi_map_iterate(abi_handle self, struct abi_result_handle *ret);
ABI_IMPORT(MAP, "[method]bpf-map.drain")
void abi_map_drain(abi_handle self, struct abi_result_handle *ret);
ABI_IMPORT(MAP, "[method]bpf-map.update-batch")
void abi_map_update_batch(abi_handle self, const void *keys, size_t key_bytes, const void *values,
			  size_t value_bytes, uint64_t flags, struct abi_result_u32 *ret);
ABI_IMPORT(MAP, "[method]bpf-map.delete-batch")
void abi_map_delete_batch(abi_handle self, const void *keys, size_t bytes,
			  struct abi_result_u32 *ret);
ABI_IMPORT(MAP, "[method]bpf-map.lookup-inner")
void abi_map_lookup_inner(abi_handle self, const void *key, size_t bytes,
			  struct abi_result_optional_handle *ret);
ABI_IMPORT(MAP, "[method]bpf-map.update-inner")
void abi_map_update_inner(abi_handle self, const void *key, size_t bytes, abi_handle inner,
			  uint64_t flags, struct abi_result *ret);
ABI_IMPORT(MAP, "[method]bpf-map.create-inner")
void abi_map_create_inner(abi_handle self, struct abi_result_handle *ret);
ABI_IMPORT(MAP, "[method]bpf-map.read-memory")
void abi_map_read_memory(abi_handle self, uint64_t offset, uint32_t length,
			 struct abi_result_list *ret);
ABI_IMPORT(MAP, "[method]bpf-map.write-memory")
void abi_map_write_memory(abi_handle self, uint64_t offset, const void *bytes, size_t length,
			  struct abi_result *ret);
ABI_IMPORT(MAP, "[method]bpf-map.freeze")
void abi_map_freeze(abi_handle self, struct abi_result *ret);

/* --- ring-buffer, perf-buffer, user-ring-buffer --- */

#define RING "ring-buffer"
ABI_IMPORT(RING, "[static]ring-buffer.open")
void abi_ring_open(abi_handle map, struct abi_result_handle *ret);
ABI_IMPORT(RING, "[resource-drop]ring-buffer") void abi_ring_drop(abi_handle self);
ABI_IMPORT(RING, "[method]ring-buffer.read")
void abi_ring_read(abi_handle self, uint32_t consumed, uint32_t bytes_max, int32_t has_timeout,
		   int64_t timeout_ns, struct abi_result_list *ret);
ABI_IMPORT(RING, "[method]ring-buffer.consume")
void abi_ring_consume(abi_handle self, uint32_t consumed);
ABI_IMPORT(RING, "[method]ring-buffer.subscribe") abi_handle abi_ring_subscribe(abi_handle self);
ABI_IMPORT(RING, "[method]ring-buffer.available") uint64_t abi_ring_available(abi_handle self);

struct abi_perf_batch {
	struct abi_list records;
	uint64_t lost;
};
ABI_RESULT(abi_result_perf_batch, struct abi_perf_batch);

#define PERF "perf-buffer"
ABI_IMPORT(PERF, "[static]perf-buffer.open")
void abi_perf_open(abi_handle map, uint32_t pages, struct abi_result_handle *ret);
ABI_IMPORT(PERF, "[resource-drop]perf-buffer") void abi_perf_drop(abi_handle self);
ABI_IMPORT(PERF, "[method]perf-buffer.read")
void abi_perf_read(abi_handle self, uint32_t consumed, uint32_t bytes_max, int32_t has_timeout,
		   int64_t timeout_ns, struct abi_result_perf_batch *ret);

ABI_IMPORT(PERF, "[method]perf-buffer.subscribe") abi_handle abi_perf_subscribe(abi_handle self);

#define USER_RING "user-ring-buffer"
ABI_IMPORT(USER_RING, "[static]user-ring-buffer.open")
void abi_user_ring_open(abi_handle map, struct abi_result_handle *ret);
ABI_IMPORT(USER_RING, "[resource-drop]user-ring-buffer") void abi_user_ring_drop(abi_handle self);
ABI_IMPORT(USER_RING, "[method]user-ring-buffer.write")
void abi_user_ring_write(abi_handle self, const void *records, size_t bytes, int32_t has_timeout,
			 int64_t timeout_ns, struct abi_result_u32 *ret);

ABI_IMPORT(USER_RING, "[method]user-ring-buffer.subscribe")
abi_handle abi_user_ring_subscribe(abi_handle self);

/* --- btf --- */

struct abi_member {
	struct abi_string name;
	uint32_t type, bit_offset, bit_width;
};

struct abi_enumerator {
	struct abi_string name;
	int64_t value;
};

struct abi_parameter {
	struct abi_string name;
	uint32_t type;
};

struct abi_section_variable {
	uint32_t type, offset, size;
};

struct abi_type {
	uint32_t id;
	struct abi_string name;
	uint32_t size;
	/* `type-kind` */
	uint8_t kind;
	union {
		struct {
			uint8_t encoding;
			uint32_t bit_offset, bits;
		} integer;
		/* Pointers, typedefs, qualifiers, type tags; the number of another kind. */
		uint32_t type;
		struct {
			uint32_t element, length;
		} array;
		/* Of structs, unions and data sections. */
		struct abi_list parts;
		struct {
			uint8_t is_signed;
			struct abi_list enumerators;
		} enumeration;
		uint8_t forward;
		/* Of functions and variables. */
		struct {
			uint32_t type, linkage;
		} linked;
		struct {
			uint32_t returns;
			struct abi_list parameters;
		} prototype;
		struct {
			uint32_t type;
			int32_t component;
		} tagged;
	};
};
ABI_RESULT(abi_result_type, struct abi_type);

struct abi_optional_u32 {
	uint8_t is_some;
	uint32_t value;
};

#define BTF "btf"
ABI_IMPORT(BTF, "[resource-drop]btf") void abi_btf_drop(abi_handle self);
ABI_IMPORT(BTF, "[method]btf.count") uint32_t abi_btf_count(abi_handle self);
ABI_IMPORT(BTF, "[method]btf.describe")
void abi_btf_describe(abi_handle self, uint32_t id, struct abi_result_type *ret);
ABI_IMPORT(BTF, "[method]btf.find")
void abi_btf_find(abi_handle self, const char *name, size_t bytes, struct abi_optional_u32 *ret);
ABI_IMPORT(BTF, "[method]btf.closure")
void abi_btf_closure(abi_handle self, uint32_t id, struct abi_result_list *ret);

/* --- output --- */

struct abi_hint {
	struct abi_string key, value;
};

struct abi_field {
	struct abi_string name;
	uint8_t type, cardinality;
	struct abi_list hints;
};

#define OUTPUT "output"
ABI_IMPORT(OUTPUT, "[static]table.from-btf")
void abi_table_from_btf(const char *name, size_t name_bytes, abi_handle object, const char *type,
			size_t type_bytes, struct abi_result_handle *ret);
ABI_IMPORT(OUTPUT, "[static]table.from-fields")
void abi_table_from_fields(const char *name, size_t bytes, const struct abi_field *fields,
			   size_t count, struct abi_result_handle *ret);
ABI_IMPORT(OUTPUT, "[resource-drop]table") void abi_table_drop(abi_handle self);
ABI_IMPORT(OUTPUT, "[method]table.add-hints")
void abi_table_add_hints(abi_handle self, const char *field, size_t bytes,
			 const struct abi_hint *hints, size_t count, struct abi_result *ret);
ABI_IMPORT(OUTPUT, "[method]table.emit")
void abi_table_emit(abi_handle self, const void *rows, size_t bytes, struct abi_result *ret);
ABI_IMPORT(OUTPUT, "[method]table.end-of-interval")
void abi_table_end_of_interval(abi_handle self, struct abi_result *ret);
ABI_IMPORT(OUTPUT, "report-lost") void abi_report_lost(uint64_t count);
ABI_IMPORT(OUTPUT, "flush") void abi_output_flush(struct abi_result *ret);

/* --- lifecycle, symbols, host, driver --- */

ABI_IMPORT("lifecycle", "stop-requested") int32_t abi_stop_requested(void);
ABI_IMPORT("lifecycle", "subscribe-stop") abi_handle abi_subscribe_stop(void);
ABI_IMPORT("lifecycle", "request-stop") void abi_request_stop(void);
ABI_IMPORT("lifecycle", "exit") void abi_exit(int32_t code);

struct abi_symbol {
	struct abi_string name;
	uint64_t offset;
	struct {
		uint8_t is_some;
		struct abi_string value;
	} module;
};

struct abi_optional_symbol {
	uint8_t is_some;
	struct abi_symbol symbol;
};

struct abi_optional_u64 {
	uint8_t is_some;
	uint64_t value;
};
ABI_RESULT(abi_result_optional_u64, struct abi_optional_u64);

ABI_IMPORT("symbols", "resolve-kernel")
void abi_resolve_kernel(const void *addresses, size_t bytes, struct abi_result_list *ret);
ABI_IMPORT("symbols", "kernel-address")
void abi_kernel_address(const char *name, size_t bytes, struct abi_result_optional_u64 *ret);

struct abi_version {
	uint32_t major, minor, patch;
};

struct abi_datetime {
	uint64_t seconds;
	uint32_t nanoseconds;
};

ABI_IMPORT("host", "possible-cpus") uint32_t abi_possible_cpus(void);
ABI_IMPORT("host", "kernel-version") void abi_kernel_version(struct abi_version *ret);
ABI_IMPORT("host", "monotonic-epoch") void abi_monotonic_epoch(struct abi_datetime *ret);
ABI_IMPORT("host", "boot-epoch") void abi_boot_epoch(struct abi_datetime *ret);

ABI_IMPORT("driver", "add-ring-buffer")
void abi_driver_add_ring_buffer(abi_handle buffer, struct abi_result_u32 *ret);
ABI_IMPORT("driver", "add-perf-buffer")
void abi_driver_add_perf_buffer(abi_handle buffer, struct abi_result_u32 *ret);
ABI_IMPORT("driver", "set-tick")
void abi_driver_set_tick(int64_t interval_ns, struct abi_result *ret);

/* --- WASI --- */

ABI_IMPORT_FROM("wasi:io/poll@0.2.12", "poll")
void abi_poll(const abi_handle *pollables, size_t count, struct abi_list *ret);
ABI_IMPORT_FROM("wasi:io/poll@0.2.12", "[method]pollable.ready")
int32_t abi_pollable_ready(abi_handle self);
ABI_IMPORT_FROM("wasi:io/poll@0.2.12", "[resource-drop]pollable")
void abi_pollable_drop(abi_handle self);
ABI_IMPORT_FROM("wasi:clocks/monotonic-clock@0.2.12", "subscribe-duration")
abi_handle abi_subscribe_duration(int64_t duration_ns);

ABI_IMPORT_FROM("wasi:cli/environment@0.2.12", "get-arguments")
void abi_get_arguments(struct abi_list *ret);

/* `result<list<u8>, stream-error>`: error 0 is last-operation-failed with a handle, 1 closed. */
struct abi_stream_result {
	uint8_t is_error;
	union {
		struct abi_list bytes;
		struct {
			uint8_t kind;
			abi_handle error;
		} failure;
	};
};
ABI_IMPORT_FROM("wasi:io/streams@0.2.12", "[method]input-stream.blocking-read")
void abi_stream_read(abi_handle self, int64_t bytes_max, struct abi_stream_result *ret);
ABI_IMPORT_FROM("wasi:io/streams@0.2.12", "[resource-drop]input-stream")
void abi_stream_drop(abi_handle self);
ABI_IMPORT_FROM("wasi:io/error@0.2.12", "[resource-drop]error")
void abi_stream_error_drop(abi_handle self);

#endif
