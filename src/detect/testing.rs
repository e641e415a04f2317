//! What tests of detectors share: findings made by hand, and the rows of small catalogs.

use std::ops::Range;

use super::{Category, Detector, EntityType, Explanation, Finding};

/// A finding of a pattern in the first part.
pub(crate) fn finding(name: &str, category: Category, range: Range<usize>, score: f32) -> Finding {
    Finding {
        part: 0,
        range,
        entity_type: EntityType::new(name),
        category,
        score,
        detector: Detector::Pattern,
        recognizer: "r".into(),
        explanation: Explanation::default(),
    }
}

/// Catalog rows of entity types: name, category and description.
pub(crate) fn entity_types(types: &[(&str, &str, &str)]) -> String {
    let row = |(name, category, description): &(&str, &str, &str)| {
        format!("[[entity_type]]\nname = \"{name}\"\ncategory = \"{category}\"\ndescription = \"{description}\"\n")
    };
    types.iter().map(row).collect()
}

/// A catalog row of a word list, whose first term is its example. `settings` are more keys, a line each.
pub(crate) fn list(id: &str, entity_type: &str, score: f32, settings: &str, terms: &[&str]) -> String {
    format!(
        "[[list]]\nid = \"{id}\"\nentity_type = \"{entity_type}\"\nsource = \"written for this test\"\nscore = {score}\n\
         {settings}\nterms = {terms:?}\n[list.examples]\npositive = [{:?}]\n",
        terms.first().copied().unwrap_or_default()
    )
}

/// A recognizer of one pattern for [`recognizer`].
pub(crate) struct Row<'a> {
    pub(crate) id: &'a str,
    pub(crate) entity_type: &'a str,
    /// Trigger, score, context and more keys, a line each.
    pub(crate) settings: &'a str,
    /// Name and expression.
    pub(crate) pattern: (&'a str, &'a str),
    /// A text and the value in it that must be found.
    pub(crate) positive: (&'a str, &'a str),
    pub(crate) negative: &'a str,
}

/// A catalog row of a recognizer.
pub(crate) fn recognizer(row: &Row<'_>) -> String {
    let Row { id, entity_type, settings, pattern: (name, regex), positive: (text, value), negative } = row;
    format!(
        "[[recognizer]]\nid = \"{id}\"\nentity_type = \"{entity_type}\"\nsource = \"https://example.org/{id}\"\n{settings}\n\
         [[recognizer.pattern]]\nname = \"{name}\"\nregex = '{regex}'\n[recognizer.examples]\n\
         positive = [{{ text = {text:?}, value = {value:?} }}]\nnegative = [{negative:?}]\n"
    )
}
