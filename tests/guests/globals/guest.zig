//! Reads and sets global variables.

const std = @import("std");
const bpf = @import("bpf");
const types = @import("types");

const globals = types.globals;

pub fn main() !void {
    const object: bpf.Object = try .open(types.object_name);
    try before(object);
    object.load() catch |err| {
        try bpf.print("ErrorCode::{s}\n", .{@errorName(err)});
        return err;
    };
    try after(object);
}

fn before(object: bpf.Object) !void {
    var arena: std.heap.ArenaAllocator = .init(bpf.allocator);
    defer arena.deinit();
    const listed = try object.globals(arena.allocator());
    std.mem.sort(bpf.GlobalInfo, listed, {}, isLess);
    for (listed) |global| {
        if (std.mem.eql(u8, global.section, "license")) continue;
        try bpf.print("{s} in {s}: {d} bytes, constant {}, typed {}\n", .{
            global.name,
            global.section,
            global.size,
            global.constant,
            global.type_id != 0,
        });
    }
    try show("initial", object);
    try object.set(globals.limit, 5);
    try object.set(globals.total, 200);
    var name: [16]u8 = @splat(0);
    @memcpy(name[0..5], "guest");
    try object.set(globals.name, name);
    try show("set", object);
}

fn isLess(_: void, a: bpf.GlobalInfo, b: bpf.GlobalInfo) bool {
    return std.mem.lessThan(u8, a.name, b.name);
}

fn show(what: []const u8, object: bpf.Object) !void {
    const limit = try object.get(globals.limit);
    try bpf.print("{s}: {d} {d}\n", .{ what, limit, try object.get(globals.total) });
}

fn after(object: bpf.Object) !void {
    try show("loaded", object);
    const name = try object.get(globals.name);
    const kind = try object.getBytes("kind");
    try bpf.print("name {s}, kind [{d}, {d}, {d}, {d}]\n", .{
        bpf.text(&name),
        kind[0],
        kind[1],
        kind[2],
        kind[3],
    });
    const work = try object.program("work");
    _ = try work.testRun(.{});
    const seen = try object.get(globals.seen);
    try bpf.print("seen {d}, total {d}\n", .{ seen, try object.get(globals.total) });
    try object.set(globals.total, 0);
    _ = try work.testRun(.{});
    try bpf.print("from 0: {d}\n", .{try object.get(globals.total)});
    try showBoth(object);
    try object.set(globals.both, .{ .left = 3, .right = 4 });
    try showBoth(object);
    try refused("a constant after load", object.set(globals.limit, 6));
    try refused("half of a value", object.setBytes("total", &.{ 0, 0, 0, 0 }));
}

fn showBoth(object: bpf.Object) !void {
    const both = try object.get(globals.both);
    try bpf.print("struct Pair {{ left: {d}, right: {d} }}\n", .{ both.left, both.right });
}

fn refused(what: []const u8, outcome: bpf.Error!void) !void {
    if (outcome) {
        try bpf.print("{s}: Ok(())\n", .{what});
    } else |err| {
        try bpf.print("{s}: Err(ErrorCode::{s})\n", .{ what, @errorName(err) });
    }
}
