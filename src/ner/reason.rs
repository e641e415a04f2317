//! Why something that the model said is not a finding, or is one with a lower score. Every rule that drops or lowers
//! has a name here, so that an explanation can say it; a rule without a name would be a loss that nobody can ask about.
//! The names are stable: records and explanations hold them.

use std::ops::Range;

use crate::detect::EntityType;

/// A rule that dropped an entity or lowered its score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The model itself was not sure enough.
    BelowThreshold,
    /// A piece of something longer: an identifier, a path, a tag, a mail address.
    PartOfLonger,
    /// Holds digits, marks of code or capitals in the middle.
    NotAWord,
    /// No letter in it.
    NoLetters,
    /// No capital where capitals are used.
    NoCapital,
    /// Words of the dictionary, and no name among them.
    CommonWord,
    /// A month, a weekday or a feast.
    CalendarWord,
    /// A unit of measure or of money.
    UnitWord,
    /// A level or a value of a log.
    LogWord,
    /// A key word of code or a short word of systems.
    CodeWord,
    /// A language, a system, a product or a vendor.
    Technology,
    /// A salutation or an exclamation.
    Greeting,
    /// A nationality, a language or a faith.
    Nationality,
    /// A version number follows.
    Versioned,
    /// An article stands before it.
    Article,
    /// No list of names knows it and the model is not sure.
    UnknownWord,
    /// The name of a court, an office, a school.
    Institution,
    /// A rule knows this span as something else.
    Overruled,
    /// A single word in capitals among others that are not.
    Acronym,
    /// The name of a company or another organisation.
    CompanyName,
    /// The name of a project or an operation.
    ProjectName,
    /// Code, a log or a table, and the model is not sure enough for such text.
    MachineText,
    /// A house number without its street.
    HouseNumberAlone,
    /// Nothing in it could be the name of a street.
    NoStreetName,
    /// A number that could be a postal code, but not beside a place or a word that says so.
    PostalCodeAlone,
    /// Not the form of a phone number.
    NotAPhone,
    /// No `@` in a mail address.
    NoAtSign,
    /// Neither a dot nor a slash in an address of the network.
    NotAUrl,
    /// Too few digits for an identifier.
    FewDigits,
    /// Nothing is left without the marks at its ends.
    Empty,
    /// Lowered: a phone number whose format no rule knows.
    FormatUnchecked,
    /// Lowered: an identifier whose check digits nobody verified.
    NoChecksum,
    /// Lowered: a name without a capital where nobody writes capitals.
    SmallLetters,
    /// Lowered: a word of the dictionary that no list of names knows.
    CommonWordAlone,
    /// Lowered to a place: the name of a state.
    Country,
    /// Lowered to a place: a street without a number.
    StreetWithoutNumber,
    /// Lowered to a place: a postal code apart from its address.
    PostalCode,
}

impl Reason {
    /// Every reason.
    pub const ALL: &[Self] = &[
        Self::BelowThreshold,
        Self::PartOfLonger,
        Self::NotAWord,
        Self::NoLetters,
        Self::NoCapital,
        Self::CommonWord,
        Self::CalendarWord,
        Self::UnitWord,
        Self::LogWord,
        Self::CodeWord,
        Self::Technology,
        Self::Greeting,
        Self::Nationality,
        Self::Versioned,
        Self::Article,
        Self::UnknownWord,
        Self::Institution,
        Self::Overruled,
        Self::Acronym,
        Self::CompanyName,
        Self::ProjectName,
        Self::MachineText,
        Self::HouseNumberAlone,
        Self::NoStreetName,
        Self::PostalCodeAlone,
        Self::NotAPhone,
        Self::NoAtSign,
        Self::NotAUrl,
        Self::FewDigits,
        Self::Empty,
        Self::FormatUnchecked,
        Self::NoChecksum,
        Self::SmallLetters,
        Self::CommonWordAlone,
        Self::Country,
        Self::StreetWithoutNumber,
        Self::PostalCode,
    ];

    /// The stable name, in `snake_case`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.words().0
    }

    /// One line for people.
    #[must_use]
    pub const fn description(self) -> &'static str {
        self.words().1
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::BelowThreshold => ("below_threshold", "the model is not sure enough"),
            Self::PartOfLonger => (
                "part_of_longer",
                "a piece of something longer, such as an identifier, a path, a tag or a mail address",
            ),
            Self::NotAWord => ("not_a_word", "holds digits, marks of code or capitals in the middle"),
            Self::NoLetters => ("no_letters", "holds no letter"),
            Self::NoCapital => ("no_capital", "has no capital in a text that uses capitals"),
            Self::CommonWord => ("common_word", "words of the dictionary, and no name among them"),
            Self::CalendarWord => ("calendar_word", "a month, a weekday or a feast"),
            Self::UnitWord => ("unit_word", "a unit of measure or of money"),
            Self::LogWord => ("log_word", "a level or a value of a log"),
            Self::CodeWord => ("code_word", "a key word of code or a short word of systems"),
            Self::Technology => ("technology", "a language, a system, a product or a vendor"),
            Self::Greeting => ("greeting", "a salutation or an exclamation"),
            Self::Nationality => ("nationality", "says where somebody is from or what they believe, not who they are"),
            Self::Versioned => ("versioned", "a version number follows, as behind the name of a product"),
            Self::Article => ("article", "an article stands before it, as before the name of a thing"),
            Self::UnknownWord => ("unknown_word", "no list of names knows it and the model is not sure"),
            Self::Institution => ("institution", "the name of a court, an office, a school or another institution"),
            Self::Overruled => ("overruled", "a rule knows this span as something else"),
            Self::Acronym => ("acronym", "a single word in capitals among others that are not"),
            Self::CompanyName => ("company_name", "the name of a company or another organisation"),
            Self::ProjectName => ("project_name", "the name of a project or an operation"),
            Self::MachineText => ("machine_text", "the text is code, a log or a table, where the model must be surer"),
            Self::HouseNumberAlone => ("house_number_alone", "a house number without its street"),
            Self::NoStreetName => ("no_street_name", "nothing in it could be the name of a street"),
            Self::PostalCodeAlone => {
                ("postal_code_alone", "a number that is neither beside a place nor beside a word for postal codes")
            }
            Self::NotAPhone => ("not_a_phone", "not the form of a phone number"),
            Self::NoAtSign => ("no_at_sign", "a mail address needs an @"),
            Self::NotAUrl => ("not_a_url", "an address of the network needs a dot or a slash"),
            Self::FewDigits => ("few_digits", "too few digits for an identifier"),
            Self::Empty => ("empty", "nothing but marks"),
            Self::FormatUnchecked => ("format_unchecked", "no rule knows the format of this phone number"),
            Self::NoChecksum => ("no_checksum", "nobody verified the check digits of this identifier"),
            Self::SmallLetters => ("small_letters", "a name without a capital where nobody writes capitals"),
            Self::CommonWordAlone => ("common_word_alone", "a word of the dictionary that no list of names knows"),
            Self::Country => ("country", "the name of a state is a place"),
            Self::StreetWithoutNumber => ("street_without_number", "a street without a number is a place"),
            Self::PostalCode => ("postal_code", "a postal code apart from its address is a place"),
        }
    }
}

/// Something that the model said and that is no finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Dropped {
    /// Index of the part in its document.
    pub part: usize,
    /// Bytes of the part's original text, half-open.
    pub range: Range<usize>,
    /// What the model took it for.
    pub entity_type: EntityType,
    /// The model's score, from 0 to 1.
    pub score: f32,
    /// The rule that dropped it.
    pub reason: Reason,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_has_a_name_of_its_own_and_a_line_for_people() {
        let names: BTreeSet<&str> = Reason::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(names.len(), Reason::ALL.len(), "two reasons of one name");
        for reason in Reason::ALL {
            assert!(reason.name().chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{}", reason.name());
            let line = reason.description();
            assert!(line.len() > 10 && !line.contains('\n') && !line.ends_with('.'), "{line}");
        }
    }
}
