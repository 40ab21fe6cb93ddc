//! Typed names of maps and global variables.

use std::fmt;
use std::marker::PhantomData;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident<$($param:ident),*>;)*) => {$(
        $(#[$doc])*
        pub struct $name<$($param),*> {
            name: &'static str,
            types: PhantomData<fn() -> ($($param,)*)>,
        }
        impl<$($param),*> $name<$($param),*> {
            /// Names and types normally come from the BPF object, in generated code.
            #[inline]
            pub const fn new(name: &'static str) -> Self {
                Self { name, types: PhantomData }
            }
            /// The name in the BPF object.
            #[inline]
            pub const fn name(&self) -> &'static str {
                self.name
            }
        }
        impl<$($param),*> Clone for $name<$($param),*> {
            fn clone(&self) -> Self {
                *self
            }
        }
        impl<$($param),*> Copy for $name<$($param),*> {}
        impl<$($param),*> fmt::Debug for $name<$($param),*> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.name).finish()
            }
        }
    )*};
}

names! {
    /// The name and type of a global variable in `.rodata*`, `.data*` or `.bss*`.
    Global<T>;
    /// The name of a map with the types of its key (`()` for queues, stacks and bloom filters) and
    /// value.
    MapName<K, V>;
    /// The same for a per-CPU map: one `V` for each CPU.
    PerCpuMapName<K, V>;
    /// The name of a ring buffer (`BPF_MAP_TYPE_RINGBUF`).
    RingBufferName<>;
    /// The name of a perf event array (`BPF_MAP_TYPE_PERF_EVENT_ARRAY`).
    PerfEventArrayName<>;
    /// The name of a user ring buffer (`BPF_MAP_TYPE_USER_RINGBUF`).
    UserRingBufferName<>;
}
