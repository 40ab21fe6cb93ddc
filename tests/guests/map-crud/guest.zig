//! Works with maps of every kind.

const std = @import("std");
const bpf = @import("bpf");
const types = @import("types");

const Pair = types.Pair;
const Prefix = types.Prefix;
const flags = bpf.flags;

var arena: std.heap.ArenaAllocator = .init(bpf.allocator);

pub fn main() !void {
    const object: bpf.Object = try .open(types.object_name);
    const large = try object.map(types.maps.large);
    const info = try large.raw.describe(arena.allocator());
    try bpf.print("declared entries: {d}\n", .{info.max_entries});
    // Room for a batch of the most bytes that one call takes.
    try large.raw.setMaxEntries(300_000);
    try object.load();
    try hash(object);
    try array(object);
    try keyless(object);
    try routes(object);
    try locked(object);
    try entries(object);
    try frozen(object);
}

/// How a call ended.
fn code(outcome: anytype) []const u8 {
    if (outcome) |_| return "ok" else |err| return switch (err) {
        inline else => |each| "ErrorCode::" ++ @errorName(each),
    };
}

/// Prints a value that may be absent.
fn show(what: []const u8, value: anytype) !void {
    try bpf.print("{s}: ", .{what});
    try showSome(value);
    try bpf.print("\n", .{});
}

fn showSome(value: anytype) !void {
    const there = value orelse return bpf.print("None", .{});
    switch (@TypeOf(there)) {
        Pair => {
            const both = .{ there.left, there.right };
            try bpf.print("Some(Pair {{ left: {d}, right: {d} }})", both);
        },
        else => try bpf.print("Some({d})", .{there}),
    }
}

fn showBoth(what: []const u8, first: anytype, second: anytype) !void {
    try bpf.print("{s} ", .{what});
    try showSome(first);
    try bpf.print(" ", .{});
    try showSome(second);
    try bpf.print("\n", .{});
}

/// `[1, 2]`.
fn list(values: anytype) ![]const u8 {
    var text: std.Io.Writer.Allocating = .init(arena.allocator());
    try text.writer.writeAll("[");
    for (values, 0..) |value, i| {
        if (i > 0) try text.writer.writeAll(", ");
        try text.writer.print(if (@TypeOf(value) == []const u8) "{s}" else "{d}", .{value});
    }
    try text.writer.writeAll("]");
    return text.written();
}

fn hash(object: bpf.Object) !void {
    const map = try object.map(types.maps.small);
    const info = try map.raw.describe(arena.allocator());
    try bpf.print("hash: {s} {s} {d} {d}\n", .{
        info.name,
        info.type_name,
        info.key_size,
        info.value_size,
    });
    try bpf.print("entries {d} id {}\n", .{ info.max_entries, info.id != 0 });
    try show("missing", try map.lookup(1));
    try map.update(1, .{ .left = 10, .right = 11 }, flags.no_exist);
    try show("found", try map.lookup(1));
    const nothing: Pair = .{ .left = 0, .right = 0 };
    try bpf.print("there: {s}\n", .{code(map.update(1, nothing, flags.no_exist))});
    try bpf.print("not there: {s}\n", .{code(map.update(2, nothing, flags.exist))});
    try map.update(1, .{ .left = 20, .right = 21 }, flags.exist);
    try show("changed", try map.lookup(1));
    for (2..5) |key| {
        const number: u32 = @intCast(key);
        try map.update(number, .{ .left = number, .right = number }, flags.any);
    }
    const last: Pair = .{ .left = 4, .right = 5 };
    try bpf.print("full: {s}\n", .{code(map.update(5, last, flags.any))});
    try bpf.print("full, but there: {s}\n", .{code(map.update(4, last, flags.any))});
    try bpf.print("delete: {} {}\n", .{ try map.delete(2), try map.delete(2) });
    try showBoth("take:", try map.lookupAndDelete(3), try map.lookupAndDelete(3));

    var keys: std.ArrayList([4]u8) = .empty;
    var next = try map.raw.nextKey(null);
    while (next) |key| {
        try keys.append(arena.allocator(), key[0..4].*);
        next = try map.raw.nextKey(&keys.items[keys.items.len - 1]);
    }
    std.mem.sort([4]u8, keys.items, {}, isLess);
    var shown: std.ArrayList([]const u8) = .empty;
    for (keys.items) |key| try shown.append(arena.allocator(), try list(key));
    try bpf.print("keys: {s}\n", .{try list(shown.items)});
    const gone = try map.raw.nextKey(&.{ 9, 9, 9, 9 });
    try bpf.print("from a key that is gone: {}\n", .{gone != null});
}

fn isLess(_: void, a: [4]u8, b: [4]u8) bool {
    return std.mem.lessThan(u8, &a, &b);
}

fn array(object: bpf.Object) !void {
    const map = try object.map(types.maps.array);
    try map.update(3, 33, flags.any);
    try bpf.print("array: [", .{});
    var walk = try map.iterate();
    defer walk.close();
    var separator: []const u8 = "";
    while (try walk.next()) |entry| {
        try bpf.print("{s}({d}, {d})", .{ separator, entry.key, entry.value });
        separator = ", ";
    }
    try bpf.print("]\n", .{});
    try show("behind the end", try map.lookup(4));
    try bpf.print("update behind the end: {s}\n", .{code(map.update(4, 0, flags.any))});
    try bpf.print("new: {s}\n", .{code(map.update(3, 0, flags.no_exist))});
    try bpf.print("delete: {s}\n", .{code(map.delete(3))});
    try bpf.print("drain: {s}\n", .{code(map.drain())});
    const last: ?u8 = if (try map.raw.nextKey(&.{ 3, 0, 0, 0 })) |key| key[0] else null;
    try show("last key", last);
}

fn keyless(object: bpf.Object) !void {
    const queue = try object.map(types.maps.queue);
    const stack = try object.map(types.maps.stack);
    try showBoth("queue: empty", try queue.peek(), try queue.pop());
    for (1..4) |value| {
        try queue.push(@intCast(value));
        try stack.push(@intCast(value));
    }
    try bpf.print("full: {s} {s}\n", .{ code(queue.push(4)), code(stack.push(4)) });
    try showBoth("first in:", try queue.peek(), try queue.pop());
    try showBoth("last in:", try stack.peek(), try stack.pop());
    try drained("queue", queue);
    try drained("stack", stack);
    try bpf.print("walk over a queue: {s}\n", .{code(queue.iterate())});

    const bloom = try object.map(types.maps.bloom);
    try bloom.push(7);
    try bpf.print("bloom: {}\n", .{try bloom.mayContain(7)});
    try bpf.print("pop: {s}\n", .{code(bloom.pop())});
}

fn drained(what: []const u8, map: bpf.MapOf(void, u32)) !void {
    var rest: std.ArrayList(u32) = .empty;
    var walk = try map.drain();
    defer walk.close();
    while (try walk.next()) |entry| try rest.append(arena.allocator(), entry.value);
    try bpf.print("drained {s}: {s}\n", .{ what, try list(rest.items) });
}

fn routes(object: bpf.Object) !void {
    const map = try object.map(types.maps.routes);
    try map.update(.{ .bits = 8, .address = .{ 10, 0, 0, 0 } }, 8, flags.any);
    try map.update(.{ .bits = 16, .address = .{ 10, 1, 0, 0 } }, 16, flags.any);
    for ([_][4]u8{ .{ 10, 1, 2, 3 }, .{ 10, 2, 2, 3 }, .{ 11, 0, 0, 0 } }) |address| {
        try bpf.print("route of {s}", .{try list(address)});
        try show("", try map.lookup(.{ .bits = 32, .address = address }));
    }
    const long: Prefix = .{ .bits = 33, .address = @splat(0) };
    try show("too many bits", try map.lookup(long));
    try bpf.print("set too many bits: {s}\n", .{code(map.update(long, 0, flags.any))});
    var found: [33]?u32 = @splat(null);
    var addresses: [33][4]u8 = undefined;
    var walk = try map.iterate();
    defer walk.close();
    while (try walk.next()) |entry| {
        found[entry.key.bits] = entry.value;
        addresses[entry.key.bits] = entry.key.address;
    }
    var shown: std.ArrayList([]const u8) = .empty;
    for (found, 0..) |value, bits| {
        const there = value orelse continue;
        const text = "(Prefix {{ bits: {d}, address: {s} }}, {d})";
        const args = .{ bits, try list(addresses[bits]), there };
        try shown.append(arena.allocator(), try arena.allocator().print(text, args));
    }
    try bpf.print("routes: {s}\n", .{try list(shown.items)});
    try bpf.print("drain: {s}\n", .{code(map.drain())});
    const wide: Prefix = .{ .bits = 8, .address = .{ 10, 0, 0, 0 } };
    try bpf.print("delete: {}\n", .{try map.delete(wide)});
    try show("no route", try map.lookup(.{ .bits = 32, .address = .{ 10, 2, 2, 3 } }));
}

fn locked(object: bpf.Object) !void {
    const map = try object.map(types.maps.locked);
    var value = std.mem.zeroes(types.Guarded);
    value.count = 5;
    try map.update(1, value, flags.lock | flags.no_exist);
    const found = try map.lookupWith(1, flags.lock);
    try show("locked", if (found) |there| @as(?u32, there.count) else null);
    const small = try object.map(types.maps.small);
    try bpf.print("no lock: {s}\n", .{code(small.lookupWith(1, flags.lock))});
}

/// The bytes of keys or values that one call takes.
const call_bytes_max = 1 << 20;

/// Many entries at once.
fn entries(object: bpf.Object) !void {
    const map = try object.map(types.maps.large);
    const number = call_bytes_max / 8;
    const keys = try arena.allocator().alloc(u32, number + 1);
    const values = try arena.allocator().alloc(u64, number + 1);
    for (keys, values, 0..) |*key, *value, i| {
        key.* = @intCast(i);
        value.* = i;
    }
    const most = try map.updateBatch(keys[0..number], values[0..number], flags.any);
    try bpf.print("most values in a batch: {d}\n", .{most});
    try bpf.print("one more: {s}\n", .{code(map.updateBatch(keys, values, flags.any))});
    try bpf.print("an empty batch: {d}\n", .{try map.updateBatch(&.{}, &.{}, flags.any)});
    const again = try map.updateBatch(keys[0..2], values[0..2], flags.no_exist);
    try bpf.print("set where they are: {d}\n", .{again});
    try walked(map);
    try deleted(map, keys[0..number]);
}

fn walked(map: bpf.MapOf(u32, u64)) !void {
    var limits: [3]usize = undefined;
    {
        var cursor = try map.raw.iterate();
        defer cursor.close();
        for (&limits, [_]u32{ 1, 10, 0 }) |*limit, entries_max| {
            limit.* = if (try cursor.next(entries_max)) |some| some.count else 0;
        }
    }
    // Up to 10: the kernel returns whole buckets of the hash table.
    const few = limits[1] >= 1 and limits[1] <= 10;
    try bpf.print("a step of 1: {d}, of 10: {}, of all: {}\n", .{ limits[0], few, limits[2] > 10 });
    try bpf.print("within 1 MiB: {}\n", .{limits[2] * 12 <= call_bytes_max});

    var number: usize = 0;
    var sum: u64 = 0;
    var steps: u32 = 0;
    var cursor = try map.raw.iterate();
    defer cursor.close();
    while (try cursor.next(0)) |some| {
        number += some.count;
        for (0..some.count) |i| sum += std.mem.readInt(u64, some.value(i)[0..8], .little);
        steps += 1;
    }
    try bpf.print("walked over {d}, sum {d}, several steps: {}\n", .{ number, sum, steps > 1 });
}

fn deleted(map: bpf.MapOf(u32, u64), keys: []const u32) !void {
    var odd: std.ArrayList(u32) = .empty;
    for (keys) |key| {
        if (key % 2 == 1) try odd.append(arena.allocator(), key);
    }
    try bpf.print("deleted {d}\n", .{try map.deleteBatch(odd.items)});
    try bpf.print("deleted again {d}\n", .{try map.deleteBatch(odd.items[0..1000])});
    try bpf.print("deleted where they are {d}\n", .{try map.deleteBatch(keys[0..10])});
    const none = try arena.allocator().alloc(u8, call_bytes_max);
    @memset(none, 0xff);
    try bpf.print("keys of 1 MiB: {d}\n", .{try map.raw.deleteBatch(none)});
    var number: u32 = 0;
    var first: u32 = std.math.maxInt(u32);
    var walk = try map.drain();
    defer walk.close();
    while (try walk.next()) |entry| {
        number += 1;
        if (entry.value == entry.key) first = @min(first, entry.key);
    }
    try bpf.print("drained {d}, first Some(({d}, {d}))\n", .{ number, first, first });
    var rest = try map.iterate();
    defer rest.close();
    try bpf.print("nothing left: {d}\n", .{@intFromBool(try rest.next() != null)});
}

/// Last: it cannot be undone.
fn frozen(object: bpf.Object) !void {
    const map = try object.map(types.maps.array);
    try map.raw.freeze();
    const info = try map.raw.describe(arena.allocator());
    try bpf.print("frozen: {} {s}\n", .{ info.frozen, code(map.update(1, 1, flags.any)) });
    try show("still read", try map.lookup(3));
    try bpf.print("again: {s}\n", .{code(map.raw.freeze())});
}
