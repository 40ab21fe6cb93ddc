//! What a plugin asks its host to drive: see `Driver`.

const abi = @import("abi.zig");
const buffers = @import("buffers.zig");
const errors = @import("errors.zig");
const memory = @import("memory.zig");

const Call = memory.Call;
const Error = errors.Error;

/// What `start` gets. Handles that it is given are the host's from then on.
pub const Driver = struct {
    /// Has records delivered to `onEvents`; the number names the source.
    pub fn addRingBuffer(_: Driver, buffer: buffers.RingBuffer) Error!u32 {
        const call = Call.begin(&memory.scratch);
        abi.@"add-ring-buffer"(buffer.handle, call.ret());
        return (try errors.check(call, 4)).int(u32, 0);
    }

    /// The same for a perf event array.
    pub fn addPerfBuffer(_: Driver, buffer: buffers.PerfBuffer) Error!u32 {
        const call = Call.begin(&memory.scratch);
        abi.@"add-perf-buffer"(buffer.handle, call.ret());
        return (try errors.check(call, 4)).int(u32, 0);
    }

    /// Has `onTick` called at this interval.
    pub fn setTick(_: Driver, interval_ns: u64) Error!void {
        const call = Call.begin(&memory.scratch);
        abi.@"set-tick"(interval_ns, call.ret());
        _ = try errors.check(call, 4);
    }
};
