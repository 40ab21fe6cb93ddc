//! `args_*`, `environ_*`: the arguments, and an environment without variables.

use wasmtime::{Caller, Linker};

use super::abi::{Errno, Guest, Outcome, number};
use super::{MODULE, Preview1View};

pub(super) fn add_to_linker<T: Preview1View>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "args_sizes_get",
        |mut caller: Caller<'_, T>, count: u32, bytes: u32| {
            let sizes = sizes(&mut caller);
            let mut guest = Guest::new(&mut caller)?;
            Ok(number(sizes.and_then(|(arguments, total)| {
                guest.write_u32(count, arguments)?;
                guest.write_u32(bytes, total)
            })))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "args_get",
        |mut caller: Caller<'_, T>, pointers: u32, bytes: u32| {
            let args = caller.data_mut().preview1().args.clone();
            Ok(number(write_args(
                &mut Guest::new(&mut caller)?,
                &args,
                pointers,
                bytes,
            )))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "environ_sizes_get",
        |mut caller: Caller<'_, T>, count: u32, bytes: u32| {
            let mut guest = Guest::new(&mut caller)?;
            let written = guest.write_u32(count, 0);
            Ok(number(written.and_then(|()| guest.write_u32(bytes, 0))))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "environ_get",
        |_: Caller<'_, T>, _pointers: u32, _bytes: u32| 0,
    )?;
    Ok(())
}

/// How many arguments there are, and their bytes with a 0 behind each.
fn sizes<T: Preview1View>(caller: &mut Caller<'_, T>) -> Outcome<(u32, u32)> {
    let args = &caller.data_mut().preview1().args;
    let bytes = args.iter().map(|arg| arg.len() + 1).sum::<usize>();
    match (u32::try_from(args.len()), u32::try_from(bytes)) {
        (Ok(count), Ok(bytes)) => Ok((count, bytes)),
        _ => Err(Errno::InvalidArgument),
    }
}

fn write_args<T: 'static>(
    guest: &mut Guest<'_, '_, T>,
    args: &[String],
    mut pointers: u32,
    mut bytes: u32,
) -> Outcome {
    for arg in args {
        guest.write_u32(pointers, bytes)?;
        let text = [arg.as_bytes(), &[0]].concat();
        guest.write(bytes, &text)?;
        // What was written lies below 4 GiB.
        pointers = pointers.checked_add(4).ok_or(Errno::Fault)?;
        let length = u32::try_from(text.len()).map_err(|_| Errno::Fault)?;
        bytes = bytes.checked_add(length).ok_or(Errno::Fault)?;
    }
    Ok(())
}
