"""A visitor without a browser: exchanges messages with the server as a browser does, and records plots and errors."""

import asyncio
import base64
import json
import re
import time
import urllib.error
import urllib.request
from http.cookies import SimpleCookie
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

import numpy as np
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from websockets.asyncio.client import connect

VALUE_FIELDS = {
    "selectbox": ("string_value", "raw_value"),
    "text_area": ("string_value", "value"),
    "number_input": ("double_value", "value"),
    "checkbox": ("bool_value", "value"),
    "slider": ("string_array_value", "raw_value"),
    "button_group": ("string_array_value", "raw_values"),
}
"""for each kind of widget, the field of its value in messages to the server, and in messages from the server that set it"""
TIMEOUT = 60.0
"""seconds until a response must be complete"""
MAX_CACHED_AGE = 10
"""number of runs for which a large message is cached after its last use; more than Streamlit's `global.maxCachedMessageAge`,
because runs overlap if a widget changes before the previous run has finished"""
SECRET = re.compile(rb"secret-[0-9a-f]{12}")
"""a word in the data that one person pastes, which no other person may receive"""
X_DATA = re.compile(r'"x":(\[[^\]]+\]|\{"dtype":"f8","bdata":"[^"]*"\})')

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""opens addresses without the proxy in the environment"""


class Plot(NamedTuple):
    alt: str
    """its alternative text"""
    x: str
    """x coordinates of its points in JSON; "" if there are none"""

    def coordinates(self) -> np.ndarray:
        """x coordinates of its points."""
        values = json.loads(self.x or "[]")
        return np.frombuffer(base64.b64decode(values["bdata"])) if isinstance(values, dict) else np.array(values, dtype=float)


class Response(NamedTuple):
    until_plot: float | None
    """seconds from the click to the last new plot; None if no plot changed"""
    until_finished: float
    """seconds from the click to the end of the script run"""
    plots: list[Plot]
    """all scatter plots on the page"""


class Widget(NamedTuple):
    id: str
    kind: str
    script: str
    """hash of the script that draws it"""
    parameter: str
    """its query parameter, or an empty string"""


class Person:
    """A visitor with one page open.

    `address` is that of the app, without a slash at the end. `cookies` are those of an earlier visit.
    """

    def __init__(self, address: str, secret: str, cookies: dict[str, str] | None = None):
        self.address, self.secret = address, secret.encode()
        self.cookies = dict(cookies or {})
        self.session_id = ""  # on the server
        self.requests = self.received = 0  # number of messages sent, of bytes received
        self.errors: list[str] = []
        self.received_secret = False  # whether the person has received their own secret
        self.page_hashes: dict[str, str] = {}  # by title
        self.page = self.main_script = ""  # hashes of the open page and of dashboard.py
        self.query: dict[str, str] = {}
        self.values: dict[str, WidgetState] = {}  # by the id of the widget
        self.widgets: dict[str, Widget] = {}  # by key, or by label if there is no key
        self.plots: dict[str, Plot] = {}  # by the hash of their message
        self.cache: dict[
            str, list
        ] = {}  # by hash: the content of a large message, and the number of the last run that used it
        self.run = 0
        self.status = None  # of the last script run

    async def open(self, **query: str) -> Response:
        """Opens the Watch page with these query parameters."""
        self.query, clicked = query, time.perf_counter()
        for path in ("/", "/_stcore/health"):  # the second sets the cookie against cross-site requests
            await self.request("GET", path)
        self.socket = await connect(
            f"{self.address.replace('http', 'ws', 1)}/_stcore/stream",
            origin="/".join(self.address.split("/")[:3]),
            subprotocols=["streamlit"],
            additional_headers=self._cookie_header(),
            compression=None,  # as on the server
            proxy=None,
            max_size=None,
            open_timeout=TIMEOUT,
        )
        self._keep_cookies(self.socket.response.headers.get_all("Set-Cookie"))
        return await self._send_and_wait([], clicked=clicked)

    async def leave(self) -> None:
        await self.socket.close()

    async def request(self, method: str, path: str, content: bytes | None = None, **headers: str) -> int:
        """Sends a request with the cookies, and returns the status of the response."""
        return await asyncio.to_thread(self._request, method, path, content, headers)

    def _request(self, method: str, path: str, content: bytes | None, headers: dict[str, str]) -> int:
        request = urllib.request.Request(f"{self.address}{path}", content, headers | self._cookie_header(), method=method)
        try:
            with DIRECT.open(request, timeout=TIMEOUT) as response:
                response.read()
        except urllib.error.HTTPError as error:
            response = error
            response.close()
        self._keep_cookies(response.headers.get_all("Set-Cookie") or [])
        return response.status

    def _cookie_header(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}

    def _keep_cookies(self, headers: list[str]) -> None:
        for header in headers:
            self.cookies |= {name: cookie.value for name, cookie in SimpleCookie(header).items()}

    async def upload(self, content: bytes) -> int:
        """Uploads a file as a browser does, without choosing it in a widget, and returns the status of the response."""
        parts = b'--limit\r\nContent-Disposition: form-data; name="file"; filename="file.csv"\r\n\r\n', b"\r\n--limit--\r\n"
        headers = {"Content-Type": "multipart/form-data; boundary=limit", "X-Xsrftoken": self.cookies["_streamlit_xsrf"]}
        return await self.request("PUT", f"/_stcore/upload_file/{self.session_id}/file", content.join(parts), **headers)

    async def set(self, expected: str = "", superseded: list | None = None, **values) -> Response:
        """Sets widgets, by their keys, to values as shown on the screen.

        `superseded` are values that are set just before, so that the server must interrupt the run that it has started.
        `expected` is a part of the alternative text that identifies the plots of the final values.
        """
        for earlier in superseded or []:
            await self._send(self._change(earlier))
            await asyncio.sleep(0.25)
        return await self._send_and_wait(self._change(values), expected)

    async def press(self, label: str) -> Response:
        """Presses a button."""
        return await self._send_and_wait([WidgetState(id=self.widgets[label].id, trigger_value=True)])

    async def go_to(self, title: str) -> Response:
        """Goes to another page."""
        self.page = self.page_hashes[title]
        # a browser keeps only the widgets of dashboard.py when the page changes; the server remembers the values of the others
        shared = [widget for widget in self.widgets.values() if widget.script == self.main_script]
        ids, parameters = {widget.id for widget in shared}, {widget.parameter for widget in shared}
        self.values = {name: value for name, value in self.values.items() if name in ids}
        self.query = {name: text for name, text in self.query.items() if name in parameters}
        return await self._send_and_wait([])

    def _change(self, values: dict) -> list[WidgetState]:
        states = []
        for key, value in values.items():
            widget = self.widgets[key]
            state = self.values[widget.id] = _state(widget.id, widget.kind, value)
            states.append(state)
            if widget.parameter:
                self.query[widget.parameter] = value[0] if isinstance(value, list) else str(value)
        return states

    async def _send(self, states: list[WidgetState]) -> None:
        message = BackMsg()
        rerun = message.rerun_script
        rerun.query_string, rerun.page_script_hash = urlencode(self.query), self.page
        pressed = [state for state in states if state.WhichOneof("value") == "trigger_value"]
        rerun.widget_states.CopyFrom(WidgetStates(widgets=[*self.values.values(), *pressed]))
        rerun.cached_message_hashes.extend(self.cache)
        rerun.context_info.url = f"{self.address}/"
        self.requests += 1
        await self.socket.send(message.SerializeToString())

    async def _send_and_wait(self, states: list[WidgetState], expected: str = "", clicked: float | None = None) -> Response:
        before, drawn = set(self.plots), None
        clicked = clicked or time.perf_counter()
        await self._send(states)
        async with asyncio.timeout(TIMEOUT):
            while True:
                raw = await self.socket.recv()
                now = time.perf_counter()
                kind, plot = self._handle(raw)
                if plot and plot not in before:
                    drawn = now
                finished = kind == "script_finished" and self.status == ForwardMsg.FINISHED_SUCCESSFULLY
                if finished and all(expected in plot.alt for plot in self.plots.values()):
                    break
        return Response(drawn and drawn - clicked, now - clicked, list(self.plots.values()))

    def _handle(self, raw: bytes) -> tuple[str, str | None]:
        """Returns the kind of a message, and its hash if it is a scatter plot."""
        self.received += len(raw)
        for secret in SECRET.findall(raw):
            if secret == self.secret:
                self.received_secret = True
            else:
                self.errors.append(f"received data of another person: {secret.decode()}")
        message = ForwardMsg.FromString(raw)
        kind = message.WhichOneof("type")
        if kind == "ref_hash":  # stands for a cached message
            cached = self.cache[message.ref_hash]
            cached[1] = self.run
            element, script = cached[0].new_element, message.metadata.active_script_hash
            return kind, self._handle_element(message.ref_hash, element, script)
        if kind == "new_session":
            self.widgets, self.plots = {}, {}
            self.session_id = message.new_session.initialize.session_id
            self.main_script, self.page = message.new_session.main_script_hash, message.new_session.page_script_hash
        elif kind == "navigation":
            self.page_hashes = {page.page_name: page.page_script_hash for page in message.navigation.app_pages}
            self.page = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.query = dict(parse_qsl(message.page_info_changed.query_string))
        elif kind == "script_finished":
            self._finish(message.script_finished)
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            if message.metadata.cacheable:
                self.cache[message.hash] = [message.delta, self.run]
            return kind, self._handle_element(message.hash, message.delta.new_element, message.metadata.active_script_hash)
        return kind, None

    def _finish(self, status) -> None:
        self.status = status
        self.run += 1
        self.cache = {name: cached for name, cached in self.cache.items() if self.run - cached[1] <= MAX_CACHED_AGE}
        if status == ForwardMsg.FINISHED_SUCCESSFULLY:
            ids = {widget.id for widget in self.widgets.values()}
            self.values = {name: value for name, value in self.values.items() if name in ids}
        elif status == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
            self.errors.append("received a compile error")

    def _handle_element(self, message_hash: str, element, script: str) -> str | None:
        """Returns the hash if the element is a scatter plot."""
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.errors.append(f"received an exception: {element.exception.type} {element.exception.message}")
        elif kind == "alert" and element.alert.format == Alert.ERROR:
            self.errors.append(f"received an error message: {element.alert.body}")
        elif kind == "plotly_chart" and element.plotly_chart.alt.startswith("Scatter plot of"):
            found = X_DATA.search(element.plotly_chart.spec)
            self.plots[message_hash] = Plot(element.plotly_chart.alt, found.group(1) if found else "")
            return message_hash
        elif kind in VALUE_FIELDS or kind == "button":
            proto = getattr(element, kind)
            key = proto.id.split("-", 2)[2]
            widget = Widget(proto.id, kind, script, getattr(proto, "query_param_key", ""))
            self.widgets[proto.label if key == "None" else key] = widget
            if kind != "button" and proto.set_value:  # the app has set it
                value = getattr(proto, VALUE_FIELDS[kind][1])
                if kind != "slider" or value:  # a numeric slider has no strings; nobody moves one here
                    value = list(value) if "array" in VALUE_FIELDS[kind][0] else value
                    self.values[proto.id] = _state(proto.id, kind, value)
        return None


def _state(widget_id: str, kind: str, value) -> WidgetState:
    state, field = WidgetState(id=widget_id), VALUE_FIELDS[kind][0]
    if "array" in field:
        getattr(state, field).data.extend(value)
    else:
        setattr(state, field, value)
    return state
