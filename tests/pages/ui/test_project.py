"""Projects of sessions: saved and opened again, and restored after a reload for the same tab only."""

import io
import json
import zipfile

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.datasets.limits import MAX_DRAWN_POINTS
from pages.export.project import KIND, Project, StoredFile, from_zip, to_zip
from pages.export.tab_store import TabStore, new_token
from pages.runs.segments import Edit
from pages.ui import project, tab
from pages.ui.segments import EDITS
from tests.customers import customers_csv
from tests.pages.app import DASHBOARD, latest, opened, opened_with_pasted


@pytest.fixture
def store(monkeypatch):
    store = TabStore(None)
    monkeypatch.setattr(project, "_store", lambda: store)
    return store


def reloaded(store: TabStore, saved: Project, page: str | None = None, token: str = "", **address) -> AppTest:
    """A new session at the address of a project, in a tab with this token; by default in the tab of the project."""
    own = new_token()
    store.save(own, saved)
    app = AppTest.from_file(DASHBOARD, default_timeout=60)
    for name, values in (saved.address | {name: [value] for name, value in address.items()}).items():
        app.query_params[name] = values if values[1:] else values[0]
    app.session_state[tab.QUESTION] = 7
    app.session_state[tab.KEY] = {"answer": {"question": 7, "token": token or own}}
    app.switch_page(f"pages/{(saved.page if page is None else page) or 'watch'}/page.py").run()
    assert not app.exception
    return app


def saved(app: AppTest) -> Project:
    """The project of a session as a file, opened again."""
    return from_zip(to_zip(app.session_state[project.LATEST]))


def go(app: AppTest, page: str) -> AppTest:
    app.switch_page(f"pages/{page}/page.py").run()
    assert not app.exception
    return app


def labeled(widgets, label):
    return next(widget for widget in widgets if widget.label == label)


def texts_of(app) -> str:
    elements = (*app.warning, *app.error, *app.info, *app.caption, *app.markdown)
    return " ".join(element.value.replace("\\", "") for element in elements)


def uploaded(name: str = "customers.csv", content: bytes = customers_csv(60)) -> AppTest:
    app = opened("/data?source=Upload")
    app.file_uploader(key="file").set_value((name, content, "text/csv")).run()
    assert not app.exception
    return app


def in_use(app):
    return app.session_state["last data"]


def same_data(one: AppTest, other: AppTest) -> bool:
    return in_use(one).key == in_use(other).key and np.array_equal(in_use(one).points, in_use(other).points)


@pytest.fixture(scope="module")
def customers():
    """A session with an upload whose reading, types, features, labels and scaling were changed."""
    app = uploaded()
    labeled(app.number_input, "Lines to skip").set_value(0)
    labeled(app.text_input, "Missing-value codes").set_value("USA").run()
    labeled(app.multiselect, "Features").set_value(["Age", "Orders (12m)", "Country"]).run()
    labeled(app.selectbox, "Scaling").set_value("robust" if "robust" in labeled(app.selectbox, "Scaling").options else "none")
    labeled(app.selectbox, "Column of row names").set_value("Name").run()
    next(radio for radio in app.radio if radio.label == "Missing values").set_value("median").run()
    assert not app.exception
    return app


@pytest.mark.parametrize("page", ["data", "watch", "segments"])
def test_a_reloaded_tab_has_its_upload_and_its_preparation_on_every_page(customers, store, page):
    app = reloaded(store, saved(customers), page)
    assert same_data(app, customers)
    assert in_use(app).origin.preparation == in_use(customers).origin.preparation
    assert in_use(app).origin.file.format.missing == ("USA",)
    assert app.session_state["upload"].name == "customers.csv"
    assert "in the project" not in texts_of(app)
    assert "links cannot contain" not in texts_of(app)
    assert same_data(go(app, "data"), customers)


def test_what_was_restored_is_saved_again(customers, store):
    first = saved(customers)
    second = saved(reloaded(store, first))
    assert (second.page, second.address, second.files.keys()) == (first.page, first.address, first.files.keys())
    assert second.state == first.state


def test_a_tab_without_the_token_gets_the_explanation(customers, store):
    for token in (new_token(), "x", "../x"):
        app = reloaded(store, saved(customers), "watch", token)
        assert "own" not in app.session_state
        assert "upload" not in app.session_state
        assert "This link was made with uploaded data, which links cannot contain" in texts_of(app)


def test_a_session_with_its_own_data_keeps_them(customers, store):
    app = opened_with_pasted("a,b\n1,2\n2,5\n4,4\n")
    store.save(token := new_token(), saved(customers))
    before = in_use(app)
    app.session_state[tab.QUESTION] = 7
    app.session_state[tab.KEY] = {"answer": {"question": 7, "token": token}}
    app.run()
    assert in_use(app) is before
    assert "upload" not in app.session_state


def test_settings_and_names_of_segments_return(store):
    app = go(uploaded(), "segments")
    run = latest(app, "run")
    app.session_state[EDITS] = {(run.data.key, run.settings): (Edit("rename", (0,), name="Young"), Edit("merge", (1, 2)))}
    app.run()
    again = reloaded(store, saved(app))
    assert latest(again, "segments").names[0] == "Young"
    assert latest(again, "segments").k == 2
    assert saved(again).state["edits"] == saved(app).state["edits"]


def test_edits_of_runs_that_were_not_shown_again_are_not_lost(store):
    app = go(uploaded(), "segments")
    run = latest(app, "run")
    app.session_state[EDITS] = {(run.data.key, run.settings): (Edit("rename", (0,), name="Young"),)}
    app.run()
    again = reloaded(store, saved(app), "data")
    assert saved(again).state["edits"] == saved(app).state["edits"]
    assert latest(go(again, "segments"), "segments").names[0] == "Young"


def test_the_address_of_a_session_with_uploaded_data_is_accepted_after_a_reload(store):
    app = go(uploaded(), "watch")
    labeled(app.selectbox, "Algorithm").set_value("kmedoids").run()
    labeled(app.selectbox, "Metric").set_value("manhattan").run()
    labeled(app.number_input, "Clusters (K)").set_value(4).run()
    again = reloaded(store, saved(app), "watch")
    assert "in the link" not in texts_of(again)
    assert latest(again, "run").settings == latest(app, "run").settings


def test_settings_of_other_pages_return(store):
    app = go(uploaded(), "compare")
    labeled(app.number_input, "Clusters (K)").set_value(5).run()
    app = go(app, "restarts")
    labeled(app.number_input, "Clusters (K)").set_value(7).run()
    again = go(reloaded(store, saved(go(app, "watch"))), "restarts")
    assert labeled(again.number_input, "Clusters (K)").value == 7
    assert labeled(go(again, "compare").number_input, "Clusters (K)").value == 5
    assert labeled(go(again, "watch").number_input, "Clusters (K)").value == 3


def test_branches_of_the_density_page_return(store):
    app = go(uploaded(content=customers_csv(60)), "density")
    app.button_group(key="density_method").set_value("hdbscan").run()
    app.multiselect(key="branches").set_value([2]).run()
    again = go(reloaded(store, saved(go(app, "watch"))), "density")
    assert not again.exception
    assert latest(again, "run").view.title == "HDBSCAN"
    assert again.multiselect(key="branches").value == [2]


@pytest.mark.parametrize("kept", [{"density_method": "kmeans"}, {"density_method": "hdbscan", "branches": [0, -1, 10**9]}])
def test_branches_or_a_method_that_do_not_exist_do_no_harm(store, kept):
    file = StoredFile("c.csv", customers_csv(60))
    project = Project("watch", {"source": ["Upload"]}, {"pages": {"density": kept}}, {"file": file})
    app = go(reloaded(store, project), "density")
    assert not app.exception
    assert latest(app, "run").view.title == ("HDBSCAN" if "branches" in kept else "DBSCAN")
    assert latest(app, "run").k


def test_manual_centers_return(store):
    app = go(uploaded(content=b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * i % 17) for i in range(30))), "watch")
    labeled(app.selectbox, "Initialization").set_value("hand").run()
    token, positions = app.session_state["placed"]
    app.session_state["placed"] = token, positions + 0.5
    app.run()
    again = reloaded(store, saved(app), "watch")
    assert latest(again, "run").settings == latest(app, "run").settings


def test_pasted_text_and_drawn_points_return(store):
    pasted = opened_with_pasted("a;b\n1,5;2\n2;5\n4;4\n")
    assert same_data(reloaded(store, saved(pasted), "watch"), pasted)
    drawn = opened("/data?source=Upload")
    drawn.session_state["drawn"] = np.array([[1.0, 2.0], [3.25, 4.0], [0.1, 0.2]])
    drawn.button_group(key="input").set_value("draw").run()
    for page in ("data", "watch"):
        assert same_data(reloaded(store, saved(drawn), page), drawn)


def test_selected_rows_return_with_the_table_they_are_from(store):
    app = go(uploaded(), "segments")
    app.session_state[project.ROWS] = in_use(app), np.arange(5, 40, 2)
    app.run()
    assert len(in_use(app).points) == 18
    again = reloaded(store, saved(app))
    assert same_data(again, app)
    assert in_use(again).origin is not None
    next(button for button in again.button if button.label == "Back to all rows").click().run()
    assert len(in_use(again).points) == 54


def test_selected_rows_of_simulated_data_return(store):
    app = opened("/segments?n=100")
    app.session_state[project.ROWS] = in_use(app), np.arange(5, 40, 2)
    app.run()
    again = reloaded(store, saved(app))
    assert np.array_equal(in_use(again).points, in_use(app).points)
    next(button for button in again.button if button.label == "Back to all rows").click().run()
    assert not again.exception


def test_word_vectors_return(store):
    app = opened("/embedding?grammar_n=300&embedding_section=Use as data")
    app.button(key="use for watch").click().run()
    app = go(app, "watch")
    again = reloaded(store, saved(app), "watch")
    assert np.array_equal(in_use(again).points, in_use(app).points)
    assert list(in_use(again).names) == list(in_use(app).names)
    assert in_use(again).occurrences.tolist() == in_use(app).occurrences.tolist()


def test_texts_of_the_embedding_page_return(store):
    app = opened("/embedding?text=Paste")
    app.text_area(key="pasted text").set_value("the cat drinks milk\nthe dog eats bread\n" * 5).run()
    again = reloaded(store, saved(app))
    assert again.text_area(key="pasted text").value == app.text_area(key="pasted text").value
    assert "links cannot contain" not in texts_of(again)


def test_simulated_data_need_only_the_address(store):
    app = opened("/watch?sample=Stretched groups&n=100&k=4")
    assert saved(app).files == {}
    again = reloaded(store, saved(app))
    assert latest(again, "run").key == latest(app, "run").key


HOSTILE = [
    {"settings": {"input": 3, "focus": "x", "recent": "x", "last data": 1, "focus_cluster": 10**30, "source": "own"}},
    {
        "settings": ["x"],
        "pages": {"": {"k": "x", "recent": 3}, "restarts": 3},
        "choices": 3,
        "drawn": [[1, "x"]],
        "before": 3,
        "edits": 3,
        "centers": 3,
        "selected": 3,
    },
    {"choices": {"file": {"table": 3, "nowhere": {}}}, "drawn": [[1, 10**400], [2, 3]], "selected": [10**30, "x"]},
    {"choices": {"file": {"reading": {"_skip": "x", "_header": 99, "_separator": "ab", "_kind": "json", "_missing": 3}}}},
    {"choices": {"file": {"table": {"_columns": ["nowhere"], "_scaling": "x", " types": {"a": "x", "y": "text"}}}}},
    {"choices": {"file": {"table": {"_label": "nowhere", "_gaps True": "x", "_components_of_3": 10**9}}}},
    {"choices": {"file": {"table": {"_interpretation": "proximities"}}}, "before": {"source": "x", "input": []}},
    {"drawn": [[1.0, 2.0]] * (MAX_DRAWN_POINTS + 1), "edits": [3, {"sample": "", "run": {"options": {}}, "edits": "[]"}]},
    {"centers": {"positions": [[1, 2]], "choices": [1, 2, 3]}, "exact_centers": [[1, 2], [3]], "selected": [10**6]},
    {"centers": {"positions": [[1, 2]], "choices": [{}, [], [[]]]}, "exact_centers": [[1, 2]], "selected": [[1]]},
]


@pytest.mark.one_in(3)
@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_a_hostile_state_does_no_harm(store, number):
    file = StoredFile("a.csv", b"a,b\n1,2\n2,5\n4,4\n")
    app = reloaded(store, Project("watch", {"source": ["Upload"]}, HOSTILE[number], {"file": file}))
    go(app, "data")
    assert app.error or in_use(app).n == 3


@pytest.mark.parametrize("content", [b"", b"PAR1 PAR1", b"\xff\xfe\x00", b"a,b\n1\n"])
def test_hostile_data_do_no_harm(store, content):
    purposes = ("own", "vectors", "subset", "rows", "pasted", "text", "text file", "nowhere")
    files = {purpose: StoredFile("x", content) for purpose in purposes}
    app = reloaded(store, Project("watch", {"source": ["Upload"]}, {"settings": {"input": "paste"}}, files))
    go(app, "data")
    app.button_group(key="input").set_value("draw").run()
    assert not app.exception


def test_settings_that_cannot_be_applied_are_listed(store):
    state = {
        "choices": {"file": {"table": {"_columns": ["Age", "nowhere"], "_scaling": 3, " types": {"Age": "date"}}}},
        "settings": {"recent": "x"},
    }
    app = reloaded(store, Project("data", {"source": ["Upload"]}, state, {"file": StoredFile("c.csv", customers_csv(60))}))
    [warning] = [one.value.replace("\\", "") for one in app.warning if "in the project" in one.value]
    for part in ("columns = ['Age', 'no…", "scaling = 3", "Age: date", "recent = x"):
        assert part in warning
    next(button for button in app.button if button.label == "Dismiss").click().run()
    assert not any("in the project" in one.value for one in app.warning)


def test_a_project_that_is_uploaded_is_opened_and_the_previous_file_stays(customers):
    app = uploaded("other.csv", b"a,b\n1,2\n2,5\n4,4\n")
    app.file_uploader(key="file").set_value(("p.zip", to_zip(customers.session_state[project.LATEST]), "application/zip"))
    with pytest.MonkeyPatch.context() as patch:
        opened_projects = []
        patch.setattr(project, "_open", lambda place, one: opened_projects.append(one))
        app.run()
    [found] = opened_projects
    assert found.page == "data"
    assert found.files["file"].content == customers_csv(60)
    assert app.session_state["upload"].name == "other.csv"


def hostile_project() -> tuple[str, bytes, str]:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("project.json", json.dumps(dict(kind=KIND, version=99)))
    return "p.zip", file.getvalue(), "application/zip"


def test_in_the_sidebar_a_hostile_project_gets_a_sentence_below_the_uploader_alone():
    app = opened("/?n=50&source=Upload")
    for file, errors in ((hostile_project(), 1), (None, 0)):
        app.sidebar.file_uploader(key="file").set_value(file).run()
        assert not app.exception
        assert ["version 99" in error.value for error in app.sidebar.error] == [True] * errors
        assert "input" not in [one.key for one in app.sidebar.button_group]


def test_a_hostile_project_gets_a_sentence_and_the_previous_file_stays(customers):
    app = uploaded("other.csv", b"a,b\n1,2\n2,5\n4,4\n")
    app.file_uploader(key="file").set_value(hostile_project()).run()
    assert "has the version 99, but only version 1 can be read" in texts_of(app)
    assert len(in_use(app).points) == 3
    app.file_uploader(key="file").set_value(("new.csv", b"a,b\n1,2\n2,5\n4,4\n5,5\n", "text/csv")).run()
    assert "has the version" not in texts_of(app)
    assert len(in_use(app).points) == 4


def test_back_on_the_data_page_the_file_in_use_is_named_and_can_be_removed():
    app = go(go(uploaded(), "watch"), "data")
    assert "customers.csv, 5.28 kB, is in use. Choose another file to replace it." in texts_of(app)
    app.button(key="remove upload").click().run()
    assert app.session_state["upload"] is None
    assert "No new data yet. “customers.csv” is still in use." in texts_of(app)
    assert saved(app).files == {}
