//! Works with maps in slots of maps.

const std = @import("std");
const bpf = @import("bpf");
const types = @import("types");

const flags = bpf.flags;
const Inner = bpf.MapOf(u32, u32);

pub fn main() !void {
    const object: bpf.Object = try .open(types.object_name);
    try object.load();
    const slots = try object.rawMap("slots");
    const first = try object.map(types.maps.first);
    try first.update(1, 11, flags.any);
    try bpf.print("declared slot: {}\n", .{try slots.lookupInner(&key(0)) != null});
    try look(object, 0, 1);
    try bpf.print("empty slot: {}\n", .{try slots.lookupInner(&key(1)) == null});
    try look(object, 1, 1);
    try created(object, slots, first);
    try named(object, first.raw);
    try refused(object, slots, first.raw);
}

fn key(number: u32) [4]u8 {
    return @bitCast(number);
}

/// How a call ended.
fn result(outcome: anytype) []const u8 {
    if (outcome) |_| return "Ok(())" else |err| return switch (err) {
        inline else => |each| "Err(ErrorCode::" ++ @errorName(each) ++ ")",
    };
}

fn created(object: bpf.Object, slots: bpf.RawMap, first: Inner) !void {
    var arena: std.heap.ArenaAllocator = .init(bpf.allocator);
    defer arena.deinit();
    const inner: Inner = .{ .raw = try slots.createInner() };
    const info = try inner.raw.describe(arena.allocator());
    try bpf.print("created: {s} {d} {d}\n", .{ info.type_name, info.key_size, info.max_entries });
    try inner.update(1, 22, flags.any);
    try slots.updateInner(&key(1), inner.raw, flags.any);
    inner.close();
    try look(object, 1, 1);
    const found: Inner = .{ .raw = (try slots.lookupInner(&key(1))).? };
    try bpf.print("found again: Some({d})\n", .{(try found.lookup(1)).?});
    try found.update(2, 33, flags.any);
    try look(object, 1, 2);
    try slots.updateInner(&key(1), first.raw, flags.any);
    try look(object, 1, 1);
    try bpf.print("taken out of its slot: Some(Some({d}))\n", .{(try found.lookup(2)).?});
}

fn named(object: bpf.Object, first: bpf.RawMap) !void {
    const map = try object.rawMap("named");
    try bpf.print("not there: {}\n", .{try map.lookupInner(&key(7)) == null});
    try map.updateInner(&key(7), first, flags.no_exist);
    try bpf.print("there: {s}\n", .{result(map.updateInner(&key(7), first, flags.no_exist))});
    const found: Inner = .{ .raw = (try map.lookupInner(&key(7))).? };
    try bpf.print("by name: Some(Some({d}))\n", .{(try found.lookup(1)).?});
    try bpf.print("delete: {} {}\n", .{ try map.delete(&key(7)), try map.delete(&key(7)) });
}

fn refused(object: bpf.Object, slots: bpf.RawMap, first: bpf.RawMap) !void {
    const plain = try object.rawMap("plain");
    try bpf.print("no map of maps: [{s}, {s}, {s}]\n", .{
        result(plain.lookupInner(&key(0))),
        result(plain.createInner()),
        result(plain.updateInner(&key(0), first, flags.any)),
    });
    const other = slots.updateInner(&key(2), plain, flags.any);
    try bpf.print("of another shape: {s}\n", .{result(other)});
    const beyond = slots.updateInner(&key(3), first, flags.any);
    try bpf.print("behind the last: {s}\n", .{result(beyond)});
}

/// Has the program look up a key in a slot.
fn look(object: bpf.Object, slot: u32, inner: u32) !void {
    const program = try object.program("look");
    defer program.close();
    const context = [_]u32{ slot, inner };
    const output = try program.testRun(.{ .context = std.mem.sliceAsBytes(&context) });
    const found = try object.get(types.globals.found);
    const numbers = .{ slot, inner, output.return_value, found };
    try bpf.print("the program looks in [{d}, {d}]: {d}, {d}\n", numbers);
}
