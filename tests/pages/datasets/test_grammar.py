"""Sentences of the small grammar."""

from collections import Counter

import numpy as np
import pytest

from clustering.cooccurrences import cooccurrences, pointwise_mutual_information
from pages.datasets.grammar import ANALOGIES, ANIMALS, PERSONS, PRONOUNS, TEMPLATES, categories, draw_grammar

TEXT = draw_grammar(5000, 0)
FOODS = {word for word, category in TEXT.categories.items() if category == "food"}
MEN, WOMEN = ({person.names[g] for person in PERSONS if len(set(person.names)) == 2} for g in (0, 1))


def test_the_same_arguments_give_the_same_text_and_others_do_not():
    again = draw_grammar(5000, 0)
    assert (again.key, again.sequences) == (TEXT.key, TEXT.sequences)
    for other in (draw_grammar(5000, 1), draw_grammar(4999, 0)):
        assert other.key != TEXT.key
        assert other.sequences != TEXT.sequences


def test_every_word_has_a_category_and_every_category_has_several_words():
    assert set(TEXT.frequencies) == set(TEXT.categories) == set(categories())
    sizes = Counter(TEXT.categories.values())
    assert set(sizes) == {"person", "animal", "food", "drink", "place", "verb", "adjective", "function word"}
    assert min(sizes.values()) >= 4
    assert 60 <= sum(sizes.values()) <= 90


@pytest.mark.parametrize("seed", range(5))
def test_every_word_occurs_often_enough_to_be_learned(seed):
    assert min(draw_grammar(5000, seed).frequencies.values()) >= 40


def test_words_of_a_category_are_unequally_frequent():
    for category in set(TEXT.categories.values()):
        counts = [n for word, n in TEXT.frequencies.items() if TEXT.categories[word] == category]
        assert counts[0] > 1.4 * counts[-1], category


def test_the_first_persons_are_the_most_frequent_ones():
    counts = [sum(TEXT.frequencies[name] for name in set(person.names)) for person in PERSONS]
    assert counts[0] > 3 * counts[-1]
    assert np.corrcoef(counts, np.arange(len(counts)))[0, 1] < -0.8


def test_everyone_has_a_favorite_food_but_eats_others_too():
    for person in PERSONS:
        eaten = Counter(word for s in TEXT.sequences if set(person.names) & set(s) for word in s if word in FOODS)
        assert eaten.most_common(1)[0][0] == person.food
        assert len(eaten) >= 5


def test_every_sentence_fills_one_of_the_templates():
    shapes = Counter(tuple(TEXT.categories[word] for word in sentence) for sentence in TEXT.sequences)
    assert len(shapes) == len(TEMPLATES)
    assert min(shapes.values()) > 0.8 * len(TEXT.sequences) / len(TEMPLATES)


def test_pronouns_agree_with_persons_and_with_each_other():
    for sentence in TEXT.sequences:
        words = set(sentence)
        assert not (words & set(PRONOUNS[0]) and words & set(PRONOUNS[1])), sentence
        assert not (words & MEN and words & set(PRONOUNS[1])), sentence
        assert not (words & WOMEN and words & set(PRONOUNS[0])), sentence


def test_articles_and_sounds_are_right():
    sounds = {name: animal.sound for animal in ANIMALS for name in animal.names}
    for sentence in TEXT.sequences:
        for word, following in zip(sentence, sentence[1:], strict=False):
            assert not (word == "a" and following[0] in "aeiou"), sentence
            assert following not in sounds.values() or sounds[word] == following, sentence


def test_nobody_walks_from_a_place_to_the_same_place():
    for sentence in TEXT.sequences:
        places = [word for word in sentence if TEXT.categories[word] == "place"]
        assert len(places) == len(set(places)), sentence


def test_gender_does_not_depend_on_the_pair():
    counts = TEXT.frequencies
    for man, woman in (person.names for person in PERSONS if len(set(person.names)) == 2):
        n = counts[man] + counts[woman]
        assert abs(counts[man] - n / 2) < 4 * np.sqrt(n) / 2


def test_the_words_of_the_analogies_are_in_the_grammar():
    for words in ANALOGIES:
        assert len(set(words)) == 4
        assert set(words) <= set(TEXT.frequencies)


def test_analogies_can_be_recovered_from_contexts():
    counts = cooccurrences(TEXT.sequences, 5)
    rows = np.maximum(pointwise_mutual_information(counts), 0.0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    index = {word: i for i, word in enumerate(counts.words)}
    right = 0
    for a, b, c, d in ANALOGIES:
        cosines = rows @ (rows[index[b]] - rows[index[a]] + rows[index[c]])
        cosines[[index[a], index[b], index[c]]] = -np.inf
        right += counts.words[cosines.argmax()] == d
    assert right >= 10


def test_a_single_sentence_can_be_drawn_but_not_none():
    assert len(draw_grammar(1, 3).sequences) == 1
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        draw_grammar(0, 3)
