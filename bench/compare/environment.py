"""Where the engines live: environments with their pinned packages, and the scratch folder with what they built.

There is one environment for the libraries and one for the databases, each with a file of requirements.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import subprocess
import sys
from typing import Callable

# One thread for every library that would start its own.
ONE_THREAD = {
    name: "1"
    for name in (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "RAYON_NUM_THREADS",
        "TOKIO_WORKER_THREADS",
        "LANCE_CPU_THREADS",
        "NUMEXPR_NUM_THREADS",
    )
}
# Which folder of the scratch folder, and which file of requirements.
GROUPS = {"libraries": ("venv", "requirements.txt"), "databases": ("venv-databases", "requirements-databases.txt")}
# Packages that are not published in built form.
FROM_SOURCE = ("hnswlib",)


class Environment:
    def __init__(self, repository: pathlib.Path, scratch: pathlib.Path, say: Callable[[str], None], group: str = "libraries"):
        self.repository, self.scratch, self._say = repository, scratch.resolve(), say
        self.scratch.mkdir(parents=True, exist_ok=True)
        folder, requirements = GROUPS[group]
        self._folder, self._requirements = self.scratch / folder, pathlib.Path(__file__).with_name(requirements)
        self.python = self._folder / "bin" / "python"
        self.failed: dict[str, str] = {}  # package -> why it did not install
        self._install()
        self.versions = self._installed()
        build_tree = pathlib.Path(os.environ.get("VIPER_BUILD_DIR", repository / "build" / "release"))
        self.python_path = [str(build_tree.resolve() / "python")]
        if "VIPER_PEERS" in os.environ:
            self.python_path.append(str(pathlib.Path(os.environ["VIPER_PEERS"]).resolve()))

    def variables(self) -> dict[str, str]:
        """The environment variables of every process that runs an engine."""
        return {**os.environ, **ONE_THREAD, "PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1"}

    def _install(self) -> None:
        """Make the environment once per content of the requirements; a package that fails does not stop the others."""
        stamp = self._folder / ".installed.json"
        digest = hashlib.sha256(self._requirements.read_bytes()).hexdigest()
        if stamp.exists():
            known = json.loads(stamp.read_text())
            if known["digest"] == digest:
                self.failed = known["failed"]
                return
        self._say(f"installing what {self._requirements.name} names into an environment of its own")
        if not self.python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(self._folder)], check=True)
        if not self._pip_install("-r", str(self._requirements)):
            for line in self._requirements.read_text().splitlines():
                package = line.split("#")[0].strip()
                if package and not self._pip_install(package):
                    self.failed[package.split("==")[0]] = self._pip_message
                    self._say(f"{package} does not install: {self._pip_message}")
        stamp.write_text(json.dumps({"digest": digest, "failed": self.failed}))

    def _pip_install(self, *arguments: str) -> bool:
        built = ["--only-binary", ":all:", "--no-binary", ",".join(FROM_SOURCE)]
        command = [str(self.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *built, *arguments]
        done = subprocess.run(command, capture_output=True, encoding="utf-8")
        self._pip_message = last_line(done.stderr)
        return done.returncode == 0

    def _installed(self) -> dict[str, str]:
        command = [str(self.python), "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"]
        packages = json.loads(subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout)
        return {package["name"]: package["version"] for package in packages}


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no message"
