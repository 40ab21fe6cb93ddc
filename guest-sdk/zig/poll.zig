//! Waiting: for several things at once, for a time, for the operator's request to stop.

const std = @import("std");
const abi = @import("abi.zig");
const errors = @import("errors.zig");
const memory = @import("memory.zig");
const output = @import("output.zig");

const Call = memory.Call;
const Error = errors.Error;

/// Whether the operator has asked the guest to stop.
pub fn stopRequested() bool {
    return abi.@"stop-requested"();
}

/// Stops as though the operator had asked.
pub fn requestStop() void {
    abi.@"request-stop"();
}

/// Ready when the operator asks the guest to stop, and ever after.
pub const stop: Stop = .{};

pub const Stop = struct {
    pub fn subscribe(_: Stop) Pollable {
        return .{ .handle = abi.@"subscribe-stop"() };
    }
};

/// One thing to wait for.
pub const Pollable = struct {
    handle: abi.Handle,

    /// Whether it is ready now.
    pub fn isReady(self: Pollable) bool {
        return abi.@"[method]pollable.ready"(self.handle);
    }

    pub fn close(self: Pollable) void {
        abi.@"[resource-drop]pollable"(self.handle);
    }
};

/// Nanoseconds of the monotonic clock.
pub fn now() u64 {
    return abi.now();
}

/// Sleeps so many nanoseconds; false when the operator asked the guest to stop meanwhile.
pub fn sleep(ns: u64) Error!bool {
    var poller: Poller = .{};
    defer poller.deinit();
    const stopped = try poller.add(stop);
    _ = try poller.after(ns);
    const ready = try poller.wait();
    return !ready.has(stopped);
}

/// Waits until the operator asks the guest to stop.
pub fn waitForStop() Error!void {
    var poller: Poller = .{};
    defer poller.deinit();
    _ = try poller.add(stop);
    _ = try poller.wait();
}

/// Names one thing that a `Poller` waits for.
pub const Token = enum(u32) { _ };

/// What was ready when `Poller.wait` returned; valid until the next call.
pub const Ready = struct {
    tokens: []const Token,

    /// Whether this was ready.
    pub fn has(self: Ready, token: Token) bool {
        return std.mem.findScalar(Token, self.tokens, token) != null;
    }
};

/// Waits for buffers, timers and `stop`.
///
/// Read a buffer that is ready until it is empty: as long as the guest holds a batch it counts as
/// ready. Once the operator has asked the guest to stop every buffer does.
pub const Poller = struct {
    entries: std.ArrayList(Entry) = .empty,
    handles: std.ArrayList(abi.Handle) = .empty,
    tokens: std.ArrayList(Token) = .empty,
    ready: std.ArrayList(Token) = .empty,

    const Entry = struct {
        /// Null: a delay that has passed.
        pollable: ?Pollable,
        kind: Kind,
    };

    const Kind = union(enum) {
        source,
        delay,
        interval: struct { next: u64, length: u64 },
    };

    pub fn deinit(self: *Poller) void {
        for (self.entries.items) |entry| if (entry.pollable) |pollable| pollable.close();
        self.entries.deinit(memory.allocator);
        self.handles.deinit(memory.allocator);
        self.tokens.deinit(memory.allocator);
        self.ready.deinit(memory.allocator);
    }

    /// Also waits for this: a buffer, or `stop`.
    pub fn add(self: *Poller, source: anytype) Error!Token {
        return self.push(.{ .pollable = source.subscribe(), .kind = .source });
    }

    /// Also wakes up after so many nanoseconds, once.
    pub fn after(self: *Poller, ns: u64) Error!Token {
        return self.push(.{ .pollable = in(ns), .kind = .delay });
    }

    /// Also wakes up at this interval, the first time after one. Intervals that pass while the
    /// guest does something else are not made up for.
    pub fn every(self: *Poller, ns: u64) Error!Token {
        // An interval of nothing would never let anything else come up.
        const length = @max(ns, 1);
        const next = now() +| length;
        return self.push(.{
            .pollable = at(next),
            .kind = .{ .interval = .{ .next = next, .length = length } },
        });
    }

    fn push(self: *Poller, entry: Entry) Error!Token {
        try self.entries.append(memory.allocator, entry);
        return @fromBackingInt(@intCast(self.entries.items.len - 1));
    }

    /// Waits until something is ready.
    pub fn wait(self: *Poller) Error!Ready {
        try output.beforeWait();
        self.handles.clearRetainingCapacity();
        self.tokens.clearRetainingCapacity();
        self.ready.clearRetainingCapacity();
        for (self.entries.items, 0..) |entry, i| {
            const pollable = entry.pollable orelse continue;
            try self.handles.append(memory.allocator, pollable.handle);
            try self.tokens.append(memory.allocator, @fromBackingInt(@intCast(i)));
        }
        if (self.handles.items.len == 0)
            return errors.fail(error.InvalidState, "wait: the poller has nothing to wait for");
        const call = Call.begin(&memory.scratch);
        abi.poll(self.handles.items.ptr, self.handles.items.len, call.ret());
        const indexes = call.end().list(0, 4);
        for (0..indexes.count) |i| {
            const token = self.tokens.items[indexes.item(i).int(u32, 0)];
            try self.ready.append(memory.allocator, token);
        }
        for (self.ready.items) |token| renew(&self.entries.items[@backingInt(token)]);
        return .{ .tokens = self.ready.items };
    }

    /// What was ready is waited for again, unless it was a delay.
    fn renew(entry: *Entry) void {
        switch (entry.kind) {
            .source => {},
            .delay => {
                if (entry.pollable) |pollable| pollable.close();
                entry.pollable = null;
            },
            .interval => |*interval| {
                if (entry.pollable) |pollable| pollable.close();
                const steps = (now() -| interval.next) / interval.length +| 1;
                interval.next +|= steps *| interval.length;
                entry.pollable = at(interval.next);
            },
        }
    }

    fn in(ns: u64) Pollable {
        return .{ .handle = abi.@"subscribe-duration"(ns) };
    }

    fn at(when: u64) Pollable {
        return .{ .handle = abi.@"subscribe-instant"(when) };
    }
};
