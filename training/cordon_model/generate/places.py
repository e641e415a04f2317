"""Owns places and how to reach them: street addresses as each country writes them, towns, countries and phone numbers."""

from __future__ import annotations

import random

from faker import Generator

from .lists import values
from .people import LOCALES, People

NUMBER_FIRST = ("en", "fr")
PHONES = {
    "en": (
        "(###) ###-####",
        "###-###-####",
        "###.###.####",
        "+1 ### ### ####",
        "+1-###-###-####",
        "1##########",
        "##########",
        "020 7### ####",
        "07### ######",
        "+44 7### ######",
        "+44 (0)20 #### ####",
        "01### ######",
        "0#### ######",
        "04## ### ###",
        "+61 4## ### ###",
        "+91 9#### #####",
        "(###)###-#### x###",
        "### ###-#### ext. ##",
        "+353 8# ### ####",
        "+1 (###) ###-####",
    ),
    "de": (
        "0### #######",
        "0##/#######",
        "0### / ### ## ##",
        "+49 ### #######",
        "+49 (0)## ########",
        "017# #######",
        "0151-########",
        "(0####) ######",
        "+43 1 #######",
        "04# ### ## ##",
        "+41 7# ### ## ##",
        "0049 ### #######",
        "0#########",
    ),
    "fr": (
        "0# ## ## ## ##",
        "0#.##.##.##.##",
        "0#########",
        "+33 # ## ## ## ##",
        "+33 (0)6 ## ## ## ##",
        "06-##-##-##-##",
        "514 ###-####",
        "0041 22 ### ## ##",
    ),
    "es": (
        "6## ### ###",
        "9## ## ## ##",
        "9########",
        "+34 6## ### ###",
        "6## ## ## ##",
        "+52 55 #### ####",
        "(011) ####-####",
        "+56 9 #### ####",
        "0034 9########",
        "9## ###-###",
    ),
    "it": (
        "3## #######",
        "0## #######",
        "+39 3## ### ####",
        "0##-######",
        "0#########",
        "+39 0# #### ####",
        "0##/#######",
    ),
    "pt": ("9## ### ###", "+351 9## ### ###", "(11) 9####-####", "(##) ####-####", "+55 11 9#### ####", "2########"),
    "nl": ("06-########", "06 ## ## ## ##", "0##-#######", "+31 6 ########", "+32 4## ## ## ##", "0#########"),
    "pl": ("### ### ###", "+48 ### ### ###", "## ### ## ##", "(##) ### ## ##", "5########", "0048 #########"),
    "sv": ("07#-### ## ##", "08-### ### ##", "+46 7# ### ## ##", "07########", "0###-## ## ##"),
    "da": ("## ## ## ##", "########", "+45 ## ## ## ##", "#### ####"),
    "nb": ("### ## ###", "## ## ## ##", "+47 ### ## ###", "9#######"),
    "fi": ("04# ### ####", "050 #######", "+358 4# ### ####", "09 #######", "0##-#######"),
    "cs": ("### ### ###", "+420 ### ### ###", "#########", "00420 ### ### ###"),
    "ro": ("07## ### ###", "021 ### ## ##", "+40 7## ### ###", "07########"),
    "tr": ("05## ### ## ##", "0 (5##) ### ## ##", "+90 5## ### ## ##", "0212 ### ## ##", "05#########"),
    "hu": ("06 20 ### ####", "+36 30 ### ####", "(1) ###-####", "06-70/###-####", "0630#######"),
}
FLAT = {
    "en": ("Apt. {}", "Flat {}", "Suite {}", "Unit {}", "#{}", "Apt {}B"),
    "de": ("Whg. {}", "{}. OG", "Top {}"),
    "fr": ("appt {}", "bât. B", "{}e étage"),
    "es": ("{}º B", "piso {}", "{}-C", "{}º izq.", "Dpto. {}"),
    "it": ("int. {}", "scala B", "piano {}"),
    "pt": ("apto {}", "{}º Dto", "{}º Esq."),
    "nl": ("{}hs", "bus {}"),
    "pl": ("m. {}", "lok. {}"),
    "sv": ("lgh 110{}",),
    "da": ("{}. tv.", "{}. th.", "st."),
    "nb": ("H0{}01",),
    "fi": ("A {}", "as. {}"),
    "cs": ("byt {}",),
    "ro": ("ap. {}", "bl. A{}, sc. 2"),
    "tr": ("D:{}", "Daire {}"),
    "hu": ("{}. em. 2.", "fszt. {}"),
}
STREETS_OWN = ("es", "it", "pt", "pl", "ro", "tr", "hu", "cs", "fi", "sv")


class Places:
    """Makes places; names come from Faker and from `data/lists/places.txt`."""

    def __init__(self, rng: random.Random, people: People) -> None:
        self.rng = rng
        self.people = people

    def _faker(self, lang: str) -> Generator:
        return self.people.faker(self.rng.choice(LOCALES[lang]))

    def city(self, lang: str) -> str:
        rng = self.rng
        roll = rng.random()
        if roll < 0.5:
            return rng.choice(values("places", lang, "en"))
        if roll < 0.65:
            return rng.choice(values("places", "world"))
        return self._faker(lang).city().strip()

    def country(self, lang: str) -> str:
        return self.rng.choice(values("countries", lang, "en"))

    def state(self) -> str:
        return self.rng.choice(values("places", "states"))

    def region(self, lang: str) -> str:
        """Rivers, islands, mountains, districts: what is a place and no town."""
        return self.rng.choice(values("places", "natural"))

    def postcode(self, lang: str) -> str:
        return self._faker(lang).postcode()

    def street_name(self, lang: str) -> str:
        rng = self.rng
        if rng.random() < 0.45 or lang in ("tr",):
            return rng.choice(values("streets", lang, "en"))
        return self._faker(lang).street_name()

    def street(self, lang: str) -> str:
        """Street and number, with a flat now and then."""
        rng = self.rng
        number = str(
            rng.choice(
                (
                    rng.randint(1, 99),
                    rng.randint(1, 250),
                    rng.randint(100, 9999) if lang == "en" else rng.randint(1, 40),
                )
            )
        ) + rng.choice(
            ("", "", "", "", "a", "B", "-" + str(rng.randint(2, 9))) if lang != "en" else ("", "", "", "", "", "A")
        )
        name = self.street_name(lang)
        if lang == "en":
            street = f"{number} {name}"
        elif lang == "fr":
            street = f"{number}{rng.choice((' ', ', ', ' bis ', ' '))}{name}"
        elif lang in ("es", "it", "pt", "ro"):
            street = f"{name}{rng.choice((', ', ' ', ', nº ' if lang != 'ro' else ' nr. ', ', '))}{number}"
        elif lang == "pl":
            street = f"{rng.choice(('ul. ', 'ul. ', '', 'al. '))}{name} {number}" + (
                f"/{rng.randint(1, 90)}" if rng.random() < 0.4 else ""
            )
        elif lang == "hu":
            street = f"{name} {number}."
        elif lang == "tr":
            street = f"{name} {rng.choice(('No: ', 'No:', ''))}{number}"
        else:
            street = f"{name} {number}"
        if rng.random() < 0.22:
            flat = rng.choice(FLAT[lang]).format(rng.randint(1, 9) if lang not in ("en",) else rng.randint(1, 320))
            street += (", " if rng.random() < 0.7 else " ") + flat
        return street

    def address(self, lang: str, lines: bool = False) -> str:
        """A whole address in one string; with `lines` over several lines."""
        rng = self.rng
        if rng.random() < 0.08:
            lang = rng.choice(list(LOCALES))
        by = (
            "\n" + " " * rng.choice((0, 0, 0, 0, 0, 1, 3))
            if lines or rng.random() < 0.05
            else rng.choice((", ", ", ", ", ", " "))
        )
        street, code, city = self.street(lang), self.postcode(lang), self.city(lang)
        if lang == "en":
            roll = rng.random()
            if roll < 0.06:
                return f"P.O. Box {rng.randint(10, 9999)}{by}{city}, {rng.choice(values('places', 'state_codes'))} {rng.randint(10000, 99950)}"
            if roll < 0.14:
                # A mixture of countries, as web forms get it.
                other = rng.choice(list(LOCALES))
                return f"{rng.choice((street, self.street(other)))}{by}{self.city(other)}{rng.choice((by, ', ', ' '))}{self.country(lang)}{rng.choice((by, ' '))}{rng.randint(1000, 99950)}"
            if roll < 0.5:
                zip_code = f"{rng.randint(10000, 99950)}" + rng.choice(("", "", "", f"-{rng.randint(1000, 9999)}"))
                return f"{street}{by}{city}, {rng.choice(values('places', 'state_codes') + values('places', 'states'))} {zip_code}"
            if roll < 0.8:
                return f"{street}{by}{city}{by if lines else rng.choice((' ', ', '))}{self.people.faker('en_GB').postcode()}"
            if roll < 0.9:
                return f"{street}{by}{city}"
            return f"{street}{by}{city}{by}{code}{by}{self.country(lang)}"
        prefix = {
            "de": ("", "", "D-", "A-", "CH-"),
            "sv": ("", "SE-", "S-"),
            "da": ("", "DK-"),
            "ro": ("", "cod "),
            "fi": ("", "FI-"),
        }.get(lang, ("",))
        town = (
            f"{city}{by}{code}"
            if lang == "tr" and rng.random() < 0.3
            else f"{rng.choice(prefix) if rng.random() < 0.2 else ''}{code} {city}"
        )
        if lang == "hu" and rng.random() < 0.7:
            return f"{code.removeprefix('H-')} {city}{by}{street}"
        if lang == "it" and rng.random() < 0.5:
            town += rng.choice((" (MI)", " (RM)", " (TO)", " (BO)", " (NA)"))
        end = by + self.country(lang) if rng.random() < 0.08 else ""
        return f"{street}{by}{town}{end}"

    def phone(self, lang: str) -> str:
        rng = self.rng
        shapes = PHONES[lang] if rng.random() < 0.85 else PHONES[rng.choice(list(PHONES))]
        return "".join(rng.choice("0123456789") if c == "#" else c for c in rng.choice(shapes)).replace("(0", "(0")
