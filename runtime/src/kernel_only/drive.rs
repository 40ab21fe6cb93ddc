//! Reading everything in turn until somebody asks to stop.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use eunomia_formats::{Source, SourceKind};
use eunomia_host_abi::Result;
use eunomia_host_abi::kernel::{BoxFuture, Kernel, Map};
use eunomia_host_abi::output::{OutputSink, Table};
use eunomia_host_abi::stop::StopSignal;

use super::counted::Counts;
use super::entries::Walk;
use super::prepare::{self, Prepared};
use super::source::{Buffer, Show};
use super::stacks::Stacks;
use super::{KernelTool, iterators};
use crate::console::Console;
use crate::settings::{Settings, Stdio};

/// Batches that are still delivered from each buffer after the operator asked to stop.
const FINAL_BATCHES_MAX: usize = 1024;

/// Load, attach and show what the plan says, until asked to stop or until there is nothing more.
pub(super) async fn run(
    kernel: &dyn Kernel,
    tool: &KernelTool,
    mut settings: Settings,
    stop: &StopSignal,
) -> Result<()> {
    let object = prepare::load(kernel, tool, &settings)?;
    // Buffers before links, so that no event comes before its reader.
    let mut sources = Sources::open(&*object, &tool.plan.sources)?;
    let counters = tool.plan.lost_counters.iter();
    sources.lost = counters
        .map(|name| Ok((object.map(name)?, 0)))
        .collect::<Result<_>>()?;
    let links = prepare::attach(&*object, tool, &settings)?;
    let prepared = Prepared {
        links,
        _object: object,
    };
    let mut console = match &settings.stdio {
        Stdio::Console(console) => Some(console.share()),
        Stdio::Null => None,
    };
    let sink = &mut *settings.rows;
    for source in &tool.plan.sources {
        if source.kind != SourceKind::Text {
            sink.declare(&source.table);
        }
    }
    let outcome = sources
        .live(kernel, &prepared, sink, console.as_mut(), stop)
        .await;
    let outcome = outcome.and(sink.flush());
    drop(prepared);
    outcome
}

/// What is shown.
struct Sources {
    buffers: Vec<Buffer>,
    walks: Vec<Walk>,
    texts: Vec<String>,
    structs: Vec<(String, Arc<Table>, Stacks, usize)>,
    /// What becomes due, and how often.
    timers: Vec<(Duration, Due)>,
    /// Per-CPU counters of lost events, and what was told of them.
    lost: Vec<(Arc<dyn Map>, u64)>,
}

/// What a timer is for: the place in its list.
#[derive(Clone, Copy)]
enum Due {
    Walk(usize),
    Counts(usize),
    Structs(usize),
}

impl Sources {
    fn open(object: &dyn eunomia_host_abi::kernel::Object, plans: &[Source]) -> Result<Self> {
        let mut sources = Self {
            buffers: Vec::new(),
            walks: Vec::new(),
            texts: Vec::new(),
            structs: Vec::new(),
            timers: Vec::new(),
            lost: Vec::new(),
        };
        for plan in plans {
            let table = Arc::clone(&plan.table);
            let stacks = Stacks::open(object, &plan.stacks)?;
            match &plan.kind {
                SourceKind::Events(shape) => {
                    let map = object.map(&plan.name)?;
                    let buffer = Buffer::open(&*map, Show::Rows(table, *shape, stacks))?;
                    sources.buffers.push(buffer);
                }
                SourceKind::Counted {
                    record_bytes,
                    interval,
                } => {
                    let counts = Counts::new(table, *record_bytes);
                    let map = object.map(&plan.name)?;
                    sources
                        .timers
                        .push((*interval, Due::Counts(sources.buffers.len())));
                    sources
                        .buffers
                        .push(Buffer::open(&*map, Show::Counts(counts))?);
                }
                SourceKind::Entries {
                    layout,
                    interval,
                    clear,
                } => {
                    let map = object.map(&plan.name)?;
                    sources
                        .timers
                        .push((*interval, Due::Walk(sources.walks.len())));
                    let walk = Walk::new(map, table, *layout, stacks, *clear);
                    sources.walks.push(walk);
                }
                SourceKind::Structs { bytes, interval } => {
                    if let Some(interval) = interval {
                        let due = Due::Structs(sources.structs.len());
                        sources.timers.push((*interval, due));
                    }
                    let iterator = (plan.name.clone(), table, stacks, *bytes);
                    sources.structs.push(iterator);
                }
                SourceKind::Text => sources.texts.push(plan.name.clone()),
                _ => {}
            }
        }
        Ok(sources)
    }

    async fn live(
        &mut self,
        kernel: &dyn Kernel,
        prepared: &Prepared,
        sink: &mut dyn OutputSink,
        mut console: Option<&mut Console>,
        stop: &StopSignal,
    ) -> Result<()> {
        for program in &self.texts {
            for link in iterators::links_of(&prepared.links, program) {
                iterators::print(link, console.as_deref_mut())?;
            }
        }
        for index in 0..self.structs.len() {
            self.run_iterator(index, prepared, sink)?;
        }
        if self.is_done_after_iterators(prepared) {
            return Ok(());
        }
        let mut timers: Vec<BoxFuture<'static, ()>> = Vec::new();
        timers.extend(
            self.timers
                .iter()
                .map(|(interval, _)| kernel.sleep(*interval)),
        );
        while !stop.is_requested() {
            let mut busy = self.deliver(sink)?;
            for walk in self.walks.iter_mut().filter(|walk| walk.is_under_way()) {
                walk.step(sink)?;
                busy = true;
            }
            if !busy {
                sink.before_wait();
            }
            let Some(index) = self.wait(&mut timers, stop, busy).await else {
                continue;
            };
            let (interval, due) = self.timers[index];
            timers[index] = kernel.sleep(interval);
            match due {
                Due::Walk(walk) => self.walks[walk].begin(),
                Due::Counts(buffer) => {
                    if let Some(counts) = self.buffers[buffer].counts() {
                        counts.show(sink)?;
                    }
                }
                Due::Structs(index) => self.run_iterator(index, prepared, sink)?,
            }
            self.report_lost(sink)?;
        }
        self.finish(sink).await
    }

    /// Iterators run once; when there is nothing else, that was it.
    fn is_done_after_iterators(&self, prepared: &Prepared) -> bool {
        let structs = self.structs.iter().map(|(program, ..)| program);
        let programs: Vec<&String> = self.texts.iter().chain(structs).collect();
        let mut links = prepared.links.iter().map(|link| link.info().name);
        !programs.is_empty()
            && self.buffers.is_empty()
            && self.timers.is_empty()
            && links.all(|name| programs.contains(&&name))
    }

    fn run_iterator(
        &self,
        index: usize,
        prepared: &Prepared,
        sink: &mut dyn OutputSink,
    ) -> Result<()> {
        let (program, table, stacks, bytes) = &self.structs[index];
        for link in iterators::links_of(&prepared.links, program) {
            iterators::pass_on(link, (table, stacks), *bytes, sink)?;
        }
        Ok(())
    }

    /// One batch of each buffer that has one; false when none had.
    fn deliver(&mut self, sink: &mut dyn OutputSink) -> Result<bool> {
        let mut delivered = false;
        for buffer in &mut self.buffers {
            delivered |= buffer.deliver(sink)?;
        }
        Ok(delivered)
    }

    /// What is left once the operator asked to stop: the last events, and maps as they are now.
    async fn finish(&mut self, sink: &mut dyn OutputSink) -> Result<()> {
        for _ in 0..FINAL_BATCHES_MAX {
            if !self.deliver(sink)? {
                break;
            }
        }
        for buffer in &mut self.buffers {
            if let Some(counts) = buffer.counts() {
                counts.show(sink)?;
            }
            buffer.close();
        }
        for walk in &mut self.walks {
            walk.begin();
            while walk.is_under_way() {
                walk.step(sink)?;
                // A map may have more than anybody waits for: a kill is seen in between.
                tokio::task::yield_now().await;
            }
        }
        self.report_lost(sink)
    }

    /// Tell what programs counted as lost since the last time.
    fn report_lost(&mut self, sink: &mut dyn OutputSink) -> Result<()> {
        for (map, told) in &mut self.lost {
            let value = map.lookup(&0u32.to_ne_bytes(), 0)?.unwrap_or_default();
            let (words, _) = value.as_chunks::<8>();
            let total = words.iter().map(|word| u64::from_ne_bytes(*word));
            let total = total.fold(0, u64::wrapping_add);
            if total > *told {
                sink.report_lost(total - *told);
                *told = total;
            }
        }
        Ok(())
    }

    /// Wait for records, a timer or the operator, or only look when `busy`. The timer that is due.
    async fn wait(
        &mut self,
        timers: &mut [BoxFuture<'static, ()>],
        stop: &StopSignal,
        busy: bool,
    ) -> Option<usize> {
        let mut readiness: Vec<_> = self.buffers.iter_mut().map(Buffer::ready).collect();
        let mut requested = stop.requested();
        let mut yielded = false;
        poll_fn(|ctx| {
            let due = timers
                .iter_mut()
                .position(|timer| timer.as_mut().poll(ctx).is_ready());
            if due.is_some() {
                return Poll::Ready(due);
            }
            let stopped = std::pin::Pin::new(&mut requested).poll(ctx).is_ready();
            let ready = readiness
                .iter_mut()
                .any(|ready| ready.as_mut().poll(ctx).is_ready());
            if stopped || ready || yielded {
                return Poll::Ready(None);
            }
            if busy {
                // Once through the event loop, so that a kill is seen.
                yielded = true;
                ctx.waker().wake_by_ref();
            }
            Poll::Pending
        })
        .await
    }
}
