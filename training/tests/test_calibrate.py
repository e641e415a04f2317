"""Calibration: a line through log-odds is found again, also where they are far too large."""

import sys
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cordon_model.calibrate import line


class Lines(unittest.TestCase):
    def test_a_line_is_found_again(self) -> None:
        random = np.random.default_rng(3)
        for scale, bias in ((1.0, 0.0), (0.5, -1.0), (0.3, 1.5)):
            x = random.normal(-4, 6, 4000)
            y = (random.random(4000) < 1 / (1 + np.exp(-(scale * x + bias)))).astype(float)
            found = line(x, y, pull=1.0)
            self.assertAlmostEqual(found[0], scale, delta=0.06)
            self.assertAlmostEqual(found[1], bias, delta=0.25)

    def test_large_log_odds_do_not_lead_it_away(self) -> None:
        x = np.concatenate([np.full(600, -14.0), np.full(40, 12.0), np.full(60, -9.0)])
        y = np.concatenate([np.zeros(600), np.ones(40), np.ones(30), np.zeros(30)])
        scale, bias = line(x, y, pull=20.0)
        self.assertGreater(scale, 0.1)
        self.assertLess(abs(bias), 10)


if __name__ == "__main__":
    unittest.main()
