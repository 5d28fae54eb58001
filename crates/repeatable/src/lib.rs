//! Runs that repeat themselves, for simulations. Whatever links this crate has no randomness from the system any more: tests alone.
//!
//! A seed cannot fix everything that is random. kube's controller polls its passes, and takes up waiting ones, in the order of a hash
//! map, and tokio's `select!` begins at a random branch. Both seeds come from the standard library, which takes them from libc's
//! `getrandom`; it leaves that symbol weak so that it can be replaced ("for perf measurements that want to disable randomness for
//! consistency"). Here it is replaced by one that always gives the same bytes.
//!
//! On Linux. Elsewhere a run is still a function of its seed as long as no two objects are looked at in the same instant.

/// Runs this in a thread of its own. The standard library counts the hash maps of a thread into their seeds, so a second run in the same
/// thread would differ from the first.
///
/// # Panics
/// When the run panics.
pub fn run<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(run).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
}

/// libc's `getrandom`, without the randomness.
///
/// # Safety
/// As the one of libc: `buffer` must be valid for writes of `length` bytes.
#[cfg(target_os = "linux")]
#[unsafe(no_mangle)]
unsafe extern "C" fn getrandom(buffer: *mut u8, length: usize, _flags: u32) -> isize {
    // SAFETY: the caller vouches for the buffer.
    unsafe { buffer.write_bytes(42, length) };
    length.cast_signed()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    #[cfg(target_os = "linux")]
    fn hash_maps_have_the_same_order_in_each_run() {
        let order = || (0..100).collect::<HashSet<u32>>().into_iter().collect::<Vec<_>>();
        let first = super::run(order);
        assert!((0..10).all(|_| super::run(order) == first));
        let in_one_thread = super::run(|| [order(), order()]);
        assert_ne!(in_one_thread[0], in_one_thread[1]);
    }
}
