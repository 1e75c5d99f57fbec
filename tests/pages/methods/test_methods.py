"""Every method passes all checks, and the checks fail for faulty methods and exports."""

import json
from dataclasses import replace

import numpy as np
import pytest

from clustering import SkipGram
from pages.export import files
from pages.figures import stills
from pages.methods import available_methods, method, methods, settings
from pages.methods.fuzzy_c_means import FuzzyCMeansView
from pages.methods.kmeans import KMeansView
from pages.methods.kmedoids import KMedoidsView
from pages.methods.mixture import MixtureView
from pages.methods.traits import CHOOSE_K, COMPARE, RESTARTS, WATCH
from pages.runs import pictures
from tests.pages import checks
from tests.pages.methods.fakes import FAKES

CHECK_OF_MEMBERSHIPS = checks.check_that_memberships_are_exported_if_and_only_if_it_is_soft
CHECK_OF_REPORTED_OPTIONS = checks.check_that_every_option_is_reported


def register(view, monkeypatch) -> None:
    """Add a method to the app; it replaces a method with the same name."""
    monkeypatch.setitem(methods(), view.name, view)


@pytest.fixture(autouse=True)
def _short_runs(monkeypatch):
    """Word vectors converge in a few iterations; their number does not matter here."""
    monkeypatch.setattr(SkipGram, "tol", 1e-2)


@pytest.fixture(autouse=True)
def _small_images(monkeypatch):
    """Images are drawn with few pixels; their size does not matter here."""
    monkeypatch.setattr(pictures, "GRID", (32, 48))
    monkeypatch.setattr(stills, "OVERSAMPLING", 1)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__.removeprefix("check_that_"))
@pytest.mark.parametrize("name", [*methods(), *FAKES])
def test_every_method_passes(name, check, monkeypatch):
    if name in FAKES:
        register(FAKES[name], monkeypatch)
    check(method(name))


class IgnoresAnOption(KMedoidsView):
    def process(self, settings, init=None):
        return super().process(settings.with_options(update="alternating"), init)


class LacksACaption(KMeansView):
    def sentences(self):
        return {phase: caption for phase, caption in super().sentences().items() if phase != "M"}


class LacksANameForMemberships(MixtureView):
    traits = replace(MixtureView.traits, membership=None)


class ClaimsMemberships(KMeansView):
    traits = replace(KMeansView.traits, membership="membership")


class HasSettingsOfAnotherMethod(KMeansView):
    title = "K-medians"

    def settings(self, *args, **options):
        return replace(super().settings(*args, **options), method="mixture", options=method("mixture").settings().options)


class RunsAnotherMethod(KMedoidsView):
    """K-means under the name of K-medoids."""

    centers = KMeansView.centers
    start_at = KMeansView.start_at

    def model_input(self, data, settings, cache):
        return data.points

    def process(self, settings, init=None):
        return method("kmeans").process(settings, init)


class HasAScriptWithAnotherSeed(KMeansView):
    """The script finds the same clusters with other numbers, so a comparison of partitions would not detect it."""

    def script(self, run, iterations):
        script = super().script(run, iterations)
        return script._replace(body=script.body.replace("rng=1", "rng=2"))


class HasAScriptThatStopsEarly(KMeansView):
    """The script omits the last iteration, in which nothing changes."""

    def script(self, run, iterations):
        return super().script(run, run.history.iterations - 1)


class HasAScikitLearnScriptForOtherPoints(KMeansView):
    def scikit_learn_script(self, run, iterations):
        script = super().scikit_learn_script(run, iterations)
        return script._replace(body=script.body.replace("fit(points)", "fit(points + 1)"))


class HidesAnOptionInComparisons(MixtureView):
    label_options = frozenset({"covariance", "floor"})

    def label(self, settings):
        return "Mixture"


class OmitsAnOptionInTheScript(FuzzyCMeansView):
    def arguments(self, settings):
        return {}


class HasEqualLabels(MixtureView):
    options = (replace(MixtureView.options[0], choices={"full": "Full", "tied": "Full"}), MixtureView.options[1])


class DoesNotNameItsInitialization(KMeansView):
    def start_sentence(self, run, state, now):
        return "Start."


@pytest.mark.parametrize(
    ("broken", "check", "error", "message"),
    [
        (IgnoresAnOption, checks.check_that_every_option_changes_the_result, AssertionError, "update = swap changes nothing"),
        (LacksACaption, checks.check_that_every_state_is_explained, KeyError, "'M'"),
        (
            DoesNotNameItsInitialization,
            checks.check_that_every_state_is_explained,
            AssertionError,
            "does not contain random data points",
        ),
        (LacksANameForMemberships, CHECK_OF_MEMBERSHIPS, AssertionError, "memberships without a name"),
        (ClaimsMemberships, CHECK_OF_MEMBERSHIPS, AssertionError, "a name without memberships"),
        (
            HasSettingsOfAnotherMethod,
            checks.check_that_it_runs_its_own_process,
            AssertionError,
            "kmeans has settings of mixture",
        ),
        (
            RunsAnotherMethod,
            checks.check_that_it_runs_its_own_process,
            AssertionError,
            "kmedoids runs clustering.kmeans.KMeans",
        ),
        (
            HasAScriptWithAnotherSeed,
            checks.check_that_the_script_repeats_the_run,
            AssertionError,
            "the script gives other labels",
        ),
        (
            HasAScriptThatStopsEarly,
            checks.check_that_the_script_repeats_the_run,
            AssertionError,
            "another number of iterations",
        ),
        (
            HasAScikitLearnScriptForOtherPoints,
            checks.check_that_the_scikit_learn_script_repeats_the_run,
            AssertionError,
            "scikit-learn gives (another loss|other)",
        ),
        (HidesAnOptionInComparisons, CHECK_OF_REPORTED_OPTIONS, AssertionError, "covariance is not in the name"),
        (OmitsAnOptionInTheScript, CHECK_OF_REPORTED_OPTIONS, AssertionError, "m is not in the script"),
        (HasEqualLabels, CHECK_OF_REPORTED_OPTIONS, AssertionError, "values of covariance share a label"),
    ],
)
def test_the_checks_detect_faulty_methods(broken, check, error, message, monkeypatch):
    register(broken(), monkeypatch)
    with pytest.raises(error, match=message):
        check(method(broken.name))


OPTION = FuzzyCMeansView.options[0]
"""option of a soft method"""


def json_without_option(run, export=files.parameters_json):
    content = json.loads(export(run))
    del content["options"][OPTION.name]
    return json.dumps(content).encode()


def report_without_option(*args, export=checks.report):
    return export(*args).replace(f"{OPTION.label} = ", "")


def table_without_memberships(run, export=files.assignments_csv):
    lines = export(run).decode("utf-8-sig").splitlines()
    return "\n".join(line.rsplit(",", run.k)[0] for line in lines).encode()


@pytest.mark.parametrize(
    ("target", "broken", "check", "message"),
    [
        ((files, "parameters_json"), json_without_option, CHECK_OF_REPORTED_OPTIONS, "m is not in JSON"),
        ((checks, "report"), report_without_option, CHECK_OF_REPORTED_OPTIONS, "m is not in the report"),
        ((files, "assignments_csv"), table_without_memberships, CHECK_OF_MEMBERSHIPS, r"membership columns: \[\]"),
    ],
)
def test_the_checks_detect_exports_that_omit_options_or_memberships(target, broken, check, message, monkeypatch):
    monkeypatch.setattr(*target, broken)
    with pytest.raises(AssertionError, match=message):
        check(method("fuzzy"))


def test_unknown_methods_options_and_initializations_raise():
    with pytest.raises(ValueError, match="unknown method 'k-means'; choose from kmeans"):
        method("k-means")
    with pytest.raises(TypeError, match="K-means has no option covariance"):
        settings("kmeans", covariance="full")
    with pytest.raises(ValueError, match="K-means has no initialization 'build'"):
        method("kmeans").initialization("build")
    with pytest.raises(KeyError):
        settings("kmeans").with_options(floor=1.0)


def test_methods_are_available_for_data_and_pages_that_suit_them():
    data = checks.sample()
    given = replace(data, precomputed=np.zeros((60, 60)))
    assert {view.name for view in available_methods("watch", given).values()} == {
        name for name, view in available_methods("watch").items() if "proximities" in view.traits.data
    }
    assert "tree" in available_methods("compare")
    assert "tree" not in available_methods("restarts")


@pytest.mark.parametrize("name", FAKES)
def test_methods_without_k_or_random_starts_are_not_available_on_restarts_and_choose_k(name, monkeypatch):
    register(FAKES[name], monkeypatch)
    assert {page for page in (WATCH, COMPARE, RESTARTS, CHOOSE_K) if name in available_methods(page)} == {WATCH, COMPARE}
    assert name not in available_methods(WATCH, checks.proximities())


def test_settings_are_equal_only_if_all_their_values_are():
    one = settings("mixture", 3, "random", 1, covariance="tied")
    assert one == settings("mixture", 3, "random", 1, covariance="tied")
    assert len({one, settings("mixture", 3, "random", 2, covariance="tied"), one.with_options(covariance="full")}) == 3
    assert one.option("covariance") == "tied"
