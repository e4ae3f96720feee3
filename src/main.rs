//! Command line in, exit code out; the only file that prints an error.

use std::alloc::{GlobalAlloc, Layout};
use std::io;
use std::process::ExitCode;

use mimalloc::MiMalloc;
use trimtrail::program::{Cli, help, without_controls};

#[global_allocator]
static MEMORY: Memory = Memory(MiMalloc);

fn main() -> ExitCode {
    match Cli::from_environment().and_then(Cli::run) {
        Ok(outcome) => ExitCode::from(outcome.code()),
        // Whoever reads our output may stop reading.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", without_controls(&sentence(&error)));
            if let Some(help) = help(&error) {
                eprintln!("help: {help}");
            }
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes, each said once: some quote their cause themselves.
fn sentence(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if said.is_empty() {
            said = cause;
        } else if !said.ends_with(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    said
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// Collecting and analysing allocate from all threads at once; mimalloc takes a tenth less time than the system's own.
///
/// Where there is no memory the standard library aborts, and only an allocator learns of it before.
struct Memory(MiMalloc);

#[expect(unsafe_code, reason = "there is no other way to be a global allocator")]
// SAFETY: every call goes to mimalloc as it came, and what mimalloc answers goes back, or the process ends.
unsafe impl GlobalAlloc for Memory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        given(unsafe { self.0.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        given(unsafe { self.0.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        given(unsafe { self.0.realloc(memory, layout, size) })
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { self.0.dealloc(memory, layout) }
    }
}

/// What is said where memory runs out.
#[cfg(unix)]
const NO_MEMORY: &str = "\
error: memory runs out: the system, or a limit such as `ulimit -v`, gives no more
help: raise the limit, or read less at once: --since and --until, --account, fewer --threads; `collect` reads an archive month by month into a ledger
";

/// The memory, if there is any; otherwise the process ends with a sentence, on Unix.
fn given(memory: *mut u8) -> *mut u8 {
    #[cfg(unix)]
    if memory.is_null() {
        end();
    }
    memory
}

/// Ends the process without asking for memory, or for a lock that this thread may hold.
#[cfg(unix)]
#[cold]
#[expect(unsafe_code, reason = "what the standard library has for it may allocate")]
fn end() -> ! {
    // SAFETY: the bytes are there as long as the program is; both may be called anywhere (signal-safety(7)).
    unsafe {
        libc::write(libc::STDERR_FILENO, NO_MEMORY.as_ptr().cast(), NO_MEMORY.len());
        libc::_exit(1)
    }
}
