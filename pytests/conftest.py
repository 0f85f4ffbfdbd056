"""Shared fixtures: where the program and the optional test data are."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


def pytest_configure(config):
    config.addinivalue_line("filterwarnings", "error::pytest.PytestUnhandledThreadExceptionWarning")


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def program():
    path = pathlib.Path(os.environ.get("RSPSIM", ROOT / "build" / "rspsim"))
    if not path.exists():
        pytest.fail(f"{path} is not built; run make")
    return path


@pytest.fixture(scope="session")
def rspsim(program):
    """Runs the program: rspsim("run", path) -> CompletedProcess with text output."""

    def run(*args, check=None, cwd=ROOT, text=True, **kwargs):
        done = subprocess.run([str(program), *map(str, args)], cwd=cwd, text=text,
                              capture_output=True, timeout=300, **kwargs)
        if check is not None:
            assert done.returncode == check, f"{args}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    return run


@pytest.fixture(scope="session")
def shared():
    if not SHARED.is_dir():
        pytest.skip("test data ../shared is absent")
    return SHARED


def traced_folders(root):
    """A thousand devices say half a gigabyte: test_fleet.py has them to itself."""
    found = {path.relative_to(root).parts[1] for path in (root / "scenarios").rglob("*.yaml")
             if path.read_text().startswith("scenario:")}
    return [f"scenarios/{name}" for name in sorted(found - {"fleet"})]


@pytest.fixture(scope="session")
def traces(rspsim, root, tmp_path_factory):
    """Traces of all scenarios but the large fleets' over memory, with secrets: a folder."""
    folder = tmp_path_factory.mktemp("traces")
    rspsim("run", *traced_folders(root), "--trace-dir", folder, "--secrets", "--quiet", "--jobs", "2", check=0)
    return folder
