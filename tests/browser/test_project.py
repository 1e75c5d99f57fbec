"""Reloaded tabs and project files in a browser."""

import pytest

from tests.browser.waiting import idle, open_page
from tests.customers import customers_csv

pytestmark = pytest.mark.browser


@pytest.fixture
def new_tab(context, server):
    """Opens tabs that keep what the app stores. They share a browser profile, so that they load the app faster."""
    opened = []

    def open_tab(address: str):
        opened.append(context.new_page())
        opened[-1].goto(address if "://" in address else server + address)
        return opened[-1]

    yield open_tab
    for tab in opened:
        tab.close()


def wait_for_names(tab, *names):
    tab.get_by_role("heading", name="Segments", level=1).wait_for()
    for name in names:
        tab.get_by_role("heading", name=name, exact=True).wait_for()
    idle(tab)


def alerts(tab) -> str:
    return " ".join(tab.get_by_test_id("stAlert").all_inner_texts())


def test_a_reloaded_tab_and_an_opened_project_show_the_same_screen_and_a_copied_link_does_not(new_tab, tmp_path):
    tab = new_tab("/data?source=Upload")
    tab.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        {"name": "customers.csv", "mimeType": "text/csv", "buffer": customers_csv(60)}
    )
    tab.get_by_role("button", name="Use original units").click()
    open_page(tab, "Segments")
    tab.get_by_label("Name of Cluster 2").fill("Old and frugal")
    tab.get_by_label("Name of Cluster 2").press("Enter")
    wait_for_names(tab, "Old and frugal")
    address, sizes, expected = tab.url, tab.get_by_text(" rows (").all_inner_texts(), alerts(tab)

    tab.reload()
    wait_for_names(tab, "Cluster 1", "Old and frugal", "Cluster 3")
    assert tab.get_by_text(" rows (").all_inner_texts() == sizes
    assert tab.url == address
    assert alerts(tab) == expected

    token = tab.evaluate("Object.values(sessionStorage).find(value => value.length >= 43)")
    assert token not in address + tab.content()
    other = new_tab(address)
    other.get_by_text("This link was made with uploaded data, which links cannot contain.").wait_for()
    assert other.get_by_text("customers.csv").count() == 0

    tab.get_by_role("button", name="Save project").click()
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Project file").click()
    download.value.save_as(tmp_path / "project.zip")
    open_page(other, "Data")
    idle(other)
    other.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(tmp_path / "project.zip")
    wait_for_names(other, "Cluster 1", "Old and frugal", "Cluster 3")
    assert other.get_by_text(" rows (").all_inner_texts() == sizes
    assert other.url == address
    assert alerts(other) == expected
    other.reload()
    wait_for_names(other, "Old and frugal")
