"""The suite that every audio encoder passes: inherit, and give it an `encoder` fixture."""

import numpy as np
import pytest

from audio_model.chunks import split_chunks
from audio_model.encoder import AudioEncoder


class AudioEncoderContract:
    """What `audio_model.encoder.AudioEncoder` promises."""

    @pytest.fixture
    def encoder(self) -> AudioEncoder:
        raise NotImplementedError

    @pytest.fixture
    def chunks(self, encoder: AudioEncoder) -> np.ndarray:
        shape = (21, encoder.config.n_mels, encoder.config.chunk_frames)
        return np.random.default_rng(1).uniform(-80, 0, shape).astype(np.float32)

    def test_embeddings_are_unit_rows_of_float32(self, encoder, chunks):
        embeddings = encoder.embed_chunks(chunks)
        assert (embeddings.shape, embeddings.dtype) == ((21, encoder.dim), np.float32)
        np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)

    def test_different_chunks_have_different_embeddings(self, encoder, chunks):
        embeddings = encoder.embed_chunks(chunks)
        assert np.unique(embeddings, axis=0).shape == embeddings.shape

    def test_an_embedding_does_not_depend_on_its_company(self, encoder, chunks):
        together = encoder.embed_chunks(chunks)
        alone = np.concatenate([encoder.embed_chunks(chunk[None]) for chunk in chunks])
        backwards = encoder.embed_chunks(chunks[::-1])[::-1]
        np.testing.assert_allclose(alone, together, atol=1e-5)
        np.testing.assert_allclose(backwards, together, atol=1e-5)

    def test_the_same_again(self, encoder, chunks):
        np.testing.assert_array_equal(encoder.embed_chunks(chunks), encoder.embed_chunks(chunks))

    def test_no_chunks_have_no_embeddings(self, encoder, chunks):
        assert encoder.embed_chunks(chunks[:0]).shape == (0, encoder.dim)

    def test_input_is_left_alone(self, encoder, chunks):
        before = chunks.copy()
        encoder.embed_chunks(chunks)
        np.testing.assert_array_equal(chunks, before)

    @pytest.mark.parametrize("lengths", [0.4, 1.0, 1.6, 7.5])
    def test_a_track_of_any_length_is_the_mean_of_its_chunks(self, encoder, lengths):
        frames = int(lengths * encoder.config.chunk_frames)
        rng = np.random.default_rng(2)
        mel = rng.uniform(-80, 0, (encoder.config.n_mels, frames)).astype(np.float16)
        expected = encoder.embed_chunks(split_chunks(mel, encoder.config)).mean(axis=0)
        found = encoder.embed_mel(mel)
        assert (found.shape, found.dtype) == ((encoder.dim,), np.float32)
        np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=1e-5)

    def test_the_fingerprint_is_a_name_for_files(self, encoder):
        assert encoder.fingerprint
        assert encoder.fingerprint.isalnum()
