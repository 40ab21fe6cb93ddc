//! `fd_*` on standard input, output and error: there are no other descriptors.

use std::io;

use wasmtime::{Caller, Linker};
use wasmtime_wasi::p2::{InputStream, StreamError};
use wasmtime_wasi_io::bytes::Bytes;

use super::abi::{Errno, Guest, Outcome, number};
use super::{MODULE, Preview1, Preview1View};

const STDIN: u32 = 0;
const STDOUT: u32 = 1;
const STDERR: u32 = 2;

/// Bytes of one read of standard input.
const READ_BYTES_MAX: u32 = 64 * 1024;

/// `filetype` of the specification: what a terminal is. Standard output always is one, so that C
/// libraries pass on each line: a guest that is ended in the middle of its loop, as most of these
/// are, must not take what it said last with it. The console gathers lines again.
const CHARACTER_DEVICE: u8 = 2;
const UNKNOWN: u8 = 0;

/// `rights` of the specification.
const RIGHT_READ: u64 = 1 << 1;
const RIGHT_WRITE: u64 = 1 << 6;
const RIGHT_STATUS: u64 = 1 << 21;
const RIGHT_POLL: u64 = 1 << 27;

pub(super) fn add_to_linker<T: Preview1View>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "fd_write",
        |mut caller: Caller<'_, T>, fd: u32, vectors: u32, count: u32, written: u32| {
            write(&mut caller, fd, (vectors, count), written)
        },
    )?;
    linker.func_wrap_async(
        MODULE,
        "fd_read",
        |mut caller: Caller<'_, T>, (fd, vectors, count, read): (u32, u32, u32, u32)| {
            Box::new(async move { read_into(&mut caller, fd, (vectors, count), read).await })
        },
    )?;
    linker.func_wrap(MODULE, "fd_close", |_: Caller<'_, T>, fd: u32| {
        number(known(fd))
    })?;
    linker.func_wrap(
        MODULE,
        "fd_fdstat_set_flags",
        |_: Caller<'_, T>, fd: u32, _flags: u32| number(known(fd)),
    )?;
    linker.func_wrap(
        MODULE,
        "fd_fdstat_get",
        |mut caller: Caller<'_, T>, fd: u32, status: u32| {
            let mut guest = Guest::new(&mut caller)?;
            Ok(number(
                known(fd).and_then(|()| guest.write(status, &status_of(fd))),
            ))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_filestat_get",
        |mut caller: Caller<'_, T>, fd: u32, status: u32| {
            let mut guest = Guest::new(&mut caller)?;
            // struct filestat: device, inode, type, links, size, three times.
            let mut bytes = [0; 64];
            bytes[16] = type_of(fd);
            Ok(number(known(fd).and_then(|()| guest.write(status, &bytes))))
        },
    )?;
    Ok(())
}

fn known(fd: u32) -> Outcome {
    match fd {
        STDIN | STDOUT | STDERR => Ok(()),
        _ => Err(Errno::BadDescriptor),
    }
}

fn type_of(fd: u32) -> u8 {
    let terminal = match fd {
        STDIN => io::IsTerminal::is_terminal(&io::stdin()),
        STDOUT => true,
        _ => io::IsTerminal::is_terminal(&io::stderr()),
    };
    if terminal { CHARACTER_DEVICE } else { UNKNOWN }
}

/// struct fdstat: type, flags, rights, rights of what is opened through it.
fn status_of(fd: u32) -> [u8; 24] {
    let rights = match fd {
        STDIN => RIGHT_READ | RIGHT_STATUS | RIGHT_POLL,
        _ => RIGHT_WRITE | RIGHT_STATUS | RIGHT_POLL,
    };
    let mut bytes = [0; 24];
    bytes[0] = type_of(fd);
    bytes[8..16].copy_from_slice(&rights.to_le_bytes());
    bytes
}

fn write<T: Preview1View>(
    caller: &mut Caller<'_, T>,
    fd: u32,
    (vectors, count): (u32, u32),
    written: u32,
) -> wasmtime::Result<i32> {
    let vectors = match Guest::new(caller)?.vectors(vectors, count) {
        Ok(vectors) => vectors,
        Err(errno) => return Ok(errno as i32),
    };
    let mut total = 0_u32;
    for (pointer, length) in vectors {
        let bytes = match Guest::new(caller)?.bytes(pointer, length) {
            Ok(bytes) => Bytes::copy_from_slice(bytes),
            Err(errno) => return Ok(errno as i32),
        };
        let state = caller.data_mut().preview1();
        let stream = match fd {
            STDOUT => &mut state.stdout,
            STDERR => &mut state.stderr,
            _ => return Ok(Errno::BadDescriptor as i32),
        };
        match stream.as_mut().map(|stream| stream.write(bytes)) {
            None | Some(Ok(())) => total = total.saturating_add(length),
            // A guest that is told of it would print about it; it is ended instead.
            Some(Err(StreamError::Trap(trap))) => return Err(trap),
            Some(Err(_)) => return Ok(Errno::Io as i32),
        }
    }
    Ok(number(Guest::new(caller)?.write_u32(written, total)))
}

async fn read_into<T: Preview1View>(
    caller: &mut Caller<'_, T>,
    fd: u32,
    (vectors, count): (u32, u32),
    read: u32,
) -> wasmtime::Result<i32> {
    if fd != STDIN {
        return Ok(Errno::BadDescriptor as i32);
    }
    // One vector at a time, as a terminal gives one line at a time.
    let vectors = match Guest::new(caller)?.vectors(vectors, count) {
        Ok(vectors) => vectors,
        Err(errno) => return Ok(errno as i32),
    };
    let vector = vectors.iter().find(|(_, length)| *length > 0);
    let Some((pointer, length)) = vector.copied() else {
        return Ok(number(Guest::new(caller)?.write_u32(read, 0)));
    };
    if Guest::new(caller)?.bytes(pointer, length).is_err() {
        return Ok(Errno::Fault as i32);
    }
    caller.data_mut().before_wait();
    let bytes = match take_input(caller.data_mut().preview1(), length).await {
        Ok(bytes) => bytes,
        Err(errno) => return Ok(errno as i32),
    };
    let mut guest = Guest::new(caller)?;
    let outcome = guest.write(pointer, &bytes);
    let length = u32::try_from(bytes.len()).unwrap_or(0);
    Ok(number(outcome.and_then(|()| guest.write_u32(read, length))))
}

/// Some bytes of standard input; none at its end.
async fn take_input(state: &mut Preview1, length: u32) -> Outcome<Vec<u8>> {
    if state.console.is_none() {
        return Ok(Vec::new());
    }
    let stop = state.stop.clone();
    let stdin = state.stdin.get_or_insert_with(open_stdin);
    let length = length.min(READ_BYTES_MAX) as usize;
    loop {
        tokio::select! {
            biased;
            () = stdin.ready() => {}
            // As a signal does; the guest is ended after its grace if it reads on.
            () = stop.requested() => return Err(Errno::Interrupted),
        }
        match stdin.read(length) {
            Ok(bytes) if bytes.is_empty() => {}
            Ok(bytes) => return Ok(bytes.to_vec()),
            Err(StreamError::Closed) => return Ok(Vec::new()),
            Err(_) => return Err(Errno::Io),
        }
    }
}

fn open_stdin() -> Box<dyn InputStream> {
    use wasmtime_wasi::cli::StdinStream as _;
    wasmtime_wasi::cli::stdin().p2_stream()
}
