//! Names of elements in messages.

use rustc_hash::FxHashMap;

use crate::parallel::GlobalIndex;

/// Names of elements as messages show them.
#[derive(Debug, Default)]
pub struct ElementNames(FxHashMap<GlobalIndex, String>);

impl ElementNames {
    /// Takes the names of some elements.
    pub fn new(names: impl IntoIterator<Item = (GlobalIndex, String)>) -> Self {
        Self(names.into_iter().collect())
    }

    /// Returns the name of an element.
    pub fn of(&self, element: GlobalIndex) -> String {
        self.0.get(&element).cloned().unwrap_or_else(|| format!("element {element}"))
    }
}
