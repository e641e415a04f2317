"""Owns invented identifiers: account and card numbers, national ids, medical ids and references.

Shapes and check digits are those of the public specifications (ISO 13616, Luhn, the national rules named below); some are
left wrong on purpose, as people mistype them. None belongs to anybody.
"""

from __future__ import annotations

import random
import string

UPPER = string.ascii_uppercase
DIGITS = string.digits
IBAN = {
    "DE": "18n",
    "FR": "10n11c2n",
    "ES": "20n",
    "IT": "1a10n12c",
    "NL": "4a10n",
    "PL": "24n",
    "SE": "20n",
    "DK": "14n",
    "NO": "11n",
    "FI": "14n",
    "CZ": "20n",
    "RO": "4a16c",
    "TR": "5n1z16c",
    "HU": "24n",
    "GB": "4a14n",
    "IE": "4a14n",
    "PT": "21n",
    "BE": "12n",
    "CH": "5n12c",
    "AT": "16n",
}
COUNTRY = {
    "en": "GB",
    "de": "DE",
    "fr": "FR",
    "es": "ES",
    "it": "IT",
    "pt": "PT",
    "nl": "NL",
    "pl": "PL",
    "sv": "SE",
    "da": "DK",
    "nb": "NO",
    "fi": "FI",
    "cs": "CZ",
    "ro": "RO",
    "tr": "TR",
    "hu": "HU",
}


def luhn(digits: str) -> str:
    """The check digit that follows `digits`."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        n = int(digit) * (2 if place % 2 == 0 else 1)
        total += n - 9 if n > 9 else n
    return str(-total % 10)


class Identifiers:
    """Makes identifiers; all randomness comes from `rng`."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def digits(self, count: int, first: str = "123456789") -> str:
        return (
            self.rng.choice(first) + "".join(self.rng.choices(DIGITS, k=count - 1))
            if count > 1
            else self.rng.choice(first)
        )

    def letters(self, count: int) -> str:
        return "".join(self.rng.choices(UPPER, k=count))

    def shape(self, pattern: str) -> str:
        """`#` a digit, `@` a capital letter, `*` either; anything else stands for itself."""
        rng = self.rng
        return "".join(
            rng.choice(DIGITS)
            if c == "#"
            else rng.choice(UPPER)
            if c == "@"
            else rng.choice(UPPER + DIGITS)
            if c == "*"
            else c
            for c in pattern
        )

    def grouped(self, value: str, size: int, by: str = " ") -> str:
        return by.join(value[i : i + size] for i in range(0, len(value), size))

    def iban(self, lang: str) -> str:
        rng = self.rng
        country = COUNTRY[lang] if rng.random() < 0.7 else rng.choice(list(IBAN))
        body, number = "", ""
        for c in IBAN[country]:
            if c.isdigit():
                number += c
                continue
            count, number = int(number), ""
            body += {
                "n": "".join(rng.choices(DIGITS, k=count)),
                "a": self.letters(count),
                "z": "0" * count,
                "c": "".join(rng.choices(DIGITS if rng.random() < 0.7 else DIGITS + UPPER, k=count)),
            }[c]
        number = "".join(str(int(c, 36)) for c in body + country + "00")
        iban = f"{country}{98 - int(number) % 97:02d}{body}"
        roll = rng.random()
        return (
            iban
            if roll < 0.45
            else self.grouped(iban, 4)
            if roll < 0.9
            else self.grouped(iban.lower(), 4)
            if roll < 0.95
            else iban.lower()
        )

    def card(self) -> str:
        rng = self.rng
        stem = rng.choice(("4", "4", "51", "52", "53", "54", "55", "34", "37", "6011", "2221"))
        length = 15 if stem in ("34", "37") else 16
        body = stem + "".join(rng.choices(DIGITS, k=length - 1 - len(stem)))
        number = body + luhn(body)
        roll = rng.random()
        if roll < 0.3:
            return number
        by = rng.choice((" ", " ", "-"))
        return by.join((number[:4], number[4:10], number[10:])) if length == 15 else self.grouped(number, 4, by)

    def account(self, lang: str) -> str:
        """A bank account as the country writes it without an IBAN."""
        rng = self.rng
        own = {
            "en": ("########", "##########", "####-####-##", "##-##-## ########", "0########"),
            "es": ("#### #### ## ##########",),
            "pl": ("## #### #### #### #### #### ####",),
            "cs": ("##########/####", "######-##########/####"),
            "nb": ("####.##.#####",),
            "sv": ("####-#######", "####-# ### ### ###-#"),
            "da": ("#### ##########", "####-######"),
            "hu": ("########-########-########",),
            "pt": ("####-# / #####-#", "#####-#"),
        }.get(lang, ("##########", "### ### ####"))
        return self.shape(rng.choice(own))

    def national(self, lang: str) -> str:
        """A national or tax number, mostly of the language's country."""
        rng = self.rng
        year, month, day = rng.randint(1940, 2008), rng.randint(1, 12), rng.randint(1, 28)
        ymd = f"{year % 100:02d}{month:02d}{day:02d}"
        dmy = f"{day:02d}{month:02d}{year % 100:02d}"
        if lang == "en":
            ssn = f"{rng.choice([*range(1, 666), *range(667, 899)]):03d}-{rng.randint(1, 99):02d}-{rng.randint(1, 9999):04d}"
            nino = (
                rng.choice("ABCEGHJKLMNPRSTWXYZ")
                + rng.choice("ABCEGHJKLMNPRSTWXYZ")
                + self.digits(6, DIGITS)
                + rng.choice("ABCD")
            )
            sin = self.digits(8)
            return rng.choice(
                (
                    ssn,
                    ssn,
                    ssn,
                    ssn.replace("-", ""),
                    ssn.replace("-", " "),
                    nino,
                    self.grouped(nino, 2),
                    self.grouped(sin + luhn(sin), 3),
                    self.grouped(self.digits(12, "23456789"), 4),
                    self.shape("@@@@@####@"),
                    self.shape("### ### ###"),
                )
            )
        if lang == "de":
            return rng.choice(
                (
                    self.digits(11),
                    self.grouped(self.digits(11), 3),
                    self.shape("## ") + dmy + self.shape(" @ ###"),
                    self.shape("756.####.####.##"),
                )
            )
        if lang == "fr":
            body = (
                rng.choice("12")
                + f"{year % 100:02d}{month:02d}"
                + f"{rng.randint(1, 95):02d}{rng.randint(1, 600):03d}{rng.randint(1, 600):03d}"
            )
            key = f"{97 - int(body) % 97:02d}"
            return rng.choice(
                (body + key, f"{body[0]} {body[1:3]} {body[3:5]} {body[5:7]} {body[7:10]} {body[10:]} {key}")
            )
        if lang == "es":
            number = rng.randint(10_000_000, 79_999_999)
            letter = "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23]
            return rng.choice(
                (
                    f"{number}{letter}",
                    f"{number}-{letter}",
                    f"{number:,}".replace(",", ".") + letter,
                    self.shape("X#######@"),
                    self.shape("## ######## ##"),
                    self.shape("@@@@######") + rng.choice("HM") + self.shape("@@@@@#*"),
                )
            )
        if lang == "it":
            return (
                self.shape("@@@@@@")
                + f"{year % 100:02d}{rng.choice('ABCDEHLMPRST')}{day + rng.choice((0, 40)):02d}"
                + self.shape("@###@")
            )
        if lang == "pt":
            return rng.choice(
                (
                    self.shape("###.###.###-##"),
                    self.shape("###########"),
                    self.shape("### ### ###"),
                    self.shape("2########"),
                )
            )
        if lang == "nl":
            return rng.choice(
                (
                    self.digits(9),
                    self.grouped(self.digits(9), 3, "."),
                    f"{year % 100:02d}.{month:02d}.{day:02d}-" + self.shape("###.##"),
                )
            )
        if lang == "pl":
            return rng.choice((ymd + self.shape("#####"), ymd + self.shape("#####"), self.shape("###-###-##-##")))
        if lang == "sv":
            return rng.choice((ymd, f"{year // 100}{ymd}")) + rng.choice(("-", "")) + self.shape("####")
        if lang in ("da", "nb"):
            return dmy + (
                rng.choice(("-", "")) + self.shape("####")
                if lang == "da"
                else rng.choice((" ", "")) + self.shape("#####")
            )
        if lang == "fi":
            return dmy + rng.choice("-A") + self.shape("###") + rng.choice("0123456789ABCDEFHJKLMNPRSTUVWXY")
        if lang == "cs":
            return (
                f"{year % 100:02d}{month + rng.choice((0, 50)):02d}{day:02d}"
                + rng.choice(("/", ""))
                + self.shape("####")
            )
        if lang == "ro":
            return rng.choice("1256") + ymd + self.shape("######")
        if lang == "tr":
            return self.digits(11)
        return rng.choice(
            (
                self.shape("###### ") + rng.choice("AEKN") + rng.choice(UPPER),
                self.shape("### ### ###"),
                "8" + self.digits(9),
            )
        )

    def passport(self) -> str:
        return self.shape(
            self.rng.choice(
                ("@########", "@@#######", "#########", "@@@######", "C0*******", "@@ #######", "@## ######")
            )
        )

    def licence(self) -> str:
        return self.shape(
            self.rng.choice(
                (
                    "@#######",
                    "@###-####-####",
                    "@@@@@######@@#@@",
                    "#########",
                    "##-######-##",
                    "*##*######*",
                    "@@#######@",
                    "##/##/######",
                )
            )
        )

    def medical(self, lang: str) -> str:
        rng = self.rng
        nhs = self.digits(10)
        own = {
            "de": ("@#########", "@### ### ###"),
            "es": ("########", "## ######## ##", "##########", "###### "),
            "en": ("MRN-#######", "########", "##-##-##", "H######", "P-######", "1EG4-TE#-@@##", "NPI 1#########"),
        }
        return (
            rng.choice((f"{nhs[:3]} {nhs[3:6]} {nhs[6:]}", nhs))
            if rng.random() < 0.2
            else self.shape(
                rng.choice(own.get(lang, ("########", "#######", "@@######", "PAT-######", "##/#####", "###-###-###")))
            )
            .strip()
            .removeprefix("NPI ")
        )

    def reference(self) -> str:
        """A case, customer, employee, order, ticket, device or vehicle number."""
        rng = self.rng
        year = rng.randint(2005, 2026)
        return self.shape(
            rng.choice(
                (
                    "#####",
                    "######",
                    "########",
                    "@@-#####",
                    "@@@-######",
                    f"{year}-#####",
                    f"{year}/####",
                    f"##-@@-{year}",
                    f"@@@-{year}-####",
                    "C-#####",
                    "EMP####",
                    "E-#####",
                    "KD-#######",
                    "#### ####",
                    "INV-######",
                    "T#######",
                    "@@## @@@",
                    "@@-###-@@",
                    "##### /##".replace(" ", ""),
                    "###/##",
                    "CASE-####",
                    "CUS_*******",
                    "ORD#######",
                    "##-@-#####",
                    "@########@@",
                    "49-####-##",
                    "#@###/##",
                    "1HGCM#####A######",
                    "WVWZZZ1*Z**######",
                    "35########## ###".replace(" ", "#"),
                )
            )
        )
