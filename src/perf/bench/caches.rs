//! Sizes of the caches, from Linux (Documentation/ABI/testing/sysfs-devices-system-cpu).

use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// Returns the size of all last-level caches of this host (bytes); 0 where it is not known.
pub fn last_level() -> u64 {
    let mut caches: HashMap<(u32, String), u64> = HashMap::new();
    let cores = fs::read_dir("/sys/devices/system/cpu").into_iter().flatten().flatten();
    for core in cores.map(|entry| entry.path().join("cache")) {
        let indices = fs::read_dir(&core).into_iter().flatten().flatten();
        caches.extend(indices.filter_map(|index| cache(&index.path())));
    }
    let last = caches.keys().map(|(level, _)| *level).max();
    caches.iter().filter(|((level, _), _)| Some(*level) == last).map(|(_, size)| size).sum()
}

/// Reads level, sharing cores and size of one cache.
fn cache(folder: &Path) -> Option<((u32, String), u64)> {
    let text = |name: &str| fs::read_to_string(folder.join(name)).ok();
    let level = text("level")?.trim().parse().ok()?;
    Some(((level, text("shared_cpu_list")?), size(text("size")?.trim())?))
}

/// Parses a size such as "32768K" into bytes.
fn size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_read_with_their_units() {
        assert_eq!(["32768K", "2M", "64", "1G"].map(size), [Some(32 << 20), Some(2 << 20), Some(64), Some(1 << 30)]);
        assert_eq!(["", "K", "12X", "-3K"].map(size), [None; 4]);
    }
}
