//! What the guest shows: rows, which the host shows as the operator chose, and plain text.

const std = @import("std");
const abi = @import("abi.zig");
const buffers = @import("buffers.zig");
const errors = @import("errors.zig");
const memory = @import("memory.zig");
const Object = @import("object.zig").Object;

const Call = memory.Call;
const Error = errors.Error;

/// Standard output, buffered. It is written out before the guest waits, and at its end.
pub const stdout: *std.Io.Writer = &standard_output.writer;

var standard_output: Stream = .{
    .descriptor = 1,
    .writer = .{ .vtable = &Stream.vtable, .buffer = &standard_output_buffer },
};
var standard_output_buffer: [8 << 10]u8 = undefined;

/// Standard error, not buffered.
pub const stderr: *std.Io.Writer = &standard_error.writer;

var standard_error: Stream = .{
    .descriptor = 2,
    .writer = .{ .vtable = &Stream.vtable, .buffer = &.{} },
};

const Stream = struct {
    descriptor: std.os.wasi.fd_t,
    writer: std.Io.Writer,

    const vtable: std.Io.Writer.VTable = .{ .drain = drain };

    fn drain(writer: *std.Io.Writer, data: []const []const u8, splat: usize) !usize {
        const self: *Stream = @alignCast(@fieldParentPtr("writer", writer));
        try self.write(writer.buffer[0..writer.end]);
        writer.end = 0;
        var written: usize = 0;
        for (data[0 .. data.len - 1]) |bytes| {
            try self.write(bytes);
            written += bytes.len;
        }
        const last = data[data.len - 1];
        for (0..splat) |_| try self.write(last);
        return written + splat * last.len;
    }

    fn write(self: *Stream, bytes: []const u8) error{WriteFailed}!void {
        var rest = bytes;
        while (rest.len > 0) {
            const vector: std.os.wasi.ciovec_t = .{ .base = rest.ptr, .len = rest.len };
            var count: usize = 0;
            switch (std.os.wasi.fd_write(self.descriptor, (&vector)[0..1], 1, &count)) {
                .SUCCESS => rest = rest[count..],
                else => return error.WriteFailed,
            }
        }
    }
};

/// Prints to standard output. When nobody reads it any more, that fails as `Closed`.
pub fn print(comptime format: []const u8, args: anytype) Error!void {
    stdout.print(format, args) catch return closed();
}

fn closed() Error {
    return errors.fail(error.Closed, "write to standard output: nobody reads it");
}

/// The type of a field's values, in the order of the contract.
pub const Scalar = enum(u8) {
    boolean,
    u8,
    u16,
    u32,
    u64,
    s8,
    s16,
    s32,
    s64,
    f32,
    f64,
    text,
    bytes,
};

/// How many values a field has in a row.
pub const Cardinality = enum(u8) { one, optional, repeated };

/// How a field or table may be shown: docs/output.md lists them.
pub const Hint = struct { key: []const u8, value: []const u8 };

/// A field of a table.
pub const Field = struct {
    name: []const u8,
    type: Scalar,
    cardinality: Cardinality = .one,
    hints: []const Hint = &.{},
};

/// A kind of row.
pub const Table = struct {
    handle: abi.Handle,
    pending: buffers.BatchBuilder = .{},

    /// Rows are gathered until they are so many bytes.
    const pending_bytes_max = 64 << 10;

    /// The table that has rows; of several the order of rows would be lost.
    var gathering: ?*Table = null;

    /// Rows that are structs of the object, named as in its C source. The table stays until the
    /// guest ends.
    pub fn fromBtf(name: []const u8, object: Object, type_name: []const u8) Error!*Table {
        const call = Call.begin(&memory.scratch);
        abi.@"[static]table.from-btf"(
            memory.at(name),
            name.len,
            object.handle,
            memory.at(type_name),
            type_name.len,
            call.ret(),
        );
        return create((try errors.check(call, 4)).int(i32, 0));
    }

    /// Rows of declared fields.
    pub fn fromFields(name: []const u8, fields: []const Field) Error!*Table {
        var arena: std.heap.ArenaAllocator = .init(memory.allocator);
        defer arena.deinit();
        const lowered = try arena.allocator().alloc(AbiField, fields.len);
        for (lowered, fields) |*to, field| to.* = .{
            .name = .of(u8, field.name),
            .type = field.type,
            .cardinality = field.cardinality,
            .hints = .of(AbiHint, try lower(arena.allocator(), field.hints)),
        };
        const call = Call.begin(&memory.scratch);
        abi.@"[static]table.from-fields"(
            memory.at(name),
            name.len,
            memory.at(lowered),
            lowered.len,
            call.ret(),
        );
        return create((try errors.check(call, 4)).int(i32, 0));
    }

    fn create(handle: abi.Handle) Error!*Table {
        const table = try memory.allocator.create(Table);
        table.* = .{ .handle = handle };
        return table;
    }

    /// Adds a hint to a field, or with an empty name to the table.
    pub fn addHint(self: *Table, field: []const u8, key: []const u8, value: []const u8) Error!void {
        const hint: AbiHint = .{ .key = .of(u8, key), .value = .of(u8, value) };
        const call = Call.begin(&memory.scratch);
        abi.@"[method]table.add-hints"(
            self.handle,
            memory.at(field),
            field.len,
            &hint,
            1,
            call.ret(),
        );
        _ = try errors.check(call, 4);
    }

    /// Emits a row that is a struct, when the guest waits or many are together.
    pub fn push(self: *Table, row_: anytype) Error!void {
        return self.pushBytes(std.mem.asBytes(row_));
    }

    /// Emits the bytes of a row.
    pub fn pushBytes(self: *Table, bytes: []const u8) Error!void {
        try self.makeRoom();
        try self.pending.push(bytes);
    }

    /// Begins a row of declared fields, whose values are put in their order.
    pub fn row(self: *Table) Error!Row {
        try self.makeRoom();
        return .{ .table = self, .start = try self.pending.begin() };
    }

    fn makeRoom(self: *Table) Error!void {
        if (gathering != self) {
            try beforeWait();
            gathering = self;
        }
        if (self.pending.bytes.items.len >= pending_bytes_max) try self.handOn();
    }

    /// Emits all records of a batch as they are.
    pub fn emitBatch(self: *Table, batch: buffers.Batch) Error!void {
        try beforeWait();
        try self.emit(batch.bytes);
    }

    /// Says that the rows of one interval are complete.
    pub fn endOfInterval(self: *Table) Error!void {
        try beforeWait();
        const call = Call.begin(&memory.scratch);
        abi.@"[method]table.end-of-interval"(self.handle, call.ret());
        _ = try errors.check(call, 4);
    }

    fn handOn(self: *Table) Error!void {
        defer self.pending.bytes.clearRetainingCapacity();
        return self.emit(self.pending.bytes.items);
    }

    fn emit(self: *Table, rows: []const u8) Error!void {
        if (rows.len == 0) return;
        const call = Call.begin(&memory.scratch);
        abi.@"[method]table.emit"(self.handle, memory.at(rows), rows.len, call.ret());
        _ = try errors.check(call, 4);
    }
};

/// A row of declared fields under construction.
pub const Row = struct {
    table: *Table,
    start: usize,

    /// Puts the value of a field: an integer, float or bool of the field's type.
    pub fn put(self: Row, value: anytype) Error!void {
        if (@TypeOf(value) == bool) return self.append(&.{@intFromBool(value)});
        return self.append(std.mem.asBytes(&value));
    }

    /// Puts the value of a field of type `text` or `bytes`.
    pub fn putText(self: Row, text: []const u8) Error!void {
        try self.put(@as(u32, @intCast(text.len)));
        return self.append(text);
    }

    /// Puts the value of an optional field: an integer, float or bool.
    pub fn putOptional(self: Row, value: anytype) Error!void {
        try self.put(value != null);
        if (value) |there| try self.put(there);
    }

    /// The same for `text` and `bytes`.
    pub fn putOptionalText(self: Row, text: ?[]const u8) Error!void {
        try self.put(text != null);
        if (text) |there| try self.putText(there);
    }

    /// Says how many values of a repeated field follow.
    pub fn putCount(self: Row, count: usize) Error!void {
        return self.put(@as(u32, @intCast(count)));
    }

    /// Emits the row, when the guest waits or many are together.
    pub fn end(self: Row) Error!void {
        return self.table.pending.end(self.start);
    }

    fn append(self: Row, bytes: []const u8) Error!void {
        try self.table.pending.bytes.appendSlice(memory.allocator, bytes);
    }
};

/// Hands on what was gathered; what waits does it by itself.
pub fn beforeWait() Error!void {
    stdout.flush() catch return closed();
    const table = Table.gathering orelse return;
    Table.gathering = null;
    try table.handOn();
}

/// Hands on what was gathered, and has it shown now.
pub fn flush() Error!void {
    try beforeWait();
    const call = Call.begin(&memory.scratch);
    abi.flush(call.ret());
    _ = try errors.check(call, 4);
}

/// Counts events that were lost before the guest saw them.
pub fn reportLost(count: u64) void {
    abi.@"report-lost"(count);
}

const AbiList = extern struct {
    address: usize,
    count: usize,

    fn of(comptime T: type, items: []const T) AbiList {
        return .{ .address = @intFromPtr(memory.at(items)), .count = items.len };
    }
};

const AbiHint = extern struct { key: AbiList, value: AbiList };

const AbiField = extern struct {
    name: AbiList,
    type: Scalar,
    cardinality: Cardinality,
    hints: AbiList,
};

fn lower(arena: std.mem.Allocator, hints: []const Hint) Error![]const AbiHint {
    const lowered = try arena.alloc(AbiHint, hints.len);
    for (lowered, hints) |*to, hint| to.* = .{
        .key = .of(u8, hint.key),
        .value = .of(u8, hint.value),
    };
    return lowered;
}
