"""The script with the whole pipeline, executed next to the file that was uploaded."""

import gzip
import io
from contextlib import chdir, redirect_stdout
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pages.datasets.catalog import FOLDER
from pages.datasets.cleaning import MISSING_OPTIONS, SCALINGS, Preparation, prepare
from pages.datasets.data import SourceFile
from pages.datasets.opened import open_here
from pages.export import pipeline as pipeline_module
from pages.export.pipeline import pipeline
from pages.export.segment_files import rows_csv
from pages.methods import base, method
from pages.methods.base import NoScript
from pages.methods.starts import ManualStart
from pages.runs.cache import RecentCache
from pages.runs.run import make_run
from pages.runs.segments import Edit, segments_of
from tests.pages import checks

COLUMNS = ("joined", "country", "age", "income", "churn")
ROWS = "rows.csv"


def customers(n: int = 120) -> pd.DataFrame:
    """Text as in an export of a shop, with gaps."""
    rng = np.random.default_rng(1)
    group = rng.integers(0, 3, n)
    table = pd.DataFrame(
        {
            "id": [f"C{i:05}" for i in range(n)],
            "joined": (pd.Timestamp("2023-01-15") + pd.to_timedelta(90 * group + rng.integers(0, 30, n), unit="D")).strftime(
                "%F"
            ),
            "country": np.array(["USA", "France", "Côte d'Ivoire"])[(group + (rng.random(n) < 0.2)) % 3],
            "age": (25 + 15 * group + rng.integers(0, 9, n)).astype(str),
            "income": [f"${value:,.0f}" for value in 3e4 * (1 + group) + rng.normal(0, 4e3, n)],
            "churn": np.where(rng.random(n) < 0.3 * group, "yes", "no"),
        }
    )
    table.loc[5, "age"], table.loc[9, "country"], table.loc[11, "income"] = "n/a", "", "-"
    return table


def as_csv(table: pd.DataFrame, encoding: str = "utf-8", **options) -> bytes:
    return table.to_csv(index=False, **options).encode(encoding)


def segments_from(
    name: str,
    content: bytes,
    columns=COLUMNS,
    method_name="kmeans",
    k=3,
    edits=(),
    changes=None,
    start=None,
    label=None,
    **choices,
):
    """The segments of a file that is read, prepared and clustered as in the app; `changes` are those of the format."""
    opened = open_here(content, name, None)
    if changes:
        opened = open_here(content, name, replace(opened.format, **changes))
    names = choices.keys() & {"missing", "scaling", "components", "as_categories"}
    made = Preparation(tuple(columns), label, **{key: choices.pop(key) for key in names})
    data = prepare(opened.reading.table, name, made)
    file = SourceFile(name, opened.format, opened.reading.notes, opened.reading.start)
    data = replace(data, origin=replace(data.origin, file=file))
    settings = method(method_name).settings(k, start, seed=4, data=data, **choices)
    return segments_of(make_run(data, settings, RecentCache(), lambda state: None), edits)


def executed(segments, folder, content: bytes | None) -> tuple[dict, str]:
    """The variables that the script defines and the text that it prints, in a folder with the file, or with the export."""
    title, script = segments.data.title, pipeline(segments, ROWS)
    path = folder / title if content is not None else folder / ROWS
    path.write_bytes(rows_csv(segments) if content is None else content)
    names, printed = {}, io.StringIO()
    with chdir(folder), redirect_stdout(printed):
        exec(compile(script, "script.py", "exec"), names)
    return names, printed.getvalue()


def check(segments, folder, content: bytes | None) -> dict:
    """Execute the script and compare its points, labels and names of segments with those of the app."""
    names, printed = executed(segments, folder, content)
    assert np.array_equal(names["points"], segments.data.points)
    assert names["labels"].tolist() == segments.run.labels.tolist()
    assert names["segment"].tolist() == [*np.array([*segments.names, ""], dtype=object)[segments.labels]]
    assert "not the sizes" not in printed
    if segments.data.origin is not None:
        written = pd.read_csv(folder / f"script-{ROWS}", dtype=str, keep_default_na=False)
        column = written.iloc[:, -1]
        assert column.iloc[segments.data.rows - 1].tolist() == names["segment"].tolist()
        assert (column != "").sum() == (segments.labels >= 0).sum()
    return names


@pytest.mark.parametrize(
    ("missing", "scaling"), [*zip(MISSING_OPTIONS, SCALINGS, strict=False), ("drop", "robust"), ("ppca", "none")]
)
def test_the_script_cleans_scales_and_encodes_as_the_app(missing, scaling, tmp_path):
    content = as_csv(customers())
    names = check(segments_from("shop.csv", content, missing=missing, scaling=scaling), tmp_path, content)
    assert len(names["points"]) == (117 if missing == "drop" else 120)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("kmedoids", {"metric": "gower"}),
        ("kmedoids", {"metric": "manhattan", "update": "swap"}),
        ("mixture", {"covariance": "diagonal"}),
        ("fuzzy", {"m": 1.5}),
        ("tree", {"linkage": "average", "metric": "gower"}),
        ("tree", {"linkage": "ward", "metric": "euclidean"}),
        ("kmeans", {"start": "random"}),
        ("kmeans", {"start": ManualStart(((0.0,) * 7, (1.0,) * 7, (-1.0,) * 7))}),
    ],
)
def test_every_method_finds_the_same_clusters(name, options, tmp_path):
    content = as_csv(customers())
    check(segments_from("shop.csv", content, method_name=name, scaling="standardize", **options), tmp_path, content)


@pytest.mark.parametrize(
    ("file", "name"),
    [("iris.csv", "kmedoids"), ("iris.csv", "mixture"), ("penguins.csv", "kmeans"), ("penguins.csv", "fuzzy")],
)
def test_scores_of_real_tables_are_those_of_the_app(file, name, tmp_path):
    content = (FOLDER / file).read_bytes()
    table = pd.read_csv(io.BytesIO(content))
    numbers = [column for column in table if pd.api.types.is_float_dtype(table[column])]
    segments = segments_from(file, content, numbers, name, start="random", label="species", scaling="standardize")
    names, printed = executed(segments, tmp_path, content)
    assert names["labels"].tolist() == segments.run.labels.tolist()
    scores = dict(line.split(": ") for line in printed.splitlines() if line.startswith(("Mean sil", "Adjusted")))
    assert float(scores["Adjusted Rand index"]) == pytest.approx(segments.run.agreement, abs=1e-12)
    assert float(scores["Mean silhouette width"]) == pytest.approx(segments.run.silhouette.widths.mean(), abs=1e-12)


def book(table: pd.DataFrame, above: int = 0) -> bytes:
    out = io.BytesIO()
    table.to_excel(out, index=False, sheet_name="Year 2024", startrow=above)
    return out.getvalue()


def parquet(table: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    table.to_parquet(out)
    return out.getvalue()


def typed() -> pd.DataFrame:
    """The table with numbers and dates instead of text."""
    return open_here(as_csv(customers()), "a.csv", None).reading.table


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("semicolon.csv", as_csv(typed().assign(income=typed()["income"] / 7), "cp1252", sep=";", decimal=",")),
        ("tab.tsv", as_csv(customers(), "utf-16", sep="\t")),
        ("shop.csv.gz", gzip.compress(as_csv(customers()))),
        ("text.xlsx", book(customers())),
        ("typed.xlsx", book(typed())),
        ("typed.parquet", parquet(typed())),
        ("text.parquet", parquet(customers().assign(income=customers()["income"].str[1:3]))),
    ],
)
def test_files_are_read_as_in_the_app(name, content, tmp_path):
    check(segments_from(name, content, scaling="standardize", missing="median"), tmp_path, content)


@pytest.mark.parametrize(
    "amount",
    ["({i}.50)", "{i}-", "{i} kg", "{i}%", "€ {i}", "1'234'{i}", "1 234 {i}", "−{i}", "+{i}e-2", "USD {i}"],
)
def test_numbers_are_converted_as_in_the_app(amount, tmp_path):
    rows = [f"{amount.format(i=i)};{i % 7}" for i in range(100, 160)]
    content = "\n".join(["amount;other", *rows]).encode()
    names = check(segments_from("amounts.csv", content, ["amount", "other"]), tmp_path, content)
    assert len(names["points"]) == 60


@pytest.mark.parametrize(
    ("day", "decimal"),
    [
        ("{d}.{m}.2023", ","),
        ("{m}/{d}/2023", "."),
        ("{d:02}/{m:02}/2023", ","),
        ("2023-{m}-{d} 10:30", "."),
        ("{d}-{m}-2023", "."),
    ],
)
@pytest.mark.parametrize("days", [12, 28])
def test_dates_are_converted_as_in_the_app(day, decimal, days, tmp_path):
    rows = [f"{day.format(d=i % days + 1, m=i % 5 + 1)};{i % 7}{decimal}25" for i in range(60)]
    content = "\n".join(["when;other", *rows]).encode()
    segments = segments_from("days.csv", content, ["when", "other"])
    assert segments.data.origin.table["when"].dtype.kind == "M"
    check(segments, tmp_path, content)


def test_marks_of_missing_values_and_spellings_are_those_that_were_chosen(tmp_path):
    table = customers().assign(country=lambda t: np.where(t.index % 4, t["country"], t["country"].str.upper()))
    table.loc[20:25, "age"], table.loc[30:33, "country"] = "-999", "Unknown"
    content = as_csv(table)
    changes = {"missing": ("-999", "Unknown"), "ignore_case": True}
    segments = segments_from("shop.csv", content, changes=changes, missing="median")
    assert len(segments.data.origin.categories["country"]) == 3
    check(segments, tmp_path, content)


def test_numbers_that_are_categories_have_the_same_codes(tmp_path):
    table = customers().assign(size=lambda t: np.array(["10", "2", "33"])[t.index % 3])
    table.loc[3, "size"] = ""
    content = as_csv(table)
    check(segments_from("shop.csv", content, ["age", "size"], as_categories=("size",)), tmp_path, content)


def test_a_table_without_a_header_has_numbered_columns(tmp_path):
    content = as_csv(pd.DataFrame(np.random.default_rng(0).normal(size=(40, 3))), header=False)
    check(segments_from("plain.csv", content, ["column 1", "column 3"]), tmp_path, content)


def test_lines_above_the_table_are_skipped(tmp_path):
    content = b"Report of March\nall shops\n" + as_csv(customers())
    check(segments_from("report.csv", content), tmp_path, content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("comments.csv", b"# note\na,b\n" + b"".join(b"%d,%d\n# note\n" % (i, i * i % 17) for i in range(40))),
        ("ragged.csv", b"a,b\n" + b"".join(b"%d,%d%s\n" % (i, i * i % 17, b",7" * (i == 9)) for i in range(200))),
        ("twice.csv", b"a,b,b\n" + b"".join(b"%d,%d,3\n" % (i, i * i % 17) for i in range(40))),
        (
            "records.json",
            pd.DataFrame({"a": range(40), "b": [i * i % 17 for i in range(40)]}).to_json(orient="records").encode(),
        ),
        ("months.csv", b"a,b\n" + b"".join(b"%d May 2023,%d\n" % (i % 28 + 1, i * i % 17) for i in range(40))),
        ("short.csv", b"a,b\n" + b"".join(b"%d/%d/23,%d\n" % (i % 12 + 1, i % 28 + 1, i * i % 17) for i in range(40))),
        ("clock.csv", b"a,b\n" + b"".join(b"2023-05-%02d 3:15 PM,%d\n" % (i % 28 + 1, i * i % 17) for i in range(40))),
        ("numerals.csv", b"a,b\n" + "".join(f"١{i % 9}٣,{i * i % 17}\n" for i in range(40)).encode()),
        ("fortran.dat", b"a,b\n" + b"".join(b"%d.5D+01,%d\n" % (i, i * i % 17) for i in range(40))),
        ("periods.csv", b"a,b\n" + b"".join(b"%02d.20%02d,%d\n" % (i % 12 + 1, i, i * i % 17) for i in range(40))),
        ("times.csv", b"a,b\n" + b"".join(b"%d:30,%d\n" % (i % 24, i * i % 17) for i in range(40))),
    ],
)
def test_unusual_files_are_replaced_with_the_exported_table(name, content, tmp_path):
    segments = segments_from(name, content, ["a", "b"])
    script = pipeline(segments, ROWS)
    assert f'read_csv("{ROWS}"' in script
    assert f"# the table exported from the app (all rows), because pandas would read {name} differently\n" in script
    check(segments, tmp_path, None)


def test_texts_that_look_like_formulas_are_read_back(tmp_path):
    table = pd.DataFrame({"=a": range(40), "b": ["-x", "x;+y"] * 20, "'c": [i * i % 17 for i in range(40)]})
    segments = segments_from("records.json", table.to_json(orient="records").encode(), ["=a", "b", "'c"])
    check(segments, tmp_path, None)


def test_names_and_edits_are_part_of_the_script(tmp_path):
    content = as_csv(customers())
    edits = (
        Edit("rename", (0,), name="O'Neil's \"best\"\\"),
        Edit("merge", (1, 2)),
        Edit("create", rows=(3, 4, 7), name="By hand"),
        Edit("move", (1,), rows=(8,)),
    )
    segments = segments_from("shop.csv", content, edits=edits)
    names = check(segments, tmp_path, content)
    assert set(names["segment"]) == {"O'Neil's \"best\"\\", "Segment 2", "By hand"}
    dropped = segments_from("shop.csv", content, edits=(Edit("drop", (0,)),))
    assert "" in check(dropped, tmp_path, content)["segment"]


def test_names_of_columns_and_files_cannot_run_code(tmp_path):
    evil = "x\"]); raise SystemExit(1) #'\\"
    content = as_csv(pd.DataFrame({evil: np.arange(30.0), "b": np.arange(30) % 7}))
    title = 'a""" + exit(1) #\\.csv'
    check(segments_from(title, content, [evil, "b"]), tmp_path, content)


def test_samples_and_selected_rows_are_repeated(tmp_path, monkeypatch):
    content = as_csv(customers())
    monkeypatch.setattr(base, "MAX_POINTS_FOR_PROXIMITIES", 50)
    sampled = segments_from("shop.csv", content, method_name="kmedoids", metric="gower")
    assert len(sampled.labels) == 50
    check(sampled, tmp_path, content)
    whole = segments_from("shop.csv", content).data
    subset = whole.subset(np.arange(0, 100, 3))
    run = make_run(subset, method("kmeans").settings(3, seed=1), RecentCache(), lambda state: None)
    check(segments_of(run), tmp_path, content)
    assert "# row numbers selected by hand, counted from 0" in pipeline(segments_of(run), ROWS)
    monkeypatch.setattr(pipeline_module, "MAX_LISTED_ROWS", 33)
    with pytest.raises(NoScript, match="too many rows were selected by hand to list them"):
        pipeline(segments_of(run), ROWS)


def test_simulated_data_are_drawn_again(tmp_path):
    run = make_run(checks.sample(), method("mixture").settings(3, seed=2), RecentCache(), lambda state: None)
    check(segments_of(run), tmp_path, b"")


def test_a_distance_matrix_has_no_script():
    run = make_run(checks.proximities(), method("kmedoids").settings(3, data=checks.proximities()), RecentCache(), print)
    with pytest.raises(NoScript, match="precomputed distance matrix"):
        pipeline(segments_of(run), ROWS)


def test_a_changed_file_is_noticed(tmp_path):
    content = as_csv(customers())
    _, printed = executed(segments_from("shop.csv", content), tmp_path, as_csv(customers().iloc[:80]))
    assert "These are not the sizes in the app" in printed


@pytest.mark.parametrize("order", ["dmy", "mdy"])
def test_the_chosen_order_of_day_and_month_is_kept(order, tmp_path):
    rows = [f"{i % 12 + 1}/{i % 5 + 1}/2023;{i % 7}" for i in range(60)]
    content = "\n".join(["when;other", *rows]).encode()
    segments = segments_from("days.csv", content, ["when", "other"], changes={"dates": order})
    assert segments.data.origin.table["when"].iloc[6].month == {"dmy": 2, "mdy": 7}[order]
    check(segments, tmp_path, content)
