import numpy as np
import pytest

from audio_model.backend import configure_runtime, keras, tf
from audio_model.config import AudioConfig
from audio_model.loss import info_nce, nt_xent
from audio_model.network import (
    PLAIN,
    WHITENING,
    FusedBatchNormalization,
    Statistics,
    build_network,
    projection_head,
)
from data.errors import ParameterError


def test_the_network_is_the_articles(config):
    model = build_network("article", config)
    kinds = [type(layer).__name__ for layer in model.layers]
    block = ["Conv2D", "FusedBatchNormalization", "MaxPooling2D"]
    tail = ["GlobalAveragePooling2D", "Dense", "UnitNormalization"]
    assert kinds == ["InputLayer", *block * 3, *tail]
    shapes = [tuple(layer.output.shape[1:]) for layer in model.layers]
    pooled = [(64, 64, 32), (32, 32, 64), (16, 16, 128)]
    assert shapes[0] == (128, 129, 1)
    assert [shapes[3], shapes[6], shapes[9]] == pooled
    assert shapes[-3:] == [(128,), (128,), (128,)]
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert {(c.kernel_size, c.padding, c.activation.__name__) for c in convolutions} == {
        ((3, 3), "same", "relu")
    }
    # Weights and biases of the convolutions, 4 a channel of normalisation, the dense layer.
    by_hand = (9 * 32 + 32) + (9 * 32 * 64 + 64) + (9 * 64 * 128 + 128) + 4 * 224 + 128 * 128 + 128
    assert model.count_params() == by_hand == 110_080


def test_the_seed_decides_the_initial_weights(tiny):
    def weights(seed: int) -> list[np.ndarray]:
        config = AudioConfig(**{**tiny.model_dump(), "seed": seed})
        return build_network("article", config).get_weights()

    assert all(np.array_equal(a, b) for a, b in zip(weights(1), weights(1), strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(weights(1), weights(2), strict=True))


def test_an_unknown_architecture_is_refused(tiny):
    with pytest.raises(ParameterError, match="`architecture` must be one of article, tdnn"):
        build_network("perceptron", tiny)


def test_settings_of_threads_come_too_late_without_harm(tiny):
    tf.constant(1.0)
    configure_runtime(AudioConfig(threads=3))


@pytest.mark.parametrize("training", [True, False])
def test_fused_batch_normalisation_is_batch_normalisation(training):
    x = tf.constant(np.random.default_rng(0).normal(3, 2, (8, 9, 7, 5)).astype(np.float32))
    fused, plain = (
        FusedBatchNormalization(momentum=0.9),
        keras.layers.BatchNormalization(momentum=0.9),
    )
    rng = np.random.default_rng(1)
    values = [rng.uniform(0.5, 2, 5).astype(np.float32) for _ in range(4)]
    found = []
    for layer in (fused, plain):
        layer.build(x.shape)
        layer.set_weights(values)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=training)
            loss = tf.reduce_sum(y**3)
        gradients = tape.gradient(loss, [x, layer.gamma.value, layer.beta.value])
        found.append([y.numpy(), *layer.get_weights(), *(g.numpy() for g in gradients)])
    for a, b in zip(*found, strict=True):  # Bessel's correction is 504 / 503 here
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-3)


def test_info_nce_of_perfect_pairs_is_known():
    # Logits are 10 on the diagonal and 0 elsewhere: -log(e^10 / (e^10 + e^0)).
    z = tf.eye(2)
    by_hand = np.log(1 + np.exp(-10))
    assert float(info_nce(z, z, temperature=0.1)) == pytest.approx(by_hand, rel=1e-3)


def test_info_nce_of_equal_embeddings_is_the_logarithm_of_the_batch():
    z = tf.constant(np.tile([[0.6, 0.8]], (8, 1)).astype(np.float32))
    assert float(info_nce(z, z, temperature=0.1)) == pytest.approx(np.log(8), rel=1e-6)


def test_info_nce_has_the_rows_of_the_first_argument_choose():
    a = np.array([[1, 0], [0.6, 0.8]], np.float32)
    b = np.array([[0.8, 0.6], [1, 0]], np.float32)
    # a b^T / 0.5 = [[1.6, 2.0], [1.92, 1.2]]: each row's partner stands on the diagonal.
    first = np.log(np.exp(1.6) + np.exp(2.0)) - 1.6
    second = np.log(np.exp(1.92) + np.exp(1.2)) - 1.2
    by_hand = (first + second) / 2
    found = float(info_nce(tf.constant(a), tf.constant(b), temperature=0.5))
    assert found == pytest.approx(by_hand, rel=1e-5)
    other_way = float(info_nce(tf.constant(b), tf.constant(a), temperature=0.5))
    assert other_way != pytest.approx(by_hand, rel=1e-3)


def test_nt_xent_of_known_angles():
    # Two tracks, two views each, all on the axes; every view has 3 others to choose from.
    a, b = np.eye(2, dtype=np.float32), np.array([[1, 0], [1, 0]], np.float32)
    kin = tf.eye(2, dtype=tf.bool)
    # Logits at temperature 1: a0 = (1, 0), b0 = a0, b1 = a0, a1 = (0, 1).
    e = np.exp(1.0)
    by_hand = np.mean(
        [
            np.log(2 * e + 1) - 1,  # a0 picks b0 among a1 (0), b0 (1), b1 (1)
            np.log(3) - 0,  # a1 picks b1 among a0, b0, b1: all 0
            np.log(2 * e + 1) - 1,  # b0 picks a0 among a0 (1), a1 (0), b1 (1)
            np.log(2 * e + 1) - 0,  # b1 picks a1 (0) among a0 (1), a1 (0), b0 (1)
        ]
    )
    found = nt_xent(tf.constant(a), tf.constant(b), kin, temperature=1.0)
    assert float(found) == pytest.approx(by_hand, rel=1e-5)
    other_way = nt_xent(tf.constant(b), tf.constant(a), kin, temperature=1.0)
    assert float(other_way) == pytest.approx(by_hand, rel=1e-5)


def test_nt_xent_of_equal_embeddings_is_the_logarithm_of_the_others():
    z = tf.constant(np.tile([[0.6, 0.8]], (8, 1)).astype(np.float32))
    for weight in (0.0, 0.4):
        loss = nt_xent(z, z, tf.ones((8, 8), tf.bool), temperature=0.1, kin_weight=weight)
        assert float(loss) == pytest.approx(np.log(15), rel=1e-5)


@pytest.mark.parametrize(
    "kin",
    [
        [[0, 1], [0, 1], [2]],  # two of an artist
        [[0, 1], [0, 1, 2], [1, 2]],  # a chain: the neighbours of the middle one are strangers
    ],
)
def test_the_weight_of_kin_draws_it_together(kin):
    a = tf.constant(np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32))
    together = tf.constant(np.array([[j in of for j in range(3)] for of in kin]))
    alone = float(nt_xent(a, a, together, temperature=0.5))
    # Of the first view: its kin is the other view of row 0 (cosine 1) and both of row 1 (0.8).
    logits = np.array([[1, 0.8, 0], [0.8, 1, 0.6], [0, 0.6, 1]]) / 0.5
    rows = []
    for i, same in enumerate(kin):
        others = np.delete(np.repeat(logits[i], 2), 2 * i)  # all views but itself
        log_sum = np.log(np.exp(others).sum())
        found = [logits[i, j] for j in same for _ in range(2)]
        found.remove(logits[i, i])
        rows.append(np.mean([log_sum - f for f in found]))
    both = float(nt_xent(a, a, together, temperature=0.5, kin_weight=0.25))
    assert both == pytest.approx(0.75 * alone + 0.25 * np.mean(rows), rel=1e-5)


def test_statistics_of_a_known_sequence():
    x = tf.constant(np.array([[[[1, 5], [3, 5], [5, 5]]]], np.float32))  # (1, 1, 3, 2)
    root = np.sqrt(8 / 3 + 1e-5)
    expected = [[3, 5, root, np.sqrt(1e-5), 5, 5]]
    np.testing.assert_allclose(Statistics()(x), expected, rtol=1e-5)


def test_the_time_delay_network(tiny):
    full = AudioConfig()
    model = build_network("tdnn", full)
    assert (model.input_shape, model.output_shape) == ((None, 128, 216, 1), (None, 128))
    convolutions = [w for w in model.trainable_weights if len(w.shape) == 4]
    by_hand = 128 * 224 * 5 + 224 * 224 * 4 + 224 * 288 * 3 + 2 * 288 * 288 * 4 + 288 * 384
    assert sum(np.prod(w.shape) for w in convolutions) == by_hand
    assert model.count_params() * 2 < 3.2e6  # bytes as float16
    whitening = model.get_layer(WHITENING)
    assert not whitening.trainable
    np.testing.assert_array_equal(whitening.get_weights()[0], np.eye(128))
    x = np.random.default_rng(0).uniform(0, 1, (3, 16, 16, 1)).astype(np.float32)
    small = build_network("tdnn", tiny)
    lengths = np.linalg.norm(small(x, training=False), axis=1)
    np.testing.assert_allclose(lengths, 1, rtol=1e-5)


def test_mixed_precision_keeps_float32_weights_and_nearly_the_result(tiny):
    x = np.random.default_rng(0).uniform(0, 1, (3, 16, 16, 1)).astype(np.float32)
    full, mixed = (build_network("tdnn", tiny, precision=p) for p in ("float32", "mixed_bfloat16"))
    assert {v.dtype for v in mixed.variables} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"  # nobody else is touched
    a, b = full(x, training=False).numpy(), mixed(x, training=False).numpy()
    assert b.dtype == np.float32
    assert 0.99 < (a * b).sum(axis=1).min() < 1
    assert mixed.get_layer(PLAIN).compute_dtype == "float32"


def test_the_head_gives_unit_vectors(tiny):
    head = projection_head(tiny)
    z = head(np.random.default_rng(0).normal(size=(5, 128)).astype(np.float32))
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, rtol=1e-5)
