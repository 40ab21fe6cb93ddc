//! Reads a full ring buffer, as often as the first argument says, and prints a line a round:
//! nanoseconds of reading, records, the sum of their numbers.

const std = @import("std");
const bpf = @import("bpf");
// The types and maps of flood.bpf.c.
const types = @import("types");

pub fn main() !void {
    const arguments = try bpf.arguments(bpf.allocator);
    const rounds = if (arguments.len > 1) try std.fmt.parseInt(u32, arguments[1], 10) else 1;
    const object: bpf.Object = try .open(types.object_name);
    try object.load();
    var events = try object.ringBuffer(types.maps.events);
    const fill = try object.program("fill");
    for (0..rounds) |_| {
        _ = try fill.testRun(.{});
        const start = bpf.poll.now();
        var records: u64 = 0;
        var sum: u64 = 0;
        while (true) {
            const batch = try events.next(.none);
            if (batch.isEmpty()) break;
            var values = batch.values(types.Event);
            while (values.next()) |event| {
                records += 1;
                sum += event.number;
            }
        }
        try bpf.print("{d} {d} {d}\n", .{ bpf.poll.now() - start, records, sum });
    }
}
