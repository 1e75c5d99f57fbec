"""Fixtures for tests of the Choose K page."""

import pytest

from pages.choose_k import sweep, verdict


@pytest.fixture
def few_resamples(monkeypatch):
    """As few reference data sets and subsamples as the criteria allow, where their number does not matter."""
    monkeypatch.setattr(sweep, "REFERENCE_SETS", verdict.MIN_REFERENCE_SETS)
    monkeypatch.setattr(verdict, "REFERENCE_SETS", verdict.MIN_REFERENCE_SETS)
    monkeypatch.setattr(sweep, "RESAMPLED_SETS", 1)
    monkeypatch.setattr(verdict, "RESAMPLED_SETS", 1)
    monkeypatch.setattr(sweep, "SUBSAMPLE_PAIRS", 3)
    monkeypatch.setattr(sweep, "REFERENCE_PAIRS", 1)
