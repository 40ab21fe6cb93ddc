//! Buffers between the kernel and the guest, and the batches of records that they carry.

const std = @import("std");
const abi = @import("abi.zig");
const errors = @import("errors.zig");
const memory = @import("memory.zig");
const output = @import("output.zig");
const poll = @import("poll.zig");
const RawMap = @import("map.zig").RawMap;

const Call = memory.Call;
const Error = errors.Error;

/// Names of buffers; `ecli build` generates constants of them.
pub const RingBufferName = struct { name: []const u8 };
/// Names a perf event array.
pub const PerfEventArrayName = struct { name: []const u8 };
/// Names a user ring buffer.
pub const UserRingBufferName = struct { name: []const u8 };

/// What one read returns at most, but for a single record that is longer.
const batch_bytes_max = 256 << 10;

/// How long a read waits.
pub const Timeout = union(enum) {
    none,
    /// Until there is something, or the operator asks the guest to stop.
    forever,
    ns: u64,

    fn ms(milliseconds: u64) Timeout {
        return .{ .ns = milliseconds * std.time.ns_per_ms };
    }
};

/// Many records in one piece of memory, borrowed until the next read of the same source.
pub const Batch = struct {
    /// Records in the kernel's format, see wit/errors.wit.
    bytes: []const u8,
    /// Records that the kernel dropped before these; perf event arrays only.
    lost: u64 = 0,

    /// Steps through the records that were not discarded.
    pub fn records(self: Batch) Records {
        return .{ .rest = self.bytes };
    }

    /// Steps through the records as values of type T, which `ecli build` generates. They are
    /// borrowed. A record that is too short for its type ends it.
    pub fn values(self: Batch, comptime T: type) Values(T) {
        return .{ .inner = self.records() };
    }

    /// Whether there is nothing in it, no loss either.
    pub fn isEmpty(self: Batch) bool {
        return self.bytes.len == 0 and self.lost == 0;
    }
};

/// One record, borrowed from its batch.
pub const Record = struct {
    payload: []align(8) const u8,
    /// The CPU that produced it; perf event arrays only.
    cpu: u32,

    /// The record as a value of type T; null when it is too short.
    pub fn as(self: Record, comptime T: type) ?*const T {
        if (self.payload.len < @sizeOf(T)) return null;
        return @ptrCast(self.payload.ptr);
    }
};

const record_head = 8;
const discarded: u32 = 1 << 30;

/// Steps through records.
pub const Records = struct {
    rest: []const u8,

    /// The next record that was not discarded; null at the end.
    pub fn next(self: *Records) ?Record {
        while (self.rest.len >= record_head) {
            const word = std.mem.readInt(u32, self.rest[0..4], .little);
            const size = word & (discarded - 1);
            if (size > self.rest.len - record_head) break;
            const whole = record_head + std.mem.alignForward(usize, size, 8);
            const record: Record = .{
                .payload = @alignCast(self.rest[record_head..][0..size]),
                .cpu = std.mem.readInt(u32, self.rest[4..8], .little),
            };
            self.rest = self.rest[@min(whole, self.rest.len)..];
            if (word & discarded == 0) return record;
        }
        return null;
    }
};

/// Steps through records as values.
pub fn Values(comptime T: type) type {
    return struct {
        inner: Records,

        /// The next value; null at the end.
        pub fn next(self: *@This()) ?*const T {
            const record = self.inner.next() orelse return null;
            return record.as(T);
        }
    };
}

/// The one reader of a ring buffer.
pub const RingBuffer = struct {
    handle: abi.Handle,
    arena: memory.Arena = .{},
    held: usize = 0,
    /// How many bytes a batch has at most.
    bytes_max: u32 = batch_bytes_max,

    pub fn open(of: RawMap) Error!RingBuffer {
        const call = Call.begin(&memory.scratch);
        abi.@"[static]ring-buffer.open"(of.handle, call.ret());
        return .{ .handle = (try errors.check(call, 4)).int(i32, 0) };
    }

    /// Frees the last batch and waits for the next one. It is empty when the time is up, or when
    /// the operator has asked the guest to stop and everything is read.
    pub fn next(self: *RingBuffer, timeout: Timeout) Error!Batch {
        if (timeout != .none) {
            const batch = try self.read(.none);
            if (batch.bytes.len > 0) return batch;
            try output.beforeWait();
        }
        return self.read(timeout);
    }

    fn read(self: *RingBuffer, timeout: Timeout) Error!Batch {
        const consumed = self.held;
        self.held = 0;
        const call = Call.begin(&self.arena);
        abi.@"[method]ring-buffer.read"(
            self.handle,
            consumed,
            self.bytes_max,
            timeout != .forever,
            nanoseconds(timeout),
            call.ret(),
        );
        const bytes = (try errors.check(call, 4)).bytes(0);
        self.held = bytes.len;
        return .{ .bytes = bytes };
    }

    /// Frees the last batch without reading on.
    pub fn release(self: *RingBuffer) void {
        if (self.held > 0) abi.@"[method]ring-buffer.consume"(self.handle, self.held);
        self.held = 0;
    }

    /// Bytes between the kernel's position and the reader's.
    pub fn available(self: RingBuffer) u64 {
        return abi.@"[method]ring-buffer.available"(self.handle);
    }

    /// Ends reading.
    pub fn close(self: *RingBuffer) void {
        abi.@"[resource-drop]ring-buffer"(self.handle);
        self.arena.deinit();
    }

    /// Ready when there is something to read.
    pub fn subscribe(self: RingBuffer) poll.Pollable {
        return .{ .handle = abi.@"[method]ring-buffer.subscribe"(self.handle) };
    }
};

fn nanoseconds(timeout: Timeout) u64 {
    return switch (timeout) {
        .none, .forever => 0,
        .ns => |ns| ns,
    };
}

/// The one reader of a perf event array.
pub const PerfBuffer = struct {
    handle: abi.Handle,
    arena: memory.Arena = .{},
    held: usize = 0,

    pub fn open(of: RawMap, pages_per_cpu: u32) Error!PerfBuffer {
        const call = Call.begin(&memory.scratch);
        abi.@"[static]perf-buffer.open"(of.handle, pages_per_cpu, call.ret());
        return .{ .handle = (try errors.check(call, 4)).int(i32, 0) };
    }

    /// Like that of `RingBuffer`.
    pub fn next(self: *PerfBuffer, timeout: Timeout) Error!Batch {
        if (timeout != .none) {
            const batch = try self.read(.none);
            if (!batch.isEmpty()) return batch;
            try output.beforeWait();
        }
        return self.read(timeout);
    }

    fn read(self: *PerfBuffer, timeout: Timeout) Error!Batch {
        const consumed = self.held;
        self.held = 0;
        const call = Call.begin(&self.arena);
        abi.@"[method]perf-buffer.read"(
            self.handle,
            consumed,
            batch_bytes_max,
            timeout != .forever,
            nanoseconds(timeout),
            call.ret(),
        );
        // A batch has a u64: everything behind the first byte starts at 8.
        const item = try errors.check(call, 8);
        const bytes = item.bytes(0);
        self.held = bytes.len;
        return .{ .bytes = bytes, .lost = item.int(u64, 8) };
    }

    /// Ends reading.
    pub fn close(self: *PerfBuffer) void {
        abi.@"[resource-drop]perf-buffer"(self.handle);
        self.arena.deinit();
    }

    /// Ready when there is something to read.
    pub fn subscribe(self: PerfBuffer) poll.Pollable {
        return .{ .handle = abi.@"[method]perf-buffer.subscribe"(self.handle) };
    }
};

/// Gathers records: for the kernel, or as rows.
pub const BatchBuilder = struct {
    bytes: std.ArrayList(u8) = .empty,

    /// Adds a record.
    pub fn push(self: *BatchBuilder, payload: []const u8) Error!void {
        const start = try self.begin();
        try self.bytes.appendSlice(memory.allocator, payload);
        try self.end(start);
    }

    /// Adds a record that is a value.
    pub fn pushValue(self: *BatchBuilder, value: anytype) Error!void {
        return self.push(std.mem.asBytes(&value));
    }

    /// Begins a record whose payload is appended to `bytes`; `end` needs what it returns.
    pub fn begin(self: *BatchBuilder) Error!usize {
        const start = self.bytes.items.len;
        try self.bytes.appendNTimes(memory.allocator, 0, record_head);
        return start;
    }

    /// Ends the record that started there.
    pub fn end(self: *BatchBuilder, start: usize) Error!void {
        const size = self.bytes.items.len - start - record_head;
        std.mem.writeInt(u32, self.bytes.items[start..][0..4], @intCast(size), .little);
        const padding = std.mem.alignForward(usize, size, 8) - size;
        try self.bytes.appendNTimes(memory.allocator, 0, padding);
    }

    /// Forgets the first so many bytes.
    pub fn consume(self: *BatchBuilder, count: usize) void {
        const rest = self.bytes.items.len - count;
        std.mem.copyForwards(u8, self.bytes.items[0..rest], self.bytes.items[count..]);
        self.bytes.shrinkRetainingCapacity(rest);
    }

    pub fn deinit(self: *BatchBuilder) void {
        self.bytes.deinit(memory.allocator);
    }
};

/// The one writer of a user ring buffer, from the guest to the kernel.
pub const UserRingBuffer = struct {
    handle: abi.Handle,

    pub fn open(of: RawMap) Error!UserRingBuffer {
        const call = Call.begin(&memory.scratch);
        abi.@"[static]user-ring-buffer.open"(of.handle, call.ret());
        return .{ .handle = (try errors.check(call, 4)).int(i32, 0) };
    }

    /// Submits the records of a batch, in order, and takes them out of it. What is left in the
    /// batch, time or the operator's request to stop has kept from being written.
    pub fn write(self: UserRingBuffer, batch: *BatchBuilder, timeout: Timeout) Error!void {
        if (timeout != .none) try output.beforeWait();
        const records = batch.bytes.items;
        const call = Call.begin(&memory.scratch);
        abi.@"[method]user-ring-buffer.write"(
            self.handle,
            memory.at(records),
            records.len,
            timeout != .forever,
            nanoseconds(timeout),
            call.ret(),
        );
        batch.consume((try errors.check(call, 4)).int(u32, 0));
    }

    /// Ends writing.
    pub fn close(self: UserRingBuffer) void {
        abi.@"[resource-drop]user-ring-buffer"(self.handle);
    }

    /// Ready when there is room.
    pub fn subscribe(self: UserRingBuffer) poll.Pollable {
        return .{ .handle = abi.@"[method]user-ring-buffer.subscribe"(self.handle) };
    }
};
