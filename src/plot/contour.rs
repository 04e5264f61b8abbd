//! Contour lines on a grid of samples: marching squares (W. E. Lorensen, H. E. Cline, *Marching
//! cubes*, SIGGRAPH 1987, in two dimensions).

use rustc_hash::FxHashMap;

/// Line in units of samples; the last point of a closed one is the first.
pub type Line = Vec<[f32; 2]>;

/// Returns the contour lines of a level on samples, `width` to a row; a line ends at NaN.
pub fn lines(values: &[f32], width: usize, level: f32) -> Vec<Line> {
    let mut links = Links::default();
    for row in 0..(values.len() / width).saturating_sub(1) {
        for column in 0..width - 1 {
            let corner = row * width + column;
            for [a, b] in crossings(values, width, corner, level).into_iter().flatten() {
                links.connect([a, b].map(|edge| (edge, point(values, width, edge, level))));
            }
        }
    }
    links.chain()
}

/// Returns `count` values evenly spaced between the smallest and the largest one.
pub fn levels([low, high]: [f64; 2], count: u32) -> impl Iterator<Item = f64> {
    (1..=count).map(move |i| low + (high - low) * f64::from(i) / f64::from(count + 1))
}

/// Points that are connected to lines, by their keys.
#[derive(Default)]
pub struct Links {
    links: FxHashMap<u32, Link>,
    /// Keys of further points at the places of points with two neighbours.
    others: FxHashMap<u32, u32>,
}

impl Links {
    /// Connects two points, each with its key. Where more than two lines end at a point, they are
    /// connected in pairs.
    pub fn connect(&mut self, points: [(u32, [f32; 2]); 2]) {
        let [a, b] = points.map(|(key, at)| self.open(key, at));
        for (from, to) in [(a, b), (b, a)] {
            self.links.entry(from).and_modify(|link| link.add(to));
        }
    }

    /// Returns the key of a point with less than two neighbours at this place.
    fn open(&mut self, mut key: u32, at: [f32; 2]) -> u32 {
        while self.links.get(&key).is_some_and(|link| link.next[1].is_some()) {
            let other = u32::MAX - self.others.len() as u32;
            key = *self.others.entry(key).or_insert(other);
        }
        self.links.entry(key).or_insert_with(|| Link::new(at));
        key
    }

    /// Returns the lines: first those with two ends, then the closed ones.
    pub fn chain(mut self) -> Vec<Line> {
        let links = &mut self.links;
        let mut starts: Vec<(bool, u32)> = links.iter().map(|(&key, link)| (link.next[1].is_some(), key)).collect();
        starts.sort_unstable();
        let mut lines = Vec::new();
        for (is_closed, start) in starts {
            let mut line = Line::new();
            let mut next = Some(start);
            while let Some(link) = next.and_then(|key| links.remove(&key)) {
                line.push(link.at);
                next = link.next.into_iter().flatten().find(|key| links.contains_key(key));
            }
            if is_closed && line.len() > 2 {
                line.push(line[0]);
            }
            if line.len() > 1 {
                lines.push(line);
            }
        }
        lines
    }
}

/// Point of a line, and the keys of its neighbours.
struct Link {
    at: [f32; 2],
    next: [Option<u32>; 2],
}

impl Link {
    fn new(at: [f32; 2]) -> Self {
        Self { at, next: [None; 2] }
    }

    fn add(&mut self, to: u32) {
        let slot = usize::from(self.next[0].is_some());
        self.next[slot] = Some(to);
    }
}

/// Returns the pairs of grid edges that lines connect in the cell at `corner`. Edge 2 i leads from
/// sample i to the right, 2 i + 1 downwards.
fn crossings(values: &[f32], width: usize, corner: usize, level: f32) -> [Option<[u32; 2]>; 2] {
    let around = [corner, corner + 1, corner + width + 1, corner + width].map(|i| values[i]);
    let sum: f32 = around.iter().sum();
    if sum.is_nan() {
        return [None; 2];
    }
    let above = around.map(|v| v > level);
    let edges = [2 * corner, 2 * (corner + 1) + 1, 2 * (corner + width), 2 * corner + 1].map(|e| e as u32);
    let crossed: Vec<u32> = (0..4).filter(|&i| above[i] != above[(i + 1) % 4]).map(|i| edges[i]).collect();
    match crossed[..] {
        [a, b] => [Some([a, b]), None],
        // A saddle: the value in the middle determines which corners are connected.
        [a, b, c, d] if (0.25 * sum > level) == above[0] => [Some([a, b]), Some([c, d])],
        [a, b, c, d] => [Some([a, d]), Some([b, c])],
        _ => [None; 2],
    }
}

/// Interpolates the position of the level on an edge of the grid.
fn point(values: &[f32], width: usize, edge: u32, level: f32) -> [f32; 2] {
    let from = edge as usize / 2;
    let is_down = edge % 2 == 1;
    let to = if is_down { from + width } else { from + 1 };
    let part = (level - values[from]) / (values[to] - values[from]);
    let (x, y) = ((from % width) as f32, (from / width) as f32);
    if is_down { [x, y + part] } else { [x + part, y] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(f: impl Fn(f32, f32) -> f32) -> Vec<f32> {
        (0..41 * 41).map(|i| f((i % 41) as f32 - 20.0, (i / 41) as f32 - 20.0)).collect()
    }

    #[test]
    fn a_circle_is_one_closed_line() {
        let found = lines(&grid(f32::hypot), 41, 12.0);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].first(), found[0].last());
        assert!(found[0].iter().all(|[x, y]| ((x - 20.0).hypot(y - 20.0) - 12.0).abs() < 0.02));
    }

    #[test]
    fn a_line_ends_where_the_domain_does() {
        let found = lines(&grid(|x, y| if y.abs() < 5.0 { x } else { f32::NAN }), 41, 0.5);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].len(), 9);
        assert!(found[0].iter().all(|p| (p[0] - 20.5).abs() < 1e-6));
    }

    #[test]
    fn two_loops_that_touch_are_closed() {
        let at = |key: u32| (key, [key as f32, 0.0]);
        let mut links = Links::default();
        for [a, b] in [[0, 1], [1, 2], [2, 0], [0, 3], [3, 4], [4, 0]] {
            links.connect([at(a), at(b)]);
        }
        let lines = links.chain();
        assert_eq!(lines.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4]);
        assert!(lines.iter().all(|line| line.first() == line.last()), "{lines:?}");
    }

    #[test]
    fn levels_lie_between_the_ends() {
        assert_eq!(levels([0.0, 10.0], 4).collect::<Vec<_>>(), [2.0, 4.0, 6.0, 8.0]);
    }
}
