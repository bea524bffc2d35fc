//! Panics of third-party readers as errors: what they read was written by strangers, and a damaged file must not end the
//! program.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::pin::pin;
use std::sync::Once;
use std::task::Poll;

thread_local! {
    /// Whether a panic of this thread is caught, so that the hook need not print it.
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// What a reader said when it gave up.
#[derive(Debug, thiserror::Error)]
#[error("its reader gives up: {0}")]
pub struct Panicked(String);

/// Runs work; a panic of it is an error that nobody prints.
///
/// # Errors
/// The panic, in its words.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    silence();
    let before = IS_CAUGHT.replace(true);
    // Whatever the work held is dropped with it; nothing of it is looked at again.
    let done = catch_unwind(AssertUnwindSafe(work));
    IS_CAUGHT.set(before);
    done.map_err(|panic| Panicked(message(panic.as_ref())))
}

/// The same for work that waits.
///
/// # Errors
/// The panic, in its words.
pub async fn caught_waiting<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut work = pin!(work);
    std::future::poll_fn(|context| match caught(|| work.as_mut().poll(context)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
        Err(panicked) => Poll::Ready(Err(panicked)),
    })
    .await
}

/// Says that whoever started this thread catches its panics.
pub fn thread_is_caught() {
    silence();
    IS_CAUGHT.set(true);
}

/// Puts a hook before that of the program, which passes over what is caught; its words go into the error.
fn silence() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            if IS_CAUGHT.get() {
                tracing::debug!(%panic, "caught");
            } else {
                before(panic);
            }
        }));
    });
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "no reason".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{caught, caught_waiting};

    #[test]
    fn a_panic_is_an_error_with_its_words() {
        let fault = caught(|| panic!("page {} is odd", 3)).map(|()| ()).map_err(|e| e.to_string());
        assert_eq!(fault, Err("its reader gives up: page 3 is odd".to_owned()));
        assert_eq!(caught(|| 7).ok(), Some(7));
        let waiting = caught_waiting(async { panic!("odd") });
        let fault: Result<(), _> = futures::executor::block_on(waiting);
        assert_eq!(fault.map_err(|e| e.to_string()), Err("its reader gives up: odd".to_owned()));
    }
}
