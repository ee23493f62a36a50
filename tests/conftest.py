"""How TensorFlow is to behave in tests, said before anything imports it."""

import os

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0")
