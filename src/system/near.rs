//! Suggests the known name nearest to a misspelt one.

/// Returns the nearest of the known names, if at most a third of its letters differs.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let distance = |name: &str| strsim::osa_distance(&word, &name.to_lowercase());
    let near = known.into_iter().map(|name| (distance(name), name));
    near.filter(|(distance, name)| 3 * distance <= name.chars().count()).min().map(|(_, name)| name)
}

/// Returns a question with the nearest of the known names and a space after it; an empty text if
/// none is near.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map_or(String::new(), |name| format!("did you mean {name}? "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_few_other_letters_are_near() {
        let known = ["inlet", "outlet", "wall", "k"];
        let near = |word| nearest(word, known);
        assert_eq!(
            [near("inlte"), near("Outlet"), near("walls"), near("K")],
            ["inlet", "outlet", "wall", "k"].map(Some)
        );
        assert_eq!([near("left"), near("q"), near("")], [None; 3]);
        assert_eq!(did_you_mean("inlte", known), "did you mean inlet? ");
        assert_eq!(did_you_mean("south", known), "");
    }
}
