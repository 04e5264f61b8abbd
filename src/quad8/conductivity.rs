//! Products with the conductivity at points: a number (N = 1), or the symmetric tensor of kxx, kxy
//! and kyy (N = 3). The innermost index runs over W points.

/// Computes k v for vectors with the components `x` and `y`.
#[inline(always)]
pub(crate) fn multiply<const N: usize, const W: usize>(k: &[[f64; W]; N], x: &[f64; W], y: &[f64; W]) -> [[f64; W]; 2] {
    let mut product = [[0.0; W]; 2];
    for l in 0..W {
        if let [xx, xy, yy] = &k[..] {
            product[0][l] = xx[l] * x[l] + xy[l] * y[l];
            product[1][l] = xy[l] * x[l] + yy[l] * y[l];
        } else {
            product[0][l] = k[0][l] * x[l];
            product[1][l] = k[0][l] * y[l];
        }
    }
    product
}

/// Computes a . k b for vectors with the components x and y.
#[inline(always)]
pub(crate) fn bilinear_form<const N: usize, const W: usize>(
    k: &[[f64; W]; N],
    a: &[[f64; W]; 2],
    b: &[[f64; W]; 2],
) -> [f64; W] {
    let mut form = [0.0; W];
    for l in 0..W {
        let (ax, ay, bx, by) = (a[0][l], a[1][l], b[0][l], b[1][l]);
        form[l] = if let [xx, xy, yy] = &k[..] {
            xx[l] * ax * bx + xy[l] * (ax * by + ay * bx) + yy[l] * ay * by
        } else {
            k[0][l] * (ax * bx + ay * by)
        };
    }
    form
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_with_a_multiple_of_the_identity_are_those_with_the_number() {
        let (x, y) = ([2.0, -1.0], [0.5, 3.0]);
        let (number, tensor) = ([[4.0, 8.0]], [[4.0, 8.0], [0.0; 2], [4.0, 8.0]]);
        assert_eq!(multiply(&number, &x, &y), multiply(&tensor, &x, &y));
        assert_eq!(bilinear_form(&number, &[x, y], &[y, x]), bilinear_form(&tensor, &[x, y], &[y, x]));
        assert_eq!(multiply(&[[2.0], [1.0], [5.0]], &[1.0], &[10.0]), [[12.0], [51.0]]);
        assert_eq!(bilinear_form(&[[2.0], [1.0], [5.0]], &[[1.0], [10.0]], &[[1.0], [10.0]]), [522.0]);
    }
}
