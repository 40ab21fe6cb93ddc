//! BPF maps: as bytes (`RawMap`) and with types (`MapOf`, `PerCpuMapOf`).

const std = @import("std");
const abi = @import("abi.zig");
const errors = @import("errors.zig");
const memory = @import("memory.zig");
const TypeId = @import("btf.zig").TypeId;

const Call = memory.Call;
const Error = errors.Error;
const Item = memory.Item;

/// Flags of updates: the kernel's numbers.
pub const flags = struct {
    pub const any: u64 = 0;
    pub const no_exist: u64 = 1;
    pub const exist: u64 = 2;
    pub const lock: u64 = 4;
};

/// A copy of the value in bytes of its size.
pub fn valueOf(comptime T: type, bytes: []const u8) Error!T {
    if (bytes.len != @sizeOf(T))
        return errors.fail(error.InvalidArgument, "read a value: its type has another size");
    var value: T = undefined;
    @memcpy(std.mem.asBytes(&value), bytes);
    return value;
}

/// Describes a map.
pub const MapInfo = struct {
    name: []const u8,
    /// The number of `enum bpf_map_type`.
    type: u32,
    /// Its name as libbpf prints it.
    type_name: []const u8,
    key_size: u32,
    /// Of one value, and of the values of all CPUs.
    value_size: u32,
    user_value_size: u32,
    max_entries: u32,
    flags: u32,
    key_type: TypeId,
    value_type: TypeId,
    extra: u64,
    /// The name it is shared under.
    pin_name: ?[]const u8,
    /// It cannot be changed from user space any more.
    frozen: bool,
    /// The kernel's; 0 before load.
    id: u32,
};

pub fn info(arena: std.mem.Allocator, item: Item) Error!MapInfo {
    return .{
        .name = try arena.dupe(u8, item.bytes(0)),
        .type = item.int(u32, 8),
        .type_name = try arena.dupe(u8, item.bytes(12)),
        .key_size = item.int(u32, 20),
        .value_size = item.int(u32, 24),
        .user_value_size = item.int(u32, 28),
        .max_entries = item.int(u32, 32),
        .flags = item.int(u32, 36),
        .key_type = item.int(u32, 40),
        .value_type = item.int(u32, 44),
        .extra = item.int(u64, 48),
        .pin_name = if (item.flag(56)) try arena.dupe(u8, item.bytes(60)) else null,
        .frozen = item.flag(68),
        .id = item.int(u32, 72),
    };
}

/// A map whose keys and values are bytes. What it returns is borrowed until the next call.
pub const RawMap = struct {
    handle: abi.Handle,

    /// Closes the handle.
    pub fn close(self: RawMap) void {
        abi.@"[resource-drop]bpf-map"(self.handle);
    }

    /// Describes the map; the caller owns it, so an arena is best.
    pub fn describe(self: RawMap, arena: std.mem.Allocator) Error!MapInfo {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-map.info"(self.handle, call.ret());
        return info(arena, call.end());
    }

    /// Sets the number of entries; before load, as are the following.
    pub fn setMaxEntries(self: RawMap, entries: u32) Error!void {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-map.set-max-entries"(self.handle, entries, call.ret());
        _ = try errors.check(call, 4);
    }

    /// Sets the size of a value, for arrays whose last member is flexible.
    pub fn setValueSize(self: RawMap, bytes: u32) Error!void {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-map.set-value-size"(self.handle, bytes, call.ret());
        _ = try errors.check(call, 4);
    }

    /// Sets the type as a number of `enum bpf_map_type`.
    pub fn setMapType(self: RawMap, map_type: u32) Error!void {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-map.set-map-type"(self.handle, map_type, call.ret());
        _ = try errors.check(call, 4);
    }

    /// Says whether load creates the map at all.
    pub fn setAutocreate(self: RawMap, create: bool) Error!void {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-map.set-autocreate"(self.handle, create, call.ret());
        _ = try errors.check(call, 4);
    }

    /// Shares the map under this name.
    pub fn setPinName(self: RawMap, name: []const u8) Error!void {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-map.set-pin-name"(self.handle, memory.at(name), name.len, call.ret());
        _ = try errors.check(call, 4);
    }

    /// The value of a key, or null. `with` is `flags.any` or `flags.lock`.
    pub fn lookup(self: RawMap, key: []const u8, with: u64) Error!?[]const u8 {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-map.lookup"(self.handle, memory.at(key), key.len, with, call.ret());
        return some(try errors.check(call, 4));
    }

    /// Takes a value out; queues and stacks have empty keys.
    pub fn lookupAndDelete(self: RawMap, key: []const u8) Error!?[]const u8 {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-map.lookup-and-delete"(
            self.handle,
            memory.at(key),
            key.len,
            flags.any,
            call.ret(),
        );
        return some(try errors.check(call, 4));
    }

    /// The key after this one, or the first one after null; null at the end.
    pub fn nextKey(self: RawMap, key: ?[]const u8) Error!?[]const u8 {
        const bytes = key orelse "";
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-map.next-key"(
            self.handle,
            key != null,
            memory.at(bytes),
            bytes.len,
            call.ret(),
        );
        return some(try errors.check(call, 4));
    }

    fn some(item: Item) ?[]const u8 {
        return if (item.flag(0)) item.bytes(4) else null;
    }

    /// Sets the value of a key.
    pub fn update(self: RawMap, key: []const u8, value: []const u8, with: u64) Error!void {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-map.update"(
            self.handle,
            memory.at(key),
            key.len,
            memory.at(value),
            value.len,
            with,
            call.ret(),
        );
        _ = try errors.check(call, 4);
    }

    /// Removes a key; whether it was there.
    pub fn delete(self: RawMap, key: []const u8) Error!bool {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-map.delete"(self.handle, memory.at(key), key.len, call.ret());
        return (try errors.check(call, 4)).flag(0);
    }

    /// Sets entries that are laid end to end; how many were set.
    pub fn updateBatch(self: RawMap, keys: []const u8, values: []const u8, with: u64) Error!u32 {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-map.update-batch"(
            self.handle,
            memory.at(keys),
            keys.len,
            memory.at(values),
            values.len,
            with,
            call.ret(),
        );
        return (try errors.check(call, 4)).int(u32, 0);
    }

    /// Removes keys; how many were there.
    pub fn deleteBatch(self: RawMap, keys: []const u8) Error!u32 {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-map.delete-batch"(self.handle, memory.at(keys), keys.len, call.ret());
        return (try errors.check(call, 4)).int(u32, 0);
    }

    /// Walks over all entries.
    pub fn iterate(self: RawMap) Error!Cursor {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-map.iterate"(self.handle, call.ret());
        return .{ .handle = (try errors.check(call, 4)).int(i32, 0) };
    }

    /// Like `iterate`, and what is returned is also removed.
    pub fn drain(self: RawMap) Error!Cursor {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-map.drain"(self.handle, call.ret());
        return .{ .handle = (try errors.check(call, 4)).int(i32, 0) };
    }

    /// The map in a slot of a map of maps, or null.
    pub fn lookupInner(self: RawMap, key: []const u8) Error!?RawMap {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-map.lookup-inner"(self.handle, memory.at(key), key.len, call.ret());
        const item = try errors.check(call, 4);
        return if (item.flag(0)) .{ .handle = item.int(i32, 4) } else null;
    }

    /// Puts a map into a slot of a map of maps.
    pub fn updateInner(self: RawMap, key: []const u8, inner: RawMap, with: u64) Error!void {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-map.update-inner"(
            self.handle,
            memory.at(key),
            key.len,
            inner.handle,
            with,
            call.ret(),
        );
        _ = try errors.check(call, 4);
    }

    /// Makes a map in the shape that this map of maps declares for its slots.
    pub fn createInner(self: RawMap) Error!RawMap {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-map.create-inner"(self.handle, call.ret());
        return .{ .handle = (try errors.check(call, 4)).int(i32, 0) };
    }

    /// Reads the memory of an array that is mapped, without a system call.
    pub fn readMemory(self: RawMap, offset: u64, bytes: u32) Error![]const u8 {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-map.read-memory"(self.handle, offset, bytes, call.ret());
        return (try errors.check(call, 4)).bytes(0);
    }

    /// Writes to the memory of such an array.
    pub fn writeMemory(self: RawMap, offset: u64, bytes: []const u8) Error!void {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-map.write-memory"(
            self.handle,
            offset,
            memory.at(bytes),
            bytes.len,
            call.ret(),
        );
        _ = try errors.check(call, 4);
    }

    /// Forbids further changes from user space, for good.
    pub fn freeze(self: RawMap) Error!void {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-map.freeze"(self.handle, call.ret());
        _ = try errors.check(call, 4);
    }
};

/// Entries of a map: keys and values laid end to end, borrowed until the cursor's next step.
pub const Entries = struct {
    count: usize,
    keys: []const u8,
    values: []const u8,

    /// The bytes of one key.
    pub fn key(self: Entries, index: usize) []const u8 {
        return part(self.keys, self.count, index);
    }

    /// The bytes of one value, or of those of all CPUs.
    pub fn value(self: Entries, index: usize) []const u8 {
        return part(self.values, self.count, index);
    }

    fn part(bytes: []const u8, count: usize, index: usize) []const u8 {
        const size = bytes.len / count;
        return bytes[index * size ..][0..size];
    }
};

/// A walk over a map.
pub const Cursor = struct {
    handle: abi.Handle,
    arena: memory.Arena = .{},

    /// Up to so many further entries (0: as many as fit); null at the end.
    pub fn next(self: *Cursor, entries_max: u32) Error!?Entries {
        const call = Call.begin(&self.arena);
        abi.@"[method]cursor.next"(self.handle, entries_max, call.ret());
        const item = try errors.check(call, 4);
        const count = item.int(u32, 0);
        if (count == 0) return null;
        return .{ .count = count, .keys = item.bytes(4), .values = item.bytes(12) };
    }

    /// Ends the walk.
    pub fn close(self: *Cursor) void {
        abi.@"[resource-drop]cursor"(self.handle);
        self.arena.deinit();
    }
};

/// Names a map with the types of its keys and values; `ecli build` generates constants of it.
/// Queues, stacks and bloom filters have keys of type `void`.
pub fn MapName(comptime K: type, comptime V: type) type {
    return struct {
        name: []const u8,
        pub const Map = MapOf(K, V);
    };
}

/// Names a map with a value for each CPU.
pub fn PerCpuMapName(comptime K: type, comptime V: type) type {
    return struct {
        name: []const u8,
        pub const Map = PerCpuMapOf(K, V);
    };
}

/// A map whose keys and values have types.
pub fn MapOf(comptime K: type, comptime V: type) type {
    return struct {
        raw: RawMap,

        const Self = @This();

        /// A walk over the entries.
        pub const Walk = WalkOf(K, V, readValue);

        /// Closes the handle.
        pub fn close(self: Self) void {
            self.raw.close();
        }

        /// The value of a key, or null.
        pub fn lookup(self: Self, key: K) Error!?V {
            return self.lookupWith(key, flags.any);
        }

        /// The same with flags: `flags.lock`.
        pub fn lookupWith(self: Self, key: K, with: u64) Error!?V {
            return optional(try self.raw.lookup(bytesOf(&key), with));
        }

        /// Takes a value out.
        pub fn lookupAndDelete(self: Self, key: K) Error!?V {
            return optional(try self.raw.lookupAndDelete(bytesOf(&key)));
        }

        /// Sets the value of a key.
        pub fn update(self: Self, key: K, value: V, with: u64) Error!void {
            return self.raw.update(bytesOf(&key), bytesOf(&value), with);
        }

        /// Removes a key; whether it was there.
        pub fn delete(self: Self, key: K) Error!bool {
            return self.raw.delete(bytesOf(&key));
        }

        /// Sets many entries; how many were set.
        pub fn updateBatch(self: Self, keys: []const K, values: []const V, with: u64) Error!u32 {
            const bytes = std.mem.sliceAsBytes(values);
            return self.raw.updateBatch(std.mem.sliceAsBytes(keys), bytes, with);
        }

        /// Removes many keys; how many were there.
        pub fn deleteBatch(self: Self, keys: []const K) Error!u32 {
            return self.raw.deleteBatch(std.mem.sliceAsBytes(keys));
        }

        /// Adds a value: to the end of a queue, on top of a stack, to a bloom filter.
        pub fn push(self: Self, value: V) Error!void {
            return self.raw.update("", bytesOf(&value), flags.any);
        }

        /// Takes the first value of a queue or the top of a stack.
        pub fn pop(self: Self) Error!?V {
            return optional(try self.raw.lookupAndDelete(""));
        }

        /// Looks at the first value of a queue or the top of a stack.
        pub fn peek(self: Self) Error!?V {
            return optional(try self.raw.lookup("", flags.any));
        }

        /// Whether a value may be in a bloom filter: false is certain, true is not.
        pub fn mayContain(self: Self, value: V) Error!bool {
            return try self.raw.lookup(bytesOf(&value), flags.any) != null;
        }

        /// Walks over all entries, in the kernel's order.
        pub fn iterate(self: Self) Error!Walk {
            return .{ .cursor = try self.raw.iterate() };
        }

        /// Like `iterate`, and what is returned is also removed.
        pub fn drain(self: Self) Error!Walk {
            return .{ .cursor = try self.raw.drain() };
        }

        fn readValue(bytes: []const u8) Error!V {
            return valueOf(V, bytes);
        }

        fn optional(bytes: ?[]const u8) Error!?V {
            return try valueOf(V, bytes orelse return null);
        }
    };
}

fn bytesOf(value: anytype) []const u8 {
    // A key of type `void` has no address.
    if (@sizeOf(@TypeOf(value.*)) == 0) return "";
    return std.mem.asBytes(value);
}

/// A map that keeps a value for each CPU.
pub fn PerCpuMapOf(comptime K: type, comptime V: type) type {
    return struct {
        raw: RawMap,

        const Self = @This();

        /// The value of each CPU, borrowed until the next call.
        pub const Values = PerCpu(V);
        /// A walk over the entries.
        pub const Walk = WalkOf(K, Values, valuesOf);

        /// Closes the handle.
        pub fn close(self: Self) void {
            self.raw.close();
        }

        /// The value of each CPU, or null.
        pub fn lookup(self: Self, key: K) Error!?Values {
            const bytes = try self.raw.lookup(bytesOf(&key), flags.any);
            return .{ .bytes = bytes orelse return null };
        }

        /// Takes the values of a key out.
        pub fn lookupAndDelete(self: Self, key: K) Error!?Values {
            const bytes = try self.raw.lookupAndDelete(bytesOf(&key));
            return .{ .bytes = bytes orelse return null };
        }

        /// Sets the value of each CPU: as many as `host.possibleCpus`.
        pub fn update(self: Self, key: K, values: []const V, with: u64) Error!void {
            const packed_ = try pack(values);
            defer memory.allocator.free(packed_);
            return self.raw.update(bytesOf(&key), packed_, with);
        }

        /// Sets many entries: `values` are those of the first key's CPUs, then of the second's.
        pub fn updateBatch(self: Self, keys: []const K, values: []const V, with: u64) Error!u32 {
            const packed_ = try pack(values);
            defer memory.allocator.free(packed_);
            return self.raw.updateBatch(std.mem.sliceAsBytes(keys), packed_, with);
        }

        /// Removes a key; whether it was there.
        pub fn delete(self: Self, key: K) Error!bool {
            return self.raw.delete(bytesOf(&key));
        }

        /// Walks over all entries, in the kernel's order.
        pub fn iterate(self: Self) Error!Walk {
            return .{ .cursor = try self.raw.iterate() };
        }

        /// Like `iterate`, and what is returned is also removed.
        pub fn drain(self: Self) Error!Walk {
            return .{ .cursor = try self.raw.drain() };
        }

        fn valuesOf(bytes: []const u8) Error!Values {
            return .{ .bytes = bytes };
        }

        fn pack(values: []const V) Error![]u8 {
            const stride = PerCpu(V).stride;
            const bytes = try memory.allocator.alloc(u8, values.len * stride);
            @memset(bytes, 0);
            for (values, 0..) |*value, cpu| {
                @memcpy(bytes[cpu * stride ..][0..@sizeOf(V)], std.mem.asBytes(value));
            }
            return bytes;
        }
    };
}

/// A value for each CPU, as the kernel lays them out.
pub fn PerCpu(comptime V: type) type {
    return struct {
        bytes: []const u8,

        const stride = std.mem.alignForward(usize, @sizeOf(V), 8);

        /// How many there are.
        pub fn count(self: @This()) usize {
            return self.bytes.len / stride;
        }

        /// The value of a CPU.
        pub fn get(self: @This(), cpu: usize) V {
            var value: V = undefined;
            @memcpy(std.mem.asBytes(&value), self.bytes[cpu * stride ..][0..@sizeOf(V)]);
            return value;
        }
    };
}

fn WalkOf(
    comptime K: type,
    comptime V: type,
    comptime read: fn ([]const u8) Error!V,
) type {
    return struct {
        cursor: Cursor,
        entries: ?Entries = null,
        index: usize = 0,

        /// A key with its value.
        pub const Entry = struct { key: K, value: V };

        /// The next entry; null at the end.
        pub fn next(self: *@This()) Error!?Entry {
            if (self.entries == null or self.index == self.entries.?.count) {
                self.entries = try self.cursor.next(0);
                self.index = 0;
            }
            const entries = self.entries orelse return null;
            defer self.index += 1;
            return .{
                .key = if (@sizeOf(K) == 0) {} else try valueOf(K, entries.key(self.index)),
                .value = try read(entries.value(self.index)),
            };
        }

        /// Ends the walk.
        pub fn close(self: *@This()) void {
            self.cursor.close();
        }
    };
}
