//! Orders along a Hilbert curve: neighbours in the plane become neighbours in
//! memory. D. Hilbert, *Ueber die stetige Abbildung einer Linie auf ein
//! Flaechenstueck* (1891); bit-wise form after H. S. Warren, *Hacker's Delight*,
//! 2nd ed., section 16-2.

/// Cells along one side of the grid that the curve runs through: 2^16.
const BITS: u32 = 16;

/// The permutation that sorts `points` along the curve through their bounding
/// box; equal cells keep their order.
pub fn hilbert(points: &[[f64; 2]]) -> Vec<u32> {
    let mut low = [f64::INFINITY; 2];
    let mut high = [f64::NEG_INFINITY; 2];
    for point in points {
        for axis in 0..2 {
            low[axis] = low[axis].min(point[axis]);
            high[axis] = high[axis].max(point[axis]);
        }
    }
    let side = (high[0] - low[0]).max(high[1] - low[1]).max(f64::MIN_POSITIVE);
    let scale = f64::from((1_u32 << BITS) - 1) / side;
    let mut keyed: Vec<(u32, u32)> = points
        .iter()
        .zip(0..)
        .map(|(p, i)| (distance(((p[0] - low[0]) * scale) as u32, ((p[1] - low[1]) * scale) as u32), i))
        .collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, i)| i).collect()
}

/// Distance of cell (x, y) from the start of the curve.
fn distance(mut x: u32, mut y: u32) -> u32 {
    let mut d = 0;
    let mut s = 1_u32 << (BITS - 1);
    while s > 0 {
        let (rx, ry) = (u32::from(x & s > 0), u32::from(y & s > 0));
        d = (d << 2) | ((3 * rx) ^ ry);
        if ry == 0 {
            if rx == 1 {
                x = !x;
                y = !y;
            }
            std::mem::swap(&mut x, &mut y);
        }
        s >>= 1;
    }
    d
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consecutive_cells_of_the_curve_touch() {
        let points: Vec<[f64; 2]> = (0..1024).map(|i| [f64::from(i % 32), f64::from(i / 32)]).collect();
        let order = hilbert(&points);
        for pair in order.windows(2) {
            let (a, b) = (points[pair[0] as usize], points[pair[1] as usize]);
            assert_eq!((a[0] - b[0]).abs() + (a[1] - b[1]).abs(), 1.0, "{a:?} to {b:?}");
        }
    }

    #[test]
    fn points_in_one_place_keep_their_order() {
        assert_eq!(hilbert(&[[1.0, 1.0]; 4]), [0, 1, 2, 3]);
        assert!(hilbert(&[]).is_empty());
    }
}
