//! A small pool of threads that take jobs from one queue.

use std::sync::{Mutex, PoisonError};
use std::thread;

/// Does all jobs on `threads` threads, of which the caller's is one; results are in the order of the jobs.
pub fn done_by<J: Send, T: Send>(
    threads: usize,
    jobs: impl ExactSizeIterator<Item = J> + Send,
    work: impl Fn(J) -> T + Sync,
) -> Vec<T> {
    let count = jobs.len();
    let jobs = Mutex::new(jobs.enumerate());
    // A closure, so that the lock is released before the job begins.
    let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
    let take_jobs = || {
        let mut done = Vec::new();
        while let Some((at, job)) = next() {
            done.push((at, work(job)));
        }
        done
    };
    let mut done = Vec::with_capacity(count);
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads.max(1)).map(|_| scope.spawn(take_jobs)).collect();
        done.extend(take_jobs());
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::done_by;

    #[test]
    fn threads_work_side_by_side_and_results_keep_their_order() {
        // Each job waits for two others, which only other threads can do.
        let together = Barrier::new(3);
        let done = done_by(3, 0..9, |job| {
            together.wait();
            job * job
        });
        assert_eq!(done, [0, 1, 4, 9, 16, 25, 36, 49, 64]);
        assert_eq!(done_by(0, 0..3, |job| job), [0, 1, 2]);
    }
}
