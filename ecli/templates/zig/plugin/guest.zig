//! Shows events and how many there are a second; the host drives it.

const std = @import("std");
const bpf = @import("bpf");
// The types, globals and maps of probe.bpf.c.
const types = @import("types");

pub const Plugin = struct {
    object: bpf.Object,
    events: *bpf.Table,
    rates: *bpf.Table,
    /// Since the last tick, and in all.
    count: u64 = 0,
    total: u64 = 0,

    pub fn start(driver: bpf.Driver) !Plugin {
        const object: bpf.Object = try .open(types.object_name);
        try object.load();
        _ = try driver.addRingBuffer(try object.ringBuffer(types.maps.events));
        try driver.setTick(std.time.ns_per_s);
        const events: *bpf.Table = try .fromBtf("events", object, "event");
        try events.addHint("time_ns", "format", "time-boot-ns");
        const rates: *bpf.Table = try .fromFields("rates", &.{
            .{ .name = "count", .type = .u64 },
            .{ .name = "total", .type = .u64 },
        });
        _ = try object.attach(bpf.allocator);
        return .{ .object = object, .events = events, .rates = rates };
    }

    pub fn onEvents(self: *Plugin, _: u32, batch: bpf.Batch) !void {
        var events = batch.values(types.Event);
        while (events.next()) |_| self.count += 1;
        try self.events.emitBatch(batch);
    }

    pub fn onTick(self: *Plugin) !void {
        self.total += self.count;
        const row = try self.rates.row();
        try row.put(self.count);
        try row.put(self.total);
        try row.end();
        self.count = 0;
        try self.rates.endOfInterval();
    }

    pub fn stop(self: *Plugin) !void {
        bpf.reportLost(try self.object.get(types.globals.lost_events));
    }
};
