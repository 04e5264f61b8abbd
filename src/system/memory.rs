//! Memory of the machine.

use std::fs;

/// Returns the bytes of memory that this process can still get on Linux: what the machine has, or
/// the limit of its control group where that is less; none where neither can be read.
pub fn available_memory() -> Option<u64> {
    let text = |path: &str| fs::read_to_string(path).ok();
    let of_machine = text("/proc/meminfo").and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?.trim();
        Some(line.strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
    });
    let of_group = text("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse().ok());
    of_machine.into_iter().chain(of_group).min()
}
