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


def nt_xent(z_a: Any, z_b: Any, kin: Any, *, temperature: float, kin_weight: float = 0.0) -> Any:
    """Return the symmetric contrastive loss of two views, all other views as negatives.

    Each of the 2b views must pick its partner among the 2b - 1 others. With a weight, so much of
    the loss is instead the mean cross-entropy over all views of tracks that belong together (the
    supervised contrastive loss), so that tracks of one artist, say, come together.

    Parameters
    ----------
    z_a, z_b : tensor of float32, shape (b, dim)
        Embeddings of unit length; row i of both is the same track.
    kin : tensor of bool, shape (b, b)
        Which rows belong together; each belongs to itself. Symmetric, but the kin of a row need
        not be each other's.
    temperature : float
        Above zero.
    kin_weight : float
        From 0 to 1.

    Returns
    -------
    tensor of float32, shape ()
        In nats; log(2b - 1) for embeddings that tell nothing apart.

    References
    ----------
    Chen et al.: A Simple Framework for Contrastive Learning of Visual Representations (2020),
    equation 1; Khosla et al.: Supervised Contrastive Learning (2020), equation 2.
    """
    b = tf.shape(z_a)[0]
    z = tf.concat([z_a, z_b], axis=0)  # (2b, dim)
    own = tf.eye(2 * b)
    logits = tf.matmul(z, z, transpose_b=True) / temperature - 1e9 * own  # (2b, 2b)
    logs = tf.nn.log_softmax(logits)
    partners = tf.concat([tf.range(b) + b, tf.range(b)], axis=0)
    loss = -tf.reduce_mean(tf.gather(logs, partners, batch_dims=1))
    if kin_weight == 0:
        return loss
    same = tf.tile(tf.cast(kin, tf.float32), (2, 2)) - own  # (2b, 2b), 1 or 0
    found = tf.reduce_sum(same * tf.where(same > 0, logs, 0.0), axis=1)
    found_kin = -tf.reduce_mean(found / tf.reduce_sum(same, axis=1))
    return (1 - kin_weight) * loss + kin_weight * found_kin
