"""Experiments in the whole service: the settings reach the workers, the log the database."""

from __future__ import annotations

from pathlib import Path

from api.config import load_settings
from data.config import DataConfig
from data.store import Store
from engine.experiments import assign
from engine.home import Home
from tests.api.conftest import copy_home
from tests.api.running import running

SETTINGS = """
[impressions]
flush_seconds = 60

[[experiments]]
name = "louder"
[[experiments.variants]]
name = "control"
[[experiments.variants]]
name = "sound"
ranker = { weight_audio = 50.0, weight_cf = 0.0 }
"""


def test_what_was_served_is_logged_when_the_service_has_ended(
    template: Home, tmp_path: Path
) -> None:
    home = Home(tmp_path / "home")
    copy_home(template, home)
    home.settings.write_text(SETTINGS, "utf-8")
    (experiment,) = load_settings(home).experiments
    users = [f"user-{n}" for n in range(12)]
    (tmp_path / "cwd").mkdir()
    with running(home.root, tmp_path / "cwd") as server:
        bodies = {user: server.ask(f"/v1/users/{user}/recommendations?n=3")[1] for user in users}
        # Both workers give a user the same variant, and so does this process.
        for user in users:
            again = server.ask(f"/v1/users/{user}/recommendations?n=3")[1]
            assert again["variant"] == bodies[user]["variant"] == assign(experiment, user).name
        assert server.stop() == 0
    with Store.open(DataConfig().url(home.root)) as store:
        slots = store.load_slots(experiment="louder")
    # Nothing was written in the first minute: the end of the workers did it.
    assert set(slots.user_id) == set(users)
    for user, body in bodies.items():
        own = slots[slots.user_id == user]
        assert own.track_id.tolist() == [item["track_id"] for item in body["items"]]
        assert set(own.variant) == {body["variant"]}
