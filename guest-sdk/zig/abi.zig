//! The contract (wit/) as WebAssembly sees it: every imported function in the form that the
//! component model's canonical ABI gives it. `ecli build` checks each signature against the WIT.
//! Results that do not fit into one number go to memory that the last parameter points to.

pub const Bytes = [*]const u8;
pub const Return = *anyopaque;
pub const Handle = i32;

pub extern "eunomia:bpf/bpf-object@0.1.0" fn @"list-objects"(ret: Return) void;
pub extern "eunomia:bpf/bpf-object@0.1.0" fn @"[static]bpf-object.open"(
    name: Bytes,
    bytes: usize,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-object@0.1.0" fn @"[resource-drop]bpf-object"(self: Handle) void;
pub extern "eunomia:bpf/bpf-object@0.1.0" fn @"[method]bpf-object.programs"(
    self: Handle,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-object@0.1.0" fn @"[method]bpf-object.maps"(
    self: Handle,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-object@0.1.0" fn @"[method]bpf-object.globals"(
    self: Handle,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-object@0.1.0" fn @"[method]bpf-object.program"(
    self: Handle,
    name: Bytes,
    bytes: usize,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-object@0.1.0" fn @"[method]bpf-object.map"(
    self: Handle,
    name: Bytes,
    bytes: usize,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-object@0.1.0" fn @"[method]bpf-object.get-global"(
    self: Handle,
    name: Bytes,
    bytes: usize,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-object@0.1.0" fn @"[method]bpf-object.set-global"(
    self: Handle,
    name: Bytes,
    name_bytes: usize,
    value: Bytes,
    bytes: usize,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-object@0.1.0" fn @"[method]bpf-object.load"(
    self: Handle,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-object@0.1.0" fn @"[method]bpf-object.attach"(
    self: Handle,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-object@0.1.0" fn @"[method]bpf-object.attach-struct-ops"(
    self: Handle,
    map: Handle,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-object@0.1.0" fn @"[method]bpf-object.btf"(
    self: Handle,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-object@0.1.0" fn @"[resource-drop]program"(self: Handle) void;
pub extern "eunomia:bpf/bpf-object@0.1.0" fn @"[method]program.info"(
    self: Handle,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-object@0.1.0" fn @"[method]program.set-autoload"(
    self: Handle,
    load: bool,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-object@0.1.0" fn @"[method]program.set-autoattach"(
    self: Handle,
    attach: bool,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-object@0.1.0" fn @"[method]program.set-attach-target"(
    self: Handle,
    name: Bytes,
    bytes: usize,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-object@0.1.0" fn @"[method]program.attach"(
    self: Handle,
    is_some: bool,
    kind: i32,
    p0: i64,
    p1: i64,
    p2: i64,
    p3: i64,
    p4: i64,
    p5: i64,
    p6: i32,
    p7: i32,
    p8: i64,
    p9: i64,
    p10: i32,
    p11: i32,
    p12: i32,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-object@0.1.0" fn @"[method]program.replace-in"(
    self: Handle,
    link: Handle,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-object@0.1.0" fn @"[method]program.store-in"(
    self: Handle,
    map: Handle,
    index: u32,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-object@0.1.0" fn @"[method]program.test-run"(
    self: Handle,
    data: Bytes,
    data_bytes: usize,
    context: Bytes,
    context_bytes: usize,
    repeat: u32,
    flags: u32,
    has_cpu: bool,
    cpu: u32,
    batch_size: u32,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-object@0.1.0" fn @"[method]program.statistics"(
    self: Handle,
    ret: Return,
) void;

pub extern "eunomia:bpf/attach@0.1.0" fn @"[resource-drop]link"(self: Handle) void;
pub extern "eunomia:bpf/attach@0.1.0" fn @"[method]link.info"(self: Handle, ret: Return) void;
pub extern "eunomia:bpf/attach@0.1.0" fn @"[method]link.keep"(self: Handle) void;
pub extern "eunomia:bpf/attach@0.1.0" fn @"[method]link.detach"(self: Handle, ret: Return) void;
pub extern "eunomia:bpf/attach@0.1.0" fn @"[method]link.iterate"(self: Handle, ret: Return) void;

pub extern "wasi:io/streams@0.2.12" fn @"[method]input-stream.blocking-read"(
    self: Handle,
    bytes: u64,
    ret: Return,
) void;
pub extern "wasi:io/streams@0.2.12" fn @"[resource-drop]input-stream"(self: Handle) void;

pub extern "wasi:io/error@0.2.12" fn @"[resource-drop]error"(self: Handle) void;

pub extern "eunomia:bpf/bpf-map@0.1.0" fn @"[resource-drop]cursor"(self: Handle) void;
pub extern "eunomia:bpf/bpf-map@0.1.0" fn @"[method]cursor.next"(
    self: Handle,
    entries_max: u32,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-map@0.1.0" fn @"[resource-drop]bpf-map"(self: Handle) void;
pub extern "eunomia:bpf/bpf-map@0.1.0" fn @"[method]bpf-map.info"(self: Handle, ret: Return) void;
pub extern "eunomia:bpf/bpf-map@0.1.0" fn @"[method]bpf-map.set-max-entries"(
    self: Handle,
    entries: u32,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-map@0.1.0" fn @"[method]bpf-map.set-value-size"(
    self: Handle,
    bytes: u32,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-map@0.1.0" fn @"[method]bpf-map.set-map-type"(
    self: Handle,
    map_type: u32,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-map@0.1.0" fn @"[method]bpf-map.set-autocreate"(
    self: Handle,
    create: bool,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-map@0.1.0" fn @"[method]bpf-map.set-pin-name"(
    self: Handle,
    name: Bytes,
    bytes: usize,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-map@0.1.0" fn @"[method]bpf-map.lookup"(
    self: Handle,
    key: Bytes,
    bytes: usize,
    flags: u64,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-map@0.1.0" fn @"[method]bpf-map.update"(
    self: Handle,
    key: Bytes,
    key_bytes: usize,
    value: Bytes,
    bytes: usize,
    flags: u64,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-map@0.1.0" fn @"[method]bpf-map.delete"(
    self: Handle,
    key: Bytes,
    bytes: usize,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-map@0.1.0" fn @"[method]bpf-map.lookup-and-delete"(
    self: Handle,
    key: Bytes,
    bytes: usize,
    flags: u64,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-map@0.1.0" fn @"[method]bpf-map.next-key"(
    self: Handle,
    has_key: bool,
    key: Bytes,
    bytes: usize,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-map@0.1.0" fn @"[method]bpf-map.iterate"(
    self: Handle,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-map@0.1.0" fn @"[method]bpf-map.drain"(
    self: Handle,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-map@0.1.0" fn @"[method]bpf-map.update-batch"(
    self: Handle,
    keys: Bytes,
    key_bytes: usize,
    values: Bytes,
    bytes: usize,
    flags: u64,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-map@0.1.0" fn @"[method]bpf-map.delete-batch"(
    self: Handle,
    keys: Bytes,
    bytes: usize,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-map@0.1.0" fn @"[method]bpf-map.lookup-inner"(
    self: Handle,
    key: Bytes,
    bytes: usize,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-map@0.1.0" fn @"[method]bpf-map.update-inner"(
    self: Handle,
    key: Bytes,
    bytes: usize,
    inner: Handle,
    flags: u64,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-map@0.1.0" fn @"[method]bpf-map.create-inner"(
    self: Handle,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-map@0.1.0" fn @"[method]bpf-map.read-memory"(
    self: Handle,
    offset: u64,
    bytes: u32,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-map@0.1.0" fn @"[method]bpf-map.write-memory"(
    self: Handle,
    offset: u64,
    data: Bytes,
    bytes: usize,
    ret: Return,
) void;
pub extern "eunomia:bpf/bpf-map@0.1.0" fn @"[method]bpf-map.freeze"(
    self: Handle,
    ret: Return,
) void;

pub extern "eunomia:bpf/ring-buffer@0.1.0" fn @"[static]ring-buffer.open"(
    map: Handle,
    ret: Return,
) void;
pub extern "eunomia:bpf/ring-buffer@0.1.0" fn @"[resource-drop]ring-buffer"(self: Handle) void;
pub extern "eunomia:bpf/ring-buffer@0.1.0" fn @"[method]ring-buffer.read"(
    self: Handle,
    consumed: usize,
    bytes_max: u32,
    has_timeout: bool,
    timeout: u64,
    ret: Return,
) void;
pub extern "eunomia:bpf/ring-buffer@0.1.0" fn @"[method]ring-buffer.consume"(
    self: Handle,
    consumed: usize,
) void;
pub extern "eunomia:bpf/ring-buffer@0.1.0" fn @"[method]ring-buffer.available"(self: Handle) u64;
pub extern "eunomia:bpf/ring-buffer@0.1.0" fn @"[method]ring-buffer.subscribe"(
    self: Handle,
) Handle;

pub extern "eunomia:bpf/perf-buffer@0.1.0" fn @"[static]perf-buffer.open"(
    map: Handle,
    pages: u32,
    ret: Return,
) void;
pub extern "eunomia:bpf/perf-buffer@0.1.0" fn @"[resource-drop]perf-buffer"(self: Handle) void;
pub extern "eunomia:bpf/perf-buffer@0.1.0" fn @"[method]perf-buffer.read"(
    self: Handle,
    consumed: usize,
    bytes_max: u32,
    has_timeout: bool,
    timeout: u64,
    ret: Return,
) void;
pub extern "eunomia:bpf/perf-buffer@0.1.0" fn @"[method]perf-buffer.subscribe"(
    self: Handle,
) Handle;

pub extern "eunomia:bpf/user-ring-buffer@0.1.0" fn @"[static]user-ring-buffer.open"(
    map: Handle,
    ret: Return,
) void;
pub extern "eunomia:bpf/user-ring-buffer@0.1.0" fn @"[resource-drop]user-ring-buffer"(
    self: Handle,
) void;
pub extern "eunomia:bpf/user-ring-buffer@0.1.0" fn @"[method]user-ring-buffer.write"(
    self: Handle,
    records: Bytes,
    bytes: usize,
    has_timeout: bool,
    timeout: u64,
    ret: Return,
) void;
pub extern "eunomia:bpf/user-ring-buffer@0.1.0" fn @"[method]user-ring-buffer.subscribe"(
    self: Handle,
) Handle;

pub extern "eunomia:bpf/output@0.1.0" fn @"[static]table.from-btf"(
    name: Bytes,
    name_bytes: usize,
    object: Handle,
    type_name: Bytes,
    type_bytes: usize,
    ret: Return,
) void;
pub extern "eunomia:bpf/output@0.1.0" fn @"[static]table.from-fields"(
    name: Bytes,
    name_bytes: usize,
    fields: *const anyopaque,
    count: usize,
    ret: Return,
) void;
pub extern "eunomia:bpf/output@0.1.0" fn @"[resource-drop]table"(self: Handle) void;
pub extern "eunomia:bpf/output@0.1.0" fn @"[method]table.add-hints"(
    self: Handle,
    field: Bytes,
    bytes: usize,
    hints: *const anyopaque,
    count: usize,
    ret: Return,
) void;
pub extern "eunomia:bpf/output@0.1.0" fn @"[method]table.emit"(
    self: Handle,
    rows: Bytes,
    bytes: usize,
    ret: Return,
) void;
pub extern "eunomia:bpf/output@0.1.0" fn @"[method]table.end-of-interval"(
    self: Handle,
    ret: Return,
) void;
pub extern "eunomia:bpf/output@0.1.0" fn flush(ret: Return) void;
pub extern "eunomia:bpf/output@0.1.0" fn @"report-lost"(count: u64) void;

pub extern "eunomia:bpf/lifecycle@0.1.0" fn @"stop-requested"() bool;
pub extern "eunomia:bpf/lifecycle@0.1.0" fn @"subscribe-stop"() Handle;
pub extern "eunomia:bpf/lifecycle@0.1.0" fn @"request-stop"() void;
pub extern "eunomia:bpf/lifecycle@0.1.0" fn exit(code: u32) noreturn;

pub extern "eunomia:bpf/symbols@0.1.0" fn @"resolve-kernel"(
    addresses: Bytes,
    bytes: usize,
    ret: Return,
) void;
pub extern "eunomia:bpf/symbols@0.1.0" fn @"kernel-address"(
    name: Bytes,
    bytes: usize,
    ret: Return,
) void;

pub extern "eunomia:bpf/host@0.1.0" fn @"possible-cpus"() u32;
pub extern "eunomia:bpf/host@0.1.0" fn @"kernel-version"(ret: Return) void;
pub extern "eunomia:bpf/host@0.1.0" fn @"monotonic-epoch"(ret: Return) void;
pub extern "eunomia:bpf/host@0.1.0" fn @"boot-epoch"(ret: Return) void;

pub extern "eunomia:bpf/btf@0.1.0" fn @"[resource-drop]btf"(self: Handle) void;
pub extern "eunomia:bpf/btf@0.1.0" fn @"[method]btf.count"(self: Handle) u32;
pub extern "eunomia:bpf/btf@0.1.0" fn @"[method]btf.describe"(
    self: Handle,
    id: u32,
    ret: Return,
) void;
pub extern "eunomia:bpf/btf@0.1.0" fn @"[method]btf.find"(
    self: Handle,
    name: Bytes,
    bytes: usize,
    ret: Return,
) void;
pub extern "eunomia:bpf/btf@0.1.0" fn @"[method]btf.closure"(
    self: Handle,
    id: u32,
    ret: Return,
) void;

pub extern "eunomia:bpf/driver@0.1.0" fn @"add-ring-buffer"(buffer: Handle, ret: Return) void;
pub extern "eunomia:bpf/driver@0.1.0" fn @"add-perf-buffer"(buffer: Handle, ret: Return) void;
pub extern "eunomia:bpf/driver@0.1.0" fn @"set-tick"(interval: u64, ret: Return) void;

pub extern "wasi:io/poll@0.2.12" fn poll(
    handles: [*]const Handle,
    count: usize,
    ret: Return,
) void;
pub extern "wasi:io/poll@0.2.12" fn @"[method]pollable.ready"(self: Handle) bool;
pub extern "wasi:io/poll@0.2.12" fn @"[resource-drop]pollable"(self: Handle) void;

pub extern "wasi:clocks/monotonic-clock@0.2.12" fn now() u64;
pub extern "wasi:clocks/monotonic-clock@0.2.12" fn @"subscribe-instant"(when: u64) Handle;
pub extern "wasi:clocks/monotonic-clock@0.2.12" fn @"subscribe-duration"(duration: u64) Handle;
