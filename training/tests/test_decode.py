"""The reference decoder: sequences that are allowed, found as well as by trying them all, and words as a whole."""

import itertools
import sys
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cordon_model import decode
from cordon_model.labels import LABELS, TYPES


def allowed(path: tuple[int, ...]) -> bool:
    """Whether what goes on follows what it goes on with."""
    before = 0
    for state in path:
        if state and state % 2 == 0 and before not in (state, state - 1):
            return False
        before = state
    return True


class Decoding(unittest.TestCase):
    def test_the_best_path_is_the_best_of_all(self) -> None:
        random = np.random.default_rng(7)
        for _ in range(200):
            count = int(random.integers(1, 5))
            inside = random.dirichlet(np.ones(3), size=count)[:, :2]
            begins = random.random((count, 2))
            thresholds = random.uniform(0.3, 0.7, 2)
            path = tuple(decode.best_path(inside, begins, thresholds))
            self.assertTrue(allowed(path))
            bias = np.log((1 - thresholds) / thresholds)

            def score(states: tuple[int, ...], inside=inside, begins=begins, bias=bias) -> float:  # noqa: ANN001
                total = 0.0
                for row, begin, state in zip(inside, begins, states, strict=True):
                    kind = (state - 1) // 2
                    share = 1 - row.sum() if state == 0 else row[kind] * (begin[kind] if state % 2 else 1 - begin[kind])
                    total += np.log(max(share, decode.LEAST)) + (bias[kind] if state else 0)
                return total

            best = max(score(states) for states in itertools.product(range(5), repeat=count) if allowed(states))
            self.assertAlmostEqual(score(path), best, places=9)

    def test_a_piece_of_a_word_is_not_an_entity(self) -> None:
        person = LABELS.index("B-PERSON")
        logits = np.zeros((2, len(LABELS)))
        logits[0, 0] = logits[1, person] = 9.0
        even = np.full(len(TYPES), 0.5)
        self.assertEqual(decode.decode("Serco", [(0, 3), (3, 5)], logits, even), [])
        found = decode.decode("Serco", [(0, 3), (3, 5)], logits[::-1], even)
        self.assertEqual([(word.start, word.end, word.kind) for word in found], [(0, 5, "PERSON")])

    def test_a_lower_threshold_finds_more(self) -> None:
        logits = np.zeros((1, len(LABELS)))
        logits[0] = -30
        logits[0, 0], logits[0, LABELS.index("B-AGE")] = np.log(0.55), np.log(0.45)
        thresholds = np.full(len(TYPES), 0.5)
        self.assertEqual(decode.decode("42", [(0, 2)], logits, thresholds), [])
        thresholds[TYPES.index("AGE")] = 0.4
        self.assertEqual(len(decode.decode("42", [(0, 2)], logits, thresholds)), 1)

    def test_words_keep_their_marks(self) -> None:
        def of(text: str) -> list[str]:
            return [text[start:end] for start, end in decode.words(text)]

        self.assertEqual(of("Mr. O'Neil, 4b"), ["Mr", ".", "O", "'", "Neil", ",", "4b"])
        self.assertEqual(of("Jose\u0301 Nu\u200bñez"), ["Jose\u0301", "Nu\u200bñez"])
        self.assertEqual(of("王小明 is"), ["王", "小", "明", "is"])


if __name__ == "__main__":
    unittest.main()
