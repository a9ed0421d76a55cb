"""Named profiles in one file: where a server is, which context, where the token comes from, and the project's names.

    [default]
    base_url = "https://aihub.example.com/api"
    context = "my-organization"
    token = "file:~/.config/run-results/token"   # or env:NAME; never the token itself
    names = "fields.txt"                         # beside this file

The file is `RUN_RESULTS_CONFIG`, else `run-results/config.toml` in `XDG_CONFIG_HOME` (`~/.config`). The profile is that
of `--profile`, else of `RUN_RESULTS_PROFILE`, else `default`, which may be absent. Options and environment variables
come before what a profile says.
"""

import os
import tomllib
from pathlib import Path
from typing import Final

from attrs import field, frozen

from run_results.errors import ConfigurationError
from run_results.token_reference import is_reference

FILE_VARIABLE: Final = "RUN_RESULTS_CONFIG"
VARIABLE: Final = "RUN_RESULTS_PROFILE"
MEMBERS: Final = ("base_url", "context", "token", "names")
"""What a profile can have."""
_EXAMPLE: Final = "`run-results config show --help` has an example"


@frozen
class Profile:
    """One profile; an empty one where there is none."""

    name: str = ""
    file: Path | None = None
    values: dict[str, str] = field(factory=dict, repr=False)

    @property
    def title(self) -> str:
        """What it is called in texts."""
        return f"profile {self.name!r} in {str(self.file)!r}"


def config_path() -> Path:
    """The file of the profiles, whether it is there or not."""
    if named := os.environ.get(FILE_VARIABLE):
        return Path(named).expanduser()
    home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / "run-results" / "config.toml"


def read_profile(wanted: str | None) -> Profile:
    """The profile of this name; without a name the default one, where there is one. Raises `ConfigurationError`."""
    path = config_path()
    name = wanted or os.environ.get(VARIABLE) or ""
    try:
        with path.open("rb") as file:
            profiles = tomllib.load(file)
    except (FileNotFoundError, NotADirectoryError):
        if name or FILE_VARIABLE in os.environ:
            text = f"there is no file of profiles {str(path)!r}"
            advice = f"Write it, or set {FILE_VARIABLE} to another one; {_EXAMPLE}"
            raise ConfigurationError(text, advice=advice) from None
        return Profile()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        text = f"the profiles in {str(path)!r} cannot be read: {reason}"
        raise ConfigurationError(text, advice=f"Correct the file; {_EXAMPLE}") from None
    if not name and "default" not in profiles:
        return Profile()
    found = profiles.get(name or "default")
    if not isinstance(found, dict):
        known = ", ".join(sorted(each for each, value in profiles.items() if isinstance(value, dict))) or "none"
        text = f"{str(path)!r} has no profile {name or 'default'!r}; it has {known}"
        raise ConfigurationError(text, advice=f"Add it, or choose another with --profile or {VARIABLE}")
    return Profile(name or "default", path, _values(found, f"profile {name or 'default'!r} in {str(path)!r}", path))


def _values(found: dict[str, object], title: str, path: Path) -> dict[str, str]:
    values: dict[str, str] = {}
    for key, value in found.items():
        if key not in MEMBERS:
            raise ConfigurationError(f"{title} has {key[:80]!r}; a profile can have {', '.join(MEMBERS)}")
        if not isinstance(value, str) or not value:
            raise ConfigurationError(f"{title}: {key} must be a text that is not empty")
        values[key] = value
    if not is_reference(values.get("token", "env:X")):
        text = f"{title} has a token in it, which whoever reads the file could use"
        raise ConfigurationError(f"{text}; write where it is: env:NAME or file:PATH")
    if "names" in values:
        values["names"] = str(path.parent / Path(values["names"]).expanduser())
    if values.get("token", "").startswith("file:"):
        values["token"] = f"file:{path.parent / Path(values['token'].removeprefix('file:')).expanduser()}"
    return values
