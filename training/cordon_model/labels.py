"""What the model says: the labels of tokens and the topics of windows, and how the labels of each source map to them.

A source annotates some types and not others. What it does not annotate is unknown there, never "nothing": the loss is told so.
"""

from __future__ import annotations

TYPES = (
    "PERSON", "ADDRESS", "LOCATION", "ORGANIZATION", "DATE", "DATE_OF_BIRTH", "AGE", "USERNAME", "PHONE", "ACCOUNT", "GOVERNMENT_ID",
    "MEDICAL_ID", "REFERENCE", "HEALTH_CONDITION", "JOB_TITLE", "NRP", "SECRET",
)  # fmt: skip
"""Entity types of the model. Identifiers that carry a checksum stay with the rules; these only say what kind of thing stands there."""

LABELS = ("O", *(f"{prefix}-{kind}" for kind in TYPES for prefix in "BI"))
"""Columns of the output `logits`, `[batch, tokens, labels]`."""

SENSITIVE = (
    "people_decision", "health", "special_category", "minors", "criminal", "legal_privilege", "unreleased_business", "security_weakness",
    "credential", "personal_finance", "identity", "customer_data", "bulk", "marked_confidential",
)  # fmt: skip
BUSINESS = ("internal_process", "project", "infrastructure", "weak_identifier", "marked_internal")
HARMLESS = (
    "general_knowledge", "published_material", "fiction", "template", "public_figure", "code_or_docs", "creative", "lookalike", "how_to",
)  # fmt: skip
WHOLE = ("confidential_matter", "internal_matter")
"""What a window is as a whole, beside what it is about: the level that its author gave it."""

TOPICS = (*SENSITIVE, *BUSINESS, *HARMLESS, *WHOLE)
"""Columns of the output `topics`, `[batch, topics]`."""

COARSE = {
    "PERSON": "PERSON", "ADDRESS": "ADDRESS", "LOCATION": "LOCATION", "ORG": "ORGANIZATION", "DATE": "DATE", "DATE_OF_BIRTH": "DATE_OF_BIRTH",
    "AGE": "AGE", "USERNAME": "USERNAME", "PHONE": "PHONE", "CREDIT_CARD": "ACCOUNT", "BANK_ACCOUNT": "ACCOUNT",
    "NATIONAL_ID": "GOVERNMENT_ID", "PASSPORT": "GOVERNMENT_ID", "DRIVER_LICENSE": "GOVERNMENT_ID", "MEDICAL_ID": "MEDICAL_ID",
    "VEHICLE_ID": "REFERENCE", "DEVICE_ID": "REFERENCE", "ID_OTHER": "REFERENCE", "HEALTH": "HEALTH_CONDITION", "TITLE": "JOB_TITLE",
    "JOB_TITLE": "JOB_TITLE", "NRP": "NRP", "SECRET": "SECRET",
}  # fmt: skip
"""Labels of the evaluation sets to types of the model. Addresses of mail, pages and hosts and crypto wallets have a form that the rules
find, so the model is taught that they are nothing."""

UNSURE = {"OTHER"}
"""Labels whose tokens are left out of the loss."""


def known_types(annotated: list[str]) -> set[str]:
    """Types of the model that a source with these complete annotations decides. A type is known if every label that maps to it is."""
    wanted: dict[str, set[str]] = {}
    for coarse, kind in COARSE.items():
        wanted.setdefault(kind, set()).add(coarse)
    optional = {"TITLE", "JOB_TITLE", "DEVICE_ID", "VEHICLE_ID", "PASSPORT", "DRIVER_LICENSE", "CREDIT_CARD"}
    return {
        kind for kind, coarse in wanted.items() if coarse & set(annotated) and not (coarse - optional) - set(annotated)
    }
