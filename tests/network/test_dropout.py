"""Dropout's masks: another one for every batch and epoch, the same ones for the same seed."""

import itertools
from dataclasses import replace

import keras
import numpy as np
import pytest

from mnist_seq.data.dataset import Dataset, digest_of
from mnist_seq.network import program, training
from tests.examples import few
from tests.network.trainings import STANDING_STILL, WITH_DROPOUT, config, trained


def losses_standing_still(data: Dataset, *overrides: str) -> list[float]:
    settings = config(*STANDING_STILL, *overrides)
    return [record.train_loss for record, _ in trained(settings, data)]


def test_without_dropout_a_network_that_stands_still_has_one_loss() -> None:
    losses = losses_standing_still(few())
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-6)


def test_dropout_differs_from_epoch_to_epoch_and_repeats_with_the_seed() -> None:
    overrides = (*WITH_DROPOUT, "training.epochs=5")
    losses = losses_standing_still(few(), *overrides)
    gaps = [abs(a - b) for n, a in enumerate(losses) for b in losses[:n]]
    assert min(gaps) > 1e-5  # rounding alone leaves 1e-6 at most: the claim before this one
    assert losses_standing_still(few(), *overrides) == losses
    assert losses_standing_still(few(), *overrides, "seed=1") != losses


def test_every_batch_of_an_epoch_has_a_mask_of_its_own() -> None:
    # 64 times the same image, one a batch. One mask for all of them would leave an epoch's loss to
    # the luck of that one mask; 64 masks leave an eighth of it.
    data = few()
    image = data.train.take(np.zeros(64, np.intp))
    digest = digest_of(image, data.validation, data.class_names, data.scaling)
    data = replace(data, train=image, digest=digest)
    overrides = (*WITH_DROPOUT, "training.batch_size=1", "training.epochs=30")
    losses = losses_standing_still(data, *overrides)

    settings = config(*STANDING_STILL, *overrides)
    one = program.program_for(settings, data)
    one.restore(training.begin(settings, data).weights)
    read = keras.Model(one.network.model.input, one.network.model.get_layer("lstm_1").output)
    state_U = read(image.images_NSF[:1]).numpy()[0]
    kernel_UK, bias_K = one.network.model.get_layer("logits").get_weights()
    masks_MU = 2 * np.array(list(itertools.product([0, 1], repeat=len(state_U))))
    logits_MK = (masks_MU * state_U) @ kernel_UK + bias_K
    loss_M = np.log(np.exp(logits_MK).sum(axis=1)) - logits_MK[:, image.labels_N[0]]
    assert np.mean(losses) == pytest.approx(loss_M.mean(), abs=loss_M.std() / 10)
    assert np.std(losses) == pytest.approx(loss_M.std() / 8, rel=0.5)
