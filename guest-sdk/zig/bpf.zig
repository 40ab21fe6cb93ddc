//! The user-space half of an eBPF tool, as a sandboxed WebAssembly guest of ecli. It opens the BPF
//! object of its image, loads and attaches it, and reads what its programs write. What a call does
//! is said in full in the contract, wit/.
//!
//! A guest with `pub fn main() !void` is a command, which drives. One with `pub const Plugin` is a
//! plugin, which the host drives: a struct with `start(Driver) !Plugin`,
//! `onEvents(*Plugin, u32, Batch) !void`, `onTick(*Plugin) !void` and `stop(*Plugin) !void`.

const buffers = @import("buffers.zig");
const errors = @import("errors.zig");
const maps = @import("map.zig");
const objects = @import("object.zig");
const program = @import("program.zig");

pub const btf = @import("btf.zig");
pub const host = @import("host.zig");
pub const output = @import("output.zig");
pub const poll = @import("poll.zig");
pub const record = @import("record.zig");

/// Memory for guests that need some.
pub const allocator = @import("memory.zig").allocator;

pub const Object = objects.Object;
pub const Global = objects.Global;
pub const GlobalInfo = objects.GlobalInfo;
pub const listObjects = objects.listObjects;

pub const Program = program.Program;
pub const ProgramInfo = program.ProgramInfo;
pub const ProgramStatistics = program.ProgramStatistics;
pub const RunInput = program.RunInput;
pub const RunOutput = program.RunOutput;
pub const Link = program.Link;
pub const LinkInfo = program.LinkInfo;
pub const Iteration = program.Iteration;

pub const RawMap = maps.RawMap;
pub const MapInfo = maps.MapInfo;
pub const MapName = maps.MapName;
pub const MapOf = maps.MapOf;
pub const PerCpuMapName = maps.PerCpuMapName;
pub const PerCpuMapOf = maps.PerCpuMapOf;
pub const PerCpu = maps.PerCpu;
pub const Cursor = maps.Cursor;
pub const Entries = maps.Entries;
/// Flags of updates.
pub const flags = maps.flags;

pub const RingBufferName = buffers.RingBufferName;
pub const PerfEventArrayName = buffers.PerfEventArrayName;
pub const UserRingBufferName = buffers.UserRingBufferName;
pub const RingBuffer = buffers.RingBuffer;
pub const PerfBuffer = buffers.PerfBuffer;
pub const UserRingBuffer = buffers.UserRingBuffer;
pub const Batch = buffers.Batch;
pub const BatchBuilder = buffers.BatchBuilder;
pub const Record = buffers.Record;
pub const Timeout = buffers.Timeout;

pub const Driver = @import("plugin.zig").Driver;

pub const Table = output.Table;
pub const Row = output.Row;
pub const Field = output.Field;
pub const Hint = output.Hint;
pub const print = output.print;
pub const flush = output.flush;
pub const reportLost = output.reportLost;

pub const stopRequested = poll.stopRequested;
pub const requestStop = poll.requestStop;
pub const sleep = poll.sleep;
pub const waitForStop = poll.waitForStop;
pub const Poller = poll.Poller;
pub const exit = host.exit;
pub const arguments = host.arguments;

pub const Error = errors.Error;
pub const Details = errors.Details;
pub const lastError = errors.lastError;
pub const messageOf = errors.messageOf;
pub const fail = errors.fail;

/// C text: what is before the first NUL.
pub const text = record.text;

/// For root.zig.
pub const internal = struct {
    pub const codeOf = errors.codeOf;
    pub const freeLent = @import("memory.zig").freeLent;
};
