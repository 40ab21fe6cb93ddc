//! The function of a guest that takes its samples.

use wasmtime::{AsContextMut, Caller, Extern, Func, Ref, TypedFunc};

use crate::error::{Error, ErrorKind, Result};

/// A function of the guest, its type checked once for a poll: context, data, size.
#[derive(Clone)]
pub(super) enum Callback {
    /// Negative: no more samples.
    Deciding(TypedFunc<(u32, u32, u32), i32>),
    /// Some Rust guests return nothing.
    Silent(TypedFunc<(u32, u32, u32), ()>),
}

/// The name under which guests export the table of their functions.
const TABLE: &str = "__indirect_function_table";

impl Callback {
    /// The function at `index` of the guest's table, which is what a pointer to a function is.
    pub(super) fn at<T: 'static>(caller: &mut Caller<'_, T>, index: u32) -> Result<Self> {
        let Some(Extern::Table(table)) = caller.get_export(TABLE) else {
            return Err(refused(&format!("the module exports no `{TABLE}`")));
        };
        match table.get(&mut *caller, u64::from(index)) {
            Some(Ref::Func(Some(function))) => Self::of(caller, function),
            _ => Err(refused(&format!("there is no function {index}"))),
        }
    }

    /// The function that the guest exports as `name`.
    pub(super) fn exported<T: 'static>(caller: &mut Caller<'_, T>, name: &str) -> Result<Self> {
        match caller.get_export(name) {
            Some(Extern::Func(function)) => Self::of(caller, function),
            _ => Err(refused(&format!("the module exports no function `{name}`"))),
        }
    }

    fn of<T: 'static>(caller: &mut Caller<'_, T>, function: Func) -> Result<Self> {
        if let Ok(function) = function.typed(&mut *caller) {
            return Ok(Self::Deciding(function));
        }
        let function = function.typed(&mut *caller);
        let silent = function.map_err(|_| refused("it is not int (void *, void *, size_t)"))?;
        Ok(Self::Silent(silent))
    }

    /// What the guest makes of the sample that lies at `data`.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        caller: &mut Caller<'_, T>,
        (ctx, data, size): (u32, u32, u32),
    ) -> wasmtime::Result<i32> {
        let store = caller.as_context_mut();
        match self {
            Self::Deciding(function) => function.call_async(store, (ctx, data, size)).await,
            Self::Silent(function) => {
                function.call_async(store, (ctx, data, size)).await?;
                Ok(0)
            }
        }
    }
}

fn refused(reason: &str) -> Error {
    Error::new(
        ErrorKind::InvalidArgument,
        format!("find the callback of a poll: {reason}"),
    )
}
