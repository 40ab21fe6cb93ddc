//! Works with values of each CPU; prints nothing that depends on how many there are.

const std = @import("std");
const bpf = @import("bpf");
const types = @import("types");

const flags = bpf.flags;

var arena: std.heap.ArenaAllocator = .init(bpf.allocator);

pub fn main() !void {
    const object: bpf.Object = try .open(types.object_name);
    try object.load();
    try counted(object);
    try words(object);
}

fn counted(object: bpf.Object) !void {
    const cpus = bpf.host.possibleCpus();
    const counts = try object.map(types.maps.counts);
    const info = try counts.raw.describe(arena.allocator());
    try bpf.print("value {d} bytes\n", .{info.value_size});
    try bpf.print("8 bytes for each CPU: {}\n", .{info.user_value_size == 8 * cpus});

    const program = try object.program("count");
    for (0..3) |_| _ = try program.testRun(.{ .cpu = 0 });
    const values = try counts.lookup(1) orelse return bpf.fail(error.Other, "the key is gone");
    try bpf.print("a value for each CPU: {}\n", .{values.count() == cpus});
    var sum: u64 = 0;
    for (0..values.count()) |cpu| sum += values.get(cpu);
    try bpf.print("on CPU 0: {d}, in all: {d}\n", .{ values.get(0), sum });

    const own = try arena.allocator().alloc(u64, cpus);
    for (own, 0..) |*value, cpu| value.* = cpu + 5;
    try counts.update(0, own, flags.any);
    const again = try counts.lookup(0) orelse return bpf.fail(error.Other, "the key is gone");
    const bytes = std.mem.sliceAsBytes(own);
    try bpf.print("each CPU's own: {}\n", .{std.mem.eql(u8, bytes, again.bytes)});
    var walk = try counts.iterate();
    defer walk.close();
    while (try walk.next()) |entry| {
        try bpf.print("{d}: first Some({d})\n", .{ entry.key, entry.value.get(0) });
    }
    if (counts.raw.update(&@as([4]u8, @splat(0)), &@as([4]u8, @splat(0)), flags.any)) {
        try bpf.print("one CPU's value: ok\n", .{});
    } else |err| {
        try bpf.print("one CPU's value: Err(ErrorCode::{s})\n", .{@errorName(err)});
    }
}

fn all(count: usize, value: u32) ![]u32 {
    const values = try arena.allocator().alloc(u32, count);
    @memset(values, value);
    return values;
}

fn words(object: bpf.Object) !void {
    const cpus = bpf.host.possibleCpus();
    const map = try object.map(types.maps.words);
    const info = try map.raw.describe(arena.allocator());
    try bpf.print("padded to 8 bytes: {}\n", .{info.user_value_size == 8 * cpus});
    try map.update(7, try all(cpus, 3), flags.no_exist);
    const values = try map.lookup(7) orelse return bpf.fail(error.Other, "the key is gone");
    var is_set = true;
    for (0..values.count()) |cpu| is_set = is_set and values.get(cpu) == 3;
    try bpf.print("all set: {}\n", .{is_set});
    const parts = [_][]const u32{ try all(cpus, 1), try all(cpus, 2) };
    const both = try std.mem.concat(arena.allocator(), u32, &parts);
    try bpf.print("set in a batch: {d}\n", .{try map.updateBatch(&.{ 1, 2 }, both, flags.any)});
    const taken = try map.lookupAndDelete(2) orelse return bpf.fail(error.Other, "the key is gone");
    try bpf.print("taken: Some({d})\n", .{taken.get(0)});
    var drained: std.ArrayList([2]u32) = .empty;
    var walk = try map.drain();
    defer walk.close();
    while (try walk.next()) |entry| {
        try drained.append(arena.allocator(), .{ entry.key, entry.value.get(0) });
    }
    std.mem.sort([2]u32, drained.items, {}, isLess);
    try bpf.print("drained: [", .{});
    for (drained.items, 0..) |entry, i| {
        try bpf.print("{s}({d}, {d})", .{ if (i > 0) ", " else "", entry[0], entry[1] });
    }
    try bpf.print("]\n", .{});
}

fn isLess(_: void, a: [2]u32, b: [2]u32) bool {
    return a[0] < b[0];
}
