//! Writes a user ring buffer in every way.

const std = @import("std");
const bpf = @import("bpf");
const types = @import("types");

/// Bytes of the buffer that a record needs beside its payload.
const header_bytes = 8;
const ring_bytes = 4096;

pub fn main() !void {
    const object: bpf.Object = try .open(types.object_name);
    try object.load();
    const commands = try object.userRingBuffer(types.maps.commands);
    if (object.userRingBuffer(types.maps.commands)) |_| {} else |err| {
        try bpf.print("second writer: Err(ErrorCode::{s})\n", .{@errorName(err)});
    }

    var batch: bpf.BatchBuilder = .{};
    defer batch.deinit();
    try commands.write(&batch, .forever);
    try bpf.print("an empty batch is written\n", .{});
    for (1..4) |word| try batch.pushValue(@as(u32, @intCast(word)));
    try commands.write(&batch, .forever);
    try bpf.print("written: {}\n", .{batch.bytes.items.len == 0});
    try take(object, 10);

    // 16 bytes each: 256 of them fill the buffer.
    for (0..300) |word| try batch.pushValue(@as(u32, @intCast(word)));
    try commands.write(&batch, .none);
    try bpf.print("left without room: {d} bytes\n", .{batch.bytes.items.len});
    try commands.write(&batch, .{ .ns = 5 * std.time.ns_per_ms });
    try bpf.print("left when the time is up: {d} bytes\n", .{batch.bytes.items.len});
    try ready("ready", commands);
    try take(object, 1);
    try ready("ready", commands);
    try commands.write(&batch, .none);
    try bpf.print("left: {d} bytes\n", .{batch.bytes.items.len});
    try take(object, 1000);
    try commands.write(&batch, .forever);
    try bpf.print("left: {d} bytes\n", .{batch.bytes.items.len});
    try take(object, 1000);

    commands.close();
    try largest(object);
}

fn ready(what: []const u8, commands: bpf.UserRingBuffer) !void {
    const pollable = commands.subscribe();
    defer pollable.close();
    try bpf.print("{s}: {}\n", .{ what, pollable.isReady() });
}

/// The largest record that fits, alone.
fn largest(object: bpf.Object) !void {
    const commands = try object.userRingBuffer(types.maps.commands);
    var batch: bpf.BatchBuilder = .{};
    defer batch.deinit();
    const ones: [ring_bytes]u8 = @splat(1);
    try batch.push(ones[0 .. ring_bytes - header_bytes]);
    try commands.write(&batch, .forever);
    try bpf.print("largest written: {}\n", .{batch.bytes.items.len == 0});
    try batch.pushValue(@as(u32, 1));
    try batch.push(ones[0 .. ring_bytes - header_bytes + 1]);
    if (commands.write(&batch, .forever)) {} else |err| {
        const is_kept = batch.bytes.items.len > 0;
        const text = "one byte more: Err(ErrorCode::{s}), kept {}\n";
        try bpf.print(text, .{ @errorName(err), is_kept });
    }
    try take(object, 10);

    // 4000 bytes do not fit beside 1000.
    const zeros: [4000]u8 = @splat(0);
    batch.consume(batch.bytes.items.len);
    try batch.push(zeros[0..1000]);
    try batch.push(&zeros);
    try commands.write(&batch, .none);
    try ready("ready for 4000 bytes", commands);
    batch.consume(batch.bytes.items.len);
    try batch.push(zeros[0..8]);
    try commands.write(&batch, .none);
    try ready("ready after a write that fitted", commands);
    try take(object, 10);
}

fn take(object: bpf.Object, records: u32) !void {
    const program = try object.program("take");
    defer program.close();
    _ = try program.testRun(.{ .context = std.mem.asBytes(&records) });
    const taken = try object.get(types.globals.taken);
    try bpf.print("taken {d}, sum {d}\n", .{ taken, try object.get(types.globals.sum) });
}
