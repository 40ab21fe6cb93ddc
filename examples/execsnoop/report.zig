//! The rows that are shown.

const std = @import("std");
const bpf = @import("bpf");
const types = @import("types");
const Options = @import("options.zig").Options;

const Event = types.Event;

/// Stands for the arguments that were not kept.
const cut_mark = "...";

pub const Report = struct {
    table: *bpf.Table,
    /// The time from which the kernel counts the time of events.
    epoch_ns: u64,

    pub fn init(options: Options) !Report {
        const is_hidden = if (options.time) "false" else "true";
        const table: *bpf.Table = try .fromFields("processes", &.{
            .{ .name = "time", .type = .u64, .hints = &.{
                .{ .key = "format", .value = "time-ns" },
                .{ .key = "hidden", .value = is_hidden },
            } },
            .{ .name = "event", .type = .text, .hints = &.{width("5")} },
            .{ .name = "pid", .type = .u32, .hints = &.{width("7")} },
            .{ .name = "ppid", .type = .u32, .hints = &.{width("7")} },
            .{ .name = "uid", .type = .u32, .hints = &.{width("5")} },
            .{ .name = "comm", .type = .text, .hints = &.{width("15")} },
            .{ .name = "code", .type = .u32, .cardinality = .optional, .hints = &.{width("4")} },
            .{ .name = "signal", .type = .u32, .cardinality = .optional, .hints = &.{
                .{ .key = "format", .value = "signal" },
                width("7"),
            } },
            .{ .name = "duration", .type = .u64, .cardinality = .optional, .hints = &.{
                .{ .key = "format", .value = "duration-ns" },
            } },
            .{ .name = "file", .type = .text, .cardinality = .optional, .hints = &.{width("20")} },
            .{ .name = "arguments", .type = .text, .cardinality = .repeated },
        });
        return .{ .table = table, .epoch_ns = bpf.host.bootEpoch() };
    }

    fn width(comptime columns: []const u8) bpf.Hint {
        return .{ .key = "width", .value = columns };
    }

    pub fn push(self: Report, record: bpf.Record) !void {
        const event = record.as(Event) orelse return bpf.fail(error.Other, "a record is too short");
        const text = record.payload[Event.tail_offset..];
        if (event.kind != .EVENT_EXEC) return self.pushExit(event);
        if (text.len < event.file_bytes)
            return bpf.fail(error.Other, "a record ends in its file name");
        return self.pushExec(event, text[0..event.file_bytes], text[event.file_bytes..]);
    }

    fn pushExec(self: Report, event: *const Event, file: []const u8, text: []const u8) !void {
        const row = try self.begin("exec", event);
        try row.putOptional(@as(?u32, null));
        try row.putOptional(@as(?u32, null));
        try row.putOptional(@as(?u64, null));
        // What is no UTF-8 the host replaces.
        try row.putOptionalText(withoutNul(file));
        const words = withoutNul(text);
        const is_cut = event.argument_bytes < event.argument_bytes_total;
        const count = std.mem.countScalar(u8, words, 0) + 1;
        try row.putCount(count + @intFromBool(is_cut));
        var each = std.mem.splitScalar(u8, words, 0);
        while (each.next()) |word| try row.putText(word);
        if (is_cut) try row.putText(cut_mark);
        return row.end();
    }

    fn pushExit(self: Report, event: *const Event) !void {
        const signal = event.exit_status & 0x7f;
        const row = try self.begin("exit", event);
        try row.putOptional(if (signal == 0) @as(?u32, event.exit_status >> 8) else null);
        try row.putOptional(if (signal != 0) @as(?u32, signal) else null);
        try row.putOptional(@as(?u64, event.duration_ns));
        try row.putOptionalText(null);
        try row.putCount(0);
        return row.end();
    }

    /// Puts what all rows have.
    fn begin(self: Report, what: []const u8, event: *const Event) !bpf.Row {
        const row = try self.table.row();
        try row.put(self.epoch_ns + event.time_ns);
        try row.putText(what);
        try row.put(event.pid);
        try row.put(event.ppid);
        try row.put(event.uid);
        try row.putText(event.commText());
        return row;
    }
};

fn withoutNul(text: []const u8) []const u8 {
    return if (std.mem.endsWith(u8, text, &.{0})) text[0 .. text.len - 1] else text;
}
