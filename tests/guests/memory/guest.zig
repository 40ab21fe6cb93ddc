//! Reads and writes the memory of arrays and of global data.

const std = @import("std");
const bpf = @import("bpf");
const types = @import("types");

/// Bytes that one call reads.
const call_bytes_max = 1 << 20;

pub fn main() !void {
    const object: bpf.Object = try .open(types.object_name);
    try object.load();
    const bump = try object.program("bump");
    try array(try object.map(types.maps.shared), bump);

    const bss = try object.rawMap(".bss");
    const offset = try offsetOf(object, "counter");
    try show(".bss", try bss.readMemory(offset, 8));
    try bss.writeMemory(offset, std.mem.asBytes(&@as(u64, 100)));
    _ = try bump.testRun(.{});
    try bpf.print("as global: {d}\n", .{try object.get(types.globals.counter)});
    try show("initialized", try (try object.rawMap(".data")).readMemory(0, 4));
    const constant = try object.rawMap(".rodata");
    try show("constant", try constant.readMemory(0, 4));
    try refused("constant", constant.writeMemory(0, &.{0}));
}

fn offsetOf(object: bpf.Object, name: []const u8) !u64 {
    var arena: std.heap.ArenaAllocator = .init(bpf.allocator);
    defer arena.deinit();
    for (try object.globals(arena.allocator())) |global| {
        if (std.mem.eql(u8, global.name, name)) return global.offset;
    }
    return bpf.fail(error.NotFound, "the variable is missing");
}

fn array(shared: bpf.MapOf(u32, u32), bump: bpf.Program) !void {
    const memory = shared.raw;
    try shared.update(1, 0x0102, bpf.flags.any);
    try memory.writeMemory(16, std.mem.asBytes(&@as(u32, 40)));
    _ = try bump.testRun(.{});
    try show("elements 1 and 2", try memory.readMemory(8, 16));
    const first = (try shared.lookup(1)).?;
    const second = (try shared.lookup(2)).?;
    try bpf.print("as entries: Some({d}) Some({d})\n", .{ first, second });
    try show("nothing", try memory.readMemory(8, 0));
    try bpf.print("most: {d}\n", .{(try memory.readMemory(0, call_bytes_max)).len});
    try refused("more", memory.readMemory(0, call_bytes_max + 1));
    const sevens = try bpf.allocator.alloc(u8, call_bytes_max);
    @memset(sevens, 7);
    try memory.writeMemory(8, sevens);
    try show("most written", try memory.readMemory(call_bytes_max + 7, 2));
    const end = 140_000 * 8;
    try show("last byte", try memory.readMemory(end - 1, 1));
    try refused("over the end", memory.readMemory(end - 1, 2));
    try refused("written over the end", memory.writeMemory(end - 1, &.{ 0, 0 }));
}

fn show(what: []const u8, bytes: []const u8) !void {
    try bpf.print("{s}: [", .{what});
    for (bytes, 0..) |byte, i| try bpf.print("{s}{d}", .{ if (i > 0) ", " else "", byte });
    try bpf.print("]\n", .{});
}

fn refused(what: []const u8, outcome: anytype) !void {
    if (outcome) |_| {
        try bpf.print("{s}: ok\n", .{what});
    } else |err| {
        try bpf.print("{s}: ErrorCode::{s}\n", .{ what, @errorName(err) });
    }
}
