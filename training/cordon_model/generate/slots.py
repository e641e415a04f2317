"""Owns the table of slots: which value and which label each slot name of a template stands for.

Besides values there are phrases: `data/lists/phrases.txt` has sections `<lang> <name>`, and a slot `{name}` in a template of
that language is replaced by a line of it, whose own slots are filled in turn.
"""

from __future__ import annotations

import random

from .identifiers import Identifiers
from .lists import sections, values
from .marks import Marked
from .people import People, Person, ascii_of
from .places import Places
from .secret_values import secret
from .technical import Technical
from .templates import Template, fill, split_of
from .things import Things

GENITIVE = {"de": "s", "sv": "s", "da": "s", "nb": "s", "fi": "n"}


class Slots:
    """Fills slots; people and values with a number are kept in `scope`."""

    def __init__(self, rng: random.Random, split: str = "train") -> None:
        self.rng = rng
        self.split = split
        self.phrases: dict[str, tuple[str, ...]] = {}
        self.people = People(rng)
        self.places = Places(rng, self.people)
        self.things = Things(rng, self.people, self.places)
        self.ids = Identifiers(rng)
        self.technical = Technical(rng)
        ids, places, things = self.ids, self.places, self.things
        self.valued = {
            "address": ("ADDRESS", places.address),
            "address_lines": ("ADDRESS", lambda lang: places.address(lang, True)),
            "street": ("ADDRESS", places.street),
            "zip": ("ADDRESS", places.postcode),
            "city": ("LOCATION", places.city),
            "country": ("LOCATION", places.country),
            "state": ("LOCATION", lambda _: places.state()),
            "region": ("LOCATION", places.region),
            "street_name": ("ADDRESS", places.street_name),
            "org": ("ORGANIZATION", things.organization),
            "date": ("DATE", things.date),
            "date_long": ("DATE", things.date_long),
            "year": ("DATE", lambda _: things.year()),
            "weekday": ("DATE", things.weekday),
            "dob": ("DATE_OF_BIRTH", things.birth),
            "age": ("AGE", things.age),
            "n_age": ("AGE", lambda _: str(rng.randint(18, 95))),
            "phone": ("PHONE", places.phone),
            "iban": ("ACCOUNT", ids.iban),
            "account": ("ACCOUNT", ids.account),
            "card": ("ACCOUNT", lambda _: ids.card()),
            "natid": ("GOVERNMENT_ID", ids.national),
            "passport": ("GOVERNMENT_ID", lambda _: ids.passport()),
            "licence": ("GOVERNMENT_ID", lambda _: ids.licence()),
            "medid": ("MEDICAL_ID", ids.medical),
            "ref": ("REFERENCE", lambda _: ids.reference()),
            "secret": ("SECRET", lambda _: secret(rng)),
            "title": ("JOB_TITLE", lambda lang: things.listed("titles", lang)),
            "condition": ("HEALTH_CONDITION", lambda lang: things.listed("conditions", lang)),
            "nrp": ("NRP", lambda lang: things.listed("nrp", lang)),
            "url": (None, lambda _: self.url()),
            "month": ("DATE", lambda lang: rng.choice(values("months", lang, "en"))),
        }
        self.personal = {
            "person": lambda p: p.full(),
            "given": lambda p: p.given,
            "surname": lambda p: p.surname,
            "person_rev": lambda p: p.reversed(),
            "person_upper": lambda p: p.full().upper(),
            "person_lower": lambda p: p.full().lower(),
            "surname_upper": lambda p: p.surname.upper(),
            "given_lower": lambda p: p.given.lower(),
            "initial_surname": self.people.initials,
            "person_plain": lambda p: p.plain(),
            "person_ascii": lambda p: ascii_of(p.plain()) or "Kim Lee",
            "person_sf": lambda p: f"{p.surname} {p.given}",
            "surname_given_upper": lambda p: f"{p.surname.upper()} {p.given}",
            "initials": lambda p: p.given[0] + "." + p.surname[0] + ".",
        }

    def slot(self, name: str, number: str, lang: str, scope: dict) -> list | None:
        """The pieces of a slot, or None where there is no such slot."""
        if name in self.personal or name in ("email", "username", "hon", "person_gen", "surname_gen", "person_aka"):
            return self._of_person(name, self._person(number, lang, scope), number, lang, scope)
        if name in ("word_given", "word_person"):
            return self._word_person(name, number, scope)
        if name in self.valued:
            key = name + number
            if number and key in scope:
                return scope[key]
            label, make = self.valued[name]
            pieces = [(make(lang), label)]
            if number:
                scope[key] = pieces
            return pieces
        phrases = self._phrases(f"{lang} {name}")
        if phrases:
            said = scope.setdefault("phrases", set())
            phrase = self.rng.choice([line for line in phrases if line not in said] or phrases)
            said.add(phrase)
            return self._pieces(fill(Template(phrase, name, lang, ""), self, scope))
        value = self.technical.make(name)
        if value is None:
            return None
        if number:
            value = scope.setdefault(name + number, value)
        return [(value, None)]

    def _person(self, number: str, lang: str, scope: dict) -> Person:
        if not number:
            return self.people.person(lang)
        key = "person" + number
        if key not in scope:
            scope[key] = self.people.person(lang)
        return scope[key]

    def _phrases(self, section: str) -> tuple[str, ...]:
        """The lines of a section of phrases; of a long section only those of the split."""
        if section not in self.phrases:
            lines = tuple(line.replace("\\n", "\n") for line in sections("phrases").get(section, ()))
            own = tuple(line for line in lines if split_of(line) == self.split)
            self.phrases[section] = own if len(lines) >= 24 and own else lines
        return self.phrases[section]

    @staticmethod
    def _pieces(marked: Marked) -> list:
        """A marked text taken apart into pieces again."""
        pieces, at = [], 0
        for start, end, label in marked.spans:
            pieces += [(marked.text[at:start], None), (marked.text[start:end], label)]
            at = end
        return [*pieces, (marked.text[at:], None)]

    def _word_person(self, name: str, number: str, scope: dict) -> list:
        """Somebody whose given name is a word: Rose, Mark, Will."""
        key = "word_given" + number
        given = scope[key] if number and key in scope else self.rng.choice(values("word_names", "given"))
        if number:
            scope[key] = given
        return [(given if name == "word_given" else f"{given} {self.people.person('en').surname}", "PERSON")]

    def _of_person(self, name: str, person: Person, number: str, lang: str, scope: dict) -> list:
        if name == "email":
            return [(self.people.email(person), None)]
        if name == "username":
            login = (
                scope.setdefault("login" + number, self.people.username(person))
                if number
                else self.people.username(person)
            )
            return [(login, "USERNAME")]
        if name == "hon":
            return [(self.rng.choice(values("honorifics", lang + (" m" if person.male else " f"))), None)]
        if name == "person_aka":
            nick = self.rng.choice(values("words", "nickname"))
            left, right = self.rng.choice((('"', '"'), ("“", "”"), ("'", "'")))
            return [(f"{person.given} {left}{nick}{right} {person.surname}", "PERSON")]
        if name in ("person_gen", "surname_gen"):
            written = person.full() if name == "person_gen" else person.surname
            if lang == "en":
                return [(written, "PERSON"), (self.rng.choice(("'s", "'s", "’s")), None)]
            if lang == "tr":
                return [(written, "PERSON"), (self.rng.choice(("'nin", "'ın", "’in")), None)]
            ending = GENITIVE.get(lang, "")
            return [(written + ("'" if ending == "s" and written[-1] in "sxz" else ending), "PERSON")]
        return [(self.personal[name](person), "PERSON")]

    def url(self) -> str:
        rng = self.rng
        person = ascii_of(self.people.person("en").plain()).lower().replace(" ", "-")
        word = rng.choice(values("words", "common"))
        return rng.choice(
            (
                f"https://www.{word}.example/{rng.choice(values('tech', 'noun'))}",
                f"http://{word}-{rng.choice(values('words', 'common'))}.org",
                f"https://github.example/{word}/{rng.choice(values('tech', 'noun'))}",
                f"https://social.example/in/{person}",
                f"www.{word}{rng.randint(1, 99)}.net",
                f"https://{word}.io/{rng.choice(values('tech', 'noun'))}?id={rng.randint(1, 99999)}",
            )
        )
