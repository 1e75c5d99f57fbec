"""Sentences of a small grammar, in which categories of words and analogies between words are known.

Every sentence is a template whose slots are filled at random. Words of one slot have the same contexts; a category is one slot
(food, drink, …) or several (verbs, adjectives, function words). Two properties are drawn independently of everything else: the
gender of a person, which determines "he" or "she" and "his" or "her", and the age of an animal, which determines its
adjective. So "king" differs from "queen" as "man" from "woman", and "dog" from "puppy" as "cat" from "kitten":

    ln p(context | word) ≈ f(context, pair of the word) + g(context, gender or age of the word)

which makes analogies sums and differences of vectors (Pennington, Socher & Manning 2014, doi:10.3115/v1/D14-1162). The grammar
and its words were written for this app.
"""

from bisect import bisect
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from pages.datasets.texts import Text

FAVORITE = 0.8
"""minimum probability that a person or an animal gets its own place, food, drink or animal rather than a random one"""


class Person(NamedTuple):
    """Words for a man and a woman, the same word twice for a profession, with what this person likes most."""

    names: tuple[str, str]
    """the words for him and for her"""
    place: str
    food: str
    drink: str
    animal: str
    """the adult of the favorite animal"""


class Animal(NamedTuple):
    """An adult animal and its young, with what they do and where they mostly are."""

    names: tuple[str, str]
    """the words for the adult and for the young"""
    sound: str
    place: str


# a random choice prefers the earlier ones
PERSONS = (
    Person(("man", "woman"), "kitchen", "soup", "coffee", "cat"),
    Person(("boy", "girl"), "school", "cookies", "lemonade", "dog"),
    Person(("king", "queen"), "palace", "cake", "tea", "horse"),
    Person(("farmer", "farmer"), "barn", "cheese", "milk", "cow"),
    Person(("grandfather", "grandmother"), "garden", "pancakes", "coffee", "sheep"),
    Person(("teacher", "teacher"), "school", "apples", "lemonade", "dog"),
    Person(("wizard", "witch"), "forest", "honey", "tea", "duck"),
    Person(("doctor", "doctor"), "hospital", "soup", "coffee", "cat"),
    Person(("uncle", "aunt"), "barn", "cheese", "milk", "cow"),
    Person(("baker", "baker"), "bakery", "bread", "tea", "horse"),
)
ANIMALS = (
    Animal(("dog", "puppy"), "barks", "garden"),
    Animal(("cat", "kitten"), "meows", "kitchen"),
    Animal(("horse", "foal"), "neighs", "stable"),
    Animal(("cow", "calf"), "moos", "barn"),
    Animal(("duck", "duckling"), "quacks", "pond"),
    Animal(("sheep", "lamb"), "bleats", "meadow"),
)
CHOICES = {
    "food": ("bread", "soup", "cake", "cheese", "apples", "cookies", "honey", "pancakes"),
    "drink": ("tea", "milk", "coffee", "lemonade"),
    "place": (
        "garden",
        "kitchen",
        "school",
        "barn",
        "palace",
        "forest",
        "pond",
        "meadow",
        "stable",
        "hospital",
        "bakery",
    ),
    "eats": ("eats", "tastes", "shares"),
    "drinks": ("drinks", "sips"),
    "walks": ("walks", "runs", "hurries"),
    "loves": ("loves", "feeds", "follows"),
    "kind": ("kind", "happy", "clever"),
    "warm": ("warm", "sweet"),
    "in": ("in", "near"),
    "to": ("to", "from"),
}
"""words for each slot, the more likely ones first; the favorites of a person and the place of an animal are chosen even more
often"""
CATEGORIES_OF_SLOTS = {
    **{slot: slot for slot in ("food", "drink", "place")},
    **dict.fromkeys(("eats", "drinks", "walks", "loves"), "verb"),
    **dict.fromkeys(("kind", "warm"), "adjective"),
    **dict.fromkeys(("in", "to"), "function word"),
}
"""category of the words for each slot of `CHOICES`"""
ADJECTIVES_BY_AGE = (("big", "strong"), ("little", "tiny"))
"""adjectives of adult and of young animals, the most frequent first"""
PRONOUNS = (("he", "his"), ("she", "her"))
FUNCTION_WORDS = ("the", "a", "he", "she", "his", "her", "and", "in", "near", "from", "to", "with")
TEMPLATES = (
    "{a} {person} {eats} {warm} {food} {in} the {home} with {his} {animal}",
    "{a} {person} {eats} {food} and {he} {drinks} {drink} with {his} {animal}",
    "{in} the {home} {a} {person} {drinks} {warm} {drink} with {his} {little} {animal}",
    "{a} {kind} {person} {loves} {his} {little} {animal} {in} the {home}",
    "{a} {person} {walks} from the {home} to the {den} with {his} {animal}",
    "{a} {little} {animal} {barks} and {walks} {to} the {den}",
    "{a} {little} {animal} {barks} {in} the {den}",
    "{a} {kind} {person} {walks} {to} the {home} and {he} {drinks} {drink}",
    "{he} {loves} {his} {little} {animal} and {he} {eats} {food} {in} the {home}",
)
"""equally likely sentences; a slot is named after one of its words, or after what fills it"""
ANALOGIES = (
    ("man", "woman", "king", "queen"),
    ("boy", "girl", "man", "woman"),
    ("king", "queen", "uncle", "aunt"),
    ("man", "woman", "wizard", "witch"),
    ("boy", "girl", "grandfather", "grandmother"),
    ("he", "she", "his", "her"),
    ("dog", "puppy", "cat", "kitten"),
    ("dog", "puppy", "cow", "calf"),
    ("cat", "kitten", "horse", "foal"),
    ("horse", "foal", "sheep", "lamb"),
    ("cow", "calf", "duck", "duckling"),
    ("dog", "barks", "cat", "meows"),
)
"""(a, b, c, d): a is to b as c is to d"""


class _Choice:
    """A random choice; the probability of the first, second, … is proportional to 1/2, 1/3, …, similar to Zipf's law."""

    def __init__(self, words):
        weights = list(accumulate(1 / rank for rank in range(2, len(words) + 2)))
        self.words = words
        self.shares = [weight / weights[-1] for weight in weights[:-1]]

    def __call__(self, u: float, favorite=None):
        """The choice for a uniform random number in [0, 1); `favorite`, if given, has at least probability `FAVORITE`."""
        if favorite is not None:
            if u < FAVORITE:
                return favorite
            u = (u - FAVORITE) / (1 - FAVORITE)
        return self.words[bisect(self.shares, u)]


def categories() -> dict[str, str]:
    """The category of each word of the grammar."""
    words = {name: "person" for person in PERSONS for name in person.names}
    words |= {name: "animal" for animal in ANIMALS for name in animal.names}
    words |= {animal.sound: "verb" for animal in ANIMALS}
    words |= {adjective: "adjective" for pair in ADJECTIVES_BY_AGE for adjective in pair}
    words |= {word: CATEGORIES_OF_SLOTS[slot] for slot, chosen in CHOICES.items() for word in chosen}
    return words | dict.fromkeys(FUNCTION_WORDS, "function word")


def draw_grammar(n: int, seed: int) -> Text:
    """Draws n sentences.

    Raises
    ------
    ValueError
        If n is less than 1.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    persons, animals = _Choice(PERSONS), _Choice(ANIMALS)
    by_name = {animal.names[0]: animal for animal in ANIMALS}
    choices = {slot: _Choice(words) for slot, words in CHOICES.items()}
    little = tuple(map(_Choice, ADJECTIVES_BY_AGE))
    sentences = []
    for row in np.random.default_rng(seed).random((n, 8 + len(CHOICES))).tolist():
        person = persons(row[0])
        animal = animals(row[1], by_name[person.animal])
        gender, age = int(row[2] < 0.5), int(row[3] < 0.4)
        favorites = {"food": person.food, "drink": person.drink, "place": person.place}
        slots = {slot: choice(u, favorites.get(slot)) for (slot, choice), u in zip(choices.items(), row[8:], strict=True)}
        slots["home"], slots["den"] = slots["place"], choices["place"](row[4], animal.place)
        if slots["den"] == slots["home"]:
            slots["den"] = "meadow" if slots["home"] != "meadow" else "pond"
        slots["he"], slots["his"] = PRONOUNS[gender]
        slots["person"], slots["animal"], slots["barks"] = person.names[gender], animal.names[age], animal.sound
        slots["little"] = little[age](row[5])
        slots["a"] = "a" if row[6] < 0.35 and slots["person"][0] not in "aeiou" else "the"
        sentences.append(tuple(TEMPLATES[int(row[7] * len(TEMPLATES))].format_map(slots).split()))
    return Text(
        key=f"grammar/{n}/{seed}",
        title="Small grammar",
        sequences=tuple(sentences),
        categories=categories(),
        category_name="category",
    )
