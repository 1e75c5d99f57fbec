"""Playlists as files: the same after opening, and one sentence about each file that is not a playlist."""

import json

import pytest

from pages.export import playlist as module
from pages.export.playlist import KIND, MAX_SENTENCE, MAX_STEPS, Playlist, Step, from_json, to_json

VIEW = dict(title="Start", sentence="Look – here.", link="?k=4")


def written(**changes) -> bytes:
    return json.dumps(dict(kind=KIND, version=1, title="Lecture", steps=[VIEW]) | changes).encode()


def test_a_playlist_is_the_same_after_it_was_saved():
    steps = (
        Step.of("Ä", "mixture", {"section": ["K-means as a limit"], "x": ["1", "2"]}),
        Step("", "", "All <b>of it</b>", False),
    )
    assert from_json(to_json(Playlist("Lecture", steps))) == Playlist("Lecture", steps)
    assert steps[0].page == "mixture"
    assert steps[0].address == {"section": ["K-means as a limit"], "x": ["1", "2"]}
    assert from_json(written()).steps[0] == Step("Start", "?k=4", "Look – here.")


@pytest.mark.parametrize(
    "link",
    [
        "https://example.org/",
        "//example.org",
        "javascript:alert(1)",
        "../mixture",
        "/mixture",
        "mixture/page",
        "nowhere",
        "ui",
        "mixture#x",
        "mixture?" + "&".join(f"a{i}=1" for i in range(600)),
        "?a=" + "x" * 30_000,
        "?a=\n",
        3,
        None,
    ],
)
def test_links_lead_to_pages_of_the_app_only(link):
    with pytest.raises(ValueError, match=r"Step 2 of this playlist .*\.$"):
        from_json(written(steps=[VIEW, VIEW | dict(link=link)]))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[1, 2]",
        b"null",
        b"[" * 100_000,
        b'{"kind": NaN}',
        written(kind="clustering project"),
        written(version=2),
        written(version=True),
        written(steps=None),
        written(steps=[3]),
        written(steps=[VIEW] * (MAX_STEPS + 1)),
        written(title=3),
        written(title="two\nlines"),
        written(title="\ud800"),
        written(steps=[VIEW | dict(sentence="x" * (MAX_SENTENCE + 1))]),
        written(steps=[VIEW | dict(presented=1)]),
        written(title="x" * module.MAX_BYTES),
    ],
)
def test_a_file_that_is_no_playlist_is_refused_with_a_sentence(content):
    with pytest.raises(ValueError, match=r"^(This|Step 1 of this) .*\.$") as refused:
        from_json(content)
    assert len(str(refused.value)) < 200


def test_steps_are_changed_moved_and_removed():
    playlist = Playlist("", tuple(Step(name, "") for name in "ABC"))
    names = lambda one: "".join(step.title for step in one.steps)  # noqa: E731
    assert names(playlist.moved(0, 2)) == "BCA"
    assert names(playlist.moved(2, 0)) == "CAB"
    assert names(playlist.without(1)) == "AC"
    assert names(playlist.with_step(1, title="X")) == "AXC"
