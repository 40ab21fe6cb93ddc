//! Where lists that the host returns land: it asks for memory with `cabi_realloc` during a call.
//! What is returned is borrowed until the next call for the same source, or copied at once.

const std = @import("std");

/// Memory of the guest; what the SDK allocates comes from here.
pub const allocator = std.heap.page_allocator;

/// Memory that is used again for every call; it grows to what the largest one needs.
pub const Arena = struct {
    inner: std.heap.ArenaAllocator = .init(allocator),

    /// Makes lists land here, where nothing of the last call is kept.
    pub fn begin(self: *Arena) void {
        // Where it fails, memory is asked for again.
        _ = self.inner.reset(.retain_capacity);
        landing = self;
    }

    /// Makes lists land in no arena.
    pub fn end(_: *Arena) void {
        landing = null;
    }

    pub fn deinit(self: *Arena) void {
        self.inner.deinit();
    }
};

/// For results that are copied at once, or used before the next call.
pub var scratch: Arena = .{};

/// The arena of the call that is running.
var landing: ?*Arena = null;

/// Of all lists: the contract's largest numbers have eight bytes.
const alignment: std.mem.Alignment = .@"8";

export fn cabi_realloc(old: ?[*]u8, old_bytes: usize, _: usize, bytes: usize) ?[*]u8 {
    // Only lists that are lowered are asked for, never grown.
    std.debug.assert(old == null and old_bytes == 0);
    // What is asked for outside of our calls lasts: WASI keeps a few pages, and a plugin frees its
    // batches.
    const from = if (landing) |arena| arena.inner.allocator() else allocator;
    return from.rawAlloc(@max(bytes, 1), alignment, @returnAddress()) orelse
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
