"""Many files to embeddings: processes decode while this one predicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audio_model.batcher import Batcher
from audio_model.cache import MelCache
from audio_model.clips import Progress
from audio_model.config import AudioConfig
from audio_model.encoder import AudioEncoder, Heard, WordArray
from audio_model.mel import sound_mel
from audio_model.pool import read_in_workers
from audio_model.recording import recording_print


def embed_files(
    items: Sequence[tuple[str, Path]],
    encoder: AudioEncoder,
    cache: MelCache | None,
    *,
    workers: int = 1,
    on_result: Callable[[str, Heard], None],
    on_bad_file: Callable[[str, Path, str], None],
    progress: Progress | None = None,
) -> None:
    """Embed sound files, reporting each as soon as it is known.

    Decoding and mel-spectrograms run in processes of their own, prediction in a thread of this
    one, over the chunks of several tracks at once. A few tracks are held at a time, however many
    there are, and of each its spectrogram (40 MB an hour with the default settings), not its
    sound. A bad file, or one that crashes or hangs its decoder, is reported and skipped. All
    callbacks are called from the calling thread; an exception of theirs (or Ctrl-C) ends the run.

    Parameters
    ----------
    items : sequence of (str, Path)
        Ids and files.
    encoder : AudioEncoder
        Embeds chunks.
    cache : MelCache or None
        Where spectrograms are kept; None keeps none.
    workers : int
        Processes that decode, at least 1.
    on_result : callable
        Told (id, what became of the file), in order of completion.
    on_bad_file : callable
        Told (id, path, one-line reason).
    progress : callable, optional
        Told (done, total, what).

    Raises
    ------
    ParameterError
        If the cache holds spectrograms of other settings than the encoder was trained on.
    DataError
        If the cache cannot be written.
    """
    if cache is not None:
        cache.check(encoder.config)
    batcher = Batcher(encoder, on_result)
    listen = partial(_listen, cache, encoder.config)
    outcomes = read_in_workers(listen, [path for _, path in items], workers=workers)
    with closing(batcher), closing(outcomes):
        for done, outcome in enumerate(outcomes, start=1):
            track_id, path = items[outcome.index]
            if outcome.value is None:
                on_bad_file(track_id, path, outcome.error or "")
            else:
                batcher.add(track_id, *outcome.value)
            if progress is not None:
                progress(done, len(items), "embedding")
        batcher.finish()


def _listen(
    cache: MelCache | None, config: AudioConfig, path: Path
) -> tuple[npt.NDArray[np.floating], WordArray]:
    """Return the spectrogram of a file and the print of the recording; called in a worker."""
    # An array of its own type: a memory map would be copied once more on its way.
    mel = np.asarray(sound_mel(path, config) if cache is None else cache.mel(path))
    return mel, recording_print(mel, config)
