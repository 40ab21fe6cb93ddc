//! What a guest may need to know of the machine, and the symbols of its kernel.

const std = @import("std");
const abi = @import("abi.zig");
const errors = @import("errors.zig");
const memory = @import("memory.zig");

const Call = memory.Call;
const Error = errors.Error;

/// The number of CPUs for which per-CPU values are kept.
pub fn possibleCpus() u32 {
    return abi.@"possible-cpus"();
}

/// The version of Linux.
pub fn kernelVersion() std.SemanticVersion {
    const call = Call.begin(&memory.scratch);
    abi.@"kernel-version"(call.ret());
    const item = call.end();
    return .{ .major = item.int(u32, 0), .minor = item.int(u32, 4), .patch = item.int(u32, 8) };
}

/// When bpf_ktime_get_ns() was 0, in nanoseconds since 1970.
pub fn monotonicEpoch() u64 {
    const call = Call.begin(&memory.scratch);
    abi.@"monotonic-epoch"(call.ret());
    return nanoseconds(call.end());
}

/// When bpf_ktime_get_boot_ns() was 0, in nanoseconds since 1970.
pub fn bootEpoch() u64 {
    const call = Call.begin(&memory.scratch);
    abi.@"boot-epoch"(call.ret());
    return nanoseconds(call.end());
}

fn nanoseconds(datetime: memory.Item) u64 {
    return datetime.int(u64, 0) * std.time.ns_per_s + datetime.int(u32, 8);
}

/// A place in the kernel.
pub const Symbol = struct {
    name: []const u8,
    /// Bytes behind the start of the symbol.
    offset: u64,
    /// Null: the kernel itself.
    module: ?[]const u8,
};

/// The symbol of each address, null for those in no symbol; the caller owns them, so an arena is
/// best.
pub fn kernelSymbols(arena: std.mem.Allocator, addresses: []const u64) Error![]?Symbol {
    const bytes = std.mem.sliceAsBytes(addresses);
    const call = Call.begin(&memory.scratch);
    abi.@"resolve-kernel"(memory.at(bytes), bytes.len, call.ret());
    const list = (try errors.check(call, 4)).list(0, 40);
    const symbols = try arena.alloc(?Symbol, list.count);
    for (symbols, 0..) |*symbol, i| symbol.* = try read(arena, list.item(i));
    return symbols;
}

fn read(arena: std.mem.Allocator, item: memory.Item) Error!?Symbol {
    if (!item.flag(0)) return null;
    return .{
        .name = try arena.dupe(u8, item.bytes(8)),
        .offset = item.int(u64, 16),
        .module = if (item.flag(24)) try arena.dupe(u8, item.bytes(28)) else null,
    };
}

/// The address of a kernel symbol, or null.
pub fn kernelAddress(name: []const u8) Error!?u64 {
    const call = Call.begin(&memory.scratch);
    abi.@"kernel-address"(memory.at(name), name.len, call.ret());
    const item = try errors.check(call, 8);
    return if (item.flag(0)) item.int(u64, 8) else null;
}

/// Ends the guest at once.
pub fn exit(code: u8) noreturn {
    // Nobody is left to hear that it failed.
    @import("output.zig").beforeWait() catch {};
    abi.exit(code);
}

/// The guest's arguments, its name first; the caller owns them, so an arena is best.
pub fn arguments(arena: std.mem.Allocator) Error![]const [:0]const u8 {
    var count: usize = 0;
    var bytes: usize = 0;
    if (std.os.wasi.args_sizes_get(&count, &bytes) != .SUCCESS) return error.Other;
    const pointers = try arena.alloc([*:0]u8, count);
    const buffer = try arena.alloc(u8, bytes);
    if (count > 0 and std.os.wasi.args_get(pointers.ptr, buffer.ptr) != .SUCCESS)
        return error.Other;
    const list = try arena.alloc([:0]const u8, count);
    for (list, pointers) |*argument, pointer| argument.* = std.mem.span(pointer);
    return list;
}
