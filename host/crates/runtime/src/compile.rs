//! Compiling a component: in a child process under limits, or here for what was built a moment ago.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use playbook_model::Limits;
use rlimit::Resource;

use crate::{Compiler, LoadError, Metering, RuntimeError, engine};

/// Exit code of the child for a component that is not valid; its words are on standard error.
const EXIT_INVALID: i32 = 3;
/// Exit code of the child for a fault of its own.
const EXIT_FAULT: i32 = 4;
/// Words of the child that are kept, in bytes.
const WORDS_BYTES_MAX: u64 = 16 << 10;
/// Threads of one compilation; each has an arena of its own under the limit of address space.
const THREADS: &str = "4";
/// What the child says where it gets no memory: from the allocator, from the system, for a thread's stack.
const NO_MEMORY: [&str; 3] =
    ["memory allocation", "Cannot allocate memory", "ThreadPoolBuildError"];
/// Signals that end a process at its CPU limit.
const SIGXCPU: i32 = 24;
const SIGKILL: i32 = 9;
/// Signal with which Rust ends a process that gets no memory.
const SIGABRT: i32 = 6;

/// Compiles a component and returns machine code.
pub(crate) fn compile(
    bytes: &[u8],
    metering: Metering,
    compiler: &Compiler,
    limits: &Limits,
) -> Result<Vec<u8>, LoadError> {
    match compiler {
        Compiler::InProcess => compile_here(bytes, metering),
        Compiler::Child { program, arguments } => {
            compile_in_child(bytes, metering, program, arguments, limits)
        }
    }
}

fn compile_here(bytes: &[u8], metering: Metering) -> Result<Vec<u8>, LoadError> {
    engine::compiling(metering)?
        .precompile_component(bytes)
        .map_err(|e| LoadError::Invalid { detail: format!("{e:#}") })
}

fn compile_in_child(
    bytes: &[u8],
    metering: Metering,
    program: &Path,
    arguments: &[OsString],
    limits: &Limits,
) -> Result<Vec<u8>, LoadError> {
    let broken = |e: io::Error| RuntimeError::CompileChild {
        program: program.to_owned(),
        detail: e.to_string(),
    };
    let mut child = Command::new(program)
        .args(arguments)
        .arg(metering.name())
        .arg(limits.compile_cpu_s_max.to_string())
        .arg(limits.compile_bytes_max.to_string())
        .env_clear()
        .env("RAYON_NUM_THREADS", THREADS)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(broken)?;
    let mut to_child = child.stdin.take().expect("standard input was asked for");
    let from_child = child.stdout.take().expect("standard output was asked for");
    let words_of_child = child.stderr.take().expect("standard error was asked for");
    let (code, words) = thread::scope(|scope| {
        // A child that ends early closes its end of the pipe; its exit code tells why.
        scope.spawn(move || drop(to_child.write_all(bytes)));
        let words = scope.spawn(move || read_up_to(words_of_child, WORDS_BYTES_MAX));
        let code = read_up_to(from_child, limits.compile_bytes_max);
        (code, words.join().unwrap_or_else(|_| Ok(Vec::new())))
    });
    let status = child.wait().map_err(broken)?;
    let words = String::from_utf8_lossy(&words.unwrap_or_default()).trim().to_owned();
    if status.success() {
        return Ok(code.map_err(broken)?);
    }
    Err(failure(status, &words, program, limits))
}

/// Tells why the child ended.
fn failure(status: ExitStatus, words: &str, program: &Path, limits: &Limits) -> LoadError {
    let memory =
        LoadError::CompileLimit { limit: "memory", max: limits.compile_bytes_max, unit: "bytes" };
    match (status.code(), status.signal()) {
        (Some(EXIT_INVALID), _) => LoadError::Invalid { detail: words.to_owned() },
        (_, Some(SIGXCPU | SIGKILL)) => {
            LoadError::CompileLimit { limit: "cpu", max: limits.compile_cpu_s_max, unit: "seconds" }
        }
        (_, Some(SIGABRT)) => memory,
        _ if NO_MEMORY.iter().any(|sign| words.contains(sign)) => memory,
        _ => LoadError::Host(RuntimeError::CompileChild {
            program: program.to_owned(),
            detail: if words.is_empty() {
                status.to_string()
            } else {
                format!("{status}: {words}")
            },
        }),
    }
}

fn read_up_to(mut from: impl io::Read, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.by_ref().take(bytes_max).read_to_end(&mut bytes)?;
    // Drain the rest, so that the writer is not stuck on a full pipe.
    io::copy(&mut from, &mut io::sink())?;
    Ok(bytes)
}

/// Runs as the compiling child: reads a component on standard input, writes machine code on standard output.
///
/// `arguments` are what [`Compiler::Child`] appends: the metering's name, CPU seconds, bytes of address space.
/// Returns the exit code for the process. The limits hold for the whole process and cannot be lifted again.
#[must_use]
pub fn compile_child_main(arguments: impl IntoIterator<Item = OsString>) -> i32 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let text = |at: usize| arguments.get(at).map(OsString::as_os_str).and_then(OsStr::to_str);
    let parsed = || {
        let metering = Metering::from_name(text(0)?)?;
        Some((metering, text(1)?.parse::<u64>().ok()?, text(2)?.parse::<u64>().ok()?))
    };
    let Some((metering, cpu_s, bytes_max)) = parsed() else {
        return say(EXIT_FAULT, "expected: metering, CPU seconds, bytes of address space");
    };
    match compile_limited(metering, cpu_s, bytes_max) {
        Ok(()) => 0,
        Err(LoadError::Invalid { detail }) => say(EXIT_INVALID, &detail),
        Err(error) => say(EXIT_FAULT, &error.to_string()),
    }
}

fn compile_limited(metering: Metering, cpu_s: u64, bytes_max: u64) -> Result<(), LoadError> {
    let fault = |e: io::Error| {
        LoadError::Host(RuntimeError::Engine { detail: format!("compiling child: {e}") })
    };
    // Above the soft limit comes SIGXCPU, a second later SIGKILL.
    lower(Resource::CPU, cpu_s, cpu_s.saturating_add(1)).map_err(fault)?;
    lower(Resource::AS, bytes_max, bytes_max).map_err(fault)?;
    lower(Resource::CORE, 0, 0).map_err(fault)?;
    let mut component = Vec::new();
    io::stdin().lock().read_to_end(&mut component).map_err(fault)?;
    let code = compile_here(&component, metering)?;
    let mut out = io::stdout().lock();
    out.write_all(&code).and_then(|()| out.flush()).map_err(fault)
}

/// Sets a limit of this process, which never rises above what it was born with.
fn lower(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let (_, born) = resource.get()?;
    resource.set(soft.min(born), hard.min(born))
}

fn say(code: i32, words: &str) -> i32 {
    // Nobody is left to tell where standard error is closed.
    drop(writeln!(io::stderr(), "{words}"));
    code
}
