// Describes the types of its object.
package main

import (
	"fmt"

	"eunomia.dev/bpf"
	_ "eunomia.dev/bpf/command"
	. "eunomia.dev/tests"
)

func main() {
	object := Get(bpf.Open(""))
	types := Get(object.BTF())
	fmt.Println("types:", types.Count() > 10)
	everything, _ := types.Find("struct everything")
	found, _ := types.Find("everything")
	fmt.Println("without a kind:", found == everything)
	other, isThere := types.Find("union everything")
	fmt.Println("of another kind:", Some(other, isThere))
	if Get(types.Describe(0)).Kind == bpf.KindVoid {
		fmt.Println("void: TypeKind::Void")
	}
	_, err := types.Describe(bpf.TypeID(types.Count()))
	fmt.Println("beyond the last:", Result(err))

	closure := Get(types.Closure(everything))
	fmt.Println("the type itself first:", closure[0].ID == everything)
	names := map[bpf.TypeID]string{}
	for _, described := range closure {
		names[described.ID] = name(described)
	}
	for _, described := range closure {
		show(described, names)
	}
	alone := Get(types.Describe(everything))
	fmt.Println("the same alone:", alone.Name, alone.Size)
	for _, name := range []string{"enum color", "struct color", "on_exec"} {
		if id, isThere := types.Find(name); isThere {
			show(Get(types.Describe(id)), names)
		} else {
			fmt.Println("no", name)
		}
	}
	Must(object.Load())
	fmt.Println("after load:", Get(object.BTF()).Count() == types.Count())
}

func name(described bpf.Type) string {
	if described.Name == "" {
		return "(anonymous)"
	}
	return described.Name
}

// show prints names in place of numbers, which differ between compilers.
func show(described bpf.Type, names map[bpf.TypeID]string) {
	to := func(id bpf.TypeID) string {
		if name, isThere := names[id]; isThere {
			return name
		}
		return "(not in it)"
	}
	fmt.Printf("%s, %d bytes: ", name(described), described.Size)
	switch described.Kind {
	case bpf.KindInt:
		fmt.Printf("int of %d bits, signed %t, boolean %t\n", described.Bits, described.Signed,
			described.Boolean)
	case bpf.KindStruct, bpf.KindUnion:
		fmt.Println("struct or union")
		for _, member := range described.Members {
			fmt.Printf("  %s at bit %d: %s", member.Name, member.BitOffset, to(member.Type))
			if member.BitWidth > 0 {
				fmt.Printf(", %d bits", member.BitWidth)
			}
			fmt.Println()
		}
	case bpf.KindArray:
		fmt.Println("array of", described.Length, to(described.Target))
	case bpf.KindEnum:
		fmt.Printf("enum, signed %t:", described.Signed)
		for _, enumerator := range described.Enumerators {
			fmt.Printf(" %s=%d", enumerator.Name, enumerator.Value)
		}
		fmt.Println()
	case bpf.KindPointer:
		fmt.Println("pointer to", to(described.Target))
	case bpf.KindTypedef:
		fmt.Println("typedef of", to(described.Target))
	case bpf.KindVolatile:
		fmt.Println("volatile", to(described.Target))
	case bpf.KindConst:
		fmt.Println("const", to(described.Target))
	case bpf.KindFunction:
		fmt.Println("function, linkage", described.Linkage)
	case bpf.KindFloat:
		fmt.Println("float")
	default:
		fmt.Println(described.Kind)
	}
}
