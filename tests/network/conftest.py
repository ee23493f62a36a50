"""TensorFlow is loaded as a worker loads it, which takes half the time."""

from mnist_seq.network import training

training.warm_up()
