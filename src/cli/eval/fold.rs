//! A part of the labelled texts that is the same for everybody who computes it: whoever trains on some of a set measures
//! on the others. It goes by the id alone, so a text stays on its side when others come and go.

use clap::ValueEnum;

use crate::eval::GoldFile;

/// Of so many parts one is for validation.
const PARTS: u64 = 5;

/// Which texts are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Fold {
    /// One in five.
    Validation,
    /// The other four.
    Training,
}

impl Fold {
    /// Drops the texts of the other side.
    pub(super) fn keep(self, file: &mut GoldFile) {
        file.texts.retain(|gold| self == Self::of(&gold.id));
    }

    /// The side of an id: the first 8 bytes of the BLAKE3 digest of its UTF-8, little endian, modulo five.
    fn of(id: &str) -> Self {
        let digest = blake3::hash(id.as_bytes());
        let number = digest.as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        if number.is_multiple_of(PARTS) { Self::Validation } else { Self::Training }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_in_five_is_for_validation_wherever_it_is_computed() {
        // What Python's `int.from_bytes(blake3(id).digest()[:8], "little") % 5 == 0` keeps of these.
        let kept: Vec<String> =
            (0..30).map(|number| format!("text-{number}")).filter(|id| Fold::of(id) == Fold::Validation).collect();
        assert_eq!(kept, KEPT);
        let all = (0..10_000).filter(|number| Fold::of(&number.to_string()) == Fold::Validation).count();
        assert!((1_900..2_100).contains(&all), "{all}");
    }

    const KEPT: [&str; 6] = ["text-3", "text-5", "text-9", "text-12", "text-15", "text-27"];
}
