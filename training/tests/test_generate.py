"""Tests of the generator: offsets, determinism, the split, and the breadth of languages, labels and templates."""

import os
import random
import subprocess
import sys
import unittest
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cordon_model import generate
from cordon_model.generate import noise
from cordon_model.generate.lists import sections
from cordon_model.generate.marks import Marked, edit, inline
from cordon_model.generate.people import LOCALES, People
from cordon_model.generate.slots import Slots
from cordon_model.generate.templates import SLOT, Template, fill, load, split_of
from cordon_model.labels import TYPES


def example() -> Marked:
    marked = Marked()
    for string, label in (
        ("Dear ", None),
        ("Ada Björk", "PERSON"),
        (", you live at ", None),
        ("Elm Street 4,\nYork", "ADDRESS"),
        (" since ", None),
        ("4 May 2001", "DATE"),
        (".\nRegards, ", None),
        ("İlker Straße", "PERSON"),
    ):
        marked.add(string, label)
    return marked


class Marks(unittest.TestCase):
    def test_edits_move_grow_and_shrink_spans(self) -> None:
        marked = Marked("Hello Ada Byron, bye", [[6, 15, "PERSON"]])
        changed = edit(marked, [(0, 5, "Hi"), (9, 10, "  "), (6, 6, "**"), (15, 15, "**"), (17, 20, "")])
        self.assertEqual(changed.text, "Hi **Ada  Byron**, ")
        self.assertEqual([changed.text[s:e] for s, e, _ in changed.spans], ["Ada  Byron"])

    def test_span_that_vanishes_is_dropped(self) -> None:
        self.assertEqual(edit(Marked("a bc d", [[2, 4, "PERSON"]]), [(2, 4, "")]).spans, [])

    def test_inline_shows_the_label(self) -> None:
        self.assertEqual(inline(Marked("to Ada!", [[3, 6, "PERSON"]])), "to ⟦PERSON Ada⟧!")

    def test_each_noise_keeps_the_marked_letters(self) -> None:
        def letters(string: str) -> str:
            return "".join(c for c in string.lower() if c.isalpha())

        for kind, _ in noise.KINDS:
            for seed in range(30):
                before = example()
                after = kind(before, random.Random(seed))
                self.assertEqual([s[2] for s in after.spans], [s[2] for s in before.spans], kind.__name__)
                for start, end, _ in after.spans:
                    self.assertEqual(after.text[start:end], after.text[start:end].strip(), kind.__name__)
                if kind not in (noise.ocr, noise.typos, noise.unaccented):
                    for (s, e, _), (t, f, _) in zip(before.spans, after.spans, strict=True):
                        self.assertEqual(
                            letters(after.text[t:f].replace("\\n", " ")), letters(before.text[s:e]), kind.__name__
                        )


class Templates(unittest.TestCase):
    def test_there_are_many_in_many_languages(self) -> None:
        templates = load()
        self.assertGreaterEqual(len(templates), 300)
        positive = Counter(t.lang for t in templates if not t.negative)
        self.assertEqual(set(positive), set(LOCALES))
        self.assertGreaterEqual(len(positive), 12)
        self.assertGreaterEqual(min(positive.values()), 12)

    def test_no_template_stands_twice(self) -> None:
        seen = Counter((t.lang, t.text) for t in load())
        self.assertEqual([key for key, n in seen.items() if n > 1], [])

    def test_about_one_of_eight_is_for_validation(self) -> None:
        held = sum(split_of(t.text) == "validation" for t in load()) / len(load())
        self.assertTrue(0.07 < held < 0.18, held)

    def test_lower_case_slots_are_known(self) -> None:
        slots = Slots(random.Random(1))
        for template in load():
            for match in SLOT.finditer(template.text):
                if match[1] and match[1].islower() and match[1] not in ("placeholder",):
                    self.assertIsNotNone(
                        slots.slot(match[1], match[2], template.lang, {}), f"{template.name}: {match[0]}"
                    )

    def test_same_number_is_the_same_person(self) -> None:
        slots = Slots(random.Random(5))
        marked = fill(Template("{surname1} wrote. {surname1} slept.", "prose", "en", "t"), slots, {})
        first, second = (marked.text[s:e] for s, e, _ in marked.spans)
        self.assertEqual(first, second)

    def test_given_name_and_surname_side_by_side_are_one_person(self) -> None:
        marked = fill(Template("{given1} {surname1}", "prose", "en", "t"), Slots(random.Random(5)), {})
        self.assertEqual(marked.spans, [[0, len(marked.text), "PERSON"]])

    def test_street_and_town_side_by_side_are_one_address(self) -> None:
        slots = Slots(random.Random(5))
        joined = fill(Template("{street}\n{zip} {city}", "prose", "de", "t"), slots, {})
        self.assertEqual(joined.spans, [[0, len(joined.text), "ADDRESS"]])
        apart = fill(Template("{street} in {city}", "prose", "en", "t"), slots, {})
        self.assertEqual([label for _, _, label in apart.spans], ["ADDRESS", "LOCATION"])

    def test_doubled_braces_are_placeholders(self) -> None:
        marked = fill(Template("Dear {{given}}", "neg", "en", "t"), Slots(random.Random(5)), {})
        self.assertEqual((marked.text, marked.spans), ("Dear {{given}}", []))

    def test_lists_have_a_section_for_every_language(self) -> None:
        for name in (
            "places",
            "countries",
            "streets",
            "orgs",
            "titles",
            "conditions",
            "nrp",
            "months",
            "weekdays",
            "fields",
        ):
            self.assertEqual(set(LOCALES) - set(sections(name)), set(), name)

    def test_people_of_a_language_come_from_everywhere(self) -> None:
        people = People(random.Random(3))
        self.assertGreater(len({people.person("sv").surname for _ in range(400)}), 250)


class Texts(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.train = list(generate.texts(11, 4000, "train"))
        cls.validation = list(generate.texts(11, 1000, "validation"))

    def test_spans_lie_inside_in_order_and_without_overlap(self) -> None:
        for document in self.train + self.validation:
            at = 0
            for span in document["spans"]:
                self.assertLessEqual(at, span["start"])
                self.assertLess(span["start"], span["end"])
                self.assertLessEqual(span["end"], len(document["text"]))
                piece = document["text"][span["start"] : span["end"]]
                self.assertEqual(piece, piece.strip())
                at = span["end"]

    def test_the_same_seed_gives_the_same_texts(self) -> None:
        self.assertEqual(list(generate.texts(11, 200, "train")), self.train[:200])
        self.assertNotEqual(list(generate.texts(12, 200, "train")), self.train[:200])

    def test_texts_do_not_depend_on_the_hash_seed(self) -> None:
        root = Path(__file__).resolve().parents[1]
        command = [sys.executable, "-m", "cordon_model.generate", "--seed", "2", "--count", "300", "--json"]
        outputs = [
            subprocess.run(
                command, cwd=root, env={**os.environ, "PYTHONHASHSEED": str(n)}, capture_output=True, check=True
            ).stdout
            for n in (1, 2)
        ]
        self.assertEqual(outputs[0], outputs[1])
        self.assertEqual(outputs[0].count(b"\n"), 300)

    def test_splits_share_no_template(self) -> None:
        names = {
            split: {
                name
                for d in documents
                for name in d["template"].split("+")
                if not name.startswith(("record/", "neg/table"))
            }
            for split, documents in (("train", self.train), ("validation", self.validation))
        }
        self.assertEqual(names["train"] & names["validation"], set())
        self.assertGreater(len(names["train"]), 300)

    def test_every_label_and_language_occurs(self) -> None:
        labels = Counter(s["label"] for d in self.train for s in d["spans"])
        self.assertEqual(set(labels), set(TYPES))
        self.assertGreater(min(labels.values()), 40)
        languages = Counter(d["lang"] for d in self.train)
        self.assertEqual(set(languages), set(LOCALES))
        self.assertTrue(0.35 < languages["en"] / len(self.train) < 0.6)

    def test_negative_texts_hold_nobody(self) -> None:
        negative = [
            d for d in self.train if all("/neg" in name or name.startswith("neg/") for name in d["template"].split("+"))
        ]
        self.assertGreater(len(negative), len(self.train) * 0.28)
        allowed = {"LOCATION", "ORGANIZATION", "DATE", "HEALTH_CONDITION"}
        for document in negative:
            self.assertLessEqual({s["label"] for s in document["spans"]}, allowed, document["template"])

    def test_no_slot_of_a_person_is_left_open(self) -> None:
        for document in self.train:
            self.assertNotRegex(
                document["text"],
                r"(?<!\{)\{(person|given|surname|address|phone|iban|org|city|dob|ref|secret)[0-9]?\}(?!\})",
            )

    def test_unknown_split_is_refused(self) -> None:
        with self.assertRaises(ValueError):
            next(generate.texts(1, 1, "test"))


if __name__ == "__main__":
    unittest.main()
