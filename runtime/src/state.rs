//! What a store holds for one guest, and the checks that run while it computes.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use eunomia_host_abi::host::{BpfCtx, BpfCtxView, BpfView};
use eunomia_host_abi::stop::StopSignal;
use eunomia_host_abi::wasm_bpf::{self, WasmBpfView};
use rustix::time::{ClockId, clock_gettime};
use wasmtime::component::ResourceTable;
use wasmtime::{Store, StoreContextMut, UpdateDeadline};
use wasmtime_wasi::cli::StdoutStream as _;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::console::GuestOutput;
use crate::preview1::{Preview1, Preview1View};
use crate::sandbox::{LimitExceeded, Limiter, Sandbox};
use crate::settings::{Settings, Stdio};
use crate::tool::Loaded;

/// What a store holds for one guest.
pub(crate) struct GuestState {
    // Links go before the table's other entries would not matter: each keeps its object.
    bpf: BpfCtx,
    table: ResourceTable,
    wasi: WasiCtx,
    /// For guests of the older ABI, as is `preview1`.
    wasm_bpf: wasm_bpf::Guest,
    preview1: Preview1,
    limiter: Limiter,
    watch: Watch,
}

/// What the epoch callback looks at.
struct Watch {
    /// Host calls so far: a guest that makes them is alive.
    calls: u64,
    seen_calls: u64,
    /// CPU time of the thread when `seen_calls` was taken.
    burst_start: Duration,
    /// CPU time of the thread when the guest began.
    start: Duration,
    stop: StopSignal,
    stop_seen: Option<Instant>,
    kill: Arc<AtomicBool>,
    sandbox: Sandbox,
}

/// The operator ended the guest.
#[derive(Debug)]
pub(crate) struct Killed;

impl std::fmt::Display for Killed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the guest was ended by the operator")
    }
}

impl std::error::Error for Killed {}

/// Bytes that a guest may pass in one host call: the largest batch twice, and room for the rest.
const HOSTCALL_BYTES_MAX: usize = 4 << 20;

/// A store for one run of `tool`, and the signals by which it is stopped and ended.
pub(crate) fn store(
    tool: &Loaded,
    settings: Settings,
    stop: StopSignal,
    kill: Arc<AtomicBool>,
) -> Store<GuestState> {
    let mut wasi = WasiCtxBuilder::new();
    wasi.arg(&tool.tool.name).args(&settings.args);
    settings.time.give(&mut wasi);
    let mut preview1 = Preview1 {
        args: vec![tool.tool.name.clone()],
        console: None,
        stdout: None,
        stderr: None,
        stdin: None,
        stop: stop.clone(),
        interrupted: false,
    };
    preview1.args.extend(settings.args);
    if let Stdio::Console(console) = settings.stdio {
        preview1.console = Some(console.share());
        preview1.stdout = Some(GuestOutput::stdout(&console).p2_stream());
        preview1.stderr = Some(GuestOutput::stderr(&console).p2_stream());
        wasi.stdout(GuestOutput::stdout(&console))
            .stderr(GuestOutput::stderr(&console));
        // What people type has no place in virtual time: there it is empty.
        if !settings.time.is_virtual() {
            wasi.inherit_stdin();
        }
    }
    let mut table = ResourceTable::new();
    table.set_max_capacity(settings.limits.handles_max);
    let mut bpf = BpfCtx::new(Arc::clone(&tool.shared.kernel), settings.rows)
        .policy(settings.policy)
        .overrides(settings.overrides)
        .limits(settings.limits)
        .stop_signal(stop.clone());
    for (name, elf) in &tool.tool.objects {
        bpf = bpf.object(name.clone(), Arc::clone(elf));
    }
    let now = thread_cpu_time();
    let watch = Watch {
        calls: 0,
        seen_calls: 0,
        burst_start: now,
        start: now,
        stop,
        stop_seen: None,
        kill,
        sandbox: settings.sandbox.clone(),
    };
    let limiter = Limiter::new(&settings.sandbox);
    let state = GuestState {
        bpf,
        table,
        wasi: wasi.build(),
        wasm_bpf: wasm_bpf::Guest::new(&tool.tool.name, &tool.callback_names),
        preview1,
        limiter,
        watch,
    };
    let mut store = Store::new(&tool.shared.engine, state);
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(HOSTCALL_BYTES_MAX);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut ctx: StoreContextMut<'_, GuestState>| {
        ctx.data_mut().watch.check()?;
        // Let the thread's timers run: the end of the grace is one of them.
        Ok(UpdateDeadline::Yield(1))
    });
    store
}

impl Watch {
    /// Whether the guest may go on.
    fn check(&mut self) -> wasmtime::Result<()> {
        if self.kill.load(Ordering::Relaxed) {
            return Err(wasmtime::Error::new(Killed));
        }
        let now = thread_cpu_time();
        if self.calls != self.seen_calls {
            self.seen_calls = self.calls;
            self.burst_start = now;
        }
        if now - self.burst_start > self.sandbox.cpu_burst_max {
            return Err(wasmtime::Error::new(LimitExceeded(format!(
                "the guest computed for {:?} without calling the host: it seems to loop",
                self.sandbox.cpu_burst_max
            ))));
        }
        if self
            .sandbox
            .cpu_total_max
            .is_some_and(|most| now - self.start > most)
        {
            return Err(wasmtime::Error::new(LimitExceeded(format!(
                "the guest used more than {:?} of CPU time",
                self.sandbox.cpu_total_max.unwrap_or_default()
            ))));
        }
        if self.stop.is_requested() {
            let seen = *self.stop_seen.get_or_insert_with(Instant::now);
            if seen.elapsed() > self.sandbox.stop_grace {
                return Err(wasmtime::Error::new(grace_is_over(&self.sandbox)));
            }
        }
        Ok(())
    }
}

pub(crate) fn grace_is_over(sandbox: &Sandbox) -> LimitExceeded {
    LimitExceeded(format!(
        "the guest did not leave within {:?} after it was asked to stop",
        sandbox.stop_grace
    ))
}

fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // The clock starts at 0 with the thread.
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_nsec.unsigned_abs() as u32,
    )
}

impl GuestState {
    pub(crate) fn bpf_ctx(&mut self) -> &mut BpfCtx {
        &mut self.bpf
    }
}

impl BpfView for GuestState {
    fn bpf(&mut self) -> BpfCtxView<'_> {
        self.watch.calls += 1;
        BpfCtxView {
            ctx: &mut self.bpf,
            table: &mut self.table,
        }
    }
}

impl WasiView for GuestState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.watch.calls += 1;
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasmBpfView for GuestState {
    fn wasm_bpf(&mut self) -> wasm_bpf::View<'_> {
        self.watch.calls += 1;
        wasm_bpf::View {
            ctx: &mut self.bpf,
            guest: &mut self.wasm_bpf,
        }
    }
}

impl Preview1View for GuestState {
    fn preview1(&mut self) -> &mut Preview1 {
        self.watch.calls += 1;
        &mut self.preview1
    }

    fn before_wait(&mut self) {
        self.bpf.output().before_wait();
        if let Some(console) = &mut self.preview1.console {
            let _ = console.flush(); // The next write is told.
        }
    }
}
