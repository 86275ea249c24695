import numpy as np
import pytest

from audio_model.backend import configure_runtime, keras, tf
from audio_model.config import AudioConfig
from audio_model.loss import info_nce
from audio_model.network import FusedBatchNormalization, build_network
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
    with pytest.raises(ParameterError, match="`architecture` must be one of article"):
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
