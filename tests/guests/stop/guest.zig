//! Waits in every way and is asked to stop, or asks itself.

const std = @import("std");
const bpf = @import("bpf");
const types = @import("types");

/// Longer than any test.
const hour = 3600 * std.time.ns_per_s;

const How = enum {
    read,
    @"read-within",
    poll,
    sleep,
    write,
    itself,
    timers,
    exit,
    @"exit-255",
    fail,
};

pub fn main() !void {
    const arguments = try bpf.arguments(bpf.allocator);
    const word = if (arguments.len > 1) arguments[1] else "";
    const how = std.meta.stringToEnum(How, word) orelse
        return bpf.fail(error.InvalidArgument, "no such case");
    const object: bpf.Object = try .open(types.object_name);
    try object.load();
    try bpf.print("asked: {}\n", .{bpf.stopRequested()});
    switch (how) {
        .read => try read(object, .forever),
        .@"read-within" => try read(object, .{ .ns = hour }),
        .poll => try poll(object),
        .sleep => {
            try bpf.print("waiting\n", .{});
            try bpf.print("slept: {}\n", .{try bpf.sleep(hour)});
        },
        .write => try write(object),
        .itself => {
            bpf.requestStop();
            try bpf.waitForStop();
        },
        .timers => try timers(),
        .exit => bpf.exit(3),
        .@"exit-255" => bpf.exit(255),
        .fail => return bpf.fail(error.Other, "it was asked to fail"),
    }
    try bpf.print("asked: {}\n", .{bpf.stopRequested()});
    const stop = bpf.poll.stop.subscribe();
    try bpf.print("stop is ready: {}\n", .{bpf.stopRequested() == stop.isReady()});
}

fn produce(object: bpf.Object) !void {
    const program = try object.program("produce");
    defer program.close();
    _ = try program.testRun(.{});
}

/// What arrives before the end is still read; from then on nothing is waited for.
fn read(object: bpf.Object, timeout: bpf.Timeout) !void {
    var ring = try object.ringBuffer(types.maps.events);
    try produce(object);
    var said = false;
    while (true) {
        const batch = try ring.next(timeout);
        if (batch.isEmpty()) break;
        var words = batch.values(u32);
        while (words.next()) |word| try bpf.print("read [{d}]\n", .{word.*});
        if (!said) try bpf.print("waiting\n", .{});
        said = true;
    }
    try produce(object);
    var words = (try ring.next(.forever)).values(u32);
    var left: u32 = 0;
    while (words.next()) |_| left += 1;
    try bpf.print("left over: Some({d})\n", .{left});
    try bpf.print("and then: {}\n", .{(try ring.next(.forever)).isEmpty()});
}

fn poll(object: bpf.Object) !void {
    const ring = try object.ringBuffer(types.maps.events);
    var poller: bpf.Poller = .{};
    defer poller.deinit();
    const stop = try poller.add(bpf.poll.stop);
    const events = try poller.add(ring);
    const after = try poller.after(hour);
    try bpf.print("waiting\n", .{});
    const ready = try poller.wait();
    try bpf.print("stop {}, timer {}\n", .{ ready.has(stop), ready.has(after) });
    try bpf.print("buffers too: {}\n", .{(try poller.wait()).has(events)});
}

/// A full buffer that nobody drains.
fn write(object: bpf.Object) !void {
    const commands = try object.userRingBuffer(types.maps.commands);
    var batch: bpf.BatchBuilder = .{};
    defer batch.deinit();
    for (0..257) |word| try batch.pushValue(@as(u32, @intCast(word)));
    try bpf.print("waiting\n", .{});
    try commands.write(&batch, .forever);
    try bpf.print("left {d} bytes\n", .{batch.bytes.items.len});
    try bpf.print("ready: {}\n", .{commands.subscribe().isReady()});
}

fn timers() !void {
    const ms = std.time.ns_per_ms;
    try bpf.print("slept: {}\n", .{try bpf.sleep(2 * ms)});
    var poller: bpf.Poller = .{};
    defer poller.deinit();
    const stop = try poller.add(bpf.poll.stop);
    const tick = try poller.every(2 * ms);
    const end = try poller.after(20 * ms);
    var ticks: u32 = 0;
    while (true) {
        const ready = try poller.wait();
        if (ready.has(tick)) ticks += 1;
        if (ready.has(end)) {
            try bpf.print("stop {}\n", .{ready.has(stop)});
            break;
        }
    }
    try bpf.print("several ticks: {}, not too many: {}\n", .{ ticks > 1, ticks <= 10 });
    var nothing: bpf.Poller = .{};
    if (nothing.wait()) |_| {} else |err| {
        try bpf.print("nothing to wait for: Err(ErrorCode::{s})\n", .{@errorName(err)});
    }
}
