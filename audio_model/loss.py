"""The contrastive loss."""

from __future__ import annotations

from typing import Any

from audio_model.backend import tf


def info_nce(z_a: Any, z_b: Any, *, temperature: float) -> Any:
    """Return InfoNCE over a batch of pairs, with the rest of the batch as negatives.

    The cross-entropy of picking, for each row of `z_a`, its partner among all rows of `z_b`:
    ``-mean_i log( exp(a_i . b_i / t) / sum_j exp(a_i . b_j / t) )``.

    Parameters
    ----------
    z_a, z_b : tensor of float32, shape (b, dim)
        Embeddings of unit length; row i of both is the same sound.
    temperature : float
        `t`, above zero.

    Returns
    -------
    tensor of float32, shape ()
        In nats; log(b) for embeddings that tell nothing apart.

    References
    ----------
    van den Oord, Li, Vinyals: Representation Learning with Contrastive Predictive Coding (2018),
    equation 4.
    """
    logits = tf.matmul(z_a, z_b, transpose_b=True) / temperature  # (b, b)
    partners = tf.range(tf.shape(logits)[0])
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=partners, logits=logits)
    return tf.reduce_mean(entropy)
