"""Owns invented secrets: passwords as people choose them, and keys and tokens in the shapes of well-known services."""

from __future__ import annotations

import random
import string

from .identifiers import DIGITS, UPPER


def secret(rng: random.Random) -> str:
    """A password, token or key."""
    mixed = string.ascii_letters + DIGITS

    def some(count: int, of: str = mixed) -> str:
        return "".join(rng.choices(of, k=count))

    word = rng.choice(
        (
            "summer",
            "dragon",
            "welcome",
            "coffee",
            "tiger",
            "winter",
            "sunshine",
            "admin",
            "letmein",
            "monkey",
            "harbour",
            "maple",
            "falcon",
            "rainbow",
            "hunter",
            "passw0rd",
            "qwerty",
            "pumpkin",
            "orchid",
            "velvet",
            "copper",
            "glacier",
            "tango",
            "biscuit",
        )
    )
    other = rng.choice(
        ("river", "moon", "table", "stone", "blue", "horse", "lamp", "cloud", "fox", "piano", "bridge", "apple")
    )
    return rng.choice(
        (
            word.capitalize() + str(rng.randint(1, 2026)) + rng.choice("!?#$*%&"),
            word + str(rng.randint(1, 99999)),
            f"{word}-{other}-{rng.choice(('oak', 'jazz', 'salt', 'kite'))}-{rng.randint(1, 99)}",
            word.replace("e", "3").replace("a", "@").replace("o", "0") + rng.choice("!_.") + some(3),
            some(rng.randint(9, 14), mixed + "!@#$%^&*_-+"),
            some(rng.randint(20, 44)),
            some(40, "0123456789abcdef"),
            "sk_live_" + some(24),
            "sk-" + some(40),
            "ghp_" + some(36),
            "glpat-" + some(20, mixed + "_-"),
            "AKIA" + some(16, UPPER + "234567"),
            "xoxb-" + some(11, DIGITS) + "-" + some(24),
            "eyJhbGciOiJIUzI1NiJ9." + some(36) + "." + some(43, mixed + "_-"),
            some(40, mixed + "+/"),
            "AIza" + some(35, mixed + "_-"),
            some(6, DIGITS),
            some(4, DIGITS),
            "npm_" + some(36),
            "SG." + some(22) + "." + some(43),
            f"{other}{word.capitalize()}{rng.randint(1, 99)}",
        )
    )
