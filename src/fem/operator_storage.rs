//! Storage of element operators: conversion to other numbers.

use std::rc::Rc;
use std::sync::Arc;

use crate::fem::ElementOperator;
use crate::fem::element_batch::Batches;
use crate::fem::fixed_point::{self, StiffnessNumber};
use crate::la::Scalar;
use crate::quad8::LANES;

impl<T: Scalar> ElementOperator<T> {
    /// Converts the operator to another precision.
    pub fn to<U: Scalar>(&self) -> ElementOperator<U> {
        self.with_stiffness(self.batches.to(), [Vec::new(), Vec::new()])
    }

    /// Converts the operator to single precision with a stiffness of 16 bits; returns none if an
    /// element on any rank is too slender for that. **Collective.**
    pub fn to_fixed_point(&self) -> Option<ElementOperator<f32, i16>> {
        let Batches { order, interior, boundary } = &*self.batches;
        let converted = [interior, boundary].map(|batches| fixed_point::convert(batches));
        let is_too_slender = converted.iter().any(Option::is_none);
        if self.halo.comm().max(usize::from(is_too_slender)) > 0 {
            return None;
        }
        let [Some((interior, inner)), Some((boundary, outer))] = converted else { return None };
        Some(self.with_stiffness(Batches { order: Arc::clone(order), interior, boundary }, [inner, outer]))
    }

    /// Returns the operator with its stiffness stored in other numbers.
    fn with_stiffness<U: Scalar, K: StiffnessNumber<U>>(
        &self,
        batches: Batches<K>,
        units: [Vec<[U; LANES]>; 2],
    ) -> ElementOperator<U, K> {
        ElementOperator {
            halo: Rc::clone(&self.halo),
            batches: Arc::new(batches),
            units,
            chunks: Rc::clone(&self.chunks),
            row_sums: self.row_sums.iter().map(|&(node, sum)| (node, U::of(sum.double()))).collect(),
            fixed: Rc::clone(&self.fixed),
            late: Rc::clone(&self.late),
        }
    }
}
