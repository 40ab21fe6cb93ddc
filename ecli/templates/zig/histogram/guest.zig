//! Shows a histogram of what the BPF program measures, each second.

const std = @import("std");
const bpf = @import("bpf");
// The types and maps of probe.bpf.c.
const types = @import("types");

pub fn main() !void {
    const arguments = try bpf.arguments(bpf.allocator);
    const seconds = if (arguments.len > 1) try std.fmt.parseInt(u32, arguments[1], 10) else 1;
    const object: bpf.Object = try .open(types.object_name);
    try object.load();
    const table: *bpf.Table = try .fromBtf("lives", object, "histogram");
    try table.addHint("slots", "histogram", "log2");
    try table.addHint("slots", "unit", "usecs");

    const lives = try object.map(types.maps.lives);
    _ = try object.attach(bpf.allocator);
    while (true) {
        // False when the operator asks to stop.
        const goes_on = try bpf.sleep(@as(u64, seconds) * std.time.ns_per_s);
        if (try lives.lookup(0)) |histogram| {
            try table.push(&histogram);
            try table.endOfInterval();
        }
        if (!goes_on) return;
    }
}
