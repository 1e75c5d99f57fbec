"""A messy export of customers, as a shop might have it; all of them are invented."""

import csv
import io

import numpy as np

COUNTRIES = ["USA", "France", "germany", "Germany", "Italy", "Spain", "United Kingdom", ""]
HEADER = [
    *(
        "Customer ID",
        "Name",
        "Signup date",
        "Country",
        "Age",
        "Annual income",
        "Orders (12m)",
        "Total spend",
        "Churn",
        "E-mail",
    ),
]


def customers_csv(n: int = 300, seed: int = 0) -> bytes:
    """A CSV file of n customers in three groups: young with many orders, old with few, rich with a high spend.

    Identifiers and e-mail addresses are text, incomes are written "$39,424", one country is written in two ways, and some ages
    and incomes are missing.
    """
    rng = np.random.default_rng(seed)
    groups = rng.choice(3, n, p=[0.5, 0.2, 0.3])
    ages = rng.normal(np.array([28, 61, 45])[groups], 5).round().astype(int)
    incomes = rng.normal(np.array([38_000, 55_000, 93_000])[groups], 8_000).round().astype(int)
    orders = rng.poisson(np.array([14, 2, 6])[groups])
    spends = rng.lognormal(np.array([4.2, 4.3, 5.8])[groups], 0.3).round(2)
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(HEADER)
    for i in range(n):
        writer.writerow(
            [
                f"C{100_000 + i}",
                f"Client {i:04}",
                np.datetime64("2019-01-01") + rng.integers(2_190),
                rng.choice(COUNTRIES),
                "" if rng.random() < 0.08 else ages[i],
                "n/a" if rng.random() < 0.05 else f"${incomes[i]:,}",
                orders[i],
                spends[i],
                "yes" if rng.random() < (0.34, 0.16, 0.11)[groups[i]] else "no",
                f"client{i:04}@example.com",
            ]
        )
    return out.getvalue().encode()
