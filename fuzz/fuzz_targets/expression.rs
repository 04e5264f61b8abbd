//! No text may make the reader of formulas, or the formula, panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(formula) = quad8_mpi::problem::expression::Expression::parse(text) {
        let _ = formula.at(&[0.3, 1.0], &[-0.7, 2.0]);
    }
});
