package bpf

import "unsafe"

// TypeID is a type's number in its BTF; 0 is void.
type TypeID uint32

// BTF is the types of an object, for guests that learn layouts at run time.
type BTF struct{ handle int32 }

// BTF returns the types of the object.
func (o *Object) BTF() (*BTF, error) {
	handle, err := ask(func() { abiObjectBTF(o.handle, ret) }, takeHandle)
	if err != nil {
		return nil, err
	}
	return &BTF{handle}, nil
}

// Close closes the handle.
func (b *BTF) Close() { abiBTFDrop(b.handle) }

// Count is the number of types; their numbers run from 0 to one less.
func (b *BTF) Count() uint32 { return abiBTFCount(b.handle) }

// Find returns the first type of this name; `struct event` says which kind is meant.
func (b *BTF) Find(name string) (TypeID, bool) {
	var isThere bool
	id := get(func() { abiBTFFind(b.handle, textAt(name), uint32(len(name)), ret) },
		func() TypeID {
			isThere = u8(0) != 0
			return TypeID(u32(4))
		})
	if !isThere {
		return 0, false
	}
	return id, true
}

// Describe describes a type.
func (b *BTF) Describe(id TypeID) (Type, error) {
	return ask(func() { abiBTFDescribe(b.handle, uint32(id), ret) },
		func() Type { return describe(item{unsafe.Add(ret, 4)}) })
}

// Closure describes a type and every type that its layout needs; the type itself first.
func (b *BTF) Closure(id TypeID) ([]Type, error) {
	return ask(func() { abiBTFClosure(b.handle, uint32(id), ret) },
		func() []Type { return items(listAt(4), 32, describe) })
}

// Kind is what a type is: the cases of type-kind in wit/btf.wit.
type Kind uint8

// The kinds, in the order of the contract.
const (
	KindVoid Kind = iota
	KindInt
	KindPointer
	KindArray
	KindStruct
	KindUnion
	KindEnum
	KindForward
	KindTypedef
	KindVolatile
	KindConst
	KindRestrict
	KindFunction
	KindFunctionPrototype
	KindVariable
	KindDataSection
	KindFloat
	KindDeclarationTag
	KindTypeTag
	KindOther
)

// Type describes a type. Which of its members mean something depends on the kind.
type Type struct {
	ID   TypeID
	Name string
	// Size is bytes; 0 where the kind has no size.
	Size uint32
	Kind Kind
	// Target is what a pointer, array, typedef, qualifier, tag, variable or function leads to.
	Target TypeID
	// Length is that of an array; 0: flexible.
	Length uint32
	// Signed, Char and Boolean are of integers, Signed also of enums.
	Signed, Char, Boolean bool
	// BitOffset and Bits are of integers.
	BitOffset, Bits uint32
	// Members are of structs and unions; the parameters of function prototypes; the variables of
	// data sections.
	Members     []Member
	Enumerators []Enumerator
	// Linkage is that of a variable or function, Component that of a declaration tag, and Number
	// the kind of KindForward (0: struct, 1: union) and KindOther.
	Linkage   uint32
	Component int32
	Number    uint32
}

// Member is a member of a struct or union, a parameter, or a variable of a section.
type Member struct {
	// Name is empty for an anonymous struct or union.
	Name string
	Type TypeID
	// BitOffset is from the start of the struct; BitWidth is 0 for what is no bit field.
	BitOffset, BitWidth uint32
	// Size is bytes, of a variable of a section.
	Size uint32
}

// Enumerator is a name of a number; its bits are unsigned unless the enum is signed.
type Enumerator struct {
	Name  string
	Value int64
}

func describe(i item) Type {
	described := Type{
		ID: TypeID(i.u32(0)), Name: i.text(4), Size: i.u32(12), Kind: Kind(i.u8(16)),
	}
	const payload = 20
	switch described.Kind {
	case KindVoid, KindFloat:
	case KindInt:
		encoding := i.u8(payload)
		described.Signed, described.Char = encoding&1 != 0, encoding&2 != 0
		described.Boolean = encoding&4 != 0
		described.BitOffset, described.Bits = i.u32(payload+4), i.u32(payload+8)
	case KindArray:
		described.Target, described.Length = TypeID(i.u32(payload)), i.u32(payload+4)
	case KindStruct, KindUnion:
		described.Members = items(i.list(payload), 20, func(i item) Member {
			return Member{
				Name: i.text(0), Type: TypeID(i.u32(8)), BitOffset: i.u32(12), BitWidth: i.u32(16),
			}
		})
	case KindEnum:
		described.Signed = i.flag(payload)
		described.Enumerators = items(i.list(payload+4), 16, func(i item) Enumerator {
			return Enumerator{i.text(0), int64(i.u64(8))}
		})
	case KindFunctionPrototype:
		described.Target = TypeID(i.u32(payload))
		described.Members = items(i.list(payload+4), 12, func(i item) Member {
			return Member{Name: i.text(0), Type: TypeID(i.u32(8))}
		})
	case KindDataSection:
		described.Members = items(i.list(payload), 12, func(i item) Member {
			return Member{Type: TypeID(i.u32(0)), BitOffset: 8 * i.u32(4), Size: i.u32(8)}
		})
	case KindFunction, KindVariable:
		described.Target, described.Linkage = TypeID(i.u32(payload)), i.u32(payload+4)
	case KindDeclarationTag:
		described.Target = TypeID(i.u32(payload))
		described.Component = int32(i.u32(payload + 4))
	case KindForward:
		described.Number = uint32(i.u8(payload))
	case KindOther:
		described.Number = i.u32(payload)
	default:
		described.Target = TypeID(i.u32(payload))
	}
	return described
}
