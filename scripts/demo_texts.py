"""The requests of `make demo`. People, companies and identifiers are invented; the numbers pass their checksums.

Each has the level that docs and policy promise for it; the demo says so where the service answers otherwise. Values
that secret scanners would stop in a repository are put together at run time.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    """One request of the demo."""

    kind: str
    text: str
    expected: str
    # What must not be found in the audit log afterwards.
    canaries: tuple[str, ...] = ()
    options: tuple[str, ...] = field(default=())


CARD = "5412 7534 9871 2061"
ACCESS_KEY = "AKIA" + "Z7QW4NBX2LKD5VPM"
SECRET_KEY = "q9Jx" + "R4vTz0LmB7sYw2Kd" + "H8nPcF5gUa3XeQ6tVi1M"
IBAN = "DE58 3705 0299 0001 2345 67"
DNI = "48213977C"

_SHIFT_NOTES = """The night shift went well until about two in the morning. We had moved the nightly export to the new
machine the week before, and everybody expected the first long run to show a few rough edges. It did. The disk filled
faster than the estimate, because the old job had compressed its output and the new one did not, and nobody had written
that down anywhere. Priya noticed it on the dashboard, called me, and we agreed to stop the export, delete the partial
files and start again with compression switched on. That cost us forty minutes and some sleep, nothing more.

While we waited we talked about the handover. The old runbook still mentions the tape library, which left the building
three years ago, and the paragraph about the mail relay describes a version that no longer exists. I promised to go
through it this week. One thing that I will certainly change is the chapter on uploads, because it never says where the
credentials come from, and so the second attempt failed as well. In the end I used the pair that the storage team gave
us for the pilot, access key {key} with the secret {secret}, and the upload went through on the first try. It should be
replaced by a role before the end of the month, and somebody has to remember to do it.

After that it was quiet. The export ended at ten to five, the checks were green, and the morning shift found a short
summary in the channel. What I take from the night is simple. Estimates need a note of what they rest on, a runbook that
nobody reads is worse than none, and a second pair of eyes at two in the morning is worth more than any dashboard. Please
turn this into three polite sentences for the weekly report."""

_LIGHTHOUSES = [
    "The lighthouse on the outer reef was lit for the first time in {year}, after {n} seasons of work on a rock that is dry "
    "for six hours a day.",
    "Its builders cut each stone on shore, numbered it, and fitted it to its neighbours before a boat took it out.",
    "The tower is {n} metres high and leans by less than the breadth of a hand, which the surveys of {year} confirmed.",
    "Oil gave way to gas, gas to electric arc, and the arc to a lamp that a keeper could carry under one arm.",
    "In a gale the upper rooms move so much that water slops out of a basin, and new keepers seldom slept in their first "
    "week.",
    "The fog signal was heard {n} miles away on a still day and hardly at all in the wind for which it was built.",
    "Sailors set their course by the rhythm of the flashes, which the almanac of {year} lists for the whole coast.",
    "When the last keepers left, a cable and a small computer took over the watch, and the birds took over the gallery.",
]


def _long_text() -> str:
    sentences = []
    for round_ in range(7):
        sentences += [s.format(year=1811 + 17 * round_, n=19 + 3 * round_) for s in _LIGHTHOUSES]
    # About four fifths of the way: what looks at the beginning only does not see it.
    needle = f"The refund for the cancelled trip goes to Henrike Vossberg, IBAN {IBAN}, as she asked on the telephone."
    sentences.insert(len(sentences) * 4 // 5, needle)
    return "Summarise this in one sentence. " + " ".join(sentences)


REQUESTS = [
    Request("trivia question", "What is the capital of Australia?", "public"),
    Request(
        "hard question on public law",
        "Compare how article 79 of the CISG and article 1218 of the French civil code treat force majeure. Work through the "
        "elements of each step by step, weigh which is kinder to a seller whose only supplier fails, then draft three "
        "variants of a clause for a ten-year supply contract and say which risks each leaves open.",
        "public",
        options=("--complexity", "complex"),
    ),
    Request(
        "payment card in a complaint",
        f"Write a friendly reply: the customer says that her card {CARD}, valid until 09/29, was charged twice for the order.",
        "confidential",
        (CARD, CARD.replace(" ", "")),
    ),
    Request(
        "name and diagnosis",
        "Please shorten: Marta Lindqvist, born 4 March 1981, was admitted on Tuesday with acute pancreatitis and starts "
        "on meropenem today.",
        "confidential",
        ("Lindqvist",),
    ),
    Request(
        "access key in 300 words",
        _SHIFT_NOTES.format(key=ACCESS_KEY, secret=SECRET_KEY),
        "confidential",
        (ACCESS_KEY, SECRET_KEY),
    ),
    Request(
        "dismissal of a named person",
        "Draft a letter to Gordon Abernathy: after the second written warning we end his employment as a forklift driver on 31 "
        "May, without severance.",
        "confidential",
        ("Abernathy",),
    ),
    Request(
        "road map, unpublished",
        "Turn this into bullet points: Project Heron moves to Q3, the billing rewrite starts after the pilot with the "
        "Leeds team, and build agents move to ci-04.build.internal before the freeze.",
        "internal",
        ("Heron",),
    ),
    Request("900 words, one account number", _long_text(), "confidential", (IBAN, IBAN.replace(" ", ""), "Vossberg")),
    Request(
        "Spanish, identity number",
        f"Resume en una frase: la paciente Lucía Ferrándiz Otero, con DNI {DNI}, pide cambiar la cita del 14 de mayo porque "
        "empieza la quimioterapia.",
        "confidential",
        (DNI, "Ferrándiz"),
    ),
    Request(
        "look-alikes only",
        "Explain these to a beginner: version 10.4.0.17, commit 9fceb02d0ae598e95dc970b74767f19372d61af8, ISBN "
        "978-3-16-148410-0, the documentation address 192.0.2.44, and 4111 1111 1111 1111, the test card of every shop "
        "manual.",
        "public",
    ),
    Request(
        "public person, public office",
        "In which year did Angela Merkel become Chancellor of Germany, and who followed her in office?",
        "public",
    ),
    Request(
        "harmless, but declared internal",
        "Suggest a title for a talk about caching.",
        "internal",
        options=("--declared-level", "internal"),
    ),
]
