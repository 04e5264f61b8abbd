//! Allocator with huge pages under large arrays, a message where memory is exhausted, prefetching,
//! environment variables, and signal handlers.
//!
//! A sparse matrix-vector product streams hundreds of megabytes. On 4 KiB pages it waits for
//! address translation as much as for memory. Linux provides 2 MiB pages on request (madvise(2),
//! MADV_HUGEPAGE) unless transparent huge pages are switched off, where the request does nothing.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::libc::{MADV_HUGEPAGE, SIGABRT, SIGTERM, madvise, sigaction};

/// Keeps freed memory in the process, as much as `threads` threads need, in one arena of them all.
/// To be called before these threads start. Does nothing where the C library is not glibc.
///
/// Memory that is returned to the kernel and requested again must be cleared, which took a quarter
/// of a large run. (With 1 GiB instead of 64 MiB a thread, the results of four million nodes took
/// twice as long to write.) A rank with several threads has larger arrays. With one arena a thread
/// reuses what another has freed: 16 virtual ranks need a quarter less memory and time.
pub fn keep_freed_memory(threads: usize) {
    #[cfg(target_env = "gnu")]
    {
        use nix::libc::{M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, c_int, mallopt};
        let mebibytes = |count: usize| c_int::try_from(count << 20).unwrap_or(c_int::MAX);
        // SAFETY: mallopt(3) sets parameters of the allocator and refuses unknown ones.
        unsafe {
            mallopt(M_MMAP_THRESHOLD, mebibytes(64 * threads));
            mallopt(M_TRIM_THRESHOLD, mebibytes(256 * threads));
            mallopt(M_ARENA_MAX, 1);
        }
    }
}

/// Sets an environment variable, unless it is set. To be called before threads start: does nothing
/// in a process with several threads, or where they cannot be counted.
pub fn set_variable_if_unset(name: &str, value: &str) {
    let threads = std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    if threads == 1 && std::env::var_os(name).is_none() {
        // SAFETY: no other thread reads the environment meanwhile, as there is none.
        unsafe { std::env::set_var(name, value) }
    }
}

/// Runs `work`, then puts back the handlers of SIGTERM and SIGABRT that were there before.
pub fn keep_signal_handlers<R>(work: impl FnOnce() -> R) -> R {
    let handlers = [SIGTERM, SIGABRT].map(|signal| {
        // SAFETY: a structure of C without pointers that Rust follows may be zero.
        let mut handler: sigaction = unsafe { std::mem::zeroed() };
        // SAFETY: sigaction(2) takes null for no new handler, and writes the present one.
        let found = unsafe { sigaction(signal, std::ptr::null(), &raw mut handler) } == 0;
        found.then_some((signal, handler))
    });
    let result = work();
    for (signal, handler) in handlers.iter().flatten() {
        // SAFETY: the handler is one that was there before, and null is for no answer.
        unsafe { sigaction(*signal, handler, std::ptr::null_mut()) };
    }
    result
}

/// Called once, with the number of bytes, where an allocation fails.
static EXHAUSTED: OnceLock<Box<dyn Fn(usize) + Send + Sync>> = OnceLock::new();

/// Sets the function that is called once, with the number of bytes, where an allocation fails.
/// After it Rust aborts the process. Only the first call has an effect.
pub fn on_exhaustion(handler: impl Fn(usize) + Send + Sync + 'static) {
    EXHAUSTED.get_or_init(|| Box::new(handler));
}

/// Returns the allocation, after calling the handler where it failed.
fn checked(memory: *mut u8, bytes: usize) -> *mut u8 {
    // The handler may need memory itself.
    static IS_REPORTED: AtomicBool = AtomicBool::new(false);
    if memory.is_null()
        && let Some(handler) = EXHAUSTED.get()
        && !IS_REPORTED.swap(true, Ordering::Relaxed)
    {
        handler(bytes);
    }
    memory
}

/// Prefetches the cache line of `value`. Does nothing where Rust has no such instruction for the
/// processor.
#[inline(always)]
pub(crate) fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint, which reads nothing and is part of every x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

/// System allocator with huge pages under large allocations.
///
/// An aligned allocation of glibc takes a free block only if it has room for the size and for the
/// alignment: where an array was freed, one of the same size would not fit. Large allocations are
/// therefore aligned here, to a cache line.
pub struct HugePages;

/// Size of a huge page, and of the smallest allocation that requests one (bytes).
const PAGE: usize = 2 << 20;
/// Alignment of large allocations: a cache line (bytes).
const LINE: usize = 64;
/// Alignment that the system's allocator has without a request (bytes).
const USUAL: usize = 16;
/// Largest size of an ordinary page (bytes), at a multiple of which madvise(2) may start.
const SMALL_PAGE: usize = 64 << 10;

impl HugePages {
    /// Returns whether an allocation is aligned here.
    fn is_large(layout: Layout) -> bool {
        layout.size() >= PAGE && layout.align() <= LINE
    }

    /// Returns the layout to request from the system for a large allocation: with room to align it
    /// and for its distance from the start.
    fn padded(layout: Layout) -> Layout {
        Layout::from_size_align(layout.size().saturating_add(LINE), USUAL).unwrap_or(layout)
    }
}

// SAFETY: small allocations go to `System` with the caller's layout. A large one lies 1 to `LINE`
// bytes behind the start of an allocation of `System` with `LINE` bytes more, at least `USUAL`
// bytes, where the distance is stored.
unsafe impl GlobalAlloc for HugePages {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !Self::is_large(layout) {
            // SAFETY: the caller's layout has non-zero size.
            return checked(unsafe { System.alloc(layout) }, layout.size());
        }
        // SAFETY: the padded layout has non-zero size. Its start is a multiple of `USUAL`, so that
        // the distance to the next multiple of `LINE` has room for a number before it.
        unsafe {
            let start = checked(System.alloc(Self::padded(layout)), layout.size());
            if start.is_null() {
                return start;
            }
            let distance = LINE - start.addr() % LINE;
            let memory = start.add(distance);
            memory.cast::<usize>().sub(1).write(distance);
            // The advice changes no contents. If it is refused, pages stay small.
            let before = memory.addr() % SMALL_PAGE;
            madvise(memory.wrapping_sub(before).cast(), before + layout.size(), MADV_HUGEPAGE);
            memory
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.size() < PAGE {
            // SAFETY: as in `alloc`.
            return checked(unsafe { System.alloc_zeroed(layout) }, layout.size());
        }
        // SAFETY: as in `alloc`.
        let memory = unsafe { self.alloc(layout) };
        if !memory.is_null() {
            // SAFETY: `alloc` returned that many writable bytes.
            unsafe { memory.write_bytes(0, layout.size()) };
        }
        memory
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: `memory` came from `alloc` with this layout: a large one from `System` with the
        // padded layout, at the distance that stands before it.
        unsafe {
            if Self::is_large(layout) {
                let distance = memory.cast::<usize>().sub(1).read();
                System.dealloc(memory.sub(distance), Self::padded(layout));
            } else {
                System.dealloc(memory, layout);
            }
        }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.size().max(size) < PAGE {
            // SAFETY: small before and after, so this is the caller's own call.
            return checked(unsafe { System.realloc(memory, layout, size) }, size);
        }
        // SAFETY: the caller vouches for size and alignment; the old contents
        // are copied before the old allocation is released.
        unsafe {
            let grown = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !grown.is_null() {
                grown.copy_from_nonoverlapping(memory, layout.size().min(size));
                self.dealloc(memory, layout);
            }
            grown
        }
    }
}
