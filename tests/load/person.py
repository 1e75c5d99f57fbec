"""A visitor without a browser: says to the server what a browser would say, and takes note of what it is shown."""

import asyncio
import re
import time
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from websockets.asyncio.client import connect

VALUES = {
    "selectbox": ("string_value", "raw_value"),
    "text_area": ("string_value", "value"),
    "number_input": ("double_value", "value"),
    "checkbox": ("bool_value", "value"),
    "slider": ("string_array_value", "raw_value"),
    "button_group": ("string_array_value", "raw_values"),
}
"""of each kind of widget, what holds its value on the way to the server, and on the way back when the app sets it"""
PATIENCE = 60.0
"""seconds in which an answer has to be complete"""
KEPT_FOR = 10
"""runs for which a large message that does not come again is kept: more than `global.maxCachedMessageAge`, because the runs
of hasty people overtake each other"""
MARK = re.compile(rb"only-of-[0-9a-f]{12}")
"""a word that one person brings and nobody else may see"""
XS = re.compile(r'"x":\{"dtype":"f8","bdata":"([^"]*)"')


class Picture(NamedTuple):
    alt: str
    """its description for those who cannot see it"""
    x: str
    """the first coordinates of its points, as they came"""


class Answer(NamedTuple):
    seconds: float | None
    """from the click to the last new picture; None if no picture changed"""
    until_done: float
    """from the click to the end of the run"""
    pictures: list[Picture]
    """all that are on the page then"""


class Person:
    """One visitor, with one page open."""

    def __init__(self, port: int, mark: str):
        self.port, self.mark = port, mark.encode()
        self.requests = self.received = 0
        self.faults: list[str] = []
        self.marked = False  # whether it was shown what it brought itself
        self.scripts, self.page, self.main = {}, "", ""  # the pages by title, and that on the screen: names of their scripts
        self.address: dict[str, str] = {}
        self.values: dict[str, WidgetState] = {}
        self.widgets: dict[str, tuple[str, str, str, str]] = {}  # by key or label: id, kind, script, name in the address
        self.pictures: dict[str, Picture] = {}
        self.kept: dict[str, list] = {}  # by hash: a large message, and the run that it last came in
        self.run = 0

    async def open(self, **address: str) -> Answer:
        """Comes to the page Watch with these words in the address."""
        self.address, clicked = address, time.perf_counter()
        self.socket = await connect(
            f"ws://127.0.0.1:{self.port}/_stcore/stream",
            origin=f"http://127.0.0.1:{self.port}",
            subprotocols=["streamlit"],
            compression=None,  # which the server has off, too
            proxy=None,
            max_size=None,
            open_timeout=PATIENCE,
        )
        return await self._click([], clicked=clicked)

    async def leave(self) -> None:
        await self.socket.close()

    async def set(self, told: str = "", again: list | None = None, **values) -> Answer:
        """Gives widgets values, by their keys, as they are written on the screen.

        `told` is what the description of a picture says when it is the one that was asked for. `again` are values that the
        same widgets had for a moment before, so that the server has to leave the work that it began.
        """
        for hasty in again or []:
            await self._send(self._changed(hasty))
            await asyncio.sleep(0.25)
        return await self._click(self._changed(values), told)

    async def press(self, label: str) -> Answer:
        """Presses a button."""
        return await self._click([WidgetState(id=self.widgets[label][0], trigger_value=True)])

    async def go_to(self, title: str) -> Answer:
        """Turns to another page."""
        self.page = self.scripts[title]
        # what the frame draws stays; of all else the server knows the values
        frame = {widget[0]: widget for widget in self.widgets.values() if widget[2] == self.main}
        self.values = {name: value for name, value in self.values.items() if name in frame}
        mine = {widget[3] for widget in frame.values()}
        self.address = {key: text for key, text in self.address.items() if key in mine}
        return await self._click([])

    def _changed(self, values: dict) -> list[WidgetState]:
        states = []
        for key, value in values.items():
            name, kind, _, in_address = self.widgets[key]
            state = self.values[name] = _state(name, kind, value)
            states.append(state)
            if in_address:
                self.address[in_address] = value[0] if isinstance(value, list) else str(value)
        return states

    async def _send(self, states: list[WidgetState]) -> None:
        message = BackMsg()
        rerun = message.rerun_script
        rerun.query_string, rerun.page_script_hash = urlencode(self.address), self.page
        pressed = [state for state in states if state.WhichOneof("value") == "trigger_value"]
        rerun.widget_states.CopyFrom(WidgetStates(widgets=[*self.values.values(), *pressed]))
        rerun.cached_message_hashes.extend(self.kept)
        rerun.context_info.url = f"http://127.0.0.1:{self.port}/"
        self.requests += 1
        await self.socket.send(message.SerializeToString())

    async def _click(self, states: list[WidgetState], told: str = "", clicked: float | None = None) -> Answer:
        before, drawn = set(self.pictures), None
        clicked = clicked or time.perf_counter()
        await self._send(states)
        async with asyncio.timeout(PATIENCE):
            while True:
                raw = await self.socket.recv()
                now = time.perf_counter()
                kind, picture = self._see(raw)
                if picture and picture not in before:
                    drawn = now
                done = kind == "script_finished" and self.finished == ForwardMsg.FINISHED_SUCCESSFULLY
                if done and all(told in picture.alt for picture in self.pictures.values()):
                    break
        return Answer(drawn and drawn - clicked, now - clicked, list(self.pictures.values()))

    def _see(self, raw: bytes) -> tuple[str, str | None]:
        """The kind of the message, and the name of the picture if it is one."""
        self.received += len(raw)
        for mark in MARK.findall(raw):
            self.marked |= mark == self.mark
            if mark != self.mark:
                self.faults.append(f"was shown what only another person brought: {mark.decode()}")
        message = ForwardMsg.FromString(raw)
        kind = message.WhichOneof("type")
        if kind == "ref_hash":  # a message that was kept, at another place
            self.kept[message.ref_hash][1] = self.run
            name, delta = message.ref_hash, self.kept[message.ref_hash][0]
            return kind, self._see_element(name, delta.new_element, message.metadata.active_script_hash)
        if kind == "new_session":
            self.widgets, self.pictures = {}, {}
            self.main, self.page = message.new_session.main_script_hash, message.new_session.page_script_hash
        elif kind == "navigation":
            self.scripts = {page.page_name: page.page_script_hash for page in message.navigation.app_pages}
            self.page = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.address = dict(parse_qsl(message.page_info_changed.query_string))
        elif kind == "script_finished":
            self._finish(message.script_finished)
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            if message.metadata.cacheable:
                self.kept[message.hash] = [message.delta, self.run]
            return kind, self._see_element(message.hash, message.delta.new_element, message.metadata.active_script_hash)
        return kind, None

    def _finish(self, status) -> None:
        self.finished = status
        self.run += 1
        self.kept = {name: kept for name, kept in self.kept.items() if self.run - kept[1] <= KEPT_FOR}
        if status == ForwardMsg.FINISHED_SUCCESSFULLY:
            there = {widget[0] for widget in self.widgets.values()}
            self.values = {name: value for name, value in self.values.items() if name in there}
        elif status == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
            self.faults.append("the script could not be compiled")

    def _see_element(self, name: str, element, script: str) -> str | None:
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.faults.append(f"was shown an exception: {element.exception.type} {element.exception.message}")
        elif kind == "alert" and element.alert.format == Alert.ERROR:
            self.faults.append(f"was shown an error: {element.alert.body}")
        elif kind == "plotly_chart" and element.plotly_chart.alt.startswith("Scatter plot of"):
            found = XS.search(element.plotly_chart.spec)
            self.pictures[name] = Picture(element.plotly_chart.alt, found.group(1) if found else "")
            return name
        elif kind in VALUES or kind == "button":
            widget = getattr(element, kind)
            key = widget.id.split("-", 2)[2]
            in_address = getattr(widget, "query_param_key", "")
            self.widgets[widget.label if key == "None" else key] = widget.id, kind, script, in_address
            if kind != "button" and widget.set_value:  # the app has changed it
                value = getattr(widget, VALUES[kind][1])
                if kind != "slider" or value:  # one of numbers has no text, and nobody here moves it
                    self.values[widget.id] = _state(widget.id, kind, list(value) if "array" in VALUES[kind][0] else value)
        return None


def _state(name: str, kind: str, value) -> WidgetState:
    state, field = WidgetState(id=name), VALUES[kind][0]
    if "array" in field:
        getattr(state, field).data.extend(value)
    else:
        setattr(state, field, value)
    return state
