//! Attaches programs; the first argument says how.

const std = @import("std");
const bpf = @import("bpf");
const types = @import("types");

var arena: std.heap.ArenaAllocator = .init(bpf.allocator);

const fork = "tracepoint:sched:sched_process_fork";
const exit = "tracepoint:sched:sched_process_exit";
const raw = "raw_tracepoint:sys_enter";

pub fn main() !void {
    const arguments = try bpf.arguments(arena.allocator());
    const how = if (arguments.len > 1) arguments[1] else "";
    if (std.mem.eql(u8, how, "all")) return all();
    if (std.mem.eql(u8, how, "given")) return given();
    return oneByOne();
}

/// How a call ended.
fn code(outcome: anytype) []const u8 {
    if (outcome) |_| return "ok" else |err| return switch (err) {
        inline else => |each| "ErrorCode::" ++ @errorName(each),
    };
}

/// Every program whose section, or the operator, says where.
fn all() !void {
    const object: bpf.Object = try .open(types.object_name);
    try (try object.program("on_call")).setAutoattach(false);
    object.load() catch |err| {
        const outcome: bpf.Error!void = err;
        return bpf.print("load: {s}: {s}\n", .{ code(outcome), bpf.messageOf(err) });
    };
    const links = try object.attach(arena.allocator());
    var infos: std.ArrayList(bpf.LinkInfo) = .empty;
    for (links) |link| {
        try infos.append(arena.allocator(), try link.describe(arena.allocator()));
    }
    std.mem.sort(bpf.LinkInfo, infos.items, {}, isLess);
    var has_many = false;
    for (infos.items) |info| {
        try show(info);
        has_many = has_many or info.targets.len > 1;
    }
    if (has_many) {
        const program = try object.program("on_exec");
        try bpf.print("again: {s}\n", .{code(program.attach())});
    }
}

fn isLess(_: void, a: bpf.LinkInfo, b: bpf.LinkInfo) bool {
    return std.mem.lessThan(u8, a.name, b.name);
}

/// The guest's own target, unless the operator gave one.
fn given() !void {
    const object: bpf.Object = try .open(types.object_name);
    try object.load();
    const program = try object.program("anywhere");
    const link = try program.attachTo(fork);
    try showLink(link);
    try link.detach();
    try bpf.print("again: {s}\n", .{code(program.attachTo(fork))});
}

fn oneByOne() !void {
    const object: bpf.Object = try .open(types.object_name);
    const left_out = try object.program("left_out");
    const info = try left_out.describe(arena.allocator());
    try bpf.print("left out: {}\n", .{!info.autoload});
    try object.load();
    try bpf.print("attach what was left out: {s}\n", .{code(left_out.attach())});
    const anywhere = try object.program("anywhere");
    try bpf.print("nowhere: {s}\n", .{code(anywhere.attach())});
    try bpf.print("of another kind: {s}\n", .{code(anywhere.attachTo(raw))});

    try counted(object);
    for ([_][]const u8{ fork, exit }) |target| {
        const link = try anywhere.attachTo(target);
        defer link.close();
        try showLink(link);
    }
    const on_call = try object.program("on_call");
    const first = try on_call.attachTo(raw);
    const second = try on_call.attach();
    const first_ids = (try first.describe(arena.allocator())).ids;
    const second_ids = (try second.describe(arena.allocator())).ids;
    try bpf.print("twice: {}\n", .{!std.mem.eql(u32, first_ids, second_ids)});
    first.close();
    second.close();
    try replaced(try object.program("pass"), try object.program("pass_too"));

    const jumps = try object.rawMap("jumps");
    try on_call.storeIn(jumps, 1);
    try bpf.print("stored; beyond the end: {s}\n", .{code(on_call.storeIn(jumps, 2))});
    (try on_call.attach()).keep();
    try bpf.print("kept\n", .{});
}

/// A link holds the program; closing or detaching it ends that.
fn counted(object: bpf.Object) !void {
    const program = try object.program("on_call");
    const first = try program.attach();
    try showLink(first);
    try bpf.print("while attached: {}\n", .{try isCalled(object)});
    try first.detach();
    try bpf.print("detached: {}\n", .{try isCalled(object)});
    const second = try program.attach();
    try bpf.print("attached again: {}\n", .{try isCalled(object)});
    second.close();
    try bpf.print("dropped: {}\n", .{try isCalled(object)});
    const third = try program.attach();
    third.keep();
    third.close();
    try bpf.print("kept: {}\n", .{try isCalled(object)});
}

/// Whether system calls of the host are counted: running a program is one.
fn isCalled(object: bpf.Object) !bool {
    const choose = try object.program("choose");
    defer choose.close();
    _ = try choose.testRun(.{});
    const before = try object.get(types.globals.calls);
    _ = try choose.testRun(.{});
    return try object.get(types.globals.calls) > before;
}

/// One program takes the place of another without a gap.
fn replaced(pass: bpf.Program, pass_too: bpf.Program) !void {
    const target = "xdp:lo:generic";
    const held = try pass.attachTo(target);
    try showLink(held);
    try bpf.print("occupied: {s}\n", .{code(pass_too.attachTo(target))});
    try pass_too.replaceIn(held);
    try showLink(held);
    try held.detach();
    const link = try pass_too.attachTo(target);
    defer link.close();
    try bpf.print("free again: {s}\n", .{(try link.describe(arena.allocator())).name});
}

fn showLink(link: bpf.Link) !void {
    return show(try link.describe(arena.allocator()));
}

fn show(info: bpf.LinkInfo) !void {
    try bpf.print("{s}: type {d} at [", .{ info.name, info.type });
    for (info.targets, 0..) |target, i| {
        try bpf.print("{s}\"{s}\"", .{ if (i > 0) ", " else "", target });
    }
    try bpf.print("], listed {}\n", .{info.ids.len > 0});
}
