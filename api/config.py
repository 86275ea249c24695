"""Settings of the service, and how all settings are read.

One TOML file with a section a room, overridden by variables of the environment::

    [cf]                        SEGUE_CF__FACTORS=32
    factors = 64                SEGUE_API__PORT=9000

The file is that of `--config`, else of `$SEGUE_CONFIG`, else `segue.toml` in the home if there is
one. `SEGUE_REDIS_URL` is `api.redis_url`. A variable is a setting if its name holds a double
underscore behind `SEGUE_`: container platforms set others, such as `SEGUE_PORT`, by themselves.

`[[rules]]` can stand in the file only. Lists of tracks that they name are found from its folder.
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from api.config_faults import PREFIX, REDIS_URL, explain
from api.rule_files import located
from api.toml_files import read_toml
from data.errors import ParameterError
from engine.config import Sections
from engine.home import Home

MIB = 1024 * 1024
_TESTS = "SEGUE_TEST_"


class ApiConfig(BaseModel):
    """How the HTTP service listens, caches and defends itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    workers: int = Field(
        2, ge=1, le=256, description="Processes that answer requests, about one a core."
    )
    threads: int = Field(4, ge=1, le=256, description="Requests that one process answers at once.")
    redis_url: str | None = Field(
        None,
        description="Redis that caches answers: `redis://`, `rediss://` or `unix://`. By default "
        "an embedded one is started. The variable `SEGUE_REDIS_URL` sets it, too.",
        repr=False,  # it may hold a password
    )
    cache_ttl: int = Field(
        3600, ge=1, description="Seconds that a cached answer is kept, if nothing else replaces it."
    )
    cache_timeout: float = Field(
        0.1,
        gt=0,
        le=5,
        description="Seconds to wait for Redis before an answer is computed without it.",
    )
    cache_pause: float = Field(
        1.0, gt=0, le=60, description="Seconds without Redis after it failed to answer."
    )
    cache_memory_mb: int = Field(
        256, ge=2, description="Megabytes of the embedded Redis; the least used answers go first."
    )
    max_upload_bytes: int = Field(
        64 * MIB, ge=1, description="Largest sound file that may be uploaded, in bytes."
    )
    max_body_bytes: int = Field(
        4 * MIB, ge=1024, description="Largest JSON body of a request, in bytes."
    )
    max_events: int = Field(1000, ge=1, description="Most events in one batch.")
    request_timeout: int = Field(
        60, ge=1, description="Seconds after which a worker process that hangs is replaced."
    )
    audio_timeout: float = Field(
        30.0, gt=0, description="Seconds to wait for the audio worker to embed an upload."
    )
    shutdown_timeout: int = Field(
        10, ge=1, description="Seconds that running requests have to finish when the server stops."
    )
    access_log: bool = Field(False, description="Whether each request is logged in one line.")

    @field_validator("redis_url")
    @classmethod
    def _known_scheme(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return url


class Settings(Sections):
    """The settings of every room."""

    api: ApiConfig = Field(default_factory=ApiConfig)


class _Sources(BaseSettings, Settings):
    """Reads the settings: the environment first, what it is given (the file) second."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings


def load_settings(home: Home, config: Path | None = None) -> Settings:
    """Read the settings of one installation.

    Parameters
    ----------
    home : Home
        Where `segue.toml` may be.
    config : Path, optional
        The file to read instead.

    Raises
    ------
    ParameterError
        If the file is missing or broken, or a key is unknown or its value wrong; one line that
        names the file or variable, the key and the value.
    """
    path = _config_path(home, config)
    content = {} if path is None else read_toml(path, what="settings", option="--config")
    if path is not None and "rules" in content:
        content["rules"] = located(content["rules"], path.parent)
    _check_variables()
    url = os.environ.get(REDIS_URL)
    if url:
        api = content.get("api")
        content["api"] = {**(api if isinstance(api, dict) else {}), "redis_url": url}
    try:
        found = _Sources(**content)
    except ValidationError as error:
        raise ParameterError(explain(error, Settings, path, rules=content.get("rules"))) from None
    except SettingsError as error:
        raise ParameterError(f"A variable of the environment cannot be read: {error}.") from None
    # What was not set stays unset, so that a search knows what it may vary.
    return Settings.model_validate(found.model_dump(exclude_unset=True))


def _config_path(home: Home, config: Path | None) -> Path | None:
    named = config or (Path(value) if (value := os.environ.get("SEGUE_CONFIG")) else None)
    if named is not None:
        return named
    return home.settings if home.settings.is_file() else None


def _check_variables() -> None:
    for name in os.environ:
        section = name.upper().removeprefix(PREFIX).partition("__")[0].lower()
        if not name.upper().startswith(PREFIX) or name.upper().startswith(_TESTS):
            continue
        if section == "rules":
            raise ParameterError(
                f"The variable {name} cannot set rules. Write [[rules]] into the settings file."
            )
        if "__" in name and section not in Settings.model_fields:
            known = ", ".join(Settings.model_fields)
            raise ParameterError(
                f"The variable {name} names no section of the settings ({known}). Unset it."
            )
