"""Simulated shopping baskets."""

from collections import Counter

import numpy as np
import pytest

from clustering.cooccurrences import cooccurrences, pointwise_mutual_information
from pages.datasets.baskets import MAX_PRODUCTS, MIN_PRODUCTS, PURPOSE_SHARES, SECTIONS, STAPLE_SHARES, draw_baskets

TEXT = draw_baskets(5000, 0)
STAPLES = SECTIONS["staples"]


def sections_of(basket):
    """Number of products of each section, without staples."""
    return Counter(TEXT.categories[product] for product in basket if product not in STAPLES)


def test_the_same_arguments_give_the_same_baskets_and_others_do_not():
    again = draw_baskets(5000, 0)
    assert (again.key, again.sequences) == (TEXT.key, TEXT.sequences)
    for other in (draw_baskets(5000, 1), draw_baskets(4999, 0)):
        assert other.key != TEXT.key
        assert other.sequences != TEXT.sequences


def test_every_product_has_a_section_and_is_bought_often_enough_to_be_learned():
    products = [product for section in SECTIONS.values() for product in section]
    assert len(products) == len(set(products))
    assert 40 <= len(products) <= 60
    assert set(TEXT.frequencies) == set(TEXT.categories) == set(products)
    for seed in range(5):
        assert min(draw_baskets(5000, seed).frequencies.values()) >= 150


def test_baskets_are_unordered_sets_of_items():
    assert (TEXT.ordered, TEXT.noun, TEXT.sequence_noun, TEXT.category_name) == (False, "item", "basket", "section")
    assert all(len(basket) == len(set(basket)) for basket in TEXT.sequences)


def test_a_basket_serves_one_to_three_purposes_with_two_to_four_products_each():
    counts = [sections_of(basket) for basket in TEXT.sequences]
    assert {n for count in counts for n in count.values()} == {*range(MIN_PRODUCTS, MAX_PRODUCTS + 1)}
    shares = np.bincount([len(count) for count in counts], minlength=4) / len(counts)
    np.testing.assert_allclose(shares, [0, *PURPOSE_SHARES], atol=0.03)


def test_staples_go_with_every_section_alike():
    for section in set(SECTIONS) - {"staples"}:
        baskets = [basket for basket in TEXT.sequences if section in sections_of(basket)]
        shares = [np.mean([staple in basket for basket in baskets]) for staple in STAPLES]
        np.testing.assert_allclose(shares, STAPLE_SHARES, atol=0.06)


def test_the_first_products_of_a_section_are_the_most_popular_ones():
    for section in SECTIONS.values():
        counts = [TEXT.frequencies[product] for product in section]
        assert counts[0] > 1.5 * counts[-1]
        assert np.corrcoef(counts, np.arange(len(section)))[0, 1] < -0.9


def test_sections_can_be_recovered_from_baskets():
    counts = cooccurrences(TEXT.sequences, None)
    rows = np.maximum(pointwise_mutual_information(counts), 0.0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, -np.inf)
    sections = np.array([TEXT.categories[product] for product in counts.words])
    assert np.mean(sections[cosines.argmax(axis=1)] == sections) >= 0.9


def test_a_single_basket_can_be_drawn_but_not_none():
    assert len(draw_baskets(1, 3).sequences) == 1
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        draw_baskets(0, 3)
