//! Reads a ring buffer in every way.

const std = @import("std");
const bpf = @import("bpf");
const types = @import("types");

/// Longer than the program takes to write its late record.
const patience: bpf.Timeout = .{ .ns = 10 * std.time.ns_per_s };
const moment: bpf.Timeout = .{ .ns = 5 * std.time.ns_per_ms };

pub fn main() !void {
    const object: bpf.Object = try .open(types.object_name);
    try object.load();
    var ring = try object.ringBuffer(types.maps.events);
    if (object.ringBuffer(types.maps.events)) |_| {} else |err| {
        try bpf.print("second reader: Err(ErrorCode::{s})\n", .{@errorName(err)});
    }
    try bpf.print("nothing yet: {}\n", .{try size(&ring, .none) == 0});
    try bpf.print("time is up: {}\n", .{try size(&ring, moment) == 0});
    try echo(object, &ring);
    try pieces(object, &ring);
    try full(object, &ring);
    try late(object, &ring);
    ring.close();
    ring = try object.ringBuffer(types.maps.events);
    try bpf.print("a new reader finds {d} bytes\n", .{ring.available()});
}

fn size(ring: *bpf.RingBuffer, timeout: bpf.Timeout) !usize {
    return (try ring.next(timeout)).bytes.len;
}

fn count(batch: bpf.Batch) u32 {
    var number: u32 = 0;
    var events = batch.values(types.Event);
    while (events.next()) |_| number += 1;
    return number;
}

/// Runs the program that writes records, of which some discarded; returns how many fitted.
fn fill(object: bpf.Object, records: u32, discarded: u32) !u32 {
    return run(object, "fill", std.mem.sliceAsBytes(&[_]u32{ records, discarded }));
}

fn run(object: bpf.Object, name: []const u8, context: []const u8) !u32 {
    const program = try object.program(name);
    defer program.close();
    return (try program.testRun(.{ .context = context })).return_value;
}

/// Prints what the program wrote, discarded records left out.
fn echo(object: bpf.Object, ring: *bpf.RingBuffer) !void {
    try bpf.print("echo: wrote {d}\n", .{try fill(object, 5, 2)});
    try bpf.print("available {d}\n", .{ring.available()});
    const batch = try ring.next(.forever);
    try bpf.print("batch of {d} bytes\n", .{batch.bytes.len});
    var events = batch.values(types.Event);
    while (events.next()) |event| try bpf.print("  {d} {s}\n", .{ event.number, event.textText() });
    try bpf.print("available while held {d}\n", .{ring.available()});
    ring.release();
    try bpf.print("available after {d}\n", .{ring.available()});
}

/// Reads a record at a time, however few bytes were asked for.
fn pieces(object: bpf.Object, ring: *bpf.RingBuffer) !void {
    _ = try fill(object, 3, 0);
    for ([_]u32{ 1, 24, 47 }) |bytes| {
        ring.bytes_max = bytes;
        try bpf.print("of at most {d} bytes: {d}\n", .{ bytes, try size(ring, .none) });
    }
    try bpf.print("and then: {}\n", .{try size(ring, .none) == 0});
    ring.bytes_max = 1 << 20;
}

/// More than the ring holds is lost; what is read leaves room.
fn full(object: bpf.Object, ring: *bpf.RingBuffer) !void {
    try bpf.print("full: wrote {d} of 5000\n", .{try fill(object, 5000, 0)});
    try bpf.print("no room: {d}\n", .{try fill(object, 1, 0)});
    var records: u32 = 0;
    var batches: u32 = 0;
    var largest: usize = 0;
    while (true) {
        const batch = try ring.next(.none);
        if (batch.isEmpty()) break;
        records += count(batch);
        batches += 1;
        largest = @max(largest, batch.bytes.len);
    }
    const several = if (batches > 1) "several" else "no";
    try bpf.print("read {d} in {s} batches\n", .{ records, several });
    try bpf.print("none above half of the ring: {}\n", .{largest <= 32 * 1024});
    try bpf.print("room again: {d}\n", .{try fill(object, 1, 0)});
    try bpf.print("read {d}\n", .{count(try ring.next(.none))});
}

/// Waits for a record, in the call and with a time-out.
fn late(object: bpf.Object, ring: *bpf.RingBuffer) !void {
    ring.release();
    _ = try run(object, "fill_later", "");
    const batch = try ring.next(.forever);
    var events = batch.values(types.Event);
    while (events.next()) |event| {
        try bpf.print("late: {d} {s}\n", .{ event.number, event.textText() });
    }
    ring.release();
    try bpf.print("the timer is first: {}\n", .{try size(ring, moment) == 0});
    _ = try run(object, "fill_later", "");
    const found = try ring.next(patience);
    try bpf.print("the record is first: {}\n", .{found.bytes.len > 0});
    try bpf.print("still ready: {}\n", .{ring.available() > 0});
    try bpf.print("read {d}\n", .{count(found)});
}
