"""Build what a release has, into dist/: the sdist, the wheel, an SBOM, the licences, and digests of them.

    python requirements/dist.py            # needs hatchling and cyclonedx-bom, and .venv-extras for the SBOM
    python requirements/dist.py --wheel    # the wheel alone

The wheel is built twice, from the tree and from the sdist, and the sdist twice as well: both have to be the same, byte
for byte. `make dist` and `make wheel` call this.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
EXTRAS = ROOT / ".venv-extras" / "bin" / "python"


def build(tree: Path, target: str, folder: Path) -> Path:
    """Build the sdist or the wheel of a source tree into a folder."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    finished = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    if finished.returncode:
        sys.exit(f"the {target} cannot be built:\n{finished.stderr}")
    (built,) = folder.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return built


def check_same(first: Path, second: Path, how: str) -> None:
    """Exit where two files are not the same."""
    if first.read_bytes() != second.read_bytes():
        sys.exit(f"{first.name} is another file when it is built {how}")


def packages(sbom: Path) -> None:
    """Write the SBOM of the locked packages that users can get, with every extra."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--pyproject", str(ROOT / "pyproject.toml")]
    command += ["--output-reproducible", "--output-format", "JSON", "--output-file", str(sbom), str(EXTRAS)]
    subprocess.run(command, check=True)


def licence_of(component: dict[str, Any]) -> str:
    """The licence of a package: its SPDX expression or identifier, else what it calls it."""
    found = component.get("licenses", ())
    standard = [each.get("expression") or each["license"].get("id") for each in found]
    named = [each["license"]["name"].partition("\n")[0][:60] for each in found if "name" in each.get("license", {})]
    names = sorted(filter(None, standard)) or named
    return names[0].removeprefix("License :: OSI Approved :: ") if names else ""


def licences(sbom: Path) -> str:
    """Each package of an SBOM with its licence, as Markdown. Exits where one has none."""
    components = json.loads(sbom.read_text("utf-8"))["components"]
    rows = []
    for component in sorted(components, key=lambda each: each["name"].lower()):
        if not licence_of(component):
            sys.exit(f"{component['name']} says no licence")
        rows.append(f"| {component['name']} | {component['version']} | {licence_of(component)} |")
    return "\n".join(["| package | version | licence |", "|---|---|---|", *rows, ""])


def main() -> None:
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    wheel = build(ROOT, "wheel", DIST)
    if "--wheel" in sys.argv:
        print(wheel.relative_to(ROOT))
        return
    sdist = build(ROOT, "sdist", DIST)
    with tempfile.TemporaryDirectory() as folder:
        check_same(sdist, build(ROOT, "sdist", Path(folder, "again")), "again")
        with tarfile.open(sdist) as archive:
            archive.extractall(folder, filter="data")
        check_same(
            wheel,
            build(Path(folder, sdist.name.removesuffix(".tar.gz")), "wheel", Path(folder, "wheel")),
            "from the sdist",
        )
    sbom = DIST / sdist.name.replace(".tar.gz", ".cdx.json")
    packages(sbom)
    (DIST / "LICENCES.md").write_text(licences(sbom), "utf-8")
    built = [path for path in sorted(DIST.iterdir()) if path.name != "SHA256SUMS"]
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in built]
    (DIST / "SHA256SUMS").write_text("".join(sums), "utf-8")
    print("".join(sums), end="")
    print("the sdist and the wheel are the same, byte for byte, when they are built again")


if __name__ == "__main__":
    main()
