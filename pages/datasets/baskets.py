"""Simulated shopping baskets of products whose sections are known.

A basket serves one to three purposes, such as baking or a party. Each purpose adds a few products of its section, the popular
ones more often, and staples go with everything. So products of the same section tend to be bought with the same other
products. The shop was invented for this app.
"""

import numpy as np

from pages.datasets.texts import Text

SECTIONS = {
    "fruit": ("apples", "bananas", "oranges", "grapes", "pears", "kiwis"),
    "breakfast": ("cereal", "orange juice", "jam", "yogurt", "honey", "oatmeal"),
    "baking": ("flour", "sugar", "baking powder", "vanilla", "cocoa", "raisins"),
    "dinner": ("pasta", "tomato sauce", "ground beef", "onions", "garlic", "basil"),
    "party": ("chips", "cola", "beer", "peanuts", "paper cups", "balloons"),
    "household": ("toilet paper", "dish soap", "detergent", "sponges", "trash bags", "light bulbs"),
    "baby": ("diapers", "baby wipes", "baby food", "formula", "baby lotion", "pacifiers"),
    "pet": ("cat food", "cat litter", "dog food", "dog treats", "bird seed", "fish flakes"),
    "staples": ("milk", "bread", "eggs", "butter"),
}
"""products of each section, the most popular first"""
STAPLE_SHARES = (0.3, 0.25, 0.2, 0.15)
"""share of the baskets with each staple"""
PURPOSE_SHARES = (0.45, 0.35, 0.2)
"""share of the baskets with one, two and three purposes"""
MIN_PRODUCTS, MAX_PRODUCTS = 2, 4
"""minimum number of products for each purpose"""


def draw_baskets(n: int, seed: int) -> Text:
    """A text of n baskets, each a sequence of products.

    Purposes and products are drawn without replacement: each gets an exponential random number whose rate is its popularity,
    and those with the smallest numbers are chosen (Efraimidis & Spirakis 2006, doi:10.1016/j.ipl.2005.11.003).

    Raises
    ------
    ValueError
        If n is less than 1.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    rng = np.random.default_rng(seed)
    *purposes, staples = SECTIONS.values()
    products = np.array([*(product for section in purposes for product in section), *staples], dtype=object)
    size = len(purposes[0])
    popularity = 1 / np.arange(2, size + 2)
    purpose_weights = 1 / np.arange(6, len(purposes) + 6)
    n_purposes = rng.choice(len(PURPOSE_SHARES), n, p=PURPOSE_SHARES) + 1
    n_products = rng.integers(MIN_PRODUCTS, MAX_PRODUCTS + 1, (n, len(purposes)))
    served = _ranks(rng.exponential(size=(n, len(purposes))) / purpose_weights) < n_purposes[:, None]
    bought = _ranks(rng.exponential(size=(n, len(purposes), size)) / popularity) < n_products[..., None]
    bought &= served[..., None]
    chosen = np.column_stack([bought.reshape(n, -1), rng.random((n, len(staples))) < STAPLE_SHARES])
    return Text(
        key=f"baskets/{n}/{seed}",
        title="Shopping baskets",
        sequences=tuple(tuple(products[row].tolist()) for row in chosen),
        ordered=False,
        noun="item",
        sequence_noun="basket",
        categories={product: name for name, section in SECTIONS.items() for product in section},
        category_name="section",
    )


def _ranks(values: np.ndarray) -> np.ndarray:
    """Rank of each value along the last axis, 0 for the smallest."""
    return values.argsort(axis=-1).argsort(axis=-1)
