//! Allocator with huge pages under large arrays, a message where memory is exhausted, prefetching,
//! and environment variables.
//!
//! A sparse matrix-vector product streams hundreds of megabytes. On 4 KiB pages it waits for
//! address translation as much as for memory. Linux provides 2 MiB pages on request (madvise(2),
//! MADV_HUGEPAGE) unless transparent huge pages are switched off, where the request does nothing.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::libc::{MADV_HUGEPAGE, madvise};

/// Keeps freed memory in the process, in one arena of all threads. To be called once, before
/// threads start. Does nothing where the C library is not glibc.
///
/// Memory that is returned to the kernel and requested again must be cleared, which took a quarter
/// of a large run. (With 1 GiB instead of 64 MiB the results of four million nodes took twice as
/// long to write.) With one arena a thread reuses what another has freed: 16 virtual ranks need a
/// quarter less memory and time.
pub fn keep_freed_memory() {
    #[cfg(target_env = "gnu")]
    {
        use nix::libc::{M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, mallopt};
        // SAFETY: mallopt(3) sets parameters of the allocator and refuses unknown ones.
        unsafe {
            mallopt(M_MMAP_THRESHOLD, 64 << 20);
            mallopt(M_TRIM_THRESHOLD, 256 << 20);
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

/// Called once, with the number of bytes, where an allocation fails.
static EXHAUSTED: OnceLock<fn(usize)> = OnceLock::new();

/// Sets the function that is called once, with the number of bytes, where an allocation fails.
/// After it Rust aborts the process. Only the first call has an effect.
pub fn on_exhaustion(handler: fn(usize)) {
    EXHAUSTED.get_or_init(|| handler);
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
pub struct HugePages;

/// Size of a huge page, and of the smallest allocation that requests one (bytes).
const PAGE: usize = 2 << 20;

impl HugePages {
    /// Returns the layout to pass to the system. Large allocations start on a huge page.
    fn widened(layout: Layout) -> Layout {
        if layout.size() < PAGE {
            return layout;
        }
        layout.align_to(PAGE).unwrap_or(layout)
    }

    /// Requests huge pages under a new allocation.
    fn advise(memory: *mut u8, layout: Layout) -> *mut u8 {
        let memory = checked(memory, layout.size());
        if layout.size() >= PAGE && !memory.is_null() {
            // SAFETY: the range is one allocation of this program; the advice
            // changes no contents. If it is refused, pages stay small.
            unsafe {
                madvise(memory.cast(), layout.size(), MADV_HUGEPAGE);
            }
        }
        memory
    }
}

// SAFETY: every call goes to `System` with the caller's layout, or, for large
// ones, with the same layout at a greater alignment, which `widened` computes
// alike for allocation and release.
unsafe impl GlobalAlloc for HugePages {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's layout has non-zero size, so the widened one has.
        Self::advise(unsafe { System.alloc(Self::widened(layout)) }, layout)
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
        // SAFETY: `memory` came from `alloc` with this layout, hence from
        // `System` with the widened one.
        unsafe { System.dealloc(memory, Self::widened(layout)) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.size().max(size) < PAGE {
            // SAFETY: neither layout is widened, so this is the caller's own call.
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
