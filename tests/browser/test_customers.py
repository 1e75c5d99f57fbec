"""The way of an analyst: from an uploaded table to an Excel file with named segments."""

import io
import re

import openpyxl
import pandas as pd
import pytest

from tests.browser.test_export import download
from tests.browser.waiting import idle, open_page
from tests.customers import HEADER, customers_csv

pytestmark = pytest.mark.browser


def test_a_messy_table_is_uploaded_its_segments_are_named_and_all_its_rows_come_back_as_excel(page, server):
    content = customers_csv()
    page.goto(f"{server}/data?source=Upload")
    page.locator("input[type=file]").set_input_files(dict(name="customers.csv", mimeType="text/csv", buffer=content))
    page.get_by_text("they are standardized by default").first.wait_for()
    idle(page)
    open_page(page, "Segments")
    page.get_by_role("heading", name="Cluster 3").wait_for()
    old = page.locator("[class*=st-key-segment_card]").filter(has_text=re.compile("highest Age", re.I))
    assert "vs." in old.inner_text()
    field = old.get_by_placeholder("Name this segment")
    field.fill("Golden age")
    field.press("Enter")
    page.get_by_role("heading", name="Golden age").wait_for()
    idle(page)
    page.get_by_role("button", name="Export").click()
    name, file = download(page, "Rows (Excel)")
    assert name == "customers-segments.xlsx"
    sheet = openpyxl.load_workbook(io.BytesIO(file)).active
    header, *rows = sheet.iter_rows(values_only=True)
    original = pd.read_csv(io.BytesIO(content), keep_default_na=False)
    assert list(header[: len(HEADER)]) == HEADER
    assert [row[0] for row in rows] == original["Customer ID"].tolist()
    columns = {title: [row[i] for row in rows] for i, title in enumerate(header)}
    assert columns["E-mail"] == original["E-mail"].tolist()
    has_gaps = (original["Age"] == "") | (original["Annual income"] == "n/a")
    assert [segment is None for segment in columns["segment"]] == has_gaps.tolist()
    assert [bool(reason) for reason in columns["left out because"]] == has_gaps.tolist()
    named = [i for i, title in enumerate(columns["segment name"]) if title == "Golden age"]
    assert 0.1 < len(named) / len(rows) < 0.3
    assert pd.to_numeric(original["Age"][named]).mean() > 55
