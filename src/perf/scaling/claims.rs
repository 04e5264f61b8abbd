//! What the Numba program that this one replaces claims for its threads.

/// Parallel efficiency on so many cores (%), where it says something.
pub fn claim(cores: usize) -> Option<&'static str> {
    match cores {
        1..=4 => Some("90-100"),
        5..=8 => Some("70-90"),
        9..=16 => Some("50-70"),
        _ => None,
    }
}
