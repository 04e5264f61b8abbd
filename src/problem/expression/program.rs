//! Formula as a program for a stack.

/// Step of a program in postfix order: it takes its operands from a stack and pushes its value.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    Number(f64),
    X,
    Y,
    Negate,
    Square,
    Add,
    Subtract,
    Multiply,
    Divide,
    Unary(fn(f64) -> f64),
    Binary(fn(f64, f64) -> f64),
}

/// Program that leaves one value on the stack.
#[derive(Debug, Clone)]
pub struct Program {
    steps: Vec<Step>,
    /// Largest number of values on the stack.
    waiting: usize,
}

impl Program {
    /// Largest stack of any program.
    const STACK: usize = 64;
    /// Stack of most programs: a short one takes less time to clear.
    const USUAL: usize = 8;

    /// Creates the program of these steps; returns none where it needs a larger stack.
    pub fn new(steps: Vec<Step>) -> Option<Self> {
        let (mut now, mut waiting) = (0, 0);
        for step in &steps {
            match step {
                Step::Number(_) | Step::X | Step::Y => now += 1,
                Step::Negate | Step::Square | Step::Unary(_) => (),
                Step::Add | Step::Subtract | Step::Multiply | Step::Divide | Step::Binary(_) => now -= 1,
            }
            waiting = now.max(waiting);
        }
        (waiting <= Self::STACK).then_some(Self { steps, waiting })
    }

    /// Returns whether the value depends on x or y.
    pub fn varies(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::X | Step::Y))
    }

    /// Evaluates the program at `N` points (m).
    pub fn run<const N: usize>(&self, x: &[f64; N], y: &[f64; N]) -> [f64; N] {
        if self.waiting <= Self::USUAL {
            self.on_stack::<N, { Self::USUAL }>(x, y)
        } else {
            self.on_stack::<N, { Self::STACK }>(x, y)
        }
    }

    /// Runs each step for all points, so that the dispatch of steps costs little and arithmetic
    /// uses SIMD instructions.
    fn on_stack<const N: usize, const STACK: usize>(&self, x: &[f64; N], y: &[f64; N]) -> [f64; N] {
        let mut stack = [[0.0; N]; STACK];
        let mut top = 0;
        for step in &self.steps {
            match *step {
                Step::Number(value) => push(&mut stack, &mut top, &[value; N]),
                Step::X => push(&mut stack, &mut top, x),
                Step::Y => push(&mut stack, &mut top, y),
                Step::Negate => replace(&mut stack, top, |a| -a),
                Step::Square => replace(&mut stack, top, |a| a * a),
                Step::Unary(f) => replace(&mut stack, top, f),
                Step::Add => join(&mut stack, &mut top, |a, b| a + b),
                Step::Subtract => join(&mut stack, &mut top, |a, b| a - b),
                Step::Multiply => join(&mut stack, &mut top, |a, b| a * b),
                Step::Divide => join(&mut stack, &mut top, |a, b| a / b),
                Step::Binary(f) => join(&mut stack, &mut top, f),
            }
        }
        stack[0]
    }
}

fn push<const N: usize>(stack: &mut [[f64; N]], top: &mut usize, values: &[f64; N]) {
    stack[*top] = *values;
    *top += 1;
}

fn replace<const N: usize>(stack: &mut [[f64; N]], top: usize, f: impl Fn(f64) -> f64) {
    stack[top - 1].iter_mut().for_each(|a| *a = f(*a));
}

fn join<const N: usize>(stack: &mut [[f64; N]], top: &mut usize, f: impl Fn(f64, f64) -> f64) {
    *top -= 1;
    let b = stack[*top];
    stack[*top - 1].iter_mut().zip(b).for_each(|(a, b)| *a = f(*a, b));
}
