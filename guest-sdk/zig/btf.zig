//! The types of an object, for guests that learn layouts at run time.

const std = @import("std");
const abi = @import("abi.zig");
const errors = @import("errors.zig");
const memory = @import("memory.zig");

const Allocator = std.mem.Allocator;
const Call = memory.Call;
const Error = errors.Error;
const Item = memory.Item;

/// A type's number in its BTF; 0 is `void`.
pub const TypeId = u32;

/// The types of one BPF object.
pub const Btf = struct {
    handle: abi.Handle,

    pub fn close(self: Btf) void {
        abi.@"[resource-drop]btf"(self.handle);
    }

    /// Number of types; their numbers run from 0 to one less.
    pub fn count(self: Btf) u32 {
        return abi.@"[method]btf.count"(self.handle);
    }

    /// The first type of this name; `struct event` says which kind is meant.
    pub fn find(self: Btf, name: []const u8) ?TypeId {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]btf.find"(self.handle, memory.at(name), name.len, call.ret());
        const item = call.end();
        return if (item.flag(0)) item.int(u32, 4) else null;
    }

    /// Describes a type; the caller owns it, so an arena is best.
    pub fn describe(self: Btf, arena: Allocator, id: TypeId) Error!Type {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]btf.describe"(self.handle, id, call.ret());
        return read(arena, try errors.check(call, 4));
    }

    /// Describes a type and every type that its layout needs; the type itself first.
    pub fn closure(self: Btf, arena: Allocator, id: TypeId) Error![]Type {
        const call = Call.begin(&memory.scratch);
        abi.@"[method]btf.closure"(self.handle, id, call.ret());
        return all(Type, arena, (try errors.check(call, 4)).list(0, 32), read);
    }
};

/// A type: its kind is that of type-kind in wit/btf.wit.
pub const Type = struct {
    id: TypeId,
    /// Empty for anonymous types.
    name: []const u8,
    /// Bytes; 0 where the kind has no size.
    size: u32,
    kind: Kind,
};

/// What a type is, in the order of the contract.
pub const Kind = union(enum) {
    void,
    int: Int,
    pointer: TypeId,
    array: struct { element: TypeId, length: u32 },
    @"struct": []const Member,
    @"union": []const Member,
    enumeration: struct { signed: bool, enumerators: []const Enumerator },
    /// Whether it is a union that is only declared.
    forward: bool,
    typedef: TypeId,
    @"volatile": TypeId,
    @"const": TypeId,
    restrict: TypeId,
    function: Linked,
    function_prototype: struct { return_type: TypeId, parameters: []const Parameter },
    variable: Linked,
    data_section: []const SectionVariable,
    float,
    declaration_tag: struct { type: TypeId, component: i32 },
    type_tag: TypeId,
    /// A kind that is younger, by its number.
    other: u32,
};

pub const Int = struct { signed: bool, char: bool, boolean: bool, bit_offset: u32, bits: u32 };

pub const Member = struct {
    /// Empty for an anonymous struct or union.
    name: []const u8,
    type: TypeId,
    bit_offset: u32,
    /// 0: not a bit field.
    bit_width: u32,
};

/// Its bits are to be read as unsigned unless the enum is signed.
pub const Enumerator = struct { name: []const u8, value: i64 };

pub const Parameter = struct { name: []const u8, type: TypeId };

/// Linkage: 0 static, 1 global, 2 extern.
pub const Linked = struct { type: TypeId, linkage: u32 };

pub const SectionVariable = struct { type: TypeId, offset: u32, size: u32 };

fn read(arena: Allocator, item: Item) Error!Type {
    return .{
        .id = item.int(u32, 0),
        .name = try arena.dupe(u8, item.bytes(4)),
        .size = item.int(u32, 12),
        .kind = try kind(arena, item.int(u8, 16), .{ .address = item.address + 20 }),
    };
}

fn kind(arena: Allocator, number: u8, payload: Item) Error!Kind {
    const tag = std.enums.fromInt(std.meta.Tag(Kind), number) orelse .other;
    switch (tag) {
        .void => return .void,
        .float => return .float,
        .int => {
            const encoding = payload.int(u8, 0);
            return .{ .int = .{
                .signed = encoding & 1 != 0,
                .char = encoding & 2 != 0,
                .boolean = encoding & 4 != 0,
                .bit_offset = payload.int(u32, 4),
                .bits = payload.int(u32, 8),
            } };
        },
        .array => return .{
            .array = .{ .element = payload.int(u32, 0), .length = payload.int(u32, 4) },
        },
        .enumeration => return .{ .enumeration = .{
            .signed = payload.flag(0),
            .enumerators = try all(Enumerator, arena, payload.list(4, 16), enumerator),
        } },
        .forward => return .{ .forward = payload.flag(0) },
        .function_prototype => return .{ .function_prototype = .{
            .return_type = payload.int(u32, 0),
            .parameters = try all(Parameter, arena, payload.list(4, 12), parameter),
        } },
        .data_section => return .{
            .data_section = try all(SectionVariable, arena, payload.list(0, 12), variable),
        },
        .declaration_tag => return .{
            .declaration_tag = .{ .type = payload.int(u32, 0), .component = payload.int(i32, 4) },
        },
        inline .@"struct", .@"union" => |each| return @unionInit(
            Kind,
            @tagName(each),
            try all(Member, arena, payload.list(0, 20), member),
        ),
        inline .function, .variable => |each| return @unionInit(
            Kind,
            @tagName(each),
            .{ .type = payload.int(u32, 0), .linkage = payload.int(u32, 4) },
        ),
        inline .pointer, .typedef, .@"volatile", .@"const", .restrict, .type_tag, .other => |each| {
            return @unionInit(Kind, @tagName(each), payload.int(u32, 0));
        },
    }
}

fn all(
    comptime T: type,
    arena: Allocator,
    list: memory.List,
    readOne: fn (Allocator, Item) Error!T,
) Error![]T {
    const items = try arena.alloc(T, list.count);
    for (items, 0..) |*each, i| each.* = try readOne(arena, list.item(i));
    return items;
}

fn member(arena: Allocator, item: Item) Error!Member {
    return .{
        .name = try arena.dupe(u8, item.bytes(0)),
        .type = item.int(u32, 8),
        .bit_offset = item.int(u32, 12),
        .bit_width = item.int(u32, 16),
    };
}

fn enumerator(arena: Allocator, item: Item) Error!Enumerator {
    return .{ .name = try arena.dupe(u8, item.bytes(0)), .value = item.int(i64, 8) };
}

fn parameter(arena: Allocator, item: Item) Error!Parameter {
    return .{ .name = try arena.dupe(u8, item.bytes(0)), .type = item.int(u32, 8) };
}

fn variable(_: Allocator, item: Item) Error!SectionVariable {
    return .{ .type = item.int(u32, 0), .offset = item.int(u32, 4), .size = item.int(u32, 8) };
}
