//! Formulas in x and y, such as `2.5*(1 - y^2)`, read once and evaluated at
//! many points.
//!
//! An operator binds as in mathematics and in Python: `-x^2` is `-(x^2)`,
//! `2^3^2` is `2^9`.

use winnow::ascii::{digit0, digit1, multispace0};
use winnow::combinator::{Infix, Prefix, alt, cut_err, delimited, expression, opt, preceded, separated};
use winnow::error::{ModalError, ParserError};
use winnow::prelude::*;
use winnow::stream::{AsChar, Stream};
use winnow::token::{one_of, take_while};

use crate::error::{Error, Result};

/// Bounds on what a formula may be, far above what people write: parsing it and
/// evaluating it then need little stack.
const LONGEST: usize = 2000;
const DEEPEST: usize = 32;

/// A formula in x and y, ready to be evaluated by several threads at once.
#[derive(Debug, Clone)]
pub struct Expression {
    text: String,
    program: Vec<Step>,
}

/// One step of a program in postfix order: takes operands from a stack and
/// leaves its value there.
#[derive(Debug, Clone, Copy)]
enum Step {
    Number(f64),
    X,
    Y,
    Unary(fn(f64) -> f64),
    Binary(fn(f64, f64) -> f64),
}

const CONSTANTS: [(&str, Step); 4] = [
    ("x", Step::X),
    ("y", Step::Y),
    ("pi", Step::Number(std::f64::consts::PI)),
    ("e", Step::Number(std::f64::consts::E)),
];

const FUNCTIONS: [(&str, Step); 23] = [
    ("abs", Step::Unary(f64::abs)),
    ("sign", Step::Unary(|a| if a == 0.0 { 0.0 } else { a.signum() })),
    ("step", Step::Unary(|a| if a >= 0.0 { 1.0 } else { 0.0 * a })),
    ("floor", Step::Unary(f64::floor)),
    ("ceil", Step::Unary(f64::ceil)),
    ("sqrt", Step::Unary(f64::sqrt)),
    ("exp", Step::Unary(f64::exp)),
    ("log", Step::Unary(f64::ln)),
    ("log10", Step::Unary(f64::log10)),
    ("sin", Step::Unary(f64::sin)),
    ("cos", Step::Unary(f64::cos)),
    ("tan", Step::Unary(f64::tan)),
    ("asin", Step::Unary(f64::asin)),
    ("acos", Step::Unary(f64::acos)),
    ("atan", Step::Unary(f64::atan)),
    ("sinh", Step::Unary(f64::sinh)),
    ("cosh", Step::Unary(f64::cosh)),
    ("tanh", Step::Unary(f64::tanh)),
    ("atan2", Step::Binary(f64::atan2)),
    ("hypot", Step::Binary(f64::hypot)),
    ("min", Step::Binary(smaller)),
    ("max", Step::Binary(|a, b| -smaller(-a, -b))),
    ("pow", Step::Binary(f64::powf)),
];

/// Unlike [`f64::min`], this keeps a NaN.
fn smaller(a: f64, b: f64) -> f64 {
    if a.is_nan() || a < b { a } else { b }
}

impl Expression {
    /// Reads a formula.
    ///
    /// # Errors
    /// [`Error::BadExpression`] with the place in the text.
    pub fn parse(text: &str) -> Result<Self> {
        let failed = |what: &str, left: usize| Error::BadExpression {
            text: text.to_owned(),
            what: what.to_owned(),
            position: text.get(..text.len() - left).unwrap_or(text).chars().count() + 1,
            functions: FUNCTIONS.map(|(name, _)| name).join(", "),
        };
        if text.len() > LONGEST {
            return Err(failed("it is longer than 2000 bytes", text.len() - LONGEST));
        }
        if let Some(left) = too_deep(text) {
            return Err(failed("brackets are nested more than 32 deep", left));
        }
        let program = formula.parse(text).map_err(|error| {
            let flaw = error.into_inner();
            failed(&flaw.what.unwrap_or_else(|| found(text, flaw.left)), flaw.left)
        })?;
        if stack(&program) > STACK {
            return Err(failed("too many operands wait for another", 0));
        }
        Ok(Self { text: text.to_owned(), program })
    }

    /// The text it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its value, if it is the same everywhere.
    pub fn constant(&self) -> Option<f64> {
        let varies = self.program.iter().any(|step| matches!(step, Step::X | Step::Y));
        (!varies).then(|| self.at([0.0; 2]))
    }

    /// The value at a point (m); NaN and infinities are for the caller to refuse.
    pub fn at(&self, [x, y]: [f64; 2]) -> f64 {
        let mut stack = [0.0; STACK];
        let mut top = 0;
        for step in &self.program {
            let value = match *step {
                Step::Number(value) => value,
                Step::X => x,
                Step::Y => y,
                Step::Unary(f) => {
                    top -= 1;
                    f(stack[top])
                }
                Step::Binary(f) => {
                    top -= 2;
                    f(stack[top], stack[top + 1])
                }
            };
            stack[top] = value;
            top += 1;
        }
        stack[0]
    }
}

/// Values that can wait during an evaluation.
const STACK: usize = 64;

/// The most values that wait while a program runs.
fn stack(program: &[Step]) -> usize {
    let (mut now, mut most) = (0, 0);
    for step in program {
        match step {
            Step::Number(_) | Step::X | Step::Y => now += 1,
            Step::Unary(_) => (),
            Step::Binary(_) => now -= 1,
        }
        most = most.max(now);
    }
    most
}

/// How many bytes are left where brackets are nested too deep.
fn too_deep(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let place = text.bytes().position(|byte| {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => (),
        }
        depth > DEEPEST
    });
    place.map(|place| text.len() - place)
}

/// What stands where the text could not be read on.
fn found(text: &str, left: usize) -> String {
    match text.get(text.len() - left..).and_then(|rest| rest.chars().next()) {
        Some(found) => format!("unexpected '{found}'"),
        None => "unexpected end".to_owned(),
    }
}

/// Where a text cannot be read, and why if there is more to say.
#[derive(Debug)]
struct Flaw {
    left: usize,
    what: Option<String>,
    fatal: bool,
}

impl ParserError<&str> for Flaw {
    type Inner = Self;

    fn from_input(input: &&str) -> Self {
        Self { left: input.eof_offset(), what: None, fatal: false }
    }

    fn is_backtrack(&self) -> bool {
        !self.fatal
    }

    fn into_inner(self) -> std::result::Result<Self, Self> {
        Ok(self)
    }
}

impl ModalError for Flaw {
    fn cut(self) -> Self {
        Self { fatal: true, ..self }
    }

    fn backtrack(self) -> Self {
        Self { fatal: false, ..self }
    }
}

type Parsed<T> = std::result::Result<T, Flaw>;

/// A formula, as the program that evaluates it.
fn formula(input: &mut &str) -> Parsed<Vec<Step>> {
    let prefix = alt((
        spaced('-').value(Prefix(5, |_: &mut &str, a| Ok(unary(a, |a| -a)))),
        spaced('+').value(Prefix(5, |_: &mut &str, a| Ok(a))),
    ));
    let infix = alt((
        spaced(alt(("**", "^"))).value(Infix::Right(7, |_: &mut &str, a, b| Ok(binary(a, b, f64::powf)))),
        spaced("*").value(Infix::Left(3, |_: &mut &str, a, b| Ok(binary(a, b, |a, b| a * b)))),
        spaced("/").value(Infix::Left(3, |_: &mut &str, a, b| Ok(binary(a, b, |a, b| a / b)))),
        spaced("+").value(Infix::Left(1, |_: &mut &str, a, b| Ok(binary(a, b, |a, b| a + b)))),
        spaced("-").value(Infix::Left(1, |_: &mut &str, a, b| Ok(binary(a, b, |a, b| a - b)))),
    ));
    expression(spaced(operand)).prefix(prefix).infix(infix).parse_next(input)
}

/// With spaces around.
fn spaced<'i, T>(parser: impl Parser<&'i str, T, Flaw>) -> impl Parser<&'i str, T, Flaw> {
    delimited(multispace0, parser, multispace0)
}

fn unary(mut a: Vec<Step>, f: fn(f64) -> f64) -> Vec<Step> {
    a.push(Step::Unary(f));
    a
}

fn binary(mut a: Vec<Step>, b: Vec<Step>, f: fn(f64, f64) -> f64) -> Vec<Step> {
    a.extend(b);
    a.push(Step::Binary(f));
    a
}

fn operand(input: &mut &str) -> Parsed<Vec<Step>> {
    alt((number, named, delimited('(', cut_err(formula), cut_err(')')))).parse_next(input)
}

fn number(input: &mut &str) -> Parsed<Vec<Step>> {
    let exponent = (one_of(['e', 'E']), opt(one_of(['+', '-'])), digit1);
    let digits = alt(((digit1, opt(('.', digit0))).void(), ('.', digit1).void()));
    (digits, opt(exponent)).take().parse_to().map(|value| vec![Step::Number(value)]).parse_next(input)
}

/// A constant, a variable or a call of a function.
fn named(input: &mut &str) -> Parsed<Vec<Step>> {
    let left = input.eof_offset();
    let refuse = |what: String| Flaw { left, what: Some(what), fatal: true };
    let name = (one_of(AsChar::is_alpha), take_while(0.., |c: char| c.is_ascii_alphanumeric() || c == '_'))
        .take()
        .parse_next(input)?;
    if let Some((_, step)) = CONSTANTS.iter().find(|(known, _)| *known == name) {
        return Ok(vec![*step]);
    }
    let known = FUNCTIONS.iter().find(|(known, _)| *known == name);
    let &(_, step) = known.ok_or_else(|| refuse(format!("unknown name '{name}'")))?;
    let arguments: Vec<Vec<Step>> =
        cut_err(delimited(preceded(multispace0, '('), separated(1.., formula, ','), ')')).parse_next(input)?;
    let wanted = if matches!(step, Step::Unary(_)) { 1 } else { 2 };
    if arguments.len() != wanted {
        let s = if wanted == 1 { "" } else { "s" };
        return Err(refuse(format!("'{name}' takes {wanted} value{s} and has {}", arguments.len())));
    }
    let mut program = arguments.concat();
    program.push(step);
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> f64 {
        Expression::parse(text).unwrap_or_else(|e| panic!("{e}")).at([3.0, 0.5])
    }

    fn error(text: &str) -> String {
        Expression::parse(text).expect_err(text).to_string()
    }

    #[test]
    fn operators_bind_as_in_mathematics() {
        for (text, expected) in [
            ("-x^2", -9.0),
            ("2*-x^2", -18.0),
            ("2^-x", 0.125),
            ("2^3^2", 512.0),
            ("2**3", 8.0),
            ("x/2*3", 4.5),
            ("1-2-3", -4.0),
            ("1--1", 2.0),
            ("--1", 1.0),
            ("+x", 3.0),
            (" 2.5 * ( 1 - y^2 ) ", 1.875),
            ("1e-3*x", 1e-3 * 3.0),
            ("2.5E+2 + .5 + 1.", 251.5),
            ("e^0 + cos(pi)", 0.0),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
    }

    #[test]
    fn functions_take_formulas() {
        for (text, expected) in [
            ("exp(-x^2)", (-9.0_f64).exp()),
            ("atan2(max(x,y),min(x,y))", 3.0_f64.atan2(0.5)),
            ("-max(x,1)^2", -9.0),
            ("step(x-3) + step(y-1) + 10*sign(-x)", -9.0),
            ("log(exp(2)) + log10(100) + sqrt(4) + abs(-1)", 7.0),
            ("hypot (3, 4) + pow(2, 3)", 13.0),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
        assert!(value("min(1, log(-1))").is_nan() && value("max(log(-1), 1)").is_nan());
        assert!(value("step(log(-1))").is_nan());
    }

    #[test]
    fn errors_name_the_text_the_place_and_what_is_known() {
        let text = error("2*(1-z^2)");
        assert!(text.starts_with("cannot read the expression '2*(1-z^2)': unknown name 'z' at position 6; "), "{text}");
        assert!(text.contains("x and y") && text.contains("sin, cos"), "{text}");
        for (text, expected) in [
            ("", "unexpected end at position 1"),
            ("2*", "unexpected end at position 3"),
            ("3x", "unexpected 'x' at position 2"),
            ("x y", "unexpected 'y' at position 3"),
            ("(x", "unexpected end at position 3"),
            ("x)", "unexpected ')' at position 2"),
            ("2*(1-y^)", "unexpected ')' at position 8"),
            ("sin x", "unexpected 'x' at position 5"),
            ("sin(x,y)", "'sin' takes 1 value and has 2 at position 1"),
            ("1+max(x)", "'max' takes 2 values and has 1 at position 3"),
            ("x é", "unexpected 'é' at position 3"),
            ("é + z", "unexpected 'é' at position 1"),
            ("1.2.3", "unexpected '.' at position 4"),
            ("inf", "unknown name 'inf' at position 1"),
        ] {
            assert!(error(text).contains(expected), "{text}: {}", error(text));
        }
    }

    #[test]
    fn hostile_texts_are_refused_and_overflow_no_stack() {
        let long = |text: &str, n: usize| text.repeat(n);
        assert!(error(&long("(", 1500)).contains("nested more than 32 deep at position 33"));
        assert!(error(&long("1+", 5000)).contains("longer than 2000 bytes"));
        assert!(error(&long("sin(", 400)).contains("nested more than 32"));
        assert!(error(&(long("2^", 900) + "1")).contains("too many operands wait"));
        assert_eq!(value(&(long("-", 1998) + "1")), 1.0);
        assert_eq!(value(&(long("1+", 900) + "1")), 901.0);
        assert_eq!(value(&(long("(", 32) + "1" + &long(")", 32))), 1.0);
    }

    #[test]
    fn no_text_makes_it_panic() {
        const PARTS: [&str; 20] = [
            "(", ")", ",", "+", "-", "*", "/", "^", "**", "x", "y", "pi", "1", ".5", "2e3", "sin", "max(", " ", "é",
            "\0",
        ];
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut below = |n: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % n as u64) as usize
        };
        let mut good = 0;
        for _ in 0..50_000 {
            let text: String = (0..below(12)).map(|_| PARTS[below(PARTS.len())]).collect();
            if let Ok(formula) = Expression::parse(&text) {
                formula.at([0.3, -0.7]);
                good += 1;
            }
        }
        assert!(good > 500, "only {good} could be read");
    }

    #[test]
    fn a_formula_without_variables_is_a_constant() {
        assert_eq!(Expression::parse("2*3").unwrap().constant(), Some(6.0));
        assert_eq!(Expression::parse("0*x").unwrap().constant(), None);
    }
}
