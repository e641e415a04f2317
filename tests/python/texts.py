"""Invented texts that several tests use. The numbers pass their checksums and are nobody's."""

from __future__ import annotations

CARD = "5412 7534 9871 2061"
CARD_TEXT = f"Please refund the card {CARD}, it was charged twice."
TRIVIA = "What is the capital of Australia?"
HARD_QUESTION = (
    "Compare how article 79 of the CISG and article 1218 of the French civil code treat force majeure, step by step, and draft "
    "three variants of a clause for a supply contract."
)
PATIENT = "Lindqvist"
PATIENT_TEXT = f"Marta {PATIENT}, born 4 March 1981, was admitted on Tuesday with acute pancreatitis and starts on meropenem today."
