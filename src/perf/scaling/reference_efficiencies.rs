//! Reference values: the efficiencies that the Numba program, the predecessor of this one, claims.

/// Returns the claimed parallel efficiency (%) on so many cores, if there is a claim.
pub fn reference_efficiency(cores: usize) -> Option<&'static str> {
    match cores {
        1..=4 => Some("90-100"),
        5..=8 => Some("70-90"),
        9..=16 => Some("50-70"),
        _ => None,
    }
}
