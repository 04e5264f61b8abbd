//! Quality of the elements of a mesh.

mod element;

pub(crate) use element::BatchQuality;
pub use element::ElementQuality;

use crate::mesh::ElementNames;
use crate::mesh::quality::element::is_lower;
use crate::parallel::{Comm, GlobalIndex};
use crate::quad8;
use crate::quad8::{Batch, Coordinates};
use crate::system::{show_point, significant};

/// Bars of the histogram of scaled Jacobians, of equal width between 0 and 1.
pub const BARS: usize = 10;
/// Lower ends of the bars of the histogram of aspect ratios; the last one has no upper end.
pub const ASPECT_BARS: [f64; 8] = [1.0, 2.0, 5.0, 10.0, 30.0, 100.0, 300.0, 1000.0];
/// Aspect ratio above which a solve reports it.
pub const SLENDER: f64 = 100.0;
/// Most folded elements that are listed.
const LISTED: usize = 3;

/// Element with the extreme value of a measure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extreme {
    /// Value of the measure.
    pub value: f64,
    /// Element, in the numbering of the input.
    pub element: GlobalIndex,
    /// Position in the element (m).
    pub point: [f64; 2],
}

impl Extreme {
    /// Returns whether the value is lower than another, or of two equal ones that of the lower
    /// element.
    fn is_worse(&self, other: &Self) -> bool {
        let is_tie = self.value.to_bits() == other.value.to_bits() && self.element < other.element;
        is_lower(self.value, other.value) || is_tie
    }

    /// Returns the lower value, or of two equal ones that of the lower element.
    fn worse(self, other: Self) -> Self {
        if other.is_worse(&self) { other } else { self }
    }

    /// Returns the lowest of all ranks. **Collective.**
    fn over_ranks(self, comm: &Comm) -> Self {
        let order = if self.value.is_nan() { f64::NEG_INFINITY } else { self.value };
        let lowest = comm.min(order);
        let element = comm.min(if order == lowest { self.element } else { GlobalIndex::MAX });
        let point = if self.element == element { self.point } else { [f64::INFINITY; 2] };
        let point = comm.min_all(&point);
        Self { value: lowest, element, point: [point[0], point[1]] }
    }
}

/// Quality of many elements.
#[derive(Debug, Clone, PartialEq)]
pub struct MeshQuality {
    /// Lowest scaled Jacobian.
    pub lowest: Extreme,
    /// Number of elements with a scaled Jacobian of 0 or less.
    pub folded: u64,
    /// Number of elements with a scaled Jacobian in each tenth of 0 to 1.
    pub bars: [u64; BARS],
    /// Largest aspect ratio.
    pub slenderest: Extreme,
    /// Number of elements by their aspect ratio, see [`ASPECT_BARS`].
    pub aspect_bars: [u64; ASPECT_BARS.len()],
    /// Number of elements with a Gauss point whose determinant is not positive.
    pub refused: u64,
    /// Number of elements that are folded, but not at any Gauss point.
    pub folded_unseen: u64,
    /// First of these elements with their scaled Jacobians.
    pub listed: Vec<Extreme>,
}

impl Default for MeshQuality {
    fn default() -> Self {
        let none = |value| Extreme { value, element: GlobalIndex::MAX, point: [0.0; 2] };
        Self {
            lowest: none(f64::INFINITY),
            folded: 0,
            bars: [0; BARS],
            slenderest: none(0.0),
            aspect_bars: [0; ASPECT_BARS.len()],
            refused: 0,
            folded_unseen: 0,
            listed: Vec::new(),
        }
    }
}

impl MeshQuality {
    /// Adds an element.
    pub fn add(&mut self, element: GlobalIndex, coordinates: &Coordinates) {
        let batch = Batch::gather([*coordinates].into_iter());
        self.add_batch(&[element], &batch, &BatchQuality::of(&batch));
    }

    /// Adds the elements of a batch.
    pub(crate) fn add_batch(&mut self, elements: &[GlobalIndex], batch: &Batch, qualities: &BatchQuality) {
        for (lane, &element) in elements.iter().enumerate() {
            let at = |[xi, eta]: [f64; 2]| quad8::map(&batch.element(lane), xi, eta);
            self.add_measured(element, &qualities.element(lane), at);
        }
    }

    /// Adds an element, whose points are given by reference coordinates (xi, eta).
    fn add_measured(&mut self, element: GlobalIndex, quality: &ElementQuality, at: impl Fn([f64; 2]) -> [f64; 2]) {
        let lowest = Extreme { value: quality.scaled_jacobian, element, point: [f64::NAN; 2] };
        let slenderest = Extreme { value: quality.aspect_ratio, ..lowest };
        if quality.scaled_jacobian > 0.0 {
            self.bars[((quality.scaled_jacobian * BARS as f64) as usize).min(BARS - 1)] += 1;
        } else {
            self.folded += 1;
        }
        let bar = ASPECT_BARS[1..].iter().filter(|&&from| quality.aspect_ratio >= from).count();
        self.aspect_bars[bar] += 1;
        if lowest.is_worse(&self.lowest) {
            self.lowest = Extreme { point: at(quality.lowest_at), ..lowest };
        }
        if negative(slenderest).is_worse(&negative(self.slenderest)) {
            self.slenderest = Extreme { point: at(quality.slenderest_at), ..slenderest };
        }
        self.refused += u64::from(!quality.is_integrable);
        if quality.is_folded_unseen() {
            self.folded_unseen += 1;
            self.list([Extreme { point: at(quality.lowest_at), ..lowest }]);
        }
    }

    /// Combines two qualities.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.bars.iter_mut().zip(other.bars).for_each(|(a, b)| *a += b);
        self.aspect_bars.iter_mut().zip(other.aspect_bars).for_each(|(a, b)| *a += b);
        self.folded += other.folded;
        self.refused += other.refused;
        self.folded_unseen += other.folded_unseen;
        self.lowest = self.lowest.worse(other.lowest);
        self.slenderest = larger(self.slenderest, other.slenderest);
        self.list(other.listed);
        self
    }

    /// Adds elements to the list and keeps the first ones.
    fn list(&mut self, others: impl IntoIterator<Item = Extreme>) {
        self.listed.extend(others);
        self.listed.sort_by_key(|extreme| extreme.element);
        self.listed.truncate(LISTED);
    }

    /// Combines the qualities of all ranks. **Collective.**
    pub(crate) fn over_ranks(self, comm: &Comm) -> Self {
        let counts =
            [self.folded, self.refused, self.folded_unseen].into_iter().chain(self.bars).chain(self.aspect_bars);
        let counts = comm.sum_all(&counts.collect::<Vec<u64>>());
        let largest = negative(negative(self.slenderest).over_ranks(comm));
        let mut sum = Self {
            lowest: self.lowest.over_ranks(comm),
            folded: counts[0],
            bars: std::array::from_fn(|i| counts[3 + i]),
            slenderest: largest,
            aspect_bars: std::array::from_fn(|i| counts[3 + BARS + i]),
            refused: counts[1],
            folded_unseen: counts[2],
            listed: Vec::new(),
        };
        // By element number: the first of those that are left on any rank.
        let mut rest = self.listed.into_iter().peekable();
        for _ in 0..sum.folded_unseen.min(LISTED as u64) {
            let element = comm.min(rest.peek().map_or(GlobalIndex::MAX, |extreme| extreme.element));
            let own = rest.next_if(|extreme| extreme.element == element);
            let [x, y] = own.map_or([f64::INFINITY; 2], |extreme| extreme.point);
            let all = comm.min_all(&[own.map_or(f64::INFINITY, |extreme| extreme.value), x, y]);
            sum.listed.push(Extreme { value: all[0], element, point: [all[1], all[2]] });
        }
        sum
    }

    /// Returns the largest aspect ratio, if it is finite.
    pub fn aspect_ratio_max(&self) -> Option<f64> {
        Some(self.slenderest.value).filter(|value| value.is_finite())
    }

    /// Returns the number of elements that are folded anywhere.
    pub fn folded_elements(&self) -> u64 {
        self.refused + self.folded_unseen
    }

    /// Returns the elements that messages about the quality name.
    pub fn named_elements(&self) -> Vec<GlobalIndex> {
        self.listed.iter().chain([&self.lowest, &self.slenderest]).map(|extreme| extreme.element).collect()
    }

    /// Returns whether a solve reports the quality.
    pub fn is_notable(&self) -> bool {
        self.folded_unseen > 0 || self.slenderest.value > SLENDER
    }

    /// Returns a warning about elements that are folded between their Gauss points, if there are
    /// any.
    pub fn warning(&self, names: &ElementNames) -> Option<String> {
        let show = |fold: &Extreme| {
            format!(
                "{} near {} (scaled Jacobian {})",
                names.of(fold.element),
                show_point(fold.point),
                significant(fold.value)
            )
        };
        let list: Vec<String> = self.listed.iter().map(show).collect();
        let more = self.folded_unseen - self.listed.len() as u64;
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        let are = if self.folded_unseen == 1 { "element is" } else { "elements are" };
        (self.folded_unseen > 0).then(|| {
            format!(
                "{} {are} folded between the Gauss points: {}{more}; the solution there is doubtful, and --refine refuses \
                 the mesh as soon as a Gauss point of a smaller element lies in the fold: move middle nodes nearer to the \
                 middles of their edges",
                self.folded_unseen,
                list.join(", ")
            )
        })
    }

    /// Describes the largest aspect ratio in words.
    pub fn describe_aspect(&self, names: &ElementNames) -> String {
        let Extreme { value, element, point } = self.slenderest;
        format!("aspect ratio at most {} ({} near {})", significant(value), names.of(element), show_point(point))
    }
}

/// Returns the larger value, or of two equal ones that of the lower element.
fn larger(a: Extreme, b: Extreme) -> Extreme {
    negative(negative(a).worse(negative(b)))
}

fn negative(extreme: Extreme) -> Extreme {
    Extreme { value: -extreme.value, ..extreme }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quad8::NODES;

    #[test]
    fn a_quarter_point_element_is_not_folded() {
        let mut quarter = NODES.map(|[xi, eta]| [0.1 + 0.3 * xi, 0.7 + 0.3 * eta]);
        (quarter[4], quarter[7]) = ([-0.05, 0.4], [-0.2, 0.55]);
        let mut quality = MeshQuality::default();
        quality.add(0, &quarter);
        assert_eq!((quality.folded_elements(), quality.warning(&ElementNames::default())), (0, None));
    }

    #[test]
    fn folded_and_undefined_elements_are_counted_apart() {
        let mut folded = NODES;
        folded[4] = [-0.6, -1.0];
        let mut inside_out = NODES;
        inside_out[2] = [-3.0, -3.0];
        let mut undefined = NODES;
        undefined[0][0] = f64::NAN;
        let mut quality = MeshQuality::default();
        for (element, coordinates) in [(3, NODES), (7, folded), (8, inside_out), (9, undefined)] {
            quality.add(element, &coordinates);
        }
        assert_eq!((quality.folded, quality.bars[9], quality.aspect_bars[0]), (3, 1, 1));
        assert_eq!((quality.folded_unseen, quality.listed[0].element, quality.listed[0].point), (1, 7, [-1.0, -1.0]));
        assert!(quality.lowest.value.is_nan() && quality.lowest.element == 9);
        assert!(quality.slenderest.value.is_infinite() && quality.slenderest.element == 8);
    }

    #[test]
    fn of_many_folded_elements_the_first_are_listed() {
        let quality = |elements: std::ops::Range<u64>| {
            let mut quality = MeshQuality::default();
            let mut folded = NODES;
            folded[4] = [-0.6, -1.0];
            elements.for_each(|element| quality.add(element, &folded));
            quality
        };
        let both = quality(3..9).and(quality(1..3));
        assert_eq!(both, quality(1..9));
        let warning = both.warning(&ElementNames::default()).unwrap();
        let expected = "8 elements are folded between the Gauss points: element 1 near x = -1, y = -1 (scaled Jacobian -1), \
                        element 2 near ";
        assert!(warning.starts_with(expected) && warning.contains(", and 5 more; "), "{warning}");
    }
}
