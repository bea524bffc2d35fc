//! Lines for the operator. The host keeps at most 4 KiB a call, and only where it is granted.

pub use crate::bindings::base::playbook::plugin::log::Severity;

/// Writes a line. Natively it is kept for [`testing::logged`](crate::testing::logged).
pub fn write(severity: Severity, message: &str) {
    #[cfg(target_arch = "wasm32")]
    crate::bindings::base::playbook::plugin::log::log(severity, message);
    #[cfg(not(target_arch = "wasm32"))]
    LINES.with(|lines| lines.borrow_mut().push((severity, message.to_owned())));
}

#[cfg(not(target_arch = "wasm32"))]
thread_local! {
    /// Lines that this thread's plugins have written natively.
    static LINES: std::cell::RefCell<Vec<(Severity, String)>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// Takes the lines that this thread's plugins have written natively.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn take_lines() -> Vec<(Severity, String)> {
    LINES.with(std::cell::RefCell::take)
}

/// Writes a line that only an author wants to see.
pub fn debug(message: &str) {
    write(Severity::Debug, message);
}

/// Writes a line for the operator.
pub fn info(message: &str) {
    write(Severity::Info, message);
}

/// Writes a line about something odd.
pub fn warn(message: &str) {
    write(Severity::Warn, message);
}

/// Writes a line about something that went wrong.
pub fn error(message: &str) {
    write(Severity::Error, message);
}

/// Hands a panic's message and place to the host before the trap; once for each instance.
#[cfg(target_arch = "wasm32")]
pub(crate) fn install_panic_hook() {
    use std::sync::Once;
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            let message = info.payload_as_str().unwrap_or("panicked");
            let (file, line) = info.location().map_or(("", 0), |at| (at.file(), at.line()));
            crate::bindings::base::playbook::plugin::log::panicked(message, file, line);
        }));
    });
}

/// Natively the test harness reports panics itself.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn install_panic_hook() {}
