//! Shows what the BPF program has counted since the last time, each second.

const std = @import("std");
const bpf = @import("bpf");
// The types and maps of probe.bpf.c.
const types = @import("types");

pub fn main() !void {
    const arguments = try bpf.arguments(bpf.allocator);
    const seconds = if (arguments.len > 1) try std.fmt.parseInt(u32, arguments[1], 10) else 1;
    const object: bpf.Object = try .open(types.object_name);
    try object.load();
    const table: *bpf.Table = try .fromBtf("counts", object, "count");
    // The host sorts and cuts the rows of an interval.
    try table.addHint("", "sort", "-switches,pid");
    try table.addHint("", "limit", "10");

    const counts = try object.map(types.maps.counts);
    _ = try object.attach(bpf.allocator);
    while (true) {
        // False when the operator asks to stop.
        const goes_on = try bpf.sleep(@as(u64, seconds) * std.time.ns_per_s);
        // Takes the entries out of the map, many at a time.
        var taken = try counts.drain();
        defer taken.close();
        while (try taken.next()) |entry| try table.push(&entry.value);
        try table.endOfInterval();
        if (!goes_on) return;
    }
}
