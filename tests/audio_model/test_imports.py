import subprocess
import sys
from pathlib import Path

LIGHT = """config recipes containers decode filters frames mel chunks batcher cache features views
dataset checkpoint clips pool wire embed encoder arrays quiet saved pretrained recording"""


def test_importing_the_room_loads_neither_tensorflow_nor_the_slow_parts_of_librosa():
    modules = "\n".join(f"import audio_model.{name}" for name in LIGHT.split())
    code = f"""
import sys
import audio_model
{modules}
slow = "tensorflow", "keras", "numba", "librosa.core", "scipy.signal"
print([name for name in slow if name in sys.modules])
"""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "[]\n"


def test_a_process_that_decodes_loads_little():
    code = """
import sys
import audio_model.embed  # as a worker does to unpickle its task
slow = "pandas", "pyarrow", "librosa", "scipy.signal", "scipy.linalg", "scipy.stats", "matplotlib"
print([name for name in ("tensorflow", *slow) if name in sys.modules])
"""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "[]\n"


def test_tensorflow_starts_without_a_word():
    code = "import audio_model.training as t; t.tf.constant(1) + 1"
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout + run.stderr == ""
