//! What the machine is told of memory: large arrays on huge pages, and lines
//! of the cache to fetch.
//!
//! A sparse matrix-vector product streams hundreds of megabytes, and on 4 KiB
//! pages it waits for address translation as much as for memory. Linux gives
//! 2 MiB pages to those who ask (madvise(2), MADV_HUGEPAGE), wherever
//! transparent huge pages are not switched off; elsewhere asking does nothing.
//! And a word where there is no memory at all.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::libc::{MADV_HUGEPAGE, madvise};

/// Keeps freed memory for what comes next instead of giving it back: pages that
/// come back are cleared by the kernel, which took a quarter of a large run. (With
/// 1 GiB instead of 64 MiB the results of four million nodes took twice as long
/// to write.) All threads take from one place, so that each can use what another
/// has freed: 16 logical ranks need a quarter less so, and a quarter less time. To
/// be called once, before threads start. Where the C library is not glibc it does
/// nothing.
pub fn keep_freed_memory() {
    #[cfg(target_env = "gnu")]
    {
        use nix::libc::{M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, mallopt};
        // SAFETY: mallopt(3) sets parameters of the allocator; values that it
        // does not know it refuses.
        unsafe {
            mallopt(M_MMAP_THRESHOLD, 64 << 20);
            mallopt(M_TRIM_THRESHOLD, 256 << 20);
            mallopt(M_ARENA_MAX, 1);
        }
    }
}

/// What is done, once, where memory of so many bytes is asked for and there is none.
static EXHAUSTED: OnceLock<fn(usize)> = OnceLock::new();

/// Sets what is done, once, where memory of so many bytes is asked for and
/// there is none; after it Rust aborts the process. The first call counts.
pub fn on_exhaustion(then: fn(usize)) {
    EXHAUSTED.get_or_init(|| then);
}

/// Hands on an allocation; where it failed, after the word.
fn checked(memory: *mut u8, bytes: usize) -> *mut u8 {
    // What is done may need memory itself.
    static SAID: AtomicBool = AtomicBool::new(false);
    if memory.is_null()
        && let Some(then) = EXHAUSTED.get()
        && !SAID.swap(true, Ordering::Relaxed)
    {
        then(bytes);
    }
    memory
}

/// Asks for the line of the cache where `value` lies, for it is read soon. Does
/// nothing where the processor has no such instruction, or Rust none for it.
#[inline(always)]
pub fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint, which reads nothing and is part of every x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

/// The system's allocator, asking for huge pages under large allocations.
pub struct HugePages;

/// Size of a huge page, and of the smallest allocation that asks for one.
const PAGE: usize = 2 << 20;

impl HugePages {
    /// The layout to pass to the system: large ones start on a huge page.
    fn widened(layout: Layout) -> Layout {
        if layout.size() < PAGE {
            return layout;
        }
        layout.align_to(PAGE).unwrap_or(layout)
    }

    /// Asks for huge pages under a fresh allocation.
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
