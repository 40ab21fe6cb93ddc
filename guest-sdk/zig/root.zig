//! The root of the program: what the host calls, over what the guest defines.

const std = @import("std");
const bpf = @import("bpf");
const guest = @import("guest");

comptime {
    if (@hasDecl(guest, "Plugin")) {
        @export(&start, .{ .name = "eunomia:bpf/handler@0.1.0#start" });
        @export(&onEvents, .{ .name = "eunomia:bpf/handler@0.1.0#on-events" });
        @export(&onTick, .{ .name = "eunomia:bpf/handler@0.1.0#on-tick" });
        @export(&stop, .{ .name = "eunomia:bpf/handler@0.1.0#stop" });
    } else if (@hasDecl(guest, "main")) {
        @export(&run, .{ .name = "wasi:cli/run@0.2.12#run" });
    } else {
        @compileError("a guest has `pub fn main() !void` or `pub const Plugin`");
    }
}

/// A panic says why, and traps: the host says where.
pub const panic = std.debug.FullPanic(struct {
    fn panicked(message: []const u8, _: ?usize) noreturn {
        bpf.output.stderr.print("panic: {s}\n", .{message}) catch {};
        @trap();
    }
}.panicked);

fn run() callconv(.c) i32 {
    finish() catch |err| {
        // Whoever closed standard output wants to hear no more.
        if (err == error.Closed) bpf.exit(0);
        bpf.output.stdout.flush() catch {};
        bpf.output.stderr.print("error: {s}\n", .{bpf.messageOf(err)}) catch {};
        bpf.exit(1);
    };
    return 0;
}

fn finish() anyerror!void {
    const result = guest.main();
    if (@typeInfo(@TypeOf(result)) == .error_union) try result;
    try bpf.flush();
}

const Answer = extern struct {
    is_error: u32 = 0,
    code: u32 = 0,
    errno: u32 = 0,
    message: [*]const u8 = @ptrFromInt(8),
    bytes: usize = 0,
};

/// A result<_, error> for the host, which reads it before the next call.
var answer: Answer = .{};

fn reply(outcome: anyerror!void) *const Answer {
    answer = .{};
    const flushed = bpf.flush();
    outcome catch |err| return failed(err);
    flushed catch |err| return failed(err);
    return &answer;
}

fn failed(err: anyerror) *const Answer {
    const message = bpf.messageOf(err);
    answer = .{
        .is_error = 1,
        .code = bpf.internal.codeOf(err),
        .errno = if (bpf.lastError().code == null) 0 else bpf.lastError().errno,
        .message = message.ptr,
        .bytes = message.len,
    };
    return &answer;
}

const Plugin = if (@hasDecl(guest, "Plugin")) guest.Plugin else void;
var plugin: Plugin = undefined;

fn start() callconv(.c) *const Answer {
    return reply(begin());
}

fn begin() anyerror!void {
    plugin = try Plugin.start(.{});
}

fn onEvents(source: u32, records: [*]const u8, bytes: usize, lost: u64) callconv(.c) *const Answer {
    const batch: bpf.Batch = .{ .bytes = records[0..bytes], .lost = lost };
    const outcome = plugin.onEvents(source, batch);
    bpf.internal.freeLent(batch.bytes);
    return reply(outcome);
}

fn onTick() callconv(.c) *const Answer {
    return reply(plugin.onTick());
}

fn stop() callconv(.c) *const Answer {
    return reply(plugin.stop());
}
