//! Looks at the machine; prints nothing that differs between them.

const std = @import("std");
const bpf = @import("bpf");
const types = @import("types");

const host = bpf.host;

/// Addresses that one call takes.
const addresses_max = 65_536;

pub fn main() !void {
    try bpf.print("CPUs: {}\n", .{host.possibleCpus() >= 1});
    try bpf.print("Linux: {}\n", .{host.kernelVersion().major >= 5});
    const monotonic = host.monotonicEpoch();
    const boot = host.bootEpoch();
    const start = 50 * 365 * 24 * 3600 * std.time.ns_per_s;
    try bpf.print("started after 2020: [{}, {}]\n", .{ monotonic > start, boot > start });
    // Suspended time is in the one and not in the other.
    try bpf.print("the boot comes first: {}\n", .{boot <= monotonic + std.time.ns_per_s});
    const again = host.monotonicEpoch();
    const apart = @max(monotonic, again) - @min(monotonic, again);
    try bpf.print("the same each time: {}\n", .{apart < std.time.ns_per_s});

    const object: bpf.Object = try .open(types.object_name);
    try object.load();
    _ = try (try object.program("look")).testRun(.{});
    const now = monotonic + try object.get(types.globals.now_ns);
    try bpf.print("the program's time is after it: {}\n", .{now >= monotonic});
    try symbols();
}

fn symbols() !void {
    var arena: std.heap.ArenaAllocator = .init(bpf.allocator);
    const address = try host.kernelAddress("vfs_read") orelse
        return bpf.fail(error.Other, "the kernel has no vfs_read");
    const nothing = try host.kernelAddress("no such symbol");
    try bpf.print("no symbol: {s}\n", .{if (nothing == null) "None" else "Some"});
    const all = [_]u64{ address, address + 4, 1 };
    for (try host.kernelSymbols(arena.allocator(), &all)) |symbol| {
        const it = symbol orelse {
            try bpf.print("in no symbol\n", .{});
            continue;
        };
        const module = if (it.module == null) "None" else "Some";
        try bpf.print("{s}+0x{x} of {s}\n", .{ it.name, it.offset, module });
    }
    const none = try host.kernelSymbols(arena.allocator(), &.{});
    try bpf.print("none: {d}\n", .{none.len});
    const many = try arena.allocator().alloc(u64, addresses_max + 1);
    @memset(many, address);
    var count: usize = 0;
    for (try host.kernelSymbols(arena.allocator(), many[0..addresses_max])) |symbol| {
        count += @intFromBool(symbol != null);
    }
    try bpf.print("most: {d}\n", .{count});
    if (host.kernelSymbols(arena.allocator(), many)) |_| {} else |err| {
        try bpf.print("more: Err(ErrorCode::{s})\n", .{@errorName(err)});
    }
}
