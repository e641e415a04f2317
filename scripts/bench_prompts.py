"""Prompts of about 1 KiB: ordinary prose on matters of public knowledge, with nobody's data in it. They are drawn from
sentences of our own, so that as many different ones can be had as a measurement needs: a text that the model has read
before is answered from its cache."""

from __future__ import annotations

import random

SHORTEST, LONGEST = 900, 1024

QUESTIONS = [
    "Put the following notes into three short paragraphs.",
    "Summarise these lines for a reader of twelve years.",
    "Which of these statements belong together?",
    "Make a list of the main points of this text.",
    "Rewrite this as one flowing paragraph.",
]

SENTENCES = [
    "The tide rises and falls about twice a day because the moon pulls on the water of the sea.",
    "A dough of flour and water needs time, since yeast works slowly when the kitchen is cold.",
    "A glacier moves downhill under its own weight and grinds the rock below it to fine meal.",
    "Copper roofs turn green over the years, and the green layer keeps the metal below from harm.",
    "Bees tell each other where flowers are by dancing on the comb.",
    "Sand dunes wander in the direction of the wind, grain by grain.",
    "Glass is made of sand, soda and lime, melted at a great heat.",
    "The bark of a cork oak can be cut every nine years without killing the tree.",
    "A rainbow appears when the sun stands low behind the viewer and rain falls in front.",
    "Paper was once made from rags, long before anybody used wood for it.",
    "Salt lowers the point at which water freezes, so it is thrown on icy roads.",
    "A compass needle points to the north because the core of the earth is a magnet.",
    "Most bats find their way by listening to the echo of their own calls.",
    "Cheese ripens best in a cool and damp room with little light.",
    "A canal lock lifts a boat by letting water in from the upper side.",
    "Lightning heats the air so quickly that it bursts apart, and that is the thunder.",
    "Felt is wool that was pressed and rubbed in warm water until the fibres held together.",
    "Limestone caves grow where rain has taken up a little acid from the soil.",
    "Many birds fly south in autumn because there is too little food in winter.",
    "A windmill can be turned so that its sails always face the wind.",
    "Soap works because one end of it likes water and the other likes fat.",
    "The rings of a tree are wide in wet years and narrow in dry ones.",
    "Wet clay shrinks as it dries, so a pot must dry slowly or it will crack.",
    "Coral reefs are built by small animals over thousands of years.",
    "A bicycle stays upright more easily when it rolls than when it stands.",
    "Ice is lighter than water, which is why lakes freeze from the top.",
    "Moss grows well on the shaded side of a wall, where it stays damp.",
    "Old bridges of stone stand because every block leans on the next.",
    "Fog is a cloud that touches the ground.",
    "Steel is iron with a little carbon in it, and it is harder than either.",
]


def prompts(count: int, seed: int) -> list[str]:
    """That many different prompts; the same for the same seed."""
    chance = random.Random(seed)
    return [_prompt(chance) for _ in range(count)]


def _prompt(chance: random.Random) -> str:
    text = chance.choice(QUESTIONS)
    for sentence in chance.sample(SENTENCES, len(SENTENCES)):
        if len(text) + 1 + len(sentence) <= LONGEST:
            text += " " + sentence
        if len(text) >= SHORTEST:
            break
    return text
