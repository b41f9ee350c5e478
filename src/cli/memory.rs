//! How much memory the machine has.

/// Bytes of memory that a run may count on, where the system says: the
/// machine's, or the control group's if that is less.
pub(super) fn limit() -> Option<u64> {
    let machine = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| total(&text));
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max")
        .ok()
        .and_then(|text| text.trim().parse().ok());
    match (machine, group) {
        (Some(machine), Some(group)) => Some(u64::min(machine, group)),
        (one, other) => one.or(other),
    }
}

/// `MemTotal` of `/proc/meminfo`, which counts in units of 1024 bytes.
fn total(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::total;

    #[test]
    fn the_total_is_read_in_bytes() {
        let text = "MemTotal:       2048 kB\nMemFree:        1 kB\n";
        assert_eq!(total(text), Some(2048 * 1024));
        assert_eq!(total("nothing"), None);
    }
}
