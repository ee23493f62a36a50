"""The compiled epoch: one XLA program over all batches, kept for every training of its shape.

What differs between two trainings of one shape (weights, seed, learning rate, schedule, the norm
that gradients are clipped to) is a value handed to the program, never a constant in it: it is
compiled once a worker.

Shape suffixes: N images, T batches (optimizer steps) an epoch, B images a batch, S steps (rows),
F features (pixels a row), U outputs of a layer, K classes, A answers (B; where every row is asked,
B S).
"""

import os
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mnist_seq.config import Config
from mnist_seq.data.dataset import Dataset, Part
from mnist_seq.lstm import Loop, RowArrays
from mnist_seq.metrics import accuracy, cross_entropy
from mnist_seq.model import Network, build, seed_for
from mnist_seq.optimizer import BY_ARRAY, OPTIMIZERS, Joined
from mnist_seq.records import Arrays

# Compiling takes half as long, and no training longer, without LLVM's passes beyond the first
# level, without XLA's newer way to emit fused loops, which goes through MLIR, without long sums
# taken in two steps, and with the code in two parts for LLVM instead of 32. Read when XLA compiles
# for the first time.
_QUICK = (
    "--xla_backend_optimization_level=1 --xla_cpu_use_fusion_emitters=false"
    " --xla_disable_hlo_passes=tree_reduction_rewriter --xla_cpu_parallel_codegen_split_count=2"
)
os.environ["XLA_FLAGS"] = f"{_QUICK} {os.environ.get('XLA_FLAGS', '')}"

# It takes the methods of many programs for one function that is traced too often, and warns.
tf.get_logger().setLevel("ERROR")

# Images that are evaluated at once.
CHUNK = 1000


class Program:
    """Training and evaluation of one shape.

    Architecture, optimizer, batch size, dataset, and whether gradients are clipped, are its shape.
    """

    def __init__(self, config: Config, data: Dataset) -> None:
        self.network: Network = build(
            config.model, data.scaling.offset_SF, data.scaling.scale_SF, len(data.class_names)
        )
        # The rate is a variable of the optimizer and set before every step.
        self._optimizer = OPTIMIZERS[config.training.optimizer](0.0, name="optimizer")
        weights = self.network.training.trainable_variables
        self._joined = None if config.training.optimizer in BY_ARRAY else Joined(weights)
        self._steered = [self._joined.variable] if self._joined else weights
        self._optimizer.build(self._steered)
        self._dropout = config.model.dropout
        self._widths = [mask.shape[-1] for mask in self.network.training.inputs[1:]]
        self._clips = config.training.clip_norm is not None
        self.built_weights = _arrays(self.network.model.weights)
        self.built_optimizer = _arrays(self._optimizer.variables)

        self._train_part = data.train
        self._images = len(data.train.labels_N)
        self._batch_size = config.training.batch_size
        self.steps = -(-self._images // self._batch_size)
        self._train = tf.function(self._train_steps, jit_compile=True, autograph=False)
        # Not compiled: on chunks of this size TensorFlow's own operations are about as fast, and
        # without MLIR faster than what XLA makes of them.
        self._answer = tf.function(
            self._logits,
            input_signature=[tf.TensorSpec((None, *data.train.images_NSF.shape[1:]), tf.uint8)],
            autograph=False,
        )
        self._compiled = False

    def compile(self, data: Dataset) -> None:
        """Compile now what is not compiled yet, without changing any weight."""
        if not self._compiled:
            self.evaluate(data.validation.take(slice(1)))
            nothing = [
                np.zeros((self.steps, self._batch_size, width), bool) for width in self._widths
            ]
            self._run(np.zeros(self._images, np.int32), nothing, np.zeros(self.steps), None, 0)
            self._compiled = True

    def restore(self, weights: Arrays, optimizer: Arrays | None = None) -> None:
        """Put weights, and the optimizer's variables, back where they were."""
        for variable in self.network.model.weights:
            variable.assign(weights[variable.path])
        if self._joined:
            self._joined.gather()
        if optimizer is not None:
            for variable in self._optimizer.variables:
                variable.assign(optimizer[variable.path])

    def snapshot(self) -> tuple[Arrays, Arrays]:
        """Weights and the optimizer's variables as they are now."""
        return _arrays(self.network.model.weights), _arrays(self._optimizer.variables)

    def train(
        self, seed: int, epoch: int, rates_T: NDArray[np.float64], clip_norm: float | None
    ) -> tuple[float, float]:
        """Train for one epoch: mean loss in nats, and accuracy.

        Parameters
        ----------
        seed, epoch : int
            Decide the order of the images and the dropout masks.
        rates_T : float, shape (T,)
            Learning rate of each step.
        clip_norm : float or None
            Largest norm of all gradients together.
        """
        order = np.random.default_rng(seed_for(seed, f"order/epoch {epoch}"))
        order_N = order.permutation(self._images).astype(np.int32)
        return self._run(order_N, self._kept(seed, epoch), rates_T, clip_norm, self.steps)

    def evaluate(self, part: Part) -> tuple[float, float]:
        """Mean loss in nats and accuracy over all images of a part."""
        logits, labels = self._answers(part.images_NSF), part.labels_N
        asked = labels
        if logits.ndim == 3:  # every row is asked, and the last one answers
            asked = np.repeat(labels[:, None], logits.shape[1], axis=1)
        last_NK = logits if logits.ndim == 2 else logits[:, -1]
        return cross_entropy(logits, asked), accuracy(last_NK.argmax(axis=1), labels)

    def _answers(self, images_NSF: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits of any number of images, a chunk at a time."""
        firsts = range(0, len(images_NSF), CHUNK)
        chunks = [self._answer(images_NSF[first : first + CHUNK]).numpy() for first in firsts]
        return np.concatenate(chunks)

    def _kept(self, seed: int, epoch: int) -> list[NDArray[np.bool_]]:
        """Which outputs of each layer are not dropped, each of shape (T, B, U)."""
        kept = []
        for number, width in enumerate(self._widths):
            random = np.random.default_rng(seed_for(seed, f"dropout/{number}/epoch {epoch}"))
            drawn_TBU = random.random((self.steps, self._batch_size, width), np.float32)
            kept.append(drawn_TBU >= self._dropout)
        return kept

    def _run(
        self,
        order_N: NDArray[np.int32],
        kept_TBU: list[NDArray[np.bool_]],
        rates_T: NDArray[np.float64],
        clip_norm: float | None,
        steps: int,
    ) -> tuple[float, float]:
        # The last batch is filled up with images of weight zero: it counts as short as it is.
        filled = self.steps * self._batch_size
        # Put in order here: XLA gathers slowly on a CPU, and slices at no cost.
        order = np.resize(order_N, filled)
        shape_TB = (self.steps, self._batch_size)
        images = self._train_part.images_NSF[order]
        images = images.reshape(*shape_TB, *images.shape[1:])
        labels_TB = self._train_part.labels_N[order].reshape(shape_TB)
        weight_TB = np.float32(np.arange(filled) < self._images).reshape(shape_TB)
        clip = np.float32(clip_norm or 0.0)  # not looked at where nothing is clipped
        rates = np.float32(rates_T)
        loss, hits = self._train(
            images, labels_TB, weight_TB, kept_TBU, rates, clip, np.int32(steps)
        )
        if self._joined:
            self._joined.spread()
        return float(loss) / self._images, float(hits) / self._images

    def _train_steps(
        self,
        images_TBSF: tf.Tensor,
        labels_TB: tf.Tensor,
        weight_TB: tf.Tensor,
        kept_TBU: list[tf.Tensor],
        rates_T: tf.Tensor,
        clip: tf.Tensor,
        steps: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        network = self.network.training
        fixed = [variable.value for variable in network.non_trainable_variables]
        scratch = self.network.scratch

        def step(number: tf.Tensor, loss: tf.Tensor, hits: tf.Tensor, *arrays: RowArrays) -> Loop:
            for each, given in zip(scratch, arrays, strict=True):
                each.given = given
            labels_B, weight_B = labels_TB[number], weight_TB[number]
            factors = [tf.cast(kept[number], tf.float32) / (1 - self._dropout) for kept in kept_TBU]
            values = [tf.convert_to_tensor(variable) for variable in self._steered]
            with tf.GradientTape() as tape:
                tape.watch(values)
                weights = self._joined.apart(values[0]) if self._joined else values
                logits, _ = network.stateless_call(
                    weights, fixed, [images_TBSF[number], *factors], training=True
                )
                loss_sum, hits_sum = _loss_and_hits(logits, labels_B, weight_B)
                batch_loss = loss_sum / tf.reduce_sum(weight_B)
            gradients = tape.gradient(batch_loss, values)
            if self._clips:
                shrink = tf.minimum(1.0, clip / tf.linalg.global_norm(gradients))
                gradients = [gradient * shrink for gradient in gradients]
            self._optimizer.learning_rate.assign(rates_T[number])
            self._optimizer.apply(gradients, self._steered)
            return number + 1, loss + loss_sum, hits + hits_sum, *(each.written for each in scratch)

        fresh = (each.fresh(images_TBSF.shape[2], self._batch_size) for each in scratch)
        _, loss, hits, *_ = tf.while_loop(
            lambda number, *_: number < steps, step, (tf.constant(0), 0.0, 0.0, *fresh)
        )
        return loss, hits

    def _logits(self, images_NSF: tf.Tensor) -> tf.Tensor:
        return self.network.logits(images_NSF, training=False)


def _loss_and_hits(
    logits: tf.Tensor, labels_B: tf.Tensor, weight_B: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Weighted sums over a batch: cross-entropy in nats, and right answers.

    Where every row is asked (logits [B, S, K]) the loss is the mean over rows, and the last row
    answers.
    """
    rows = logits.shape[1] if logits.shape.rank == 3 else 1
    classes = logits.shape[-1]
    labels_A, weight_A = tf.repeat(labels_B, rows), tf.repeat(weight_B, rows)
    # A line for each class, as long as there are answers: of short lines, one for each answer, XLA
    # makes more code, which takes longer to compile.
    logits_KA = tf.transpose(tf.reshape(logits, (-1, classes)))
    shifted_KA = logits_KA - tf.stop_gradient(tf.reduce_max(logits_KA, axis=0))
    true_A = tf.reduce_sum(shifted_KA * tf.one_hot(labels_A, classes, axis=0), axis=0)
    loss_A = tf.math.log(tf.reduce_sum(tf.exp(shifted_KA), axis=0)) - true_A
    answers_B = tf.argmax(logits_KA[:, rows - 1 :: rows], output_type=labels_B.dtype)
    right_B = tf.cast(answers_B == labels_B, tf.float32)
    return tf.reduce_sum(loss_A * weight_A) / rows, tf.reduce_sum(right_B * weight_B)


def _arrays(variables: list[Any]) -> Arrays:
    # np.array copies: a view would change with the next step.
    return {variable.path: np.array(variable.numpy()) for variable in variables}


# None is ever dropped: XLA would keep its 20 to 30 MiB all the same, until the process ends.
_programs: dict[tuple[object, ...], Program] = {}


def program_for(config: Config, data: Dataset) -> Program:
    """Program that serves this config and data, compiled or not."""
    key = (
        data.digest,
        config.model,
        config.training.batch_size,
        config.training.optimizer,
        config.training.clip_norm is not None,
    )
    if key not in _programs:
        _programs[key] = Program(config, data)
    return _programs[key]
