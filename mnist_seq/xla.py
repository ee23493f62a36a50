"""How XLA compiles: without what takes long and makes no epoch shorter."""

import os

# Passes of LLVM that its plainest level leaves out as well, and unrolling whole loops. The loops'
# vectors are made before them.
_LEFT_OUT = (
    "-unroll-full-max-count=4",
    "-enable-epilogue-vectorization=false",
    "-enable-misched=false",
    "-disable-block-placement",
    "-disable-branch-fold",
    "-disable-cgp",
    "-disable-copyprop",
    "-disable-early-ifcvt",
    "-disable-early-taildup",
    "-disable-lsr",
    "-disable-machine-cse",
    "-disable-machine-licm",
    "-disable-machine-sink",
    "-disable-peephole",
    "-disable-tail-duplicate",
    "-disable-vector-combine",
)
_FLAGS = (
    "--xla_backend_optimization_level=1",
    "--xla_cpu_use_fusion_emitters=false",  # the newer way to emit fused loops, through MLIR
    f"--xla_backend_extra_options={','.join(_LEFT_OUT)}",
)


def compile_quickly() -> None:
    """Set XLA's flags, before those of the user; to be called before it compiles anything."""
    os.environ["XLA_FLAGS"] = " ".join([*_FLAGS, os.environ.get("XLA_FLAGS", "")])
