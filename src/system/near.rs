//! Finds the name that was probably meant.

/// Returns the nearest of the known names, where at most every third of its letters differs.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let distance = |name: &str| strsim::osa_distance(&word, &name.to_lowercase());
    let near = known.into_iter().map(|name| (distance(name), name));
    near.filter(|(distance, name)| 3 * distance <= name.chars().count()).min().map(|(_, name)| name)
}

/// Returns the question for the nearest of the known names, with a space after it; nothing where none is near.
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
