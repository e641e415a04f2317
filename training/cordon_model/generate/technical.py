"""Owns the values of texts without people: identifiers of code, numbers, hashes, versions, paths, times.

They fill the hard negatives and the harmless fields of records; none of them is ever marked.
"""

from __future__ import annotations

import random
import string

from .lists import values

HEX = "0123456789abcdef"


class Technical:
    """Makes technical values by slot name; all randomness comes from `rng`."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.makers = {
            "int": lambda: str(rng.randint(0, 10 ** rng.randint(1, 6))),
            "small": lambda: str(rng.randint(0, 64)),
            "pct": lambda: f"{rng.uniform(0, 100):.{rng.randint(0, 2)}f}",
            "float": lambda: f"{rng.uniform(-50, 900):.{rng.randint(1, 5)}f}",
            "hex": lambda: "0x" + "".join(rng.choices(HEX, k=rng.choice((2, 4, 8, 16)))),
            "hash": lambda: "".join(rng.choices(HEX, k=rng.choice((7, 8, 12, 32, 40, 64)))),
            "sha": lambda: "".join(rng.choices(HEX, k=40)),
            "uuid": self.uuid,
            "ver": lambda: (
                f"{rng.randint(0, 19)}.{rng.randint(0, 40)}.{rng.randint(0, 30)}"
                + rng.choice(("", "", "", "-rc1", "-beta.2", "+build5"))
            ),
            "ts": self.timestamp,
            "clock": lambda: f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}",
            "epoch": lambda: str(rng.randint(1_500_000_000, 1_790_000_000)),
            "syslog": lambda: (
                f"{rng.choice(('Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'))} {rng.randint(1, 28):>2} {rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}"
            ),
            "ip": lambda: ".".join(str(rng.randint(1, 254)) for _ in range(4)),
            "port": lambda: str(rng.choice((80, 443, 5432, 8080, 9090, 6379, rng.randint(1024, 65535)))),
            "host": lambda: (
                f"{rng.choice(values('tech', 'service'))}-{rng.choice(('1', '02', 'a', 'prod-3', 'eu-west-1', 'stg'))}"
            ),
            "service": lambda: rng.choice(values("tech", "service")),
            "path": self.path,
            "file": lambda: (
                rng.choice(values("tech", "noun"))
                + "_"
                + rng.choice(values("tech", "noun"))
                + rng.choice((".rs", ".py", ".go", ".c", ".ts", ".java", ".yaml", ".log", ".rb"))
            ),
            "noun": lambda: rng.choice(values("tech", "noun")),
            "Noun": lambda: rng.choice(values("tech", "noun")).capitalize(),
            "verb": lambda: rng.choice(values("tech", "verb")),
            "ident": self.snake,
            "Ident": lambda: "".join(p.capitalize() for p in self.snake().split("_")),
            "camel": self.camel,
            "IDENT": lambda: self.snake().upper(),
            "kebab": lambda: self.snake().replace("_", "-"),
            "product": lambda: rng.choice(values("tech", "product")),
            "tool": lambda: rng.choice(values("tech", "tool")),
            "language": lambda: rng.choice(values("tech", "language")),
            "part": self.part,
            "isbn": lambda: (
                f"978-{rng.randint(0, 9)}-{rng.randint(10, 9999)}-{rng.randint(1000, 99999)}-{rng.randint(0, 9)}"
            ),
            "coord": lambda: (
                f"{rng.uniform(-90, 90):.{rng.randint(2, 6)}f}, {rng.uniform(-180, 180):.{rng.randint(2, 6)}f}"
            ),
            "word": lambda: rng.choice(values("words", "common")),
            "Word": lambda: rng.choice(values("words", "common")).capitalize(),
            "brand": lambda: rng.choice(values("words", "brand")),
            "money": lambda: f"{rng.uniform(1, 9999):,.2f}",
            "level": lambda: rng.choice(
                ("INFO", "DEBUG", "WARN", "ERROR", "TRACE", "info", "warning", "error", "notice")
            ),
            "type": lambda: rng.choice(
                (
                    "int",
                    "String",
                    "u64",
                    "bool",
                    "float",
                    "Vec<u8>",
                    "list[str]",
                    "Option<usize>",
                    "char *",
                    "number",
                    "size_t",
                    "&str",
                )
            ),
            "unit": lambda: rng.choice(("ms", "s", "MB", "KiB", "kg", "mm", "V", "°C", "kWh", "rpm", "dB", "Hz")),
            "blob": lambda: (
                "".join(rng.choices(string.ascii_letters + string.digits + "+/", k=rng.choice((24, 43, 64))))
                + rng.choice(("", "=", "=="))
            ),
            "digits": lambda: "".join(rng.choices(string.digits, k=rng.randint(5, 16))),
            "plant": lambda: rng.choice(values("tech", "nature")),
            "placeholder": self.placeholder,
            "thing": lambda: rng.choice(values("tech", "eponym")),
        }

    def make(self, slot: str) -> str | None:
        """The value of a technical slot, or None where the slot is not one."""
        maker = self.makers.get(slot)
        return maker() if maker else None

    def uuid(self) -> str:
        h = "".join(self.rng.choices(HEX, k=30))
        return f"{h[:8]}-{h[8:12]}-4{h[12:15]}-{self.rng.choice('89ab')}{h[15:18]}-{h[18:30]}"

    def timestamp(self) -> str:
        rng = self.rng
        day = f"{rng.randint(2012, 2026)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
        time = f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}"
        return rng.choice(
            (
                f"{day}T{time}Z",
                f"{day} {time}",
                f"{day} {time},{rng.randint(0, 999):03d}",
                f"{day}T{time}.{rng.randint(0, 999999):06d}+00:00",
                f"[{day} {time}]",
                f"{day.replace('-', '/')} {time}",
            )
        )

    def snake(self) -> str:
        rng = self.rng
        parts = [rng.choice(values("tech", "verb"))] if rng.random() < 0.5 else []
        parts += rng.choices(values("tech", "noun"), k=rng.randint(1, 2))
        return "_".join(parts)

    def camel(self) -> str:
        first, *rest = self.snake().split("_")
        return first + "".join(part.capitalize() for part in rest)

    def path(self) -> str:
        rng = self.rng
        depth = rng.randint(1, 4)
        return (
            rng.choice(("/", "./", "", "~/", "src/", "/usr/lib/", "/var/log/", "C:\\"))
            + "/".join(rng.choices(values("tech", "noun"), k=depth))
            + rng.choice(("", ".c", ".json", ".toml", ".md", "/", ".so.1", ".txt"))
        )

    def part(self) -> str:
        rng = self.rng
        shape = rng.choice(
            (
                "@@-####",
                "@###-##@",
                "####-###-##",
                "@@@####@",
                "##-#####-#",
                "@#@#@#",
                "SKU-######",
                "@@ ### ##",
                "###/##@",
            )
        )
        return "".join(
            rng.choice(string.digits) if c == "#" else rng.choice(string.ascii_uppercase) if c == "@" else c
            for c in shape
        )

    def placeholder(self) -> str:
        rng = self.rng
        return rng.choice(
            (
                "<NAME>",
                "{{email}}",
                "YOUR_API_KEY",
                "<your-password>",
                "${USER}",
                "{{ customer_name }}",
                "[PHONE]",
                "<first name>",
                "%s",
                "xxx-xx-xxxx",
                "<ADDRESS>",
                "{first_name}",
                "$API_TOKEN",
                "<redacted>",
                "***",
                "[REDACTED]",
                "{{user.full_name}}",
                "<John Doe>",
                "{Jane Doe}",
                "changeme-here",
            )
        )
