"""One conformance test over all methods; and that it fails where a method is wrong."""

from dataclasses import replace

import numpy as np
import pytest

import pages.methods
from pages.methods import method, methods, offered, settings
from pages.methods.kmeans import KMeansView
from pages.methods.kmedoids import KMedoidsView
from pages.methods.mixture import MixtureView
from tests.pages import checks


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__.removeprefix("check_that_"))
@pytest.mark.parametrize("name", methods())
def test_every_method_conforms(name, check):
    check(method(name))


class ForgetsItsOption(KMedoidsView):
    def process(self, settings, init=None):
        return super().process(settings.with_options(update="alternating"), init)


class ForgetsItsSentence(KMeansView):
    def says(self):
        return {phase: say for phase, say in super().says().items() if phase != "M"}


class ForgetsItsShares(MixtureView):
    traits = replace(MixtureView.traits, share=None)


class NamesAnother(KMeansView):
    title = "K-medians"

    def settings(self, *args, **options):
        return replace(super().settings(*args, **options), method="mixture", options=method("mixture").settings().options)


class RunsAnother(KMedoidsView):
    """Silently K-means under the name of K-medoids, as an `else` would."""

    def prepared(self, work):
        return work

    def script(self, run, iterations):
        return method("kmeans").script(run, iterations)


class SaysNothingOfItsOption(MixtureView):
    label_options = frozenset({"covariance", "floor"})

    def label(self, settings):
        return "Mixture"


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (ForgetsItsOption(), checks.check_that_every_option_changes_the_result),
        (ForgetsItsSentence(), checks.check_that_it_explains_itself),
        (ForgetsItsShares(), checks.check_that_shares_are_exported_exactly_if_it_is_soft),
        (NamesAnother(), checks.check_that_it_is_the_one_it_names),
        (RunsAnother(), checks.check_that_its_script_repeats_the_run),
        (SaysNothingOfItsOption(), checks.check_that_every_option_is_told),
    ],
    ids=lambda part: type(part).__name__ if isinstance(part, pages.methods.MethodView) else "",
)
def test_a_method_that_is_wrong_is_found(broken, check, monkeypatch):
    registered = methods() | {broken.name: broken}
    monkeypatch.setattr(pages.methods, "methods", lambda: registered)
    with pytest.raises((AssertionError, KeyError, ValueError)):
        check(broken)


def test_there_is_no_silent_default():
    with pytest.raises(ValueError, match="there is no method 'k-means'; there are kmeans"):
        method("k-means")
    with pytest.raises(TypeError, match="K-means has no option covariance"):
        settings("kmeans", covariance="full")
    with pytest.raises(ValueError, match="K-means has no start 'build'"):
        method("kmeans").way("build")
    with pytest.raises(KeyError):
        settings("kmeans").with_options(floor=1.0)


def test_methods_are_offered_where_they_can_be_used():
    data = checks.sample()
    given = replace(data, given=np.zeros((60, 60)))
    assert {view.name for view in offered("watch", given).values()} == {
        name for name, view in offered("watch").items() if "proximities" in view.traits.data
    }
    assert "tree" in offered("compare")
    assert "tree" not in offered("restarts")


def test_settings_are_told_apart_by_all_that_they_hold():
    one = settings("mixture", 3, "random", 1, covariance="tied")
    assert one == settings("mixture", 3, "random", 1, covariance="tied")
    assert len({one, settings("mixture", 3, "random", 2, covariance="tied"), one.with_options(covariance="full")}) == 3
    assert one.option("covariance") == "tied"
