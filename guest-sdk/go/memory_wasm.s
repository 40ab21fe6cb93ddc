#include "textflag.h"

// func moreMemory(bytes uintptr) unsafe.Pointer
//
// Go's runtime must know of it, or it would take the same memory later.
TEXT ·moreMemory(SB), NOSPLIT, $16-16
	MOVD bytes+0(FP), R0
	MOVD R0, 0(SP)
	CALL runtime·sbrk(SB)
	MOVD 8(SP), R0
	MOVD R0, ret+8(FP)
	RET
