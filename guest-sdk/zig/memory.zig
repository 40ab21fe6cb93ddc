//! Where lists that the host returns land: it asks for memory with `cabi_realloc` during a call.
//! What is returned is borrowed until the next call for the same source, or copied at once.

const std = @import("std");

/// Memory of the guest; what the SDK allocates comes from here.
pub const allocator = std.heap.page_allocator;

/// Of all lists: the contract's largest numbers have eight bytes.
const alignment: std.mem.Alignment = .@"8";

const Memory = []align(alignment.toByteUnits()) u8;

/// Memory that is used again for every call; it grows to what the largest one needs.
pub const Arena = struct {
    memory: Memory = &.{},
    used: usize = 0,
    /// All lists of the call.
    wanted: usize = 0,
    /// Those that did not fit.
    others: std.ArrayList(Memory) = .empty,

    /// Makes lists land here, where nothing of the last call is kept.
    pub fn begin(self: *Arena) void {
        self.free();
        if (self.wanted > self.memory.len) {
            // What did not fit the last time shall. The allocator wants some bytes for itself, and
            // takes powers of two.
            const own = 8;
            const bytes = std.math.ceilPowerOfTwoAssert(usize, self.wanted + own) - own;
            allocator.free(self.memory);
            self.memory = allocator.alignedAlloc(u8, alignment, bytes) catch &.{};
        }
        self.used = 0;
        self.wanted = 0;
        landing = self;
    }

    /// Makes lists land in no arena.
    pub fn end(_: *Arena) void {
        landing = null;
    }

    pub fn deinit(self: *Arena) void {
        self.free();
        self.others.deinit(allocator);
        allocator.free(self.memory);
        self.* = .{};
    }

    fn free(self: *Arena) void {
        for (self.others.items) |list| allocator.free(list);
        self.others.clearRetainingCapacity();
    }

    fn take(self: *Arena, bytes: usize) error{OutOfMemory}![*]u8 {
        const size = alignment.forward(bytes);
        self.wanted += size;
        if (size <= self.memory.len - self.used) {
            defer self.used += size;
            return self.memory[self.used..].ptr;
        }
        const list = try allocator.alignedAlloc(u8, alignment, size);
        errdefer allocator.free(list);
        try self.others.append(allocator, list);
        return list.ptr;
    }
};

/// For results that are copied at once, or used before the next call.
pub var scratch: Arena = .{};

/// The arena of the call that is running.
var landing: ?*Arena = null;

export fn cabi_realloc(old: ?[*]u8, old_bytes: usize, _: usize, bytes: usize) [*]u8 {
    // Only lists that are lowered are asked for, never grown.
    std.debug.assert(old == null and old_bytes == 0);
    if (landing) |arena| return arena.take(@max(bytes, 1)) catch none();
    // What is asked for outside of our calls lasts: WASI keeps a few pages, and a plugin frees its
    // batches.
    return allocator.rawAlloc(@max(bytes, 1), alignment, @returnAddress()) orelse none();
}

fn none() noreturn {
    @panic("no memory for what the host returns");
}

/// Frees a list that the host has passed to an exported function.
pub fn freeLent(list: []const u8) void {
    if (list.len > 0) allocator.rawFree(@constCast(list), alignment, @returnAddress());
}

/// Where a slice starts; empty ones start anywhere, but the host wants an address.
pub fn at(slice: anytype) [*]const std.meta.Elem(@TypeOf(slice)) {
    return if (slice.len == 0) @ptrFromInt(8) else slice.ptr;
}

/// Memory that a call's result, or an item of a list in it, was written to.
pub const Item = struct {
    address: usize,

    pub fn int(self: Item, comptime T: type, offset: usize) T {
        return @as(*const T, @ptrFromInt(self.address + offset)).*;
    }

    pub fn flag(self: Item, offset: usize) bool {
        return self.int(u8, offset) != 0;
    }

    pub fn bytes(self: Item, offset: usize) []const u8 {
        const length = self.int(u32, offset + 4);
        if (length == 0) return &.{};
        return @as([*]const u8, @ptrFromInt(self.int(u32, offset)))[0..length];
    }

    /// The items of a list, which lie so many bytes apart.
    pub fn list(self: Item, offset: usize, item_bytes: usize) List {
        return .{
            .address = self.int(u32, offset),
            .count = self.int(u32, offset + 4),
            .item_bytes = item_bytes,
        };
    }
};

pub const List = struct {
    address: usize,
    count: usize,
    item_bytes: usize,

    pub fn item(self: List, index: usize) Item {
        return .{ .address = self.address + index * self.item_bytes };
    }
};

/// Where the host writes what does not fit into a number.
var result: [32]u64 = undefined;

/// A call in progress.
pub const Call = struct {
    arena: *Arena,

    /// Begins a call whose lists land in `arena`.
    pub fn begin(arena: *Arena) Call {
        arena.begin();
        return .{ .arena = arena };
    }

    pub fn ret(_: Call) *anyopaque {
        return &result;
    }

    /// What the call returned, which cannot fail.
    pub fn end(self: Call) Item {
        self.arena.end();
        return .{ .address = @intFromPtr(&result) };
    }
};
