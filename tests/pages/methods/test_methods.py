"""One conformance test over all methods; and that it fails where a method is wrong."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pages.export import files
from pages.methods import available_methods, method, methods, settings
from pages.methods.fuzzy_c_means import FuzzyCMeansView
from pages.methods.kmeans import KMeansView
from pages.methods.kmedoids import KMedoidsView
from pages.methods.mixture import MixtureView
from pages.methods.traits import CHOOSE_K, COMPARE, RESTARTS, WATCH
from tests.pages import checks
from tests.pages.methods.fakes import FAKES

CHECK_OF_SHARES = checks.check_that_shares_are_exported_exactly_if_it_is_soft


def register(view, monkeypatch) -> None:
    """Lets the app have this method, in the place of the one of its name if there is one."""
    monkeypatch.setitem(methods(), view.name, view)


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__.removeprefix("check_that_"))
@pytest.mark.parametrize("name", [*methods(), *FAKES])
def test_every_method_conforms(name, check, monkeypatch):
    if name in FAKES:
        register(FAKES[name], monkeypatch)
    check(method(name))


class ForgetsItsOption(KMedoidsView):
    def process(self, settings, init=None):
        return super().process(settings.with_options(update="alternating"), init)


class ForgetsItsSentence(KMeansView):
    def sentences(self):
        return {phase: say for phase, say in super().sentences().items() if phase != "M"}


class ForgetsItsShares(MixtureView):
    traits = replace(MixtureView.traits, share=None)


class ClaimsShares(KMeansView):
    traits = replace(KMeansView.traits, share="membership")


class NamesAnother(KMeansView):
    title = "K-medians"

    def settings(self, *args, **options):
        return replace(super().settings(*args, **options), method="mixture", options=method("mixture").settings().options)


class RunsAnother(KMedoidsView):
    """Silently K-means under the name of K-medoids, as an `else` would."""

    centers = KMeansView.centers
    start_at = KMeansView.start_at

    def model_input(self, data, settings, cache):
        return data.points

    def process(self, settings, init=None):
        return method("kmeans").process(settings, init)


class RepeatsAnother(KMeansView):
    """The same groups by other numbers, which a comparison of groups alone would not find."""

    def script(self, run, iterations):
        script = super().script(run, iterations)
        return script._replace(body=script.body.replace("rng=1", "rng=2"))


class RepeatsLess(KMeansView):
    """All but the last iteration, in which nothing changes."""

    def script(self, run, iterations):
        return super().script(run, run.history.iterations - 1)


class RepeatsAnotherElsewhere(KMeansView):
    def peer_script(self, run, iterations):
        script = super().peer_script(run, iterations)
        return script._replace(body=script.body.replace("fit(points)", "fit(points + 1)"))


class ForgetsItsOptionInAPanel(MixtureView):
    label_options = frozenset({"covariance", "floor"})

    def label(self, settings):
        return "Mixture"


class ForgetsItsOptionInTheScript(FuzzyCMeansView):
    def arguments(self, settings):
        return {}


class CallsItsValuesTheSame(MixtureView):
    options = (replace(MixtureView.options[0], choices={"full": "Full", "tied": "Full"}), MixtureView.options[1])


class StaysSilentAboutItsStart(KMeansView):
    def start_sentence(self, run, state, now):
        return "Start."


@pytest.mark.parametrize(
    ("broken", "check", "fault", "words"),
    [
        (ForgetsItsOption, checks.check_that_every_option_changes_the_result, AssertionError, "update = swap changes nothing"),
        (ForgetsItsSentence, checks.check_that_it_explains_itself, KeyError, "'M'"),
        (StaysSilentAboutItsStart, checks.check_that_it_explains_itself, AssertionError, "does not say random data points"),
        (ForgetsItsShares, CHECK_OF_SHARES, AssertionError, "a share without a name"),
        (ClaimsShares, CHECK_OF_SHARES, AssertionError, "a name without shares"),
        (NamesAnother, checks.check_that_it_is_the_one_it_names, AssertionError, "kmeans makes settings of mixture"),
        (RunsAnother, checks.check_that_it_is_the_one_it_names, AssertionError, "kmedoids runs clustering.kmeans.KMeans"),
        (RepeatsAnother, checks.check_that_its_script_repeats_the_run, AssertionError, "the script comes to other labels"),
        (RepeatsLess, checks.check_that_its_script_repeats_the_run, AssertionError, "takes another number of iterations"),
        (
            RepeatsAnotherElsewhere,
            checks.check_that_its_peer_script_repeats_the_run,
            AssertionError,
            "the peer has another loss|the peer has other",
        ),
        (ForgetsItsOptionInAPanel, checks.check_that_every_option_is_reported, AssertionError, "covariance is in no name"),
        (ForgetsItsOptionInTheScript, checks.check_that_every_option_is_reported, AssertionError, "m is not in the script"),
        (CallsItsValuesTheSame, checks.check_that_every_option_is_reported, AssertionError, "values of covariance are called"),
    ],
)
def test_a_method_that_is_wrong_is_found(broken, check, fault, words, monkeypatch):
    register(broken(), monkeypatch)
    with pytest.raises(fault, match=words):
        check(method(broken.name))


OPTION = FuzzyCMeansView.options[0]
"""an option of a soft method"""


def json_without_option(run, export=files.parameters_json):
    content = json.loads(export(run))
    del content["options"][OPTION.name]
    return json.dumps(content).encode()


def report_with_option_elsewhere(*args, export=checks.report):
    return export(*args).replace(f"<dt>{OPTION.label}</dt>", f"<dt></dt>{OPTION.label}")


def table_without_shares(run, export=files.assignments_csv):
    lines = export(run).decode("utf-8-sig").splitlines()
    return "\n".join(line.rsplit(",", run.k)[0] for line in lines).encode()


@pytest.mark.parametrize(
    ("place", "broken", "check", "words"),
    [
        ((files, "parameters_json"), json_without_option, checks.check_that_every_option_is_reported, "m is not in JSON"),
        (
            (checks, "report"),
            report_with_option_elsewhere,
            checks.check_that_every_option_is_reported,
            "m is not in the report",
        ),
        ((files, "assignments"), table_without_shares, CHECK_OF_SHARES, r"columns of shares: \[\]"),
    ],
)
def test_an_export_that_forgets_what_only_a_method_has_is_found(place, broken, check, words, monkeypatch):
    monkeypatch.setattr(*place, broken)
    with pytest.raises(AssertionError, match=words):
        check(method("fuzzy"))


def test_there_is_no_silent_default():
    with pytest.raises(ValueError, match="unknown method 'k-means'; choose from kmeans"):
        method("k-means")
    with pytest.raises(TypeError, match="K-means has no option covariance"):
        settings("kmeans", covariance="full")
    with pytest.raises(ValueError, match="K-means has no initialization 'build'"):
        method("kmeans").initialization("build")
    with pytest.raises(KeyError):
        settings("kmeans").with_options(floor=1.0)


def test_methods_are_offered_where_they_can_be_used():
    data = checks.sample()
    given = replace(data, precomputed=np.zeros((60, 60)))
    assert {view.name for view in available_methods("watch", given).values()} == {
        name for name, view in available_methods("watch").items() if "proximities" in view.traits.data
    }
    assert "tree" in available_methods("compare")
    assert "tree" not in available_methods("restarts")


@pytest.mark.parametrize("name", FAKES)
def test_a_method_that_finds_its_groups_is_not_offered_where_they_are_chosen_or_where_seeds_matter(name, monkeypatch):
    register(FAKES[name], monkeypatch)
    assert {page for page in (WATCH, COMPARE, RESTARTS, CHOOSE_K) if name in available_methods(page)} == {WATCH, COMPARE}
    assert name not in available_methods(WATCH, checks.proximities())


def test_settings_are_told_apart_by_all_that_they_hold():
    one = settings("mixture", 3, "random", 1, covariance="tied")
    assert one == settings("mixture", 3, "random", 1, covariance="tied")
    assert len({one, settings("mixture", 3, "random", 2, covariance="tied"), one.with_options(covariance="full")}) == 3
    assert one.option("covariance") == "tied"
