//! Formulas in x and y, such as `2.5*(1 - y^2)`, parsed once and evaluated at many points.
//!
//! The precedence of operators is that of mathematics and of Python: `-x^2` is `-(x^2)`,
//! `2^3^2` is `2^9`.

mod grammar;
mod program;

use winnow::Parser;

use crate::error::{Error, Result};
use crate::problem::expression::grammar::{FUNCTIONS, formula};
use crate::problem::expression::program::Program;

/// Limits of the length (bytes) and of the nesting of a formula, so that parsing and evaluation
/// need little stack.
const LONGEST: usize = 2000;
const DEEPEST: usize = 32;

/// A formula in x and y, ready to be evaluated by several threads at once.
#[derive(Debug, Clone)]
pub struct Expression {
    text: String,
    program: Program,
}

impl Expression {
    /// Parses a formula.
    ///
    /// # Errors
    /// The position in the text that cannot be parsed, and why.
    pub fn parse(text: &str) -> Result<Self> {
        let failed = |what: &str, left: usize| {
            let position = text.get(..text.len() - left).unwrap_or(text).chars().count() + 1;
            let functions = FUNCTIONS.map(|(name, _)| name).join(", ");
            Error::input(format!(
                "cannot read the expression '{text}': {what} at position {position}; it may use numbers, + - * / ^, ( ), \
                 the variables x and y (m), pi, e, and {functions}"
            ))
        };
        if text.len() > LONGEST {
            return Err(failed("it is longer than 2000 bytes", text.len() - LONGEST));
        }
        if let Some(left) = too_deep(text) {
            return Err(failed("brackets are nested more than 32 deep", left));
        }
        let steps = formula.parse(text).map_err(|error| {
            let flaw = error.into_inner();
            failed(&flaw.what.unwrap_or_else(|| found(text, flaw.left)), flaw.left)
        })?;
        let program = Program::new(steps).ok_or_else(|| failed("too many operands wait for another", 0))?;
        Ok(Self { text: text.to_owned(), program })
    }

    /// Returns the text of the formula.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the value of a formula without variables.
    pub(crate) fn constant(&self) -> Option<f64> {
        let [value] = self.at(&[0.0], &[0.0]);
        (!self.program.varies()).then_some(value)
    }

    /// Evaluates the formula at points (m). The values may be NaN or infinite.
    pub fn at<const N: usize>(&self, x: &[f64; N], y: &[f64; N]) -> [f64; N] {
        self.program.run(x, y)
    }
}

/// Returns the number of bytes after the first bracket that is nested too deep.
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

/// Returns the reason of a syntax error with this number of bytes after it.
fn found(text: &str, left: usize) -> String {
    match text.get(text.len() - left..).and_then(|rest| rest.chars().next()) {
        Some(found) => format!("unexpected '{found}'"),
        None => "unexpected end".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> f64 {
        let formula = Expression::parse(text).unwrap_or_else(|e| panic!("{e}"));
        let [one, other] = formula.at(&[3.0, 3.0], &[0.5, 0.5]);
        assert_eq!(one.to_bits(), other.to_bits(), "{text}");
        one
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
                formula.at(&[0.3], &[-0.7]);
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
