"""Owns organisations, dates, ages and the listed values (job titles, conditions, groups of people) by language."""

from __future__ import annotations

import random

from .lists import values
from .people import LOCALES, People
from .places import Places

NUMERIC = {
    "en": (
        "{m:02d}/{d:02d}/{y}",
        "{d:02d}/{m:02d}/{y}",
        "{y}-{m:02d}-{d:02d}",
        "{m}/{d}/{yy:02d}",
        "{d:02d}-{m:02d}-{y}",
        "{d:02d}.{m:02d}.{y}",
    ),
    "fr": ("{d:02d}/{m:02d}/{y}", "{d}/{m}/{y}", "{d:02d}.{m:02d}.{y}"),
    "es": ("{d:02d}/{m:02d}/{y}", "{d}/{m}/{yy:02d}", "{d:02d}-{m:02d}-{y}"),
    "it": ("{d:02d}/{m:02d}/{y}", "{d:02d}-{m:02d}-{y}"),
    "pt": ("{d:02d}/{m:02d}/{y}", "{d:02d}-{m:02d}-{y}"),
    "nl": ("{d:02d}-{m:02d}-{y}", "{d}-{m}-{y}", "{d:02d}/{m:02d}/{y}"),
    "sv": ("{y}-{m:02d}-{d:02d}", "{d}/{m} {y}"),
    "da": ("{d:02d}.{m:02d}.{y}", "{d:02d}-{m:02d}-{y}", "{d}/{m}-{y}"),
    "hu": ("{y}.{m:02d}.{d:02d}.", "{y}. {m:02d}. {d:02d}."),
    "tr": ("{d:02d}.{m:02d}.{y}", "{d:02d}/{m:02d}/{y}"),
    "ro": ("{d:02d}.{m:02d}.{y}", "{d:02d}/{m:02d}/{y}"),
}
CENTRAL = ("{d:02d}.{m:02d}.{y}", "{d}.{m}.{y}", "{d}. {m}. {y}", "{d:02d}.{m:02d}.{yy:02d}")
WRITTEN = {
    "en": (
        "{month} {d}, {y}",
        "{d} {month} {y}",
        "{month} {d}",
        "{d}th of {month} {y}",
        "{mon} {d}, {y}",
        "{d}-{mon}-{y}",
        "{month} {y}",
        "{d} {mon} {y}",
    ),
    "de": ("{d}. {month} {y}", "{d}. {month}", "{month} {y}"),
    "fr": ("{d} {month} {y}", "{d} {month}", "{month} {y}"),
    "es": ("{d} de {month} de {y}", "{d} de {month}", "{month} de {y}"),
    "it": ("{d} {month} {y}", "{month} {y}"),
    "pt": ("{d} de {month} de {y}", "{month} de {y}"),
    "nl": ("{d} {month} {y}", "{month} {y}"),
    "pl": ("{d} {month} {y} r.", "{d} {month} {y}", "{d} {month}"),
    "sv": ("{d} {month} {y}", "den {d} {month} {y}", "{month} {y}"),
    "da": ("{d}. {month} {y}", "{month} {y}"),
    "nb": ("{d}. {month} {y}", "{month} {y}"),
    "fi": ("{d}. {month}ta {y}", "{d}. {month}ta"),
    "cs": ("{d}. {month} {y}", "{d}. {month}"),
    "ro": ("{d} {month} {y}", "{month} {y}"),
    "tr": ("{d} {month} {y}", "{month} {y}"),
    "hu": ("{y}. {month} {d}.", "{month} {d}."),
}
AGES = {
    "en": ("{n}", "{n}", "{n} years old", "{n} years"),
    "de": ("{n} Jahre",),
    "fr": ("{n} ans",),
    "es": ("{n} años",),
    "it": ("{n} anni",),
    "pt": ("{n} anos",),
    "nl": ("{n} jaar",),
    "pl": ("{n} lat",),
    "sv": ("{n} år",),
    "da": ("{n} år",),
    "nb": ("{n} år",),
    "fi": ("{n} vuotta",),
    "cs": ("{n} let",),
    "ro": ("{n} de ani",),
    "tr": ("{n} yaş",),
    "hu": ("{n} év",),
}


class Things:
    """Makes organisations, dates, ages and listed values."""

    def __init__(self, rng: random.Random, people: People, places: Places) -> None:
        self.rng, self.people, self.places = rng, people, places

    def organization(self, lang: str) -> str:
        """A company, authority, school, hospital, club or party."""
        rng = self.rng
        roll = rng.random()
        if roll < 0.28:
            return self.people.faker(rng.choice(LOCALES[lang])).company()
        if roll < 0.62:
            pattern = rng.choice(values("orgs", lang, "en"))
        elif roll < 0.80:
            pattern = rng.choice(values("orgs", "invented"))
        else:
            return rng.choice(values("orgs", "known"))
        for slot, make in (
            ("{surname}", lambda: self.people.person(lang).surname),
            ("{city}", lambda: self.places.city(lang)),
            ("{word}", lambda: rng.choice(values("words", "brand"))),
            ("{given}", lambda: self.people.person(lang).given),
            ("{country}", lambda: self.places.country(lang)),
            ("{state}", self.places.state),
        ):
            while slot in pattern:
                pattern = pattern.replace(slot, make(), 1)
        return pattern

    def _parts(self, lang: str, first: int, last: int) -> dict:
        rng = self.rng
        y, m, d = rng.randint(first, last), rng.randint(1, 12), rng.randint(1, 28)
        month = values("months", lang, "en")[m - 1]
        return {"y": y, "yy": y % 100, "m": m, "d": d, "month": month, "mon": month[:3]}

    def date(self, lang: str) -> str:
        """A date in numbers or words; sometimes only a month and a year."""
        rng = self.rng
        shapes = WRITTEN[lang] if rng.random() < 0.55 else NUMERIC.get(lang, CENTRAL)
        shape = rng.choice(shapes) if rng.random() < 0.93 else "{y}-{m:02d}-{d:02d}"
        return shape.format(**self._parts(lang, 1985, 2027))

    def date_long(self, lang: str) -> str:
        """A day in words with its year, as prose has it."""
        return WRITTEN[lang][0 if lang != "en" else self.rng.randint(0, 1)].format(**self._parts(lang, 1890, 2026))

    def birth(self, lang: str) -> str:
        """A date of birth."""
        rng = self.rng
        full = [shape for shape in WRITTEN[lang] if "{y}" in shape and "{d}" in shape]
        shape = (
            rng.choice(full)
            if rng.random() < 0.4
            else rng.choice(NUMERIC.get(lang, CENTRAL))
            if rng.random() < 0.85
            else "{y}-{m:02d}-{d:02d}"
        )
        return shape.format(**self._parts(lang, 1931, 2019))

    def year(self) -> str:
        return str(self.rng.randint(1700, 2026) if self.rng.random() < 0.3 else self.rng.randint(1945, 2026))

    def age(self, lang: str) -> str:
        return self.rng.choice(AGES[lang]).format(n=self.rng.randint(20, 96))

    def weekday(self, lang: str) -> str:
        return self.rng.choice(values("weekdays", lang, "en"))

    def listed(self, name: str, lang: str) -> str:
        """A value of a list that has one section for each language."""
        return self.rng.choice(values(name, lang, "en"))
