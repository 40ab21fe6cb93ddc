//! Runs an iterator program over a map.

const std = @import("std");
const bpf = @import("bpf");
const types = @import("types");

pub fn main() !void {
    var arena: std.heap.ArenaAllocator = .init(bpf.allocator);
    const object: bpf.Object = try .open(types.object_name);
    try object.load();
    const numbers = try object.map(types.maps.numbers);
    for (0..3) |key| try numbers.update(@intCast(key), @intCast(key + 4), bpf.flags.any);
    const program = try object.program("list_numbers");
    const link = try program.attachTo("iterator:map=numbers");
    const info = try link.describe(arena.allocator());
    try bpf.print("{s} at [\"{s}\"]\n", .{ info.name, info.targets[0] });
    try show(try link.iterate());
    try bpf.print("once more, in small pieces\n", .{});
    try show(try link.iterate());

    const rest = try link.iterate();
    link.close();
    try bpf.print("the link is gone, what is being read stays:\n", .{});
    try show(rest);

    const other = try (try object.program("no_iterator")).attach();
    if (other.iterate()) |_| {} else |err| {
        try bpf.print("no iterator: Err(ErrorCode::{s})\n", .{@errorName(err)});
    }
}

/// Prints records of a key and a value.
fn show(iteration: bpf.Iteration) !void {
    defer iteration.close();
    var all: std.ArrayList(u8) = .empty;
    defer all.deinit(bpf.allocator);
    while (try iteration.next()) |piece| try all.appendSlice(bpf.allocator, piece);
    var records = std.mem.window(u8, all.items, 8, 8);
    while (records.next()) |record| {
        try bpf.print("  [", .{});
        for (record, 0..) |byte, i| try bpf.print("{s}{d}", .{ if (i > 0) ", " else "", byte });
        try bpf.print("]\n", .{});
    }
}
