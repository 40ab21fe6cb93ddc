//! Shows the events that the BPF program reports.

const std = @import("std");
const bpf = @import("bpf");
// The types, globals and maps of probe.bpf.c.
const types = @import("types");

const globals = types.globals;
const maps = types.maps;

pub fn main() !void {
    const arguments = try bpf.arguments(bpf.allocator);
    // Only processes with this in their name.
    const wanted = if (arguments.len > 1) arguments[1] else "";
    const object: bpf.Object = try .open(types.object_name);
    try object.load();
    const table: *bpf.Table = try .fromBtf("events", object, "event");
    try table.addHint("time_ns", "format", "time-boot-ns");
    try table.addHint("time_ns", "title", "TIME");
    try table.addHint("pid", "width", "7");
    try table.addHint("uid", "width", "5");

    var events = try object.ringBuffer(maps.events);
    var links = try object.attach(bpf.allocator);
    while (true) {
        const batch = try events.next(.forever);
        // The operator asks to stop, and everything is read.
        if (batch.isEmpty()) break;
        if (bpf.stopRequested()) {
            // Detach, so that there is an end to what is to be read.
            for (links) |link| link.close();
            links = &.{};
        }
        var records = batch.values(types.Event);
        while (records.next()) |event| {
            if (std.mem.find(u8, event.commText(), wanted) != null) try table.push(event);
        }
    }
    bpf.reportLost(try object.get(globals.lost_events));
}
