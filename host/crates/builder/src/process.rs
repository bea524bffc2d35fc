//! Programs that are run: their output captured, their time bounded, nothing asked of a person.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::BuildError;

/// What a program left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) fn program_name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

/// The command as a person would type it.
pub(crate) fn typed(command: &Command) -> String {
    let words = command.get_args().map(|arg| arg.to_string_lossy().into_owned());
    std::iter::once(program_name(command)).chain(words).collect::<Vec<_>>().join(" ")
}

fn start(command: &mut Command) -> Result<Child, BuildError> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| BuildError::Start { program: program_name(command), source })
}

/// Runs a program to its end, at most `within`; a program that takes longer is killed.
pub(crate) fn run(command: &mut Command, within: Duration) -> Result<Ran, BuildError> {
    let mut child = start(command)?;
    let stdout = reader(child.stdout.take());
    let stderr = reader(child.stderr.take());
    let started = Instant::now();
    let status = loop {
        if let Some(status) = wait(&mut child, command)? {
            break status;
        }
        if started.elapsed() > within {
            let seconds = within.as_secs();
            // Killing can only fail where the program has just ended by itself.
            let _ = child.kill();
            let _ = child.wait();
            return Err(BuildError::TooLong { program: program_name(command), seconds });
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    Ok(Ran { status, stdout: joined(stdout), stderr: joined(stderr) })
}

fn wait(child: &mut Child, command: &Command) -> Result<Option<ExitStatus>, BuildError> {
    child.try_wait().map_err(|source| BuildError::Start { program: program_name(command), source })
}

type Reader = Option<std::thread::JoinHandle<String>>;

fn reader(pipe: Option<impl Read + Send + 'static>) -> Reader {
    let mut pipe = pipe?;
    Some(std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error still helps to understand it.
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }))
}

fn joined(reader: Reader) -> String {
    reader.and_then(|thread| thread.join().ok()).unwrap_or_default()
}

/// Runs a program to its end and hands over each line of its output as it comes.
pub(crate) fn run_lines(
    command: &mut Command,
    mut line: impl FnMut(&str),
) -> Result<Ran, BuildError> {
    let mut child = start(command)?;
    let stderr = reader(child.stderr.take());
    if let Some(stdout) = child.stdout.take() {
        for text in BufReader::new(stdout).lines().map_while(Result::ok) {
            line(&text);
        }
    }
    let status = child
        .wait()
        .map_err(|source| BuildError::Start { program: program_name(command), source })?;
    Ok(Ran { status, stdout: String::new(), stderr: joined(stderr) })
}
