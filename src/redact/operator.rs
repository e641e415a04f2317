//! What becomes of a found value, chosen by entity type.

use std::collections::HashMap;

use crate::detect::EntityType;

/// What becomes of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Operator {
    /// A numbered placeholder such as `⟦PERSON_1⟧`, which the placeholder map can turn back.
    #[default]
    Replace,
    /// Each character becomes `with`, except the last ones.
    Mask {
        /// Characters at the end that stay; at most half of the value, so that a short one is never told whole.
        keep_last: usize,
        /// What the others become.
        with: char,
    },
    /// A keyed digest, equal for equal values of one caller; nobody can turn it back.
    Hash,
    /// AES-256-GCM under the server's key, which the same caller can have turned back.
    Encrypt,
    /// Nothing stays.
    Drop,
    /// The value stays, unless a finding that goes overlaps it.
    Keep,
}

impl Operator {
    /// How little of a value stays; where findings overlap, the higher decides. Who asks for a value to be gone must
    /// not meet it again because a longer finding around it is only replaced.
    pub(super) fn strictness(self) -> u8 {
        match self {
            Self::Keep => 0,
            Self::Replace => 1,
            Self::Encrypt => 2,
            Self::Mask { .. } => 3,
            Self::Hash => 4,
            Self::Drop => 5,
        }
    }
}

/// An operator for each entity type.
#[derive(Clone, Debug, Default)]
pub struct Operators {
    default: Operator,
    by_type: HashMap<EntityType, Operator>,
}

impl Operators {
    /// The same for every type.
    #[must_use]
    pub fn all(default: Operator) -> Self {
        Self { default, by_type: HashMap::new() }
    }

    /// With another operator for this type.
    #[must_use]
    pub fn with(mut self, entity_type: EntityType, operator: Operator) -> Self {
        self.by_type.insert(entity_type, operator);
        self
    }

    /// The operator of a type.
    #[must_use]
    pub fn of(&self, entity_type: &EntityType) -> Operator {
        self.by_type.get(entity_type).copied().unwrap_or(self.default)
    }
}
