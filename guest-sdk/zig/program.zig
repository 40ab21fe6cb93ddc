//! Programs, and what holds them where they are attached.

const std = @import("std");
const abi = @import("abi.zig");
const copyTexts = @import("object.zig").copyTexts;
const errors = @import("errors.zig");
const memory = @import("memory.zig");
const RawMap = @import("map.zig").RawMap;

const Call = memory.Call;
const Error = errors.Error;
const Item = memory.Item;

/// Describes a program.
pub const ProgramInfo = struct {
    name: []const u8,
    section: []const u8,
    /// The number of `enum bpf_prog_type`.
    type: u32,
    /// Its name as libbpf prints it.
    type_name: []const u8,
    attach_type: u32,
    attach_target: []const u8,
    autoload: bool,
    autoattach: bool,
    /// The kernel's; 0 before load.
    id: u32,
};

pub fn info(arena: std.mem.Allocator, item: Item) Error!ProgramInfo {
    return .{
        .name = try arena.dupe(u8, item.bytes(0)),
        .section = try arena.dupe(u8, item.bytes(8)),
        .type = item.int(u32, 16),
        .type_name = try arena.dupe(u8, item.bytes(20)),
        .attach_type = item.int(u32, 28),
        .attach_target = try arena.dupe(u8, item.bytes(32)),
        .autoload = item.flag(40),
        .autoattach = item.flag(41),
        .id = item.int(u32, 44),
    };
}

/// What a program gets when it is run by hand.
pub const RunInput = struct {
    data: []const u8 = "",
    context: []const u8 = "",
    repeat: u32 = 0,
    flags: u32 = 0,
    cpu: ?u32 = null,
    batch_size: u32 = 0,
};

/// What it left; data and context are borrowed until the next call.
pub const RunOutput = struct {
    return_value: u32,
    data: []const u8,
    context: []const u8,
    duration_ns: u32,
};

/// Counts the runs of a program, while the kernel's statistics are on.
pub const ProgramStatistics = struct { run_count: u64, run_time_ns: u64, recursion_misses: u64 };

/// A BPF program of an object.
pub const Program = struct {
    handle: abi.Handle,

    /// Lets go of the handle; the program belongs to its object.
    pub fn close(self: Program) void {
        abi.@"[resource-drop]program"(self.handle);
    }

    /// Describes the program; the caller owns it, so an arena is best.
    pub fn describe(self: Program, arena: std.mem.Allocator) Error!ProgramInfo {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]program.info"(self.handle, call.ret());
        return info(arena, call.end());
    }

    /// Says whether load also loads this program.
    pub fn setAutoload(self: Program, load: bool) Error!void {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]program.set-autoload"(self.handle, load, call.ret());
        _ = try errors.check(call, 4);
    }

    /// Says whether `Object.attach` also attaches it.
    pub fn setAutoattach(self: Program, is: bool) Error!void {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]program.set-autoattach"(self.handle, is, call.ret());
        _ = try errors.check(call, 4);
    }

    /// Chooses the kernel function that a BTF-typed program is verified against.
    pub fn setAttachTarget(self: Program, function: []const u8) Error!void {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]program.set-attach-target"(
            self.handle,
            memory.at(function),
            function.len,
            call.ret(),
        );
        _ = try errors.check(call, 4);
    }

    /// Attaches to where the section says.
    pub fn attach(self: Program) Error!Link {
        return self.attachOptional(null);
    }

    /// Attaches to a target in the text form of `ecli run --attach`: `uprobe:/bin/bash:readline`.
    pub fn attachTo(self: Program, target: []const u8) Error!Link {
        return self.attachOptional(target);
    }

    fn attachOptional(self: Program, target: ?[]const u8) Error!Link {
        // The case `text` of the variant; all cases share the places of their members.
        const text = 20;
        const bytes = target orelse "";
        const address: i64 = @intCast(@intFromPtr(memory.at(bytes)));
        const call = Call.begin(&memory.scratch);
        abi.@"[method]program.attach"(
            self.handle,
            target != null,
            text,
            address,
            @intCast(bytes.len),
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            call.ret(),
        );
        return .{ .handle = (try errors.check(call, 4)).int(i32, 0) };
    }

    /// Puts this program in the place of the one that the link holds, without a gap.
    pub fn replaceIn(self: Program, held: Link) Error!void {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]program.replace-in"(self.handle, held.handle, call.ret());
        _ = try errors.check(call, 4);
    }

    /// Puts this program into a slot of a program array, for tail calls.
    pub fn storeIn(self: Program, array: RawMap, index: u32) Error!void {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]program.store-in"(self.handle, array.handle, index, call.ret());
        _ = try errors.check(call, 4);
    }

    /// Runs the program now; the only way to run SEC("syscall") programs.
    pub fn testRun(self: Program, input: RunInput) Error!RunOutput {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]program.test-run"(
            self.handle,
            memory.at(input.data),
            input.data.len,
            memory.at(input.context),
            input.context.len,
            input.repeat,
            input.flags,
            input.cpu != null,
            input.cpu orelse 0,
            input.batch_size,
            call.ret(),
        );
        const output = try errors.check(call, 4);
        return .{
            .return_value = output.int(u32, 0),
            .data = output.bytes(4),
            .context = output.bytes(12),
            .duration_ns = output.int(u32, 20),
        };
    }

    /// Counts runs while the kernel's statistics are on.
    pub fn statistics(self: Program) Error!ProgramStatistics {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]program.statistics"(self.handle, call.ret());
        const item = try errors.check(call, 8);
        return .{
            .run_count = item.int(u64, 0),
            .run_time_ns = item.int(u64, 8),
            .recursion_misses = item.int(u64, 16),
        };
    }
};

/// Describes a link.
pub const LinkInfo = struct {
    /// That of the program that is attached.
    name: []const u8,
    /// The number of `enum bpf_link_type`; 0 where the kernel has no link for it.
    type: u32,
    /// Where, in the text form of `ecli run --attach`.
    targets: []const []const u8,
    /// The kernel's.
    ids: []const u32,
};

/// An attached program. It stays attached until `close` or the guest's end.
pub const Link = struct {
    handle: abi.Handle,

    /// Describes the link; the caller owns it, so an arena is best.
    pub fn describe(self: Link, arena: std.mem.Allocator) Error!LinkInfo {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]link.info"(self.handle, call.ret());
        const item = call.end();
        const list = item.list(20, 4);
        const ids = try arena.alloc(u32, list.count);
        for (ids, 0..) |*id, i| id.* = list.item(i).int(u32, 0);
        return .{
            .name = try arena.dupe(u8, item.bytes(0)),
            .type = item.int(u32, 8),
            .targets = try copyTexts(arena, item.list(12, 8)),
            .ids = ids,
        };
    }

    /// Detaches.
    pub fn close(self: Link) void {
        abi.@"[resource-drop]link"(self.handle);
    }

    /// Leaves it attached until the guest ends, also after `close`.
    pub fn keep(self: Link) void {
        abi.@"[method]link.keep"(self.handle);
    }

    /// Detaches and says how that went.
    pub fn detach(self: Link) Error!void {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]link.detach"(self.handle, call.ret());
        _ = try errors.check(call, 4);
    }

    /// Runs an attached iterator program from the start, to read what it writes.
    pub fn iterate(self: Link) Error!Iteration {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]link.iterate"(self.handle, call.ret());
        return .{ .handle = (try errors.check(call, 4)).int(i32, 0) };
    }
};

/// The stream that an iterator program writes.
pub const Iteration = struct {
    handle: abi.Handle,

    /// Bytes that one read returns at most.
    const read_bytes_max = 64 << 10;

    /// Runs the program until it has written something, borrowed until the next call; null at the
    /// end.
    pub fn next(self: Iteration) Error!?[]const u8 {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]input-stream.blocking-read"(self.handle, read_bytes_max, call.ret());
        const item = call.end();
        if (!item.flag(0)) return item.bytes(4);
        const closed = 1;
        if (item.int(u8, 4) == closed) return null;
        abi.@"[resource-drop]error"(item.int(i32, 8));
        return errors.fail(error.Other, "read an iterator: its program failed");
    }

    /// Ends the iteration.
    pub fn close(self: Iteration) void {
        abi.@"[resource-drop]input-stream"(self.handle);
    }
};
