"""Hostile names in all exports: files can be read, names are text in them, and scripts run."""

import csv
import io
import json
from contextlib import chdir, redirect_stdout

import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook
from PIL import Image

from pages.datasets import matrices
from pages.datasets.planes import column_plane
from pages.export import files, offline, report, scripts, segment_files
from pages.methods import settings
from pages.runs import curves, pictures
from pages.runs.cache import RecentCache
from pages.runs.frames import frames_of
from pages.runs.model import model_of
from pages.runs.model_file import from_json, to_json
from pages.runs.profiles import Profiles
from pages.runs.run import make_run
from pages.runs.run_pictures import RunPictures
from pages.runs.segments import Edit
from tests import hostile
from tests.pages.export.test_pipeline import check as check_pipeline
from tests.pages.export.test_pipeline import segments_from
from tests.pages.faults import Markup, faults_of_figure, faults_of_html

COLUMNS = (*(name.strip() for name in hostile.NAMES), "column 23")
EDITS = tuple(Edit("rename", (i,), name=name) for i, name in enumerate(hostile.SEGMENTS))


@pytest.fixture(scope="module")
def segments():
    """Segments of a table that pandas reads as the app does not, because a column has no name."""
    content = hostile.csv_text(hostile.table(hostile.BLANK)).encode()
    return segments_from(f"{hostile.TITLE}.csv", content, COLUMNS, edits=EDITS, label=hostile.LABELS)


@pytest.fixture(scope="module")
def shown(segments):
    """The figures of the run in the plane of two columns with hostile names."""
    run = segments.run
    frames, note = frames_of(run)
    plane = column_plane(run.data.columns, run.data.columns.index(hostile.BREAK), run.data.columns.index('"><b>'))
    return RunPictures(
        "name", frames, note, pictures.picture(run, frames, plane, "name"), curves.curve_of(run, frames, "name")
    )


def header_of(content: bytes) -> list[str]:
    return next(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def test_names_are_in_exported_tables_and_only_formulas_change(segments):
    profiles = Profiles(segments)
    headers = header_of(files.assignments_csv(segments.run)), header_of(segment_files.rows_csv(segments))
    for header in headers:
        assert {hostile.IMAGE, "__proto__", hostile.BREAK, "'" + hostile.FORMULA} < {*header}
    for content in (segment_files.rows_excel(segments), segment_files.summary_excel(profiles)):
        book = load_workbook(io.BytesIO(content))
        assert {cell.data_type for row in book.active.iter_rows() for cell in row} <= {"n", "s"}
    rows = pd.read_csv(io.BytesIO(segment_files.rows_csv(segments)))
    assert {*rows["segment name"]} == {name.strip() for name in hostile.SEGMENTS}
    assert hostile.IMAGE in segment_files.summary_csv(profiles).decode()
    assert {*json.loads(files.parameters_json(segments.run))["columns"]} == {*segments.data.columns}
    assert (
        np.load(io.BytesIO(files.history_npz(segments.run)), allow_pickle=False)["points"].shape == segments.data.points.shape
    )
    assert from_json(to_json(model_of(segments))).names == segments.names


def test_names_are_text_in_the_report(segments, shown):
    page = report.report(segments.run, shown, [hostile.IMAGE], "http://localhost/", Profiles(segments), hostile.TITLE)
    file = report.standalone_html(page, f"Report: {segments.data.title}").decode()
    assert [*faults_of_html(file)] == []
    text = "".join(Markup(file).texts)
    assert all(name in text for name in (hostile.SEGMENTS[0], hostile.SEGMENTS[2], hostile.TITLE, hostile.NAMES[1]))


def test_names_are_text_in_the_animations(segments, shown):
    run = segments.run
    sentences = [f"{frame.sentence} {hostile.IMAGE} </script>" for frame in shown.frames]
    title = f"{hostile.TITLE}\n{hostile.LONG}"
    gif = Image.open(io.BytesIO(files.animation_gif(run, shown.picture, shown.frames, title)))
    assert gif.n_frames == len(shown.frames)
    file = offline.animation(shown.picture, sentences, title).decode()
    assert [*faults_of_html(file, scripts=True)] == []
    assert "<img src=x" not in file
    assert [*faults_of_figure(shown.picture.to_plotly_json()["layout"])] == []


def test_names_beside_points_are_drawn_too():
    data = matrices.from_words(pd.Series(hostile.NAMES), hostile.TITLE)
    run = make_run(data, settings("kmedoids", 2), RecentCache(), lambda state: None)
    frames, _ = frames_of(run)
    figure = pictures.picture(run, frames, column_plane(data.columns, 0, 1), "name")
    assert hostile.BREAK in figure.data[0].text
    assert Image.open(io.BytesIO(files.animation_gif(run, figure, frames, run.title))).n_frames == len(frames)


@pytest.mark.parametrize("method", ["kmeans", "mixture"])
def test_scripts_run_in_spite_of_the_names(method, tmp_path):
    """One reads the exported table; with pandas, one reads the file itself, and one the export of all rows."""
    for more in ((), (hostile.BLANK,)):
        content = hostile.csv_text(hostile.table(*more)).encode()
        columns = COLUMNS if more else COLUMNS[:-1]
        name = f"{hostile.TITLE}.csv"
        segments = segments_from(name, content, columns, method, edits=EDITS, label=hostile.LABELS)
        check_pipeline(segments, tmp_path, None if more else content)
    run = segments.run
    (tmp_path / scripts.TABLE).write_bytes(files.assignments_csv(run))
    names: dict = {}
    with chdir(tmp_path), redirect_stdout(io.StringIO()):
        exec(compile(scripts.with_clustering(run), "script.py", "exec"), names)
    np.testing.assert_array_equal(names["labels"], run.labels)
    compile(scripts.with_scikit_learn(run), "script.py", "exec")
