"""A PostgreSQL server in a temporary folder, for tests."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

USER = "postgres"
"""the unprivileged user of Debian's package: `initdb` refuses to run as root"""


@contextlib.contextmanager
def postgresql():
    """The URL of a database; the server listens only on a socket in a temporary folder.

    Without PostgreSQL, tests are skipped, unless BIG_TESTS=required.
    """
    initdb = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)), shutil.which("initdb"))
    if initdb is None:
        message = "PostgreSQL is not installed (Debian: apt install postgresql)"
        if os.environ.get("BIG_TESTS") == "required":
            pytest.fail(message)
        pytest.skip(message)
    folder = tempfile.mkdtemp(prefix="pg-")
    other_user = []
    if os.getuid() == 0:
        shutil.chown(folder, USER, USER)
        other_user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    options = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
    create = [initdb, "-D", f"{folder}/data", "-U", USER, "-A", "trust", "--no-sync", "--no-locale", "-E", "UTF8"]
    subprocess.run([*other_user, *create], check=True, **options)
    run = [Path(initdb).with_name("postgres"), "-D", f"{folder}/data", "-k", folder, "-h", "", "-F"]
    server = subprocess.Popen([*other_user, *run], **options)
    ready = [Path(initdb).with_name("pg_isready"), "-h", folder]
    try:
        while subprocess.run(ready, **options).returncode:
            assert server.poll() is None, "PostgreSQL did not start"
            time.sleep(0.05)
        yield f"postgresql+psycopg://{USER}@/postgres?host={folder}"
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder)
