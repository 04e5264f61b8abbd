//! A problem on the annular sector whose solution is known, with every kind of
//! condition and data that vary with the place.

use std::rc::Rc;

use quad8_mpi::la::{Jacobi, LinearOperator, Vector};
use quad8_mpi::parallel::Comm;
use quad8_mpi::problem::{Condition, Field, Material, Problem};

use super::meshes::{ANGLE, Grid};
use super::pipeline::{Model, System, dot, times};

/// Conditions by number: on the four sides, in the order of [`side`].
pub const DIRICHLET: u16 = 0;
const INNER_ROBIN: u16 = 1;
const OUTER_ROBIN: u16 = 2;
const NEUMANN: u16 = 3;

/// Returns u = sin(1.3 x + 0.4) exp(0.6 y) + 0.2 x y.
pub fn u([x, y]: [f64; 2]) -> f64 {
    (1.3 * x + 0.4).sin() * (0.6 * y).exp() + 0.2 * x * y
}

pub fn gradient([x, y]: [f64; 2]) -> [f64; 2] {
    let (sin, cos) = (1.3 * x + 0.4).sin_cos();
    let growth = (0.6 * y).exp();
    [1.3 * cos * growth + 0.2 * y, 0.6 * sin * growth + 0.2 * x]
}

pub fn conductivity([x, y]: [f64; 2]) -> f64 {
    1.0 + 0.3 * x * x + 0.2 * y
}

/// Returns f = -(grad k . grad u + k laplace u).
fn source([x, y]: [f64; 2]) -> f64 {
    let [u_x, u_y] = gradient([x, y]);
    let laplace = (0.36 - 1.69) * (1.3 * x + 0.4).sin() * (0.6 * y).exp();
    -(0.6 * x * u_x + 0.2 * u_y + conductivity([x, y]) * laplace)
}

fn transfer([x, _]: [f64; 2]) -> f64 {
    1.5 + 0.5 * x
}

/// Returns the condition of an edge of the sector: Dirichlet at angle 0, Robin on the inner and the
/// outer arc, Neumann at the largest angle.
pub fn side(points: &[[f64; 2]; 3]) -> Option<u16> {
    let all = |holds: &dyn Fn([f64; 2]) -> bool| points.iter().all(|&p| holds(p));
    let radius = |[x, y]: [f64; 2]| x.hypot(y);
    Some(if all(&|p| p[1].abs() < 1e-9) {
        DIRICHLET
    } else if all(&|p| (radius(p) - 1.0).abs() < 1e-9) {
        INNER_ROBIN
    } else if all(&|p| (radius(p) - 2.0).abs() < 1e-9) {
        OUTER_ROBIN
    } else {
        NEUMANN
    })
}

/// The system of the problem on a grid, with the simplest preconditioner.
pub struct Case {
    pub comm: Rc<Comm>,
    pub model: Model,
    pub system: System,
    pub jacobi: Jacobi,
}

impl Case {
    pub fn new(comm: &Rc<Comm>, grid: Grid) -> Self {
        let problem = problem();
        let model = Model::new(comm, &grid.mesh(), &side, &problem, 0).expect("a good mesh");
        let system = model.system(&problem);
        let jacobi = Jacobi::new(&system.matrix.diagonal());
        Self { comm: Rc::clone(comm), model, system, jacobi }
    }

    pub fn zeros(&self) -> Vector {
        Vector::zeros(self.model.halo.map())
    }

    /// Returns ||b - A x||.
    pub fn residual(&self, operator: &dyn LinearOperator, b: &[f64], x: &Vector) -> f64 {
        let ax = times(operator, x);
        let residual: Vec<f64> = b.iter().zip(ax.owned()).map(|(b, ax)| b - ax).collect();
        dot(&self.comm, &residual, &residual).sqrt()
    }
}

/// Returns [`problem`] as formulas.
pub fn problem_in_formulas() -> Problem {
    let field = |text: &str| -> Field { text.parse().expect("a formula") };
    let u = "(sin(1.3*x + 0.4)*exp(0.6*y) + 0.2*x*y)";
    let u_x = "(1.3*cos(1.3*x + 0.4)*exp(0.6*y) + 0.2*y)";
    let u_y = "(0.6*sin(1.3*x + 0.4)*exp(0.6*y) + 0.2*x)";
    let k = "(1 + 0.3*x^2 + 0.2*y)";
    let f = format!("-(0.6*x*{u_x} + 0.2*{u_y} + {k}*(0.36 - 1.69)*sin(1.3*x + 0.4)*exp(0.6*y))");
    let outwards = format!("{k}*({u_x}*x + {u_y}*y)/hypot(x, y)");
    let p = "(1.5 + 0.5*x)";
    let robin = |p: &str, gamma: String| Condition::Robin { p: field(p), gamma: field(&gamma) };
    Problem {
        material: Material { conductivity: field(k), source: field(&f) },
        conditions: vec![
            Condition::Dirichlet(field(u)),
            robin(p, format!("{p}*{u} - {outwards}")),
            robin(p, format!("{p}*{u} + {outwards}")),
            robin("0", format!("{k}*({u_y}*cos({ANGLE}) - {u_x}*sin({ANGLE}))")),
        ],
        ..Problem::default()
    }
}

pub fn problem() -> Problem {
    let at = |f: fn([f64; 2]) -> f64| Field::function(move |x, y| f([x, y]));
    // gamma = p u + k du/dn, with the normal as a function of the place.
    let gamma = |p: fn([f64; 2]) -> f64, normal: fn([f64; 2]) -> [f64; 2]| {
        Field::function(move |x, y| {
            let (g, n) = (gradient([x, y]), normal([x, y]));
            p([x, y]) * u([x, y]) + conductivity([x, y]) * (g[0] * n[0] + g[1] * n[1])
        })
    };
    let outwards = |[x, y]: [f64; 2]| [x / x.hypot(y), y / x.hypot(y)];
    let inwards = |[x, y]: [f64; 2]| [-x / x.hypot(y), -y / x.hypot(y)];
    Problem {
        material: Material { conductivity: at(conductivity), source: at(source) },
        conditions: vec![
            Condition::Dirichlet(at(u)),
            Condition::Robin { p: at(transfer), gamma: gamma(transfer, inwards) },
            Condition::Robin { p: at(transfer), gamma: gamma(transfer, outwards) },
            Condition::Robin { p: Field::Constant(0.0), gamma: gamma(|_| 0.0, |_| [-ANGLE.sin(), ANGLE.cos()]) },
        ],
        ..Problem::default()
    }
}
