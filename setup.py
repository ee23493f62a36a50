"""What `pyproject.toml` cannot say: ``conf/`` is installed inside the package."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["mnist_seq", "mnist_seq.*"]), "mnist_seq.conf"],
    package_dir={"mnist_seq.conf": "conf"},
)
