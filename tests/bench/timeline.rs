//! What each thread of `collect` does while a ledger is made: who works, and who waits for whom.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use trimtrail::inside::progress::Progress;
use trimtrail::inside::source::Source;
use trimtrail::inside::usage::ledger::{self, How, Lock};

/// How often threads are looked at.
const STEP: Duration = Duration::from_millis(50);
/// Ticks of the clock a second in which Linux counts processor time (proc(5), `sysconf(_SC_CLK_TCK)`).
const TICKS: f64 = 100.0;

/// Makes a ledger in `dir`, which goes away again.
pub(super) fn collect(sources: &[Source], options: trimtrail::inside::usage::Options, dir: &Path) -> u64 {
    let _ = fs::remove_dir_all(dir);
    let lock = Lock::take(dir, "bench", false).expect("a folder of our own");
    let how = How {
        options,
        ..How::default()
    };
    let summary = ledger::collect(lock, sources, &how, &Progress::silent()).expect("a ledger");
    summary.records
}

/// Prints, for every step of one run, how busy each thread was, in per cent of a processor.
pub(super) fn print(sources: &[Source], options: trimtrail::inside::usage::Options, dir: &Path) {
    let done = AtomicBool::new(false);
    let begun = Instant::now();
    let (steps, seconds) = std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut steps = vec![(0.0, ticks())];
            while !done.load(Ordering::Relaxed) {
                std::thread::sleep(STEP);
                steps.push((begun.elapsed().as_secs_f64(), ticks()));
            }
            steps
        });
        collect(sources, options, dir);
        let seconds = begun.elapsed().as_secs_f64();
        done.store(true, Ordering::Relaxed);
        (watching.join().expect("it only looks"), seconds)
    });
    println!("{seconds:.2} s; per cent of a processor, by thread:");
    for pair in steps.windows(2) {
        let [(from, before), (to, after)] = pair else { continue };
        let busy = after.iter().map(|(thread, ticks)| {
            let spent = ticks - before.get(thread).copied().unwrap_or(0.0);
            (thread, 100.0 * spent / (to - from))
        });
        let busy: Vec<String> = busy
            .filter(|(_, share)| *share >= 1.0)
            .map(|((_, name), share)| format!("{name} {share:.0}"))
            .collect();
        println!("{to:7.2} s  {}", busy.join("  "));
    }
}

/// Seconds that each thread has worked so far, by its number and name; none where the system does not tell.
fn ticks() -> BTreeMap<(u64, String), f64> {
    let mut all = BTreeMap::new();
    for task in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let Ok(stat) = fs::read_to_string(task.path().join("stat")) else {
            continue;
        };
        // `ID (NAME) STATE …`: the time in user mode and in the kernel are the 14th and the 15th (proc_pid_stat(5)).
        let Some((front, rest)) = stat.rsplit_once(')') else {
            continue;
        };
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let number = |field: Option<&&str>| field.and_then(|field| field.parse::<u64>().ok());
        let (id, name) = front.split_once(" (").unwrap_or((front, ""));
        if let (Ok(id), Some(user), Some(kernel)) = (id.parse(), number(fields.get(11)), number(fields.get(12))) {
            all.insert((id, name.to_owned()), (user + kernel) as f64 / TICKS);
        }
    }
    all
}
