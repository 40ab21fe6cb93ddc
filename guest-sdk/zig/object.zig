//! BPF objects: the kernel side of the tool.

const std = @import("std");
const abi = @import("abi.zig");
const buffers = @import("buffers.zig");
const errors = @import("errors.zig");
const mapping = @import("map.zig");
const memory = @import("memory.zig");
const running = @import("program.zig");
const types = @import("btf.zig");

const Call = memory.Call;
const Error = errors.Error;
const Item = memory.Item;
const Link = running.Link;

/// The names of the objects in this image, the default one first; the caller owns them.
pub fn listObjects(allocator: std.mem.Allocator) Error![]const []const u8 {
    const call = Call.begin(&memory.scratch);
    abi.@"list-objects"(call.ret());
    return copyTexts(allocator, call.end().list(0, 8));
}

/// Copies of a list of strings.
pub fn copyTexts(allocator: std.mem.Allocator, list: memory.List) Error![]const []const u8 {
    const texts = try allocator.alloc([]const u8, list.count);
    for (texts, 0..) |*text, i| text.* = try allocator.dupe(u8, list.item(i).bytes(0));
    return texts;
}

/// Names a global variable of type T; `ecli build` generates constants of it.
pub fn Global(comptime T: type) type {
    return struct {
        name: []const u8,
        pub const Value = T;
    };
}

/// Describes a global variable.
pub const GlobalInfo = struct {
    name: []const u8,
    /// Also the name of the map that holds it.
    section: []const u8,
    offset: u32,
    size: u32,
    type_id: types.TypeId,
    /// It cannot be set after load.
    constant: bool,
};

/// An opened BPF object of the image.
pub const Object = struct {
    handle: abi.Handle,

    /// Opens an object by its name; "" is the default one.
    pub fn open(name: []const u8) Error!Object {
        const call = Call.begin(&memory.scratch);
        abi.@"[static]bpf-object.open"(memory.at(name), name.len, call.ret());
        return .{ .handle = (try errors.check(call, 4)).int(i32, 0) };
    }

    /// Creates the maps and has the programs verified.
    pub fn load(self: Object) Error!void {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-object.load"(self.handle, call.ret());
        _ = try errors.check(call, 4);
    }

    /// Releases the object; it is unloaded when nothing that was made from it is left.
    pub fn close(self: Object) void {
        abi.@"[resource-drop]bpf-object"(self.handle);
    }

    /// Attaches every program to where its section says. The links stay until the guest ends, or
    /// until those that are returned are closed; the caller owns the slice.
    pub fn attach(self: Object, allocator: std.mem.Allocator) Error![]Link {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-object.attach"(self.handle, call.ret());
        const list = (try errors.check(call, 4)).list(0, 4);
        const links = try allocator.alloc(Link, list.count);
        for (links, 0..) |*each, i| each.* = .{ .handle = list.item(i).int(i32, 0) };
        return links;
    }

    /// Registers a struct_ops map.
    pub fn attachStructOps(self: Object, of: mapping.RawMap) Error!Link {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-object.attach-struct-ops"(self.handle, of.handle, call.ret());
        return .{ .handle = (try errors.check(call, 4)).int(i32, 0) };
    }

    /// Finds a program by its name.
    pub fn program(self: Object, name: []const u8) Error!running.Program {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-object.program"(self.handle, memory.at(name), name.len, call.ret());
        return .{ .handle = (try errors.check(call, 4)).int(i32, 0) };
    }

    /// Finds a map by its name.
    pub fn rawMap(self: Object, name: []const u8) Error!mapping.RawMap {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-object.map"(self.handle, memory.at(name), name.len, call.ret());
        return .{ .handle = (try errors.check(call, 4)).int(i32, 0) };
    }

    /// Finds a map by its typed name (`MapName`, `PerCpuMapName`).
    pub fn map(self: Object, name: anytype) Error!@TypeOf(name).Map {
        return .{ .raw = try self.rawMap(name.name) };
    }

    /// Starts reading a ring buffer.
    pub fn ringBuffer(self: Object, name: buffers.RingBufferName) Error!buffers.RingBuffer {
        const found = try self.rawMap(name.name);
        defer found.close();
        return .open(found);
    }

    /// Starts reading a perf event array, with so many pages for each CPU (0: 64).
    pub fn perfBuffer(
        self: Object,
        name: buffers.PerfEventArrayName,
        pages_per_cpu: u32,
    ) Error!buffers.PerfBuffer {
        const found = try self.rawMap(name.name);
        defer found.close();
        return .open(found, pages_per_cpu);
    }

    /// Starts writing a user ring buffer.
    pub fn userRingBuffer(
        self: Object,
        name: buffers.UserRingBufferName,
    ) Error!buffers.UserRingBuffer {
        const found = try self.rawMap(name.name);
        defer found.close();
        return .open(found);
    }

    /// Sets a variable (`Global`); constants before load only.
    pub fn set(self: Object, name: anytype, value: @TypeOf(name).Value) Error!void {
        return self.setBytes(name.name, std.mem.asBytes(&value));
    }

    /// Reads a variable (`Global`).
    pub fn get(self: Object, name: anytype) Error!@TypeOf(name).Value {
        return mapping.valueOf(@TypeOf(name).Value, try self.getBytes(name.name));
    }

    /// Sets a variable of exactly this size.
    pub fn setBytes(self: Object, name: []const u8, value: []const u8) Error!void {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-object.set-global"(
            self.handle,
            memory.at(name),
            name.len,
            memory.at(value),
            value.len,
            call.ret(),
        );
        _ = try errors.check(call, 4);
    }

    /// The bytes of a variable, borrowed until the next call.
    pub fn getBytes(self: Object, name: []const u8) Error![]const u8 {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-object.get-global"(self.handle, memory.at(name), name.len, call.ret());
        return (try errors.check(call, 4)).bytes(0);
    }

    /// Describes every program; the caller owns it, so an arena is best.
    pub fn programs(self: Object, arena: std.mem.Allocator) Error![]running.ProgramInfo {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-object.programs"(self.handle, call.ret());
        return describe(running.ProgramInfo, arena, call.end().list(0, 48), running.info);
    }

    /// Describes every map, those of global data included.
    pub fn maps(self: Object, arena: std.mem.Allocator) Error![]mapping.MapInfo {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-object.maps"(self.handle, call.ret());
        return describe(mapping.MapInfo, arena, call.end().list(0, 80), mapping.info);
    }

    /// Describes every global variable.
    pub fn globals(self: Object, arena: std.mem.Allocator) Error![]GlobalInfo {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-object.globals"(self.handle, call.ret());
        return describe(GlobalInfo, arena, call.end().list(0, 32), globalInfo);
    }

    /// The types of the object.
    pub fn btf(self: Object) Error!types.Btf {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]bpf-object.btf"(self.handle, call.ret());
        return .{ .handle = (try errors.check(call, 4)).int(i32, 0) };
    }
};

fn globalInfo(arena: std.mem.Allocator, item: Item) Error!GlobalInfo {
    return .{
        .name = try arena.dupe(u8, item.bytes(0)),
        .section = try arena.dupe(u8, item.bytes(8)),
        .offset = item.int(u32, 16),
        .size = item.int(u32, 20),
        .type_id = item.int(u32, 24),
        .constant = item.flag(28),
    };
}

fn describe(
    comptime T: type,
    arena: std.mem.Allocator,
    list: memory.List,
    read: fn (std.mem.Allocator, Item) Error!T,
) Error![]T {
    const infos = try arena.alloc(T, list.count);
    for (infos, 0..) |*each, i| each.* = try read(arena, list.item(i));
    return infos;
}
