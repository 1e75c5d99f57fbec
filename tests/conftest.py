from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[1] / "pages" / "data"


@pytest.fixture(scope="session")
def table():
    """table(name, columns): the first so many columns of a bundled data set, as (n, columns) floats."""

    def read(name, columns=2):
        return np.loadtxt(FOLDER / f"{name}.csv", delimiter=",", skiprows=1, usecols=range(columns))

    return read
