"""The texts of our own and the way they become windows: labels, folds, shapes, and that no two texts are alike."""

import sys
import unittest
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cordon_model import documents, texts
from cordon_model.documents import Document
from cordon_model.labels import LABELS, TYPES, known_types
from cordon_model.windows import CASES, SPACINGS, labelled, shape


class OwnTexts(unittest.TestCase):
    def test_they_are_many_different_and_well_labelled(self) -> None:
        own = list(documents.own_records())
        self.assertEqual(list(texts.faults(own)), [])
        self.assertGreaterEqual(len(own), 2000)
        self.assertEqual(len({record["id"] for record in own}), len(own))
        languages = Counter(record["lang"] for record in own)
        self.assertGreaterEqual(sum(count >= 30 for count in languages.values()), 8)

    def test_texts_that_are_alike_are_told(self) -> None:
        def record(name: str, text: str) -> dict:
            return {"id": name, "text": text, "spans": []}

        one = record("a", "We will let her go at the end of March, she does not know yet.")
        other = record("b", "We will let her go at the end of March, and she cries.")
        third = record("c", "The tide tables for the harbour are on the wall by the door.")
        self.assertEqual([pair[:2] for pair in texts.alike([one, other, third])], [("a", "b")])

    def test_marks_become_spans(self) -> None:
        text, spans = texts.unmarked("Ask ⟦PERSON:Zoë⟧ of ⟦ORG:Ärzte⟧.")
        self.assertEqual(text, "Ask Zoë of Ärzte.")
        self.assertEqual([text[span["start"] : span["end"]] for span in spans], ["Zoë", "Ärzte"])


class Windows(unittest.TestCase):
    def test_tokens_of_a_span_are_labelled(self) -> None:
        document = Document("x", "met Ann Lee.", [(4, 11, "PERSON")], "own")
        offsets = [(0, 3), (4, 7), (8, 11), (11, 12)]
        self.assertEqual([LABELS[label] for label in labelled(document, offsets)], ["O", "B-PERSON", "I-PERSON", "O"])

    def test_shapes_tell_capitals_and_spaces(self) -> None:
        text = "Anna met IBM's McCoy\n(42)"
        cases = {token: divmod(shape(text, text.index(token), text.index(token) + len(token)), SPACINGS) for token in
                 ("Anna", "met", "IBM", "McCoy", "(", "42")}  # fmt: skip
        self.assertEqual(
            cases, {"Anna": (2, 2), "met": (1, 1), "IBM": (3, 1), "McCoy": (4, 1), "(": (0, 2), "42": (0, 0)}
        )
        self.assertTrue(all(case < CASES for case, _ in cases.values()))

    def test_what_a_source_does_not_annotate_is_unknown(self) -> None:
        self.assertEqual(known_types(["PERSON", "LOCATION", "ORG"]), {"PERSON", "LOCATION", "ORGANIZATION"})
        self.assertNotIn("GOVERNMENT_ID", known_types(["PERSON", "PASSPORT"]))
        self.assertLessEqual(known_types(list("ABC")), set(TYPES))


class Folds(unittest.TestCase):
    def test_no_template_is_on_both_sides(self) -> None:
        made = [
            Document(f"p{number}", f"My name is {name}.", [(11, 11 + len(name), "PERSON")], "presidio_synth_v2")
            for number, name in enumerate(["Ann", "Bob", "Cem", "Dag", "Eve", "Fay", "Gus", "Hal", "Ida", "Jan", "Kai"])
        ]
        training, validating = documents.folds(made)
        self.assertTrue(validating)
        self.assertEqual(training, [])


if __name__ == "__main__":
    unittest.main()
