"""How schemathesis is set up: its checks, its schema object, and what it may read of this process."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from run_results_conformance.server.terms import JsonObject

if TYPE_CHECKING:
    from schemathesis.schemas import BaseSchema


def checks() -> JsonObject:
    """The checks of schemathesis that are switched off or changed, each with the reason."""
    return {
        # 503 is in the spec, for a busy server.
        "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "501", "503"]},
        # The spec does not say which methods a server has besides GET. Our rules judge how it refuses them.
        "unsupported_method": {"enabled": False},
        # The spec has only GET, but a server may list HEAD or more in Allow.
        "allow_header_conformance": {"enabled": False},
        # Authorization is the only required header, and the check ignored_auth is about it.
        "missing_required_header": {"enabled": False},
        # The operations only read: nothing is created, deleted or owned.
        "use_after_free": {"enabled": False},
        "ensure_resource_availability": {"enabled": False},
        "object_level_authorization": {"enabled": False},
        # The spec has a default answer, so every status is documented.
        "status_code_conformance": {"enabled": False},
    }


def load(document: JsonObject, config: JsonObject, url: str, headers: dict[str, str]) -> "BaseSchema":
    from schemathesis import Config, openapi

    settings = Config.from_dict(config)
    schema = openapi.from_dict(document, config=settings)
    # Set here: in a configuration file schemathesis would replace "${...}", which a token may contain.
    schema.config.update(base_url=url.rstrip("/"), headers=headers)
    return schema


_ONE_AT_A_TIME = threading.Lock()


@contextmanager
def exclusive() -> Iterator[None]:
    """Lets one thread at a time use schemathesis, without credentials and proxies of the environment.

    The library that sends for schemathesis would use credentials from `.netrc` instead of the token, and proxies from
    the environment. The verifier does neither.
    """
    with _ONE_AT_A_TIME:
        before = {name: os.environ.get(name) for name in ("NETRC", "NO_PROXY", "no_proxy", "REQUESTS_CA_BUNDLE")}
        os.environ.update(NETRC=os.devnull, NO_PROXY="*", no_proxy="*")
        if trusted := os.environ.get("SSL_CERT_FILE"):  # which the library that sends does not read
            os.environ["REQUESTS_CA_BUNDLE"] = trusted
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


@contextmanager
def own_profile() -> Iterator[None]:
    """Gives schemathesis Hypothesis' own defaults instead of the profile of the process, which it would obey."""
    from hypothesis import settings

    # Threads that start later have this profile. This thread keeps its settings: it may be in a Hypothesis test.
    with ThreadPoolExecutor(1) as another:
        before = settings.get_current_profile_name()
        another.submit(settings.load_profile, "default").result()
        try:
            yield
        finally:
            another.submit(settings.load_profile, before).result()
