"""The app in one process, or in several behind nginx, and measurements of these processes."""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
"""None if nginx is not installed"""
COOKIE = "clustering_process"
"""name of the cookie with the number of the visitor's process"""
APP_SCRIPT = """
import gc, os, signal, sys
from streamlit.web.cli import main

def count(*_):
    gc.collect()
    objects = gc.get_objects()
    sessions = sum(type(one).__name__ == "AppSession" for one in objects)
    print("counted", os.getpid(), sessions, len(objects), file=sys.stderr, flush=True)

signal.signal(signal.SIGUSR1, count)
sys.exit(main())
"""
"""runs Streamlit; on SIGUSR1, prints the number of sessions and of all Python objects"""
SERVE_SCRIPT = f"""
import sys
sys.path.insert(0, ".streamlit")
import serve
serve.STREAMLIT = [sys.executable, "-c", {APP_SCRIPT!r}]
serve.main()
"""
"""runs .streamlit/serve.py with processes that can count their objects"""


class Server:
    """The app: `processes` of it behind nginx, or a single one without a proxy if `processes` is 0.

    It deletes sessions `session_ttl` seconds after their visitors have left. `limits` replace constants of
    `pages.datasets.limits`, and `environment` adds variables to that of the app, if it is a single process.
    """

    def __init__(
        self,
        processes: int,
        port: int = 0,
        prefix: str = "",
        session_ttl: int = 60,
        limits: dict[str, int] | None = None,
        environment: dict[str, str] | None = None,
    ):
        if not port:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}{prefix}"
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        command = [sys.executable, "-c"]
        if processes:
            command += [SERVE_SCRIPT, "--port", str(port), "--processes", str(processes), "--prefix", prefix]
        else:
            changes = f"from pages.datasets import limits\nvars(limits).update({limits or {}!r})\n"
            command += [
                changes + APP_SCRIPT,
                "run",
                "dashboard.py",
                "--server.port",
                str(port),
                "--server.address",
                "127.0.0.1",
            ]
            command += ["--server.headless", "true"]
        command += ["--server.disconnectedSessionTTL", str(session_ttl)]
        self.has_proxy = processes > 0
        environment = os.environ | (environment or {})
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=self.log, stderr=subprocess.STDOUT)

    def wait(self) -> None:
        """Waits until the app responds."""
        for _ in range(300):
            if self._responds():
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.2)
        raise RuntimeError(f"the app did not start: {self.output()}")

    def _responds(self) -> bool:
        if self.has_proxy:  # no request, because requests without a cookie go to the processes in turn
            return "The app is at" in self.output()
        try:
            urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=1).close()
            return True
        except OSError:
            return False

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def pids(self) -> list[int]:
        """Returns the identifiers of the processes of the app."""
        if not self.has_proxy:
            return [self.process.pid]
        return list({number: int(pid) for number, pid in re.findall(r"Process (\d+): pid (\d+)", self.output())}.values())

    def output(self) -> str:
        return os.pread(
            self.log.fileno(), 2**30, 0
        ).decode()  # unlike `read`, does not move the position at which the app writes

    def restarted(self) -> list[int]:
        """Returns the numbers of processes that have ended, because of an error or for lack of memory."""
        return [int(number) for number in re.findall(r"Process (\d+) ended", self.output())]

    def megabytes(self, field: str = "VmRSS") -> list[float]:
        """Returns the memory in use by each process, or with "VmHWM" its peak since `reset_peak`."""
        statuses = [Path(f"/proc/{pid}/status").read_text() for pid in self.pids()]
        return [int(status.split(f"{field}:")[1].split()[0]) / 1024 for status in statuses]

    def reset_peak(self) -> None:
        for pid in self.pids():
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def processor_seconds(self) -> float:
        """Returns the processor time of all processes of the app."""
        times = [Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13] for pid in self.pids()]
        return sum(int(user) + int(system) for user, system in times) / os.sysconf("SC_CLK_TCK")

    async def count(self) -> list[tuple[int, int]]:
        """Returns the numbers of sessions and of Python objects of each process."""
        counts = []
        for pid in self.pids():
            counted = re.compile(rf"counted {pid} (\d+) (\d+)\n")
            before = len(counted.findall(self.output()))
            os.kill(pid, signal.SIGUSR1)
            while len(found := counted.findall(self.output())) == before:
                await asyncio.sleep(0.2)
            sessions, objects = found[-1]
            counts.append((int(sessions), int(objects)))
        return counts

    def tracebacks(self) -> list[str]:
        return [f"The server's log contains a traceback:\n{self.output()}"] if "Traceback" in self.output() else []
