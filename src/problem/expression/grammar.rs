//! Grammar of formulas.

use winnow::ascii::{digit0, digit1, multispace0};
use winnow::combinator::{Infix, Prefix, alt, cut_err, delimited, expression, opt, preceded, separated};
use winnow::error::{ModalError, ParserError};
use winnow::prelude::*;
use winnow::stream::{AsChar, Stream};
use winnow::token::{one_of, take_while};

use crate::problem::expression::program::Step;

const CONSTANTS: [(&str, Step); 4] = [
    ("x", Step::X),
    ("y", Step::Y),
    ("pi", Step::Number(std::f64::consts::PI)),
    ("e", Step::Number(std::f64::consts::E)),
];

/// Functions by name. Those of the C library would give other bits on other processors and in other
/// versions of it.
pub const FUNCTIONS: [(&str, Step); 23] = [
    ("abs", Step::Unary(f64::abs)),
    ("sign", Step::Unary(|a| if a == 0.0 { 0.0 } else { a.signum() })),
    ("step", Step::Unary(|a| if a >= 0.0 { 1.0 } else { 0.0 * a })),
    ("floor", Step::Unary(f64::floor)),
    ("ceil", Step::Unary(f64::ceil)),
    ("sqrt", Step::Unary(f64::sqrt)),
    ("exp", Step::Unary(libm::exp)),
    ("log", Step::Unary(libm::log)),
    ("log10", Step::Unary(libm::log10)),
    ("sin", Step::Unary(libm::sin)),
    ("cos", Step::Unary(libm::cos)),
    ("tan", Step::Unary(libm::tan)),
    ("asin", Step::Unary(libm::asin)),
    ("acos", Step::Unary(libm::acos)),
    ("atan", Step::Unary(libm::atan)),
    ("sinh", Step::Unary(libm::sinh)),
    ("cosh", Step::Unary(libm::cosh)),
    ("tanh", Step::Unary(libm::tanh)),
    ("atan2", Step::Binary(libm::atan2)),
    ("hypot", Step::Binary(libm::hypot)),
    ("min", Step::Binary(smaller)),
    ("max", Step::Binary(|a, b| -smaller(-a, -b))),
    ("pow", Step::Binary(libm::pow)),
];

/// Returns the smaller value, or NaN where one of them is NaN, unlike [`f64::min`].
fn smaller(a: f64, b: f64) -> f64 {
    if a.is_nan() || a < b { a } else { b }
}

/// Position of a syntax error, and its reason if it is known.
#[derive(Debug)]
pub struct Flaw {
    /// Bytes after the position.
    pub left: usize,
    /// Reason, where it is more than an unexpected character.
    pub what: Option<String>,
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

/// Parses a formula into the steps that evaluate it.
pub fn formula(input: &mut &str) -> Parsed<Vec<Step>> {
    let prefix = alt((
        spaced('-').value(Prefix(5, |_: &mut &str, a| Ok(unary(a, Step::Negate)))),
        spaced('+').value(Prefix(5, |_: &mut &str, a| Ok(a))),
    ));
    let infix = alt((
        spaced(alt(("**", "^"))).value(Infix::Right(7, |_: &mut &str, a, b| Ok(power(a, b)))),
        spaced("*").value(Infix::Left(3, |_: &mut &str, a, b| Ok(binary(a, b, Step::Multiply)))),
        spaced("/").value(Infix::Left(3, |_: &mut &str, a, b| Ok(binary(a, b, Step::Divide)))),
        spaced("+").value(Infix::Left(1, |_: &mut &str, a, b| Ok(binary(a, b, Step::Add)))),
        spaced("-").value(Infix::Left(1, |_: &mut &str, a, b| Ok(binary(a, b, Step::Subtract)))),
    ));
    expression(spaced(operand)).prefix(prefix).infix(infix).parse_next(input)
}

/// Parses with spaces around.
fn spaced<'i, T>(parser: impl Parser<&'i str, T, Flaw>) -> impl Parser<&'i str, T, Flaw> {
    delimited(multispace0, parser, multispace0)
}

fn unary(mut a: Vec<Step>, step: Step) -> Vec<Step> {
    a.push(step);
    a
}

fn binary(mut a: Vec<Step>, b: Vec<Step>, step: Step) -> Vec<Step> {
    a.extend(b);
    a.push(step);
    a
}

fn power(a: Vec<Step>, b: Vec<Step>) -> Vec<Step> {
    if let [Step::Number(2.0)] = b[..] { unary(a, Step::Square) } else { binary(a, b, Step::Binary(libm::pow)) }
}

fn operand(input: &mut &str) -> Parsed<Vec<Step>> {
    alt((number, named, delimited('(', cut_err(formula), cut_err(')')))).parse_next(input)
}

fn number(input: &mut &str) -> Parsed<Vec<Step>> {
    let exponent = (one_of(['e', 'E']), opt(one_of(['+', '-'])), digit1);
    let digits = alt(((digit1, opt(('.', digit0))).void(), ('.', digit1).void()));
    (digits, opt(exponent)).take().parse_to().map(|value| vec![Step::Number(value)]).parse_next(input)
}

/// Parses a constant, a variable or a call of a function.
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
