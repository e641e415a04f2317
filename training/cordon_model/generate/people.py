"""Owns invented people: names of many origins and the forms in which texts write them.

A person keeps the same names in all forms, so that one text can name somebody in full first and by the surname later.
"""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass

from faker import Faker, Generator

from .lists import sections, values

LOCALES = {
    "en": ("en_US", "en_US", "en_GB", "en_GB", "en_AU", "en_CA", "en_IE", "en_IN"),
    "de": ("de_DE", "de_DE", "de_AT", "de_CH"),
    "fr": ("fr_FR", "fr_FR", "fr_CH", "fr_CA"),
    "es": ("es_ES", "es_ES", "es_MX", "es_AR", "es_CO"),
    "it": ("it_IT",),
    "pt": ("pt_BR", "pt_PT"),
    "nl": ("nl_NL", "nl_BE"),
    "pl": ("pl_PL",),
    "sv": ("sv_SE",),
    "da": ("da_DK",),
    "nb": ("no_NO",),
    "fi": ("fi_FI",),
    "cs": ("cs_CZ",),
    "ro": ("ro_RO",),
    "tr": ("tr_TR",),
    "hu": ("hu_HU",),
}
FOREIGN = (
    "en_US",
    "en_GB",
    "en_IN",
    "de_DE",
    "fr_FR",
    "es_ES",
    "es_MX",
    "it_IT",
    "pt_BR",
    "nl_NL",
    "nl_BE",
    "pl_PL",
    "sv_SE",
    "da_DK",
    "no_NO",
    "fi_FI",
    "cs_CZ",
    "ro_RO",
    "tr_TR",
    "hu_HU",
    "hr_HR",
    "sk_SK",
    "id_ID",
    "vi_VN",
    "yo_NG",
    "tw_GH",
    "zu_ZA",
    "en_PK",
    "et_EE",
    "lt_LT",
    "lv_LV",
    "sl_SI",
    "ga_IE",
    "en_KE",
    "ig_NG",
    "ha_NG",
    "sw",
)
SURNAME_FIRST = ("hu",)
MAIL_HOSTS = (
    "example.com",
    "example.org",
    "mail.example.net",
    "posteo.de",
    "gmail.com",
    "outlook.com",
    "proton.me",
    "web.de",
    "orange.fr",
    "libero.it",
    "wp.pl",
    "seznam.cz",
    "telia.se",
    "corp.example",
    "uni-mail.example",
)


def ascii_of(string: str) -> str:
    """The string in plain ASCII letters: accents dropped, a few letters spelled out."""
    for old, new in (
        ("ß", "ss"),
        ("ø", "o"),
        ("Ø", "O"),
        ("ł", "l"),
        ("Ł", "L"),
        ("ı", "i"),
        ("æ", "ae"),
        ("đ", "d"),
        ("ð", "d"),
    ):
        string = string.replace(old, new)
    return unicodedata.normalize("NFKD", string).encode("ascii", "ignore").decode()


@dataclass
class Person:
    """One invented person; `surname_first` where the language writes the surname first."""

    given: str
    surname: str
    middle: str = ""
    male: bool = True
    surname_first: bool = False

    def full(self) -> str:
        parts = (self.surname, self.given) if self.surname_first else (self.given, self.middle, self.surname)
        return " ".join(part for part in parts if part)

    def plain(self) -> str:
        return f"{self.surname} {self.given}" if self.surname_first else f"{self.given} {self.surname}"

    def reversed(self) -> str:
        return f"{self.surname}, {self.given}" + (f" {self.middle}" if self.middle else "")


class People:
    """Makes people; all randomness comes from `rng`."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.fakers: dict[str, Generator] = {}

    def faker(self, locale: str) -> Generator:
        """The Faker of a locale, on the one random source."""
        if locale not in self.fakers:
            proxy = Faker(locale, use_weighting=False)
            generator = proxy._factories[0] if hasattr(proxy, "_factories") else proxy
            generator.random = self.rng
            for provider in generator.providers:
                # Some lists are made of sets, whose order changes from one process to the next.
                for name, value in vars(type(provider)).items():
                    if isinstance(value, (set, frozenset, list)) and all(isinstance(item, str) for item in value):
                        setattr(provider, name, sorted(value))
            self.fakers[locale] = generator
        return self.fakers[locale]

    def person(self, lang: str) -> Person:
        """A person as texts of the language name them: four of five from there, one from anywhere."""
        rng = self.rng
        male = rng.random() < 0.5
        roll = rng.random()
        first_locale = rng.choice(LOCALES[lang])
        if roll < 0.70:
            given, surname = self._faked(first_locale, male)
        elif roll < 0.80:
            given, surname = self._faked(rng.choice(FOREIGN), male)
        elif roll < 0.92:
            origin = rng.choice([key for key in sections("names") if key.endswith(" given")])[: -len(" given")]
            given, surname = (
                rng.choice(values("names", origin + " given")),
                rng.choice(values("names", origin + " surnames")),
            )
        else:
            given, surname = rng.choice(values("word_names", "given")), rng.choice(values("word_names", "surnames"))
            if rng.random() < 0.5:
                other_given, other_surname = self._faked(first_locale, male)
                given, surname = rng.choice(((given, other_surname), (other_given, surname)))
        if rng.random() < 0.10:
            surname = self.rare_surname()
        if rng.random() < 0.05:
            surname = rng.choice(values("names", "particles")) + " " + surname
        if rng.random() < 0.04:
            surname += rng.choice(("-", "-", " ")) + self._faked(first_locale, male)[1]
        elif lang in ("es", "pt") and rng.random() < 0.45:
            surname += " " + self._faked(first_locale, male)[1]
        if rng.random() < 0.03 or (lang == "fr" and rng.random() < 0.1):
            given += "-" + self._faked(first_locale, male)[0].split()[0]
        middle = ""
        if lang == "en" and rng.random() < 0.14:
            middle = rng.choice("ABCDEFGHJKLMNPRSTVW") + rng.choice((".", ".", ""))
        elif rng.random() < 0.06:
            middle = self._faked(first_locale, male)[0]
        if lang in SURNAME_FIRST:
            middle = ""
        return Person(given, surname, middle, male, lang in SURNAME_FIRST)

    def _faked(self, locale: str, male: bool) -> tuple[str, str]:
        fake = self.faker(locale)
        if male:
            return fake.first_name_male(), fake.last_name_male()
        return fake.first_name_female(), fake.last_name_female()

    def rare_surname(self) -> str:
        """A surname that no list holds, built of a stem and an ending as surnames are."""
        rng = self.rng
        family = rng.choice([key for key in sections("surname_parts") if key.endswith(" stems")])[: -len(" stems")]
        name = rng.choice(values("surname_parts", family + " stems")) + rng.choice(
            values("surname_parts", family + " endings")
        )
        return rng.choice(("Mc", "Mac", "O'")) + name if family == "english" and rng.random() < 0.12 else name

    def initials(self, person: Person, spaced: str = " ") -> str:
        """`J. Smith`, `J.R. Smith`, `J Smith`."""
        rng = self.rng
        dot = rng.choice((".", ".", ".", ""))
        first = person.given[0] + dot
        if person.middle and rng.random() < 0.5:
            first += rng.choice(("", " ")) + person.middle[0] + dot
        return f"{first}{spaced}{person.surname}"

    def username(self, person: Person) -> str:
        """A login name, often made of the person's names."""
        rng = self.rng
        given, surname = (
            ascii_of(part).lower().replace(" ", "").replace("'", "") or "kim" for part in (person.given, person.surname)
        )
        number = rng.choice(("", str(rng.randint(1, 99)), str(rng.randint(1960, 2012)), str(rng.randint(100, 9999))))
        word = rng.choice(values("words", "nick"))
        return rng.choice(
            (
                f"{given[0]}{surname}{number}",
                f"{given}.{surname}",
                f"{given}_{surname}{number}",
                f"{surname}{given[0]}{number}",
                f"{given}{number or rng.randint(1, 99)}",
                f"{word}{given}{number}",
                f"{word}_{rng.choice(values('words', 'nick'))}{number}",
                f"{given[:3]}{surname[:3]}{number}",
                f"x{word}{number or 7}x",
                f"{word.capitalize()}{rng.choice(values('words', 'nick')).capitalize()}{number}",
            )
        )

    def email(self, person: Person) -> str:
        """An e-mail address; it stays unmarked, also where it holds a name."""
        rng = self.rng
        given, surname = (
            ascii_of(part).lower().replace(" ", "").replace("'", "") or "kim" for part in (person.given, person.surname)
        )
        local = rng.choice(
            (
                f"{given}.{surname}",
                f"{given[0]}.{surname}",
                f"{given[0]}{surname}",
                f"{surname}.{given}",
                f"{given}{rng.randint(1, 99)}",
                f"{given}_{surname}",
                f"{surname}{rng.randint(1, 99)}",
                rng.choice(values("words", "nick")) + str(rng.randint(1, 999)),
            )
        )
        return f"{local}@{rng.choice(MAIL_HOSTS)}"
