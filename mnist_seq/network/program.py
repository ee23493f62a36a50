"""A training epoch as one compiled XLA program, cached for all configs that can share it.

What differs between two trainings of one shape (weights, seed, learning rate, schedule, and each
of `Regularization`) is an argument of the program, never a constant in it: each process compiles it
once.

Shape suffixes: N images, T batches (optimizer steps) an epoch, B images a batch, S steps (rows),
F features (pixels a row), U outputs of a layer, K classes, A answers (B, or B S where every row is
asked).
"""

import os
from typing import Any, NamedTuple, Self

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mnist_seq.config.settings import Config, TrainingConfig
from mnist_seq.data.dataset import Dataset, Split
from mnist_seq.metrics.classification import accuracy, cross_entropy
from mnist_seq.network.augmentation import augmented
from mnist_seq.network.lstm import LoopVariables, RowArrays
from mnist_seq.network.model import Network, build, seed_for
from mnist_seq.network.optimizer import ADAMW_DECAY, LAYERWISE, OPTIMIZERS, FlatWeights
from mnist_seq.records import Arrays

# Compiling takes half as long, and no training longer, without LLVM's passes beyond the first
# level, without XLA's newer way to emit fused loops, which goes through MLIR, without long sums
# taken in two steps, and with the code in two parts for LLVM instead of 32. XLA reads the flags
# when it compiles for the first time.
_FAST_COMPILATION = (
    "--xla_backend_optimization_level=1 --xla_cpu_use_fusion_emitters=false"
    " --xla_disable_hlo_passes=tree_reduction_rewriter --xla_cpu_parallel_codegen_split_count=2"
)
os.environ["XLA_FLAGS"] = f"{_FAST_COMPILATION} {os.environ.get('XLA_FLAGS', '')}"

# It takes the methods of many programs for one function that is traced too often, and warns.
tf.get_logger().setLevel("ERROR")

# Images that are evaluated at once.
EVALUATION_BATCH_SIZE = 1000


class Regularization(NamedTuple):
    """What a step does beyond the gradient; None where a program has no such part.

    Attributes
    ----------
    clip_norm : float32 scalar
        Largest norm of all gradients together.
    weight_decay : float32 scalar
        Share of the weights, times the learning rate, that a step takes off.
    label_smoothing : float32 scalar
        Share of a label that is spread over all classes.
    ema_momentum : float32 scalar
        Share of the weights' moving average that a step keeps.
    """

    clip_norm: tf.Tensor | None
    weight_decay: tf.Tensor | None
    label_smoothing: tf.Tensor | None
    ema_momentum: tf.Tensor | None

    @classmethod
    def of(cls, config: TrainingConfig) -> Self:
        """Return the regularization that a config asks for."""
        decay = config.weight_decay
        if decay is None and config.optimizer == "adamw":
            decay = ADAMW_DECAY
        values = (config.clip_norm, decay, config.label_smoothing or None, config.ema_momentum)
        return cls(*(None if value is None else np.float32(value) for value in values))

    @property
    def parts(self) -> tuple[bool, ...]:
        """Which kinds of regularization are on; each combination has a program of its own."""
        return tuple(value is not None for value in self)


class Program:
    """Training and evaluation functions, shared by all configs that need the same XLA program.

    A shape is an architecture, an optimizer, a batch size, a dataset, and which parts of
    `Regularization` there are.

    Attributes
    ----------
    network : Network
        Its Keras models, whose weights the program trains.
    optimizer : keras.optimizers.Optimizer
        Its learning rate is set before every step.
    optimized_variables : list of keras.Variable
        What the optimizer updates: the weights, or one flat vector of them.
    steps : int
        Batches in an epoch, T.
    built_weights, built_optimizer : dict of str to array
        The network's and the optimizer's variables as Keras built them, by path.
    """

    def __init__(self, config: Config, data: Dataset) -> None:
        self.network: Network = build(
            config.model,
            data.scaling.offset_SF,
            data.scaling.scale_SF,
            len(data.class_names),
            data.pixel_format,
        )
        self.optimizer = OPTIMIZERS[config.training.optimizer](0.0, name="optimizer")
        self.optimizer.weight_decay = None  # AdamW's own is a constant
        weights = self.network.training.trainable_variables
        self._flat = None if config.training.optimizer in LAYERWISE else FlatWeights(weights)
        self.optimized_variables = [self._flat.variable] if self._flat else weights
        self.optimizer.build(self.optimized_variables)
        self._dropout = config.model.dropout
        self._mask_widths = [mask.shape[-1] for mask in self.network.training.inputs[1:]]
        self._regularization = Regularization.of(config.training)
        self._averages = [
            keras.Variable(variable, trainable=False, name=f"average_{number}")
            for number, variable in enumerate(self.optimized_variables)
            if self._regularization.ema_momentum is not None
        ]
        self._optimizer_variables = [*self.optimizer.variables, *self._averages]
        self.built_weights = _arrays(self.network.model.weights)
        self.built_optimizer = _arrays(self._optimizer_variables)

        self._train_split = data.train
        self._images = len(data.train.labels_N)
        self._batch_size = config.training.batch_size
        self.steps = -(-self._images // self._batch_size)
        self._train = tf.function(self._train_steps, jit_compile=True, autograph=False)
        # Not compiled: on batches of this size TensorFlow's own operations are about as fast, and
        # without MLIR faster than what XLA makes of them.
        self._logits = tf.function(
            lambda images_NSF: self.network.logits(images_NSF, training=False),
            input_signature=[tf.TensorSpec((None, *data.train.images_NSF.shape[1:]), tf.uint8)],
            autograph=False,
        )
        self._is_compiled = False

    def compile(self, data: Dataset) -> None:
        """Compile the training epoch and trace the evaluation, if not done yet."""
        if not self._is_compiled:
            self.evaluate(data.validation.take(slice(1)))
            no_order_N, no_rates_T = np.zeros(self._images, np.int32), np.zeros(self.steps)
            no_masks = [
                np.zeros((self.steps, self._batch_size, width), bool) for width in self._mask_widths
            ]
            images_NSF = self._train_split.images_NSF
            self.run(images_NSF, no_order_N, no_masks, no_rates_T, self._regularization, steps=0)
            self._is_compiled = True

    def restore(self, weights: Arrays, optimizer: Arrays | None = None) -> None:
        """Set the weights, and the optimizer's variables where given, to those of a snapshot."""
        for variable in self.network.model.weights:
            variable.assign(weights[variable.path])
        if self._flat:
            self._flat.copy_from_weights()
        if optimizer is not None:
            for variable in self._optimizer_variables:
                variable.assign(optimizer[variable.path])

    def snapshot(self) -> tuple[Arrays, Arrays]:
        """Copies of the weights and of the optimizer's variables, by path."""
        return _arrays(self.network.model.weights), _arrays(self._optimizer_variables)

    def averaged_weights(self, weights: Arrays) -> Arrays:
        """The weights' moving average, which the network has from now on.

        Where none is kept, the weights as they are given.
        """
        if not self._averages:
            return weights
        if self._flat:
            self._flat.copy_to_weights(self._averages[0])
        else:
            for variable, average in zip(self.optimized_variables, self._averages, strict=True):
                variable.assign(average)
        return _arrays(self.network.model.weights)

    def train(
        self, config: TrainingConfig, seed: int, epoch: int, rates_T: NDArray[np.float64]
    ) -> tuple[float, float]:
        """Train for one epoch; return its mean loss in nats and its accuracy.

        Parameters
        ----------
        config : TrainingConfig
            Of this program's shape.
        seed, epoch : int
            Decide the order of the images, how they are changed, and the dropout masks.
        rates_T : float, shape (T,)
            Learning rate of each step.
        """
        order = np.random.default_rng(seed_for(seed, f"order/epoch {epoch}"))
        order_N = order.permutation(self._images).astype(np.int32)
        masks = self._dropout_masks(seed, epoch)
        images_NSF = self._train_split.images_NSF
        if not config.augmentation.is_off:
            changes = np.random.default_rng(seed_for(seed, f"augmentation/epoch {epoch}"))
            images_NSF = augmented(images_NSF, config.augmentation, changes)
        regularization = Regularization.of(config)
        return self.run(images_NSF, order_N, masks, rates_T, regularization, self.steps)

    def evaluate(self, split: Split) -> tuple[float, float]:
        """Mean loss in nats and accuracy over all images of a split."""
        firsts = range(0, len(split.images_NSF), EVALUATION_BATCH_SIZE)
        batches = (split.images_NSF[first : first + EVALUATION_BATCH_SIZE] for first in firsts)
        logits = np.concatenate([self._logits(images).numpy() for images in batches])
        last_NK, labels = logits, split.labels_N
        if logits.ndim == 3:  # every row is asked, and the last one answers
            last_NK, labels = logits[:, -1], np.repeat(labels[:, None], logits.shape[1], axis=1)
        return cross_entropy(logits, labels), accuracy(last_NK.argmax(axis=1), split.labels_N)

    def run(
        self,
        images_NSF: NDArray[np.uint8],
        order_N: NDArray[np.int32],
        masks_TBU: list[NDArray[np.bool_]],
        rates_T: NDArray[np.float64],
        regularization: Regularization,
        steps: int,
    ) -> tuple[float, float]:
        """Train on the first `steps` batches; return loss sum and correct count, both over N.

        Parameters
        ----------
        images_NSF : uint8, shape (N, S, F)
            The training images as this epoch has them.
        order_N : int32, shape (N,)
            Places of the images, in the order in which they make up the batches.
        masks_TBU : list of bool, each of shape (T, B, U)
            For each layer with dropout, which of its outputs are kept.
        rates_T : float, shape (T,)
            Learning rate of each step.
        regularization : Regularization
            With the parts that the program has.
        steps : int
            At most T; with 0 the program is compiled and nothing is trained.
        """
        # The last batch is filled up with images of weight zero: it counts as short as it is.
        filled = self.steps * self._batch_size
        # Put in order here: XLA gathers slowly on a CPU, and slices at no cost.
        order = np.resize(order_N, filled)
        shape_TB = (self.steps, self._batch_size)
        images = images_NSF[order]
        images = images.reshape(*shape_TB, *images.shape[1:])
        labels_TB = self._train_split.labels_N[order].reshape(shape_TB)
        weight_TB = np.float32(np.arange(filled) < self._images).reshape(shape_TB)
        rates = np.float32(rates_T)
        loss, correct = self._train(
            images, labels_TB, weight_TB, masks_TBU, rates, regularization, np.int32(steps)
        )
        if self._flat:
            self._flat.copy_to_weights()
        return float(loss) / self._images, float(correct) / self._images

    def _dropout_masks(self, seed: int, epoch: int) -> list[NDArray[np.bool_]]:
        """Draw one dropout mask per layer, bool, shape (T, B, U); True keeps an output."""
        masks = []
        for number, width in enumerate(self._mask_widths):
            random = np.random.default_rng(seed_for(seed, f"dropout/{number}/epoch {epoch}"))
            drawn_TBU = random.random((self.steps, self._batch_size, width), np.float32)
            masks.append(drawn_TBU >= self._dropout)
        return masks

    def _train_steps(
        self,
        images_TBSF: tf.Tensor,
        labels_TB: tf.Tensor,
        weight_TB: tf.Tensor,
        masks_TBU: list[tf.Tensor],
        rates_T: tf.Tensor,
        regularization: Regularization,
        steps: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Train on the first `steps` batches; return loss sum and number of correct predictions."""
        network = self.network.training
        not_trained = [variable.value for variable in network.non_trainable_variables]
        row_buffers = self.network.row_buffers

        def step(
            number: tf.Tensor, loss: tf.Tensor, correct: tf.Tensor, *arrays: RowArrays
        ) -> LoopVariables:
            for buffers, at_start in zip(row_buffers, arrays, strict=True):
                buffers.at_start = at_start
            labels_B, weight_B = labels_TB[number], weight_TB[number]
            masks = [tf.cast(mask[number], tf.float32) / (1 - self._dropout) for mask in masks_TBU]
            variables = [tf.convert_to_tensor(variable) for variable in self.optimized_variables]
            with tf.GradientTape() as tape:
                tape.watch(variables)
                weights = self._flat.split(variables[0]) if self._flat else variables
                logits, _ = network.stateless_call(
                    weights, not_trained, [images_TBSF[number], *masks], training=True
                )
                batch_loss, batch_correct = _loss_and_correct(
                    logits, labels_B, weight_B, regularization.label_smoothing
                )
                mean_loss = batch_loss / tf.reduce_sum(weight_B)
            gradients = tape.gradient(mean_loss, variables)
            if (clip_norm := regularization.clip_norm) is not None:
                factor = tf.minimum(1.0, clip_norm / tf.linalg.global_norm(gradients))
                gradients = [gradient * factor for gradient in gradients]
            self._update(gradients, rates_T[number], regularization)
            written = (buffers.at_end for buffers in row_buffers)
            return number + 1, loss + batch_loss, correct + batch_correct, *written

        rows = images_TBSF.shape[2]
        allocated = (buffers.allocate(rows, self._batch_size) for buffers in row_buffers)
        _, loss, correct, *_ = tf.while_loop(
            lambda number, *_: number < steps, step, (tf.constant(0), 0.0, 0.0, *allocated)
        )
        return loss, correct

    def _update(
        self, gradients: list[tf.Tensor], rate: tf.Tensor, regularization: Regularization
    ) -> None:
        """Take one step: weight decay, the optimizer's update, the moving average.

        References
        ----------
        Loshchilov & Hutter, "Decoupled Weight Decay Regularization", ICLR 2019; Polyak & Juditsky,
        "Acceleration of Stochastic Approximation by Averaging", 1992. Both as Keras' optimizers
        do them, whose decay and momentum are constants.
        """
        if (decay := regularization.weight_decay) is not None:
            for variable in self.optimized_variables:
                variable.assign(variable - variable * decay * rate)
        is_first = tf.equal(self.optimizer.iterations, 0)
        self.optimizer.learning_rate.assign(rate)
        self.optimizer.apply(gradients, self.optimized_variables)
        if (momentum := regularization.ema_momentum) is not None:
            kept = tf.where(is_first, 0.0, momentum)
            for variable, average in zip(self.optimized_variables, self._averages, strict=True):
                average.assign(kept * average + (1 - kept) * variable)


def _loss_and_correct(
    logits: tf.Tensor,
    labels_B: tf.Tensor,
    weight_B: tf.Tensor,
    label_smoothing: tf.Tensor | None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Weighted sums over a batch: cross-entropy in nats, and correct answers.

    Where every row is asked (logits [B, S, K]) the loss is the mean over rows, and the last row
    answers.

    References
    ----------
    Szegedy et al., "Rethinking the Inception Architecture", CVPR 2016, section 7: label smoothing.
    """
    rows = logits.shape[1] if logits.shape.rank == 3 else 1
    classes = logits.shape[-1]
    labels_A, weight_A = tf.repeat(labels_B, rows), tf.repeat(weight_B, rows)
    # A line for each class, as long as there are answers: of short lines, one for each answer, XLA
    # makes more code, which takes longer to compile.
    logits_KA = tf.transpose(tf.reshape(logits, (-1, classes)))
    shifted_KA = logits_KA - tf.stop_gradient(tf.reduce_max(logits_KA, axis=0))
    target_KA = tf.one_hot(labels_A, classes, axis=0)
    if label_smoothing is not None:
        target_KA = target_KA * (1 - label_smoothing) + label_smoothing / classes
    true_A = tf.reduce_sum(shifted_KA * target_KA, axis=0)
    loss_A = tf.math.log(tf.reduce_sum(tf.exp(shifted_KA), axis=0)) - true_A
    predicted_B = tf.argmax(logits_KA[:, rows - 1 :: rows], output_type=labels_B.dtype)
    correct_B = tf.cast(predicted_B == labels_B, tf.float32)
    return tf.reduce_sum(loss_A * weight_A) / rows, tf.reduce_sum(correct_B * weight_B)


def _arrays(variables: list[Any]) -> Arrays:
    """Copies of the variables' values, by path."""
    # np.array copies: a view would change with the next step.
    return {variable.path: np.array(variable.numpy()) for variable in variables}


# None is ever removed: XLA would keep its 20 to 30 MiB all the same, until the process ends.
_programs: dict[tuple[object, ...], Program] = {}


def program_for(config: Config, data: Dataset) -> Program:
    """Return the compiled program for a config and its data, from a cache of this process."""
    key = (
        data.digest,
        data.pixel_format,
        config.model,
        config.training.batch_size,
        config.training.optimizer,
        Regularization.of(config.training).parts,
    )
    if key not in _programs:
        _programs[key] = Program(config, data)
    return _programs[key]
