//! Table of the channels: parameters and blocks of each.

use std::f64::consts::FRAC_1_SQRT_2;

use crate::mesh::channel::layout::Curve::{Arc, Cosine, Straight};
use crate::mesh::channel::layout::Layout;

/// Kind of channel.
#[derive(Debug)]
pub struct Shape {
    /// Name on the command line.
    pub name: &'static str,
    /// Description in one line.
    pub description: &'static str,
    /// Its parameters.
    pub parameters: &'static [Parameter],
    /// Arranges the blocks, given the parameters by name.
    pub layout: fn(&Values) -> Layout,
}

/// Parameters by name.
pub type Values<'a> = dyn Fn(&str) -> f64 + 'a;

/// Parameter of a channel: a length (m), or an angle (degrees) where its name is `angle`. It is
/// more than 0.
#[derive(Debug)]
pub struct Parameter {
    /// Name.
    pub name: &'static str,
    /// Value where none is given.
    pub default: f64,
    /// Parameters that must be larger.
    pub below: &'static [&'static str],
}

const fn parameter(name: &'static str, default: f64) -> Parameter {
    Parameter { name, default, below: &[] }
}

/// All channels.
pub static SHAPES: [Shape; 10] = [
    Shape {
        name: "channel",
        description: "straight channel",
        parameters: &[parameter("length", 3.0), parameter("height", 1.0)],
        layout: |p| ramps(&[p("length")], &[p("height"), p("height")]),
    },
    Shape {
        name: "nozzle",
        description: "channel that narrows smoothly",
        parameters: &[
            parameter("inlet", 1.0),
            Parameter { below: &["inlet"], ..parameter("outlet", 0.5) },
            parameter("before", 0.5),
            parameter("ramp", 1.5),
            parameter("after", 1.0),
        ],
        layout: two_heights,
    },
    Shape {
        name: "diffuser",
        description: "channel that widens smoothly",
        parameters: &[
            Parameter { below: &["outlet"], ..parameter("inlet", 0.5) },
            parameter("outlet", 1.0),
            parameter("before", 0.5),
            parameter("ramp", 2.0),
            parameter("after", 0.5),
        ],
        layout: two_heights,
    },
    Shape {
        name: "venturi",
        description: "channel that narrows smoothly to a throat and widens again",
        parameters: &[
            parameter("height", 1.0),
            Parameter { below: &["height"], ..parameter("throat", 0.5) },
            parameter("before", 0.4),
            parameter("converging", 0.8),
            parameter("straight", 0.3),
            parameter("diverging", 1.2),
            parameter("after", 0.3),
        ],
        layout: |p| {
            let lengths = ["before", "converging", "straight", "diverging", "after"].map(p);
            let (height, throat) = (p("height"), p("throat"));
            ramps(&lengths, &[height, height, throat, throat, height, height])
        },
    },
    Shape {
        name: "s-bend",
        description: "channel that turns by an angle and back again",
        parameters: &[
            parameter("width", 0.8),
            parameter("radius", 0.8),
            parameter("angle", 60.0),
            parameter("before", 1.2),
            parameter("after", 1.2),
        ],
        layout: |p| {
            let (inner, outer, angle) = (p("radius"), p("radius") + p("width"), p("angle").to_radians());
            let (sin, cos) = libm::sincos(angle);
            let centre @ [x, y] = [(inner + outer) * sin, -(inner + outer) * cos];
            Layout::strip(
                [[-p("before"), -outer], [-p("before"), -inner]],
                &[
                    (Straight, [[0.0, -outer], [0.0, -inner]]),
                    (Arc([0.0; 2]), [[outer * sin, -outer * cos], [inner * sin, -inner * cos]]),
                    (Arc(centre), [[x, y + inner], [x, y + outer]]),
                    (Straight, [[x + p("after"), y + inner], [x + p("after"), y + outer]]),
                ],
            )
        },
    },
    Shape {
        name: "t-junction",
        description: "channel that parts into one to the left and one to the right",
        parameters: &[
            parameter("width", 1.0),
            parameter("stem", 1.2),
            parameter("arm", 1.4),
            parameter("arm_width", 1.0),
        ],
        layout: |p| {
            let (half, end) = (0.5 * p("width"), 0.5 * p("width") + p("arm"));
            Layout::grid(&[-end, -half, half, end], &[-p("stem"), 0.0, p("arm_width")], &[[0, 0], [2, 0]])
                .name("inlet", &[1, 2])
                .name("outlet_left", &[4, 8])
                .name("outlet_right", &[7, 11])
        },
    },
    Shape {
        name: "elbow",
        description: "channel that turns by an angle",
        parameters: &[
            parameter("width", 1.0),
            parameter("radius", 0.5),
            parameter("angle", 90.0),
            parameter("before", 1.5),
            parameter("after", 1.5),
        ],
        layout: |p| {
            let (inner, outer, angle) = (p("radius"), p("radius") + p("width"), p("angle").to_radians());
            let (sin, cos) = libm::sincos(angle);
            let end = [outer, inner].map(|r| [r * sin, -r * cos]);
            Layout::strip(
                [[-p("before"), -outer], [-p("before"), -inner]],
                &[
                    (Straight, [[0.0, -outer], [0.0, -inner]]),
                    (Arc([0.0; 2]), end),
                    (Straight, end.map(|[x, y]| [x + p("after") * cos, y + p("after") * sin])),
                ],
            )
        },
    },
    Shape {
        name: "backward-step",
        description: "channel that becomes higher at a step",
        parameters: &[
            parameter("height", 0.5),
            parameter("step", 0.5),
            parameter("before", 1.0),
            parameter("after", 3.0),
        ],
        layout: |p| {
            let (x, y) = (p("before"), p("step"));
            Layout::grid(&[0.0, x, x + p("after")], &[0.0, y, y + p("height")], &[[0, 0]])
                .name("inlet", &[3, 6])
                .name("outlet", &[2, 5, 8])
        },
    },
    Shape {
        name: "cylinder",
        description: "channel with a cylinder half-way up; before and after: from its centre to the ends",
        parameters: &[
            parameter("height", 1.0),
            Parameter { below: &["height", "before", "after"], ..parameter("diameter", 0.4) },
            parameter("before", 1.2),
            parameter("after", 1.8),
        ],
        layout: |p| {
            // Four blocks between the circle and a square around it, in the middle of a grid.
            let radius = 0.5 * p("diameter");
            let reach = p("before").min(p("after")).min(0.5 * p("height"));
            let side = (0.5 * (radius + reach)).min(3.0 * radius);
            let (centre @ [x, y], diagonal) = ([p("before"), 0.5 * p("height")], radius * FRAC_1_SQRT_2);
            let columns = [0.0, x - side, x + side, x + p("after")];
            let mut layout = Layout::grid(&columns, &[0.0, y - side, y + side, p("height")], &[[1, 1]])
                .name("cylinder", &[16, 17, 18, 19, 16]);
            layout.points.extend(
                [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]].map(|[i, j]| [x + i * diagonal, y + j * diagonal]),
            );
            layout.blocks.extend([[5, 6, 17, 16], [6, 10, 18, 17], [10, 9, 19, 18], [9, 5, 16, 19]]);
            layout.curves.extend([[16, 17], [17, 18], [18, 19], [19, 16]].map(|ends| (ends, Arc(centre))));
            ends_of_three_rows(layout)
        },
    },
    Shape {
        name: "rectangle",
        description: "channel with a rectangle half-way up; before and after: from its sides to the ends",
        parameters: &[
            parameter("height", 1.0),
            parameter("rectangle_length", 0.4),
            Parameter { below: &["height"], ..parameter("rectangle_height", 0.4) },
            parameter("before", 1.0),
            parameter("after", 1.6),
        ],
        layout: |p| {
            let (left, right) = (p("before"), p("before") + p("rectangle_length"));
            let (middle, half) = (0.5 * p("height"), 0.5 * p("rectangle_height"));
            let rows = [0.0, middle - half, middle + half, p("height")];
            let layout = Layout::grid(&[0.0, left, right, right + p("after")], &rows, &[[1, 1]]);
            ends_of_three_rows(layout.name("rectangle", &[5, 6, 10, 9, 5]))
        },
    },
];

/// Arranges pieces of these lengths, with these heights at their ends, along the x axis.
fn ramps(lengths: &[f64], heights: &[f64]) -> Layout {
    let largest = heights.iter().copied().fold(0.0, f64::max);
    let section = |x: f64, height: f64| [[x, 0.5 * (largest - height)], [x, 0.5 * (largest + height)]];
    let mut x = 0.0;
    let pieces = lengths.iter().zip(heights.windows(2)).map(|(length, ends)| {
        x += length;
        (if ends[0] == ends[1] { Straight } else { Cosine }, section(x, ends[1]))
    });
    let pieces: Vec<_> = pieces.collect();
    Layout::strip(section(0.0, heights[0]), &pieces)
}

fn two_heights(p: &Values) -> Layout {
    let (inlet, outlet) = (p("inlet"), p("outlet"));
    ramps(&["before", "ramp", "after"].map(p), &[inlet, inlet, outlet, outlet])
}

/// Names the ends of a grid of three by three cells.
fn ends_of_three_rows(layout: Layout) -> Layout {
    layout.name("inlet", &[0, 4, 8, 12]).name("outlet", &[3, 7, 11, 15])
}

impl PartialEq for Shape {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
