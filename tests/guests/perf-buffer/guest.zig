//! Reads a perf event array.

const std = @import("std");
const bpf = @import("bpf");
const types = @import("types");

pub fn main() !void {
    const object: bpf.Object = try .open(types.object_name);
    try object.load();
    for ([_]u32{ 1, 4096, 8192, 3 }) |pages| {
        if (object.perfBuffer(types.maps.events, pages)) |opened| {
            var buffer = opened;
            buffer.close();
            try bpf.print("{d} pages: Ok(())\n", .{pages});
        } else |err| {
            try bpf.print("{d} pages: Err(ErrorCode::{s})\n", .{ pages, @errorName(err) });
        }
    }
    var perf = try object.perfBuffer(types.maps.events, 1);
    if (object.perfBuffer(types.maps.events, 0)) |_| {} else |err| {
        try bpf.print("second reader: Err(ErrorCode::{s})\n", .{@errorName(err)});
    }
    try bpf.print("nothing yet: {}\n", .{(try perf.next(.none)).isEmpty()});
    const timed_out = try perf.next(.{ .ns = 5 * std.time.ns_per_ms });
    try bpf.print("time is up: {}\n", .{timed_out.isEmpty()});

    try output(object, 3);
    const batch = try perf.next(.forever);
    try bpf.print("lost {d}\n", .{batch.lost});
    var records = batch.records();
    while (records.next()) |record| {
        const event = record.as(types.Event) orelse continue;
        try bpf.print("on CPU {d}: Some({d}), {d} bytes\n", .{
            record.cpu,
            event.number,
            record.payload.len,
        });
    }
    try losses(object, &perf);
    try bpf.print("all is read: {}\n", .{(try perf.next(.none)).isEmpty()});
}

/// More than a page holds; how many fit is the kernel's to say.
fn losses(object: bpf.Object, perf: *bpf.PerfBuffer) !void {
    try bpf.print("nothing left: {}\n", .{(try perf.next(.none)).isEmpty()});
    try output(object, 20);
    var sums: Sums = .{};
    try sums.count(perf);
    // The kernel tells of losses with the next record that fits.
    try output(object, 1);
    try sums.count(perf);
    try bpf.print("read some: {}, lost some: {}, in all {d}\n", .{
        sums.read > 5,
        sums.lost > 5,
        sums.read + sums.lost,
    });
}

const Sums = struct {
    read: u64 = 0,
    lost: u64 = 0,

    fn count(self: *Sums, perf: *bpf.PerfBuffer) !void {
        while (true) {
            const batch = try perf.next(.none);
            if (batch.isEmpty()) return;
            var events = batch.values(types.Event);
            while (events.next()) |_| self.read += 1;
            self.lost += batch.lost;
        }
    }
};

fn output(object: bpf.Object, records: u32) !void {
    try object.set(types.globals.records, records);
    const program = try object.program("output");
    _ = try program.testRun(.{ .cpu = 0 });
}
