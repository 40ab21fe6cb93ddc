//! Waiting for one of several things.

use std::future::poll_fn;
use std::task::Poll;

use crate::kernel::BoxFuture;
use crate::stop::StopSignal;

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    Ready,
    Stopped,
    TimedOut,
}

/// Wait until `ready`, until the operator asks the guest to stop, or until `timeout` resolves.
pub(crate) async fn wait(
    mut ready: BoxFuture<'_, ()>,
    stop: &StopSignal,
    mut timeout: Option<&mut BoxFuture<'static, ()>>,
) -> Woken {
    let mut stopped = std::pin::pin!(stop.requested());
    poll_fn(|ctx| {
        if stopped.as_mut().poll(ctx).is_ready() {
            return Poll::Ready(Woken::Stopped);
        }
        if ready.as_mut().poll(ctx).is_ready() {
            return Poll::Ready(Woken::Ready);
        }
        match timeout.as_mut().map(|timeout| timeout.as_mut().poll(ctx)) {
            Some(Poll::Ready(())) => Poll::Ready(Woken::TimedOut),
            _ => Poll::Pending,
        }
    })
    .await
}
