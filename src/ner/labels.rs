//! What the columns of a model's output mean. Reads `id2label` in the usual schemes (`B-X`/`I-X`, `I-X` alone, plain
//! `X`, and the single and last letters of `BIOES` and `BILOU`) and maps the labels to entity types.
//!
//! No label is dropped silently: one that is not in the built-in map and not in the configuration becomes the type
//! `CUSTOM_<LABEL>`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::detect::{Category, EntityType};

use super::model_config::{Decoder, Own};
use super::{LabelRule, NerError};

/// What a kind of word does when neighbouring words are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Role {
    /// A first name.
    GivenName,
    /// A family name.
    Surname,
    /// A name, undivided.
    Person,
    /// Number of a house.
    Building,
    /// A whole address.
    Address,
    /// Name of a street.
    Street,
    /// Flat, floor, suite.
    Unit,
    /// Postal code.
    PostalCode,
    /// City, or a place of any kind.
    Place,
    /// State, county, country.
    Region,
    /// Address of mail.
    Email,
    /// Phone or fax.
    Phone,
    /// Address of a page.
    Url,
    /// A number that identifies somebody and mostly has check digits, which the rules know.
    Identifier,
    /// A number of an account, a case, an order: nothing in it can be checked.
    Number,
    /// Anything else.
    Other,
}

impl Role {
    /// Whether it is a person's name or a part of one.
    pub(super) fn is_person(self) -> bool {
        matches!(self, Self::GivenName | Self::Surname | Self::Person)
    }

    /// Whether it is an address or a part of one.
    pub(super) fn is_place(self) -> bool {
        use Role::{Address, Building, Place, PostalCode, Region, Street, Unit};
        matches!(self, Address | Building | Street | Unit | PostalCode | Place | Region)
    }
}

/// One label of the model, without its position.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    /// The label.
    pub(super) name: Arc<str>,
    /// Its part in joins.
    pub(super) role: Role,
    /// Index into [`LabelSet::groups`].
    pub(super) group: usize,
    /// Least probability of a word.
    pub(super) threshold: f32,
}

/// Kinds that mean the same entity type. Their probabilities add up: a word that is half given name and half surname
/// is surely a name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Group {
    pub(super) entity_type: EntityType,
    pub(super) category: Category,
    /// Least probability of a word.
    pub(super) threshold: f32,
}

/// Meaning of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// Index into [`LabelSet::kinds`].
    pub(super) kind: usize,
    /// Whether an entity begins with this word.
    pub(super) begins: bool,
}

/// All columns of a model.
#[derive(Clone, Debug)]
pub(super) struct LabelSet {
    /// By column; `None` is outside, or ignored.
    pub(super) columns: Vec<Option<Column>>,
    pub(super) kinds: Vec<Kind>,
    pub(super) groups: Vec<Group>,
    /// How words get their labels.
    pub(super) decoder: Decoder,
    /// Whether what the model says must also have the form of it; see [`super::NerConfig::form_rules`].
    pub(super) form_rules: bool,
}

/// Entity type that drops a label.
const IGNORE: &str = "IGNORE";

/// Probability from which a word counts, unless said otherwise.
const THRESHOLD: f32 = 0.5;
/// The same for names: the rules of form drop most mistakes, and a lower threshold finds two in a hundred more people.
const NAME_THRESHOLD: f32 = 0.4;

/// Labels of the models in common use: Cordon's own, Rampart's, CoNLL-2003's, OntoNotes', and the names of Presidio.
fn builtin(label: &str) -> Option<(&'static str, Category, Role)> {
    use Category as C;
    use Role as R;
    Some(match label {
        "GIVEN_NAME" | "GIVENNAME" | "FIRST_NAME" | "FIRSTNAME" | "MIDDLE_NAME" | "MIDDLENAME" => {
            ("PERSON", C::Person, R::GivenName)
        }
        "SURNAME" | "LAST_NAME" | "LASTNAME" => ("PERSON", C::Person, R::Surname),
        "PER" | "PERSON" | "NAME" => ("PERSON", C::Person, R::Person),
        "EMAIL" | "EMAIL_ADDRESS" => ("EMAIL_ADDRESS", C::Contact, R::Email),
        "PHONE" | "PHONE_NUMBER" | "TELEPHONE" | "TELEPHONENUM" => ("PHONE_NUMBER", C::Contact, R::Phone),
        "URL" => ("URL", C::Network, R::Url),
        "BUILDING_NUMBER" | "BUILDINGNUM" => ("STREET_ADDRESS", C::Location, R::Building),
        "STREET_NAME" | "STREET" => ("STREET_ADDRESS", C::Location, R::Street),
        "ADDRESS" | "STREET_ADDRESS" => ("STREET_ADDRESS", C::Location, R::Address),
        "SECONDARY_ADDRESS" => ("STREET_ADDRESS", C::Location, R::Unit),
        "ZIP_CODE" | "ZIPCODE" | "ZIP" => ("STREET_ADDRESS", C::Location, R::PostalCode),
        "CITY" | "LOC" | "LOCATION" | "GPE" | "FAC" => ("LOCATION", C::Location, R::Place),
        "STATE" | "COUNTY" | "COUNTRY" => ("LOCATION", C::Location, R::Region),
        "ORG" | "ORGANIZATION" => ("ORGANIZATION", C::Organization, R::Other),
        "NORP" | "NRP" => ("NRP", C::SpecialCategory, R::Other),
        "DATE" | "TIME" | "DATE_TIME" => ("DATE_TIME", C::Temporal, R::Other),
        "DATE_OF_BIRTH" | "DATEOFBIRTH" => ("DATE_OF_BIRTH", C::Person, R::Other),
        "AGE" => ("AGE", C::Person, R::Other),
        "JOB_TITLE" | "TITLE" => ("TITLE", C::Person, R::Other),
        "HEALTH_CONDITION" => ("HEALTH_CONDITION", C::Health, R::Other),
        "USERNAME" => ("USERNAME", C::Contact, R::Other),
        // Nothing in the catalog says "any secret"; a password is what prose introduces.
        "SECRET" | "PASSWORD" => ("PASSWORD", C::Credential, R::Other),
        "TAX_ID" | "TAXNUM" => ("TAX_ID", C::GovernmentId, R::Identifier),
        "GOVERNMENT_ID" | "IDCARDNUM" => ("NATIONAL_ID", C::GovernmentId, R::Identifier),
        "SSN" | "SOCIALNUM" => ("SOCIAL_SECURITY_NUMBER", C::GovernmentId, R::Identifier),
        "PASSPORT" | "PASSPORTNUM" => ("PASSPORT", C::GovernmentId, R::Identifier),
        "DRIVERS_LICENSE" | "DRIVERLICENSENUM" => ("DRIVER_LICENSE", C::GovernmentId, R::Identifier),
        "MEDICAL_ID" => ("MEDICAL_RECORD_NUMBER", C::Health, R::Identifier),
        "ACCOUNT" => ("BANK_ACCOUNT_NUMBER", C::Financial, R::Number),
        // In a text that names nobody it becomes a plain reference number (`detect::settle`).
        "REFERENCE" => ("CASE_NUMBER", C::Other, R::Number),
        "BANK_ACCOUNT" | "ACCOUNTNUM" => ("BANK_ACCOUNT_NUMBER", C::Financial, R::Identifier),
        "ROUTING_NUMBER" => ("ABA_ROUTING_NUMBER", C::Financial, R::Identifier),
        "CREDIT_CARD" | "CREDITCARDNUMBER" => ("CREDIT_CARD", C::Financial, R::Identifier),
        // Miscellaneous proper nouns and quantities identify nobody.
        "MISC" | "CARDINAL" | "ORDINAL" | "QUANTITY" | "PERCENT" | "MONEY" | "WORK_OF_ART" | "LAW" | "LANGUAGE"
        | "EVENT" | "PRODUCT" => (IGNORE, C::Other, R::Other),
        _ => return None,
    })
}

/// The labels of [`builtin`], each type at least once.
const LABELS: [&str; 25] = [
    "PERSON",
    "EMAIL",
    "PHONE",
    "URL",
    "ADDRESS",
    "LOCATION",
    "ORG",
    "NRP",
    "DATE",
    "DATE_OF_BIRTH",
    "AGE",
    "TITLE",
    "HEALTH_CONDITION",
    "USERNAME",
    "PASSWORD",
    "TAX_ID",
    "GOVERNMENT_ID",
    "SSN",
    "PASSPORT",
    "DRIVERS_LICENSE",
    "MEDICAL_ID",
    "ACCOUNT",
    "REFERENCE",
    "ROUTING_NUMBER",
    "CREDIT_CARD",
];

/// Every type that a model of a known kind finds, with those that these labels name besides. For judging what a model
/// that did not run could have found.
#[must_use]
pub fn model_types(rules: &BTreeMap<String, LabelRule>) -> Vec<(EntityType, Category)> {
    let known = LABELS.into_iter().filter_map(builtin).map(|(name, category, _)| (EntityType::new(name), category));
    let named = rules.values().filter_map(|rule| {
        let name = rule.entity_type.as_deref().filter(|name| *name != IGNORE)?;
        Some((EntityType::new(name), rule.category.unwrap_or(Category::Other)))
    });
    known.chain(named).collect::<BTreeMap<_, _>>().into_iter().collect()
}

impl LabelSet {
    /// The types that the labels stand for, by name, each once.
    pub(super) fn entity_types(&self) -> Vec<(EntityType, Category)> {
        let types = self.groups.iter().map(|group| (group.entity_type.clone(), group.category));
        types.collect::<BTreeMap<_, _>>().into_iter().collect()
    }

    /// Reads the labels of a model, in the order of its columns. `rules` come before what the model says of itself.
    pub(super) fn new(
        labels: &[String],
        rules: &BTreeMap<String, LabelRule>,
        own: Option<&Own>,
    ) -> Result<Self, NerError> {
        let mut set = Self {
            columns: Vec::with_capacity(labels.len()),
            kinds: Vec::new(),
            groups: Vec::new(),
            decoder: own.map(|own| own.decoder).unwrap_or_default(),
            form_rules: true,
        };
        for label in labels {
            let column = set.column(label, rules, own);
            set.columns.push(column);
        }
        if set.columns.iter().all(Option::is_none) {
            return Err(NerError::Model(
                "no label of its config.json means anything; is it a token classifier?".into(),
            ));
        }
        if set.columns.iter().all(Option::is_some) {
            return Err(NerError::Model("config.json has no label O for words that are nothing".into()));
        }
        let known = |rule: &&String| labels.iter().any(|label| split(label).1 == rule.as_str());
        match rules.keys().find(|rule| !known(rule)) {
            Some(unknown) => Err(NerError::Config(format!("labels.{unknown}: the model has no such label"))),
            None => Ok(set),
        }
    }

    /// The group of a kind.
    pub(super) fn group_of(&self, kind: usize) -> Option<&Group> {
        self.groups.get(self.kinds.get(kind)?.group)
    }

    /// The probability of the type that a kind stands for: that of all its kinds together. `inside` has one for each.
    pub(super) fn of_type(&self, kind: usize, inside: &[f32]) -> f32 {
        let group = self.kinds.get(kind).map(|kind| kind.group);
        let same = self.kinds.iter().zip(inside).filter(|(kind, _)| Some(kind.group) == group);
        same.map(|(_, inside)| inside).sum::<f32>().min(1.0)
    }

    /// The group of places, if the model knows any.
    pub(super) fn place_group(&self) -> Option<&Group> {
        let place = self.kinds.iter().find(|kind| kind.role == Role::Place)?;
        self.groups.get(place.group)
    }

    fn column(&mut self, label: &str, rules: &BTreeMap<String, LabelRule>, own: Option<&Own>) -> Option<Column> {
        let (begins, name) = split(label);
        if name == "O" {
            return None;
        }
        if let Some(kind) = self.kinds.iter().position(|kind| &*kind.name == name) {
            return Some(Column { kind, begins });
        }
        let known = builtin(&name.to_ascii_uppercase());
        let rule = rules.get(name);
        let entity_type = match (rule.and_then(|rule| rule.entity_type.clone()), known) {
            (Some(entity_type), _) => entity_type,
            (None, Some((entity_type, ..))) => entity_type.to_owned(),
            (None, None) => format!("CUSTOM_{}", name.to_ascii_uppercase().replace('-', "_")),
        };
        if entity_type == IGNORE {
            return None;
        }
        let category = rule.and_then(|rule| rule.category).or(known.map(|known| known.1)).unwrap_or(Category::Other);
        let role = known.map_or(Role::Other, |known| known.2);
        let is_name = matches!(role, Role::GivenName | Role::Surname | Role::Person);
        let usual = if is_name { NAME_THRESHOLD } else { THRESHOLD };
        let of_model = || own.and_then(|own| own.labels.get(name)).map(|label| label.threshold);
        let threshold = rule.and_then(|rule| rule.threshold).or_else(of_model).unwrap_or(usual);
        let group = Group { entity_type: EntityType::new(entity_type), category, threshold };
        let group = self.groups.iter().position(|known| *known == group).unwrap_or_else(|| {
            self.groups.push(group);
            self.groups.len() - 1
        });
        self.kinds.push(Kind { name: Arc::from(name), role, group, threshold });
        Some(Column { kind: self.kinds.len() - 1, begins })
    }
}

/// Position and name of a label. Plain labels have no position: they continue.
pub(super) fn split(label: &str) -> (bool, &str) {
    match label.split_at_checked(2) {
        Some(("B-" | "S-" | "U-" | "B_" | "S_" | "U_", name)) => (true, name),
        Some(("I-" | "E-" | "L-" | "I_" | "E_" | "L_", name)) => (false, name),
        _ => (false, label),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Catalog;
    use crate::ner::model_config::OwnLabel;

    fn labels(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn set(names: &[&str]) -> LabelSet {
        LabelSet::new(&labels(names), &BTreeMap::new(), None).unwrap()
    }

    #[test]
    fn given_name_and_surname_are_one_group() {
        let set = set(&["O", "B-GIVEN_NAME", "I-GIVEN_NAME", "B-SURNAME", "I-SURNAME", "B-CITY"]);
        assert_eq!(set.kinds.len(), 3);
        assert_eq!(set.groups.len(), 2);
        assert_eq!(set.groups[0].entity_type.as_str(), "PERSON");
        assert_eq!(set.columns[0], None);
        assert_eq!(set.columns[4], Some(Column { kind: 1, begins: false }));
    }

    #[test]
    fn the_common_schemes_are_read() {
        for scheme in [["O", "B-PER", "I-PER"], ["O", "S-PER", "E-PER"], ["PER", "I-LOC", "O"]] {
            assert!(set(&scheme).kinds.iter().any(|kind| &*kind.name == "PER"), "{scheme:?}");
        }
        assert_eq!(split("PERSON"), (false, "PERSON"));
        assert_eq!(split("O"), (false, "O"));
    }

    #[test]
    fn an_unknown_label_becomes_a_custom_type_and_a_rule_overrides() {
        assert_eq!(set(&["O", "B-Blood-Type"]).groups[0].entity_type.as_str(), "CUSTOM_BLOOD_TYPE");
        let rule = LabelRule { entity_type: Some("IGNORE".into()), ..LabelRule::default() };
        let rules = BTreeMap::from([("CITY".to_owned(), rule)]);
        let set = LabelSet::new(&labels(&["O", "B-CITY", "B-PER"]), &rules, None).unwrap();
        assert_eq!(set.columns[1], None);
        assert!(LabelSet::new(&labels(&["O", "B-PER"]), &rules, None).is_err(), "a rule for a label that is not there");
    }

    #[test]
    fn the_operators_threshold_comes_before_the_models_and_that_before_the_built_in_one() {
        let own = |name: &str| (name.to_owned(), OwnLabel { threshold: 0.3 });
        let own = Own { labels: [own("PERSON"), own("AGE")].into(), ..Own::default() };
        let rule = LabelRule { threshold: Some(0.9), ..LabelRule::default() };
        let rules = BTreeMap::from([("AGE".to_owned(), rule)]);
        let set = LabelSet::new(&labels(&["O", "B-PERSON", "B-AGE", "B-DATE"]), &rules, Some(&own)).unwrap();
        let threshold = |name: &str| set.kinds.iter().find(|kind| &*kind.name == name).unwrap().threshold;
        assert_eq!([threshold("PERSON"), threshold("AGE"), threshold("DATE")], [0.3, 0.9, THRESHOLD]);
        let age = set.groups.iter().find(|group| group.entity_type.as_str() == "AGE");
        assert!(age.is_some(), "a rule with a threshold alone leaves the type as it is");
    }

    #[test]
    fn the_labels_of_cordons_own_model_have_types_of_the_catalog() {
        let catalog = Catalog::embedded().unwrap();
        for label in [
            "PERSON",
            "ADDRESS",
            "LOCATION",
            "ORGANIZATION",
            "DATE",
            "DATE_OF_BIRTH",
            "AGE",
            "USERNAME",
            "PHONE",
            "ACCOUNT",
            "GOVERNMENT_ID",
            "MEDICAL_ID",
            "REFERENCE",
            "HEALTH_CONDITION",
            "JOB_TITLE",
            "NRP",
            "SECRET",
        ] {
            let (entity_type, category, _) = builtin(label).unwrap();
            let info = catalog.entity_type(entity_type).unwrap_or_else(|| panic!("{label}"));
            assert_eq!(info.category, category, "{label}");
        }
    }

    #[test]
    fn a_model_that_is_no_token_classifier_is_refused() {
        let none = BTreeMap::new();
        assert!(LabelSet::new(&labels(&["O"]), &none, None).is_err());
        assert!(LabelSet::new(&labels(&["PER", "LOC"]), &none, None).is_err(), "nothing is nothing");
        assert!(LabelSet::new(&[], &none, None).is_err());
    }
}
