"""Runs several processes of the app behind one port, so that many visitors can use all cores.

    python .streamlit/serve.py [--port 8501] [--address 127.0.0.1] [--processes N] [--prefix /path] [options of Streamlit]

A cookie keeps each visitor on one process. The proxy is nginx, with the configuration `nginx.conf` in this folder. A process
that ends is started again. Ctrl-C or SIGTERM ends everything.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
STREAMLIT = [sys.executable, "-m", "streamlit"]
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""from a service manager, from Ctrl-C, and from a terminal that closes"""
START_SECONDS = 60
"""seconds in which a process must respond after the start"""
STOP_SECONDS = 10
"""seconds after which a process that does not stop is killed"""


def free_ports(n: int) -> list[int]:
    """Returns n different ports of the local interface that are free."""
    sockets = [socket.socket() for _ in range(n)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def configuration(listen: str, ports: list[int], prefix: str) -> str:
    """Returns nginx's configuration for an app that listens on these ports."""
    servers = [f"server 127.0.0.1:{port} max_fails=0" for port in ports]
    upstreams = []
    for i, own in enumerate(servers):
        backups = [f"{other} backup;" for other in servers[i + 1 :] + servers[:i]]
        upstreams.append(f"upstream process_{i} {{ {' '.join([f'{own};', *backups])} }}")
    words = dict(
        listen=listen,
        prefix=prefix,
        other_paths="location / { return 404; }" if prefix else "",
        any=[f"{server};" for server in servers],
        upstreams=upstreams,
        by_cookie=[f"{i} process_{i};" for i in range(len(ports))],
        by_address=[f"~:{port}$ {i};" for i, port in enumerate(ports)],
    )
    text = (FOLDER / "nginx.conf").read_text()
    for word, value in words.items():
        text = text.replace(f"@{word}@", value if isinstance(value, str) else "\n".join(value))
    return text


class App:
    """The processes of the app, and nginx in front of them."""

    def __init__(self, ports: list[int], prefix: str, options: list[str]):
        self.ports, self.prefix, self.options = ports, prefix, options
        # more threads than cores would wait for each other
        threads = max(1, (os.cpu_count() or 1) // len(ports))
        self.environment = dict(OPENBLAS_NUM_THREADS=str(threads)) | os.environ | dict(CLUSTERING_PROCESSES=str(len(ports)))
        self.processes: list[subprocess.Popen] = []
        self.proxy: subprocess.Popen | None = None

    def start(self, nginx: str, folder: str, address: str) -> None:
        """Starts the processes and, when they respond, nginx with its configuration in this folder."""
        for i in range(len(self.ports)):
            self.processes.append(self._start(i))
        for process, port in zip(self.processes, self.ports, strict=True):
            self._wait(process, f"127.0.0.1:{port}")
        self.proxy = subprocess.Popen([nginx, "-p", folder, "-c", "nginx.conf"])
        self._wait(self.proxy, address)

    def _start(self, i: int) -> subprocess.Popen:
        command = [*STREAMLIT, "run", "dashboard.py", "--server.port", str(self.ports[i]), "--server.address", "127.0.0.1"]
        command += ["--server.headless", "true", "--server.baseUrlPath", self.prefix.strip("/"), *self.options]
        # hides the address that Streamlit prints, which visitors should not use
        process = subprocess.Popen(command, cwd=FOLDER.parent, env=self.environment, stdout=subprocess.DEVNULL)
        print(f"Process {i}: pid {process.pid}, port {self.ports[i]}", flush=True)
        return process

    def _wait(self, process: subprocess.Popen, address: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not responds(f"http://{address}{self.prefix}/_stcore/health"):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{process.args[0]} did not start at {address}.")
            time.sleep(0.1)

    def supervise(self) -> None:
        """Starts processes again that have ended, until nginx ends."""
        while self.proxy.poll() is None:
            time.sleep(1)
            for i, process in enumerate(self.processes):
                if process.poll() is not None:
                    print(f"Process {i} ended with status {process.returncode}.", flush=True)
                    self.processes[i] = self._start(i)
        sys.exit("nginx ended.")

    def stop(self) -> None:
        """Stops nginx first, because a process waits for its visitors' connections to close."""
        for processes in ([self.proxy] if self.proxy else [], self.processes):
            for process in processes:
                process.terminate()
            deadline = time.monotonic() + STOP_SECONDS
            for process in processes:
                try:
                    process.wait(max(0, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def responds(address: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # ignores a proxy in the environment
    try:
        opener.open(address, timeout=5).close()
        return True
    except OSError:
        return False


def main(arguments: list[str] | None = None) -> None:
    epilog = "Other options are passed to `streamlit run`."
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog=epilog, allow_abbrev=False)
    parser.add_argument("--port", type=int, default=8501, help="port for visitors (default: 8501)")
    parser.add_argument("--address", default="127.0.0.1", help="address for visitors (default: 127.0.0.1; all: 0.0.0.0)")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="number of processes (default: one per core)")
    parser.add_argument("--prefix", default="", help="path of the app, such as /clusters (default: none)")
    args, options = parser.parse_known_args(arguments)
    if args.processes < 1:
        parser.error(f"--processes must be at least 1, got {args.processes}")
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if nginx is None:
        sys.exit("nginx is missing. On Debian or Ubuntu, install it with `apt-get install nginx-light`.")
    prefix = f"/{args.prefix.strip('/')}".rstrip("/")

    for number in STOP_SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup sets it
            signal.signal(number, lambda *_: sys.exit(0))
    ports = free_ports(args.processes)
    app = App(ports, prefix, options)
    with tempfile.TemporaryDirectory(prefix="clustering-") as folder:
        try:
            Path(folder, "nginx.conf").write_text(configuration(f"{args.address}:{args.port}", ports, prefix))
            local = "127.0.0.1" if args.address == "0.0.0.0" else args.address
            app.start(nginx, folder, f"{local}:{args.port}")
            print(f"The app is at http://{local}:{args.port}{prefix}/", flush=True)
            app.supervise()
        finally:
            for number in STOP_SIGNALS:
                signal.signal(number, signal.SIG_IGN)
            app.stop()


if __name__ == "__main__":
    main()
