"""PyTorch: ``nn.LSTM`` in the usual loop, on all cores, the images in memory as float32."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from benchmarks.ways.serving import serve
from benchmarks.ways.shape import CLASSES, FEATURES, FUNCTIONS, Shape
from mnist_seq.data.dataset import Dataset, Split


class Network(nn.Module):  # type: ignore[misc]  # torch has no types here
    """The same network as the others train; dropout follows each LSTM layer."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.readout = shape.readout
        width = shape.units * (1 + shape.bidirectional)
        self.lstm = nn.LSTM(
            FEATURES,
            shape.units,
            shape.layers,
            batch_first=True,
            bidirectional=shape.bidirectional,
            dropout=shape.dropout if shape.layers > 1 else 0.0,
        )
        self.dropout = nn.Dropout(shape.dropout)
        self.score = nn.Linear(width, 1)
        self.dense = nn.Linear(width * (FUNCTIONS if shape.readout == "flatten" else 1), CLASSES)

    def forward(self, pixels: Any) -> Any:
        """Logits: [B, K], or [B, S, K] where every row is asked."""
        states, (last, _) = self.lstm(pixels)
        match self.readout:
            case "last":
                read = last[-1] if last.shape[0] == 1 else states[:, -1]
                if self.lstm.bidirectional:
                    read = torch.cat([last[-2], last[-1]], dim=1)
            case "mean":
                read = self.dropout(states).mean(dim=1)
            case "max":
                read = self.dropout(states).amax(dim=1)
            case "flatten":
                read = self.dropout(states).flatten(1)
            case "attention":
                states = self.dropout(states)
                read = (torch.softmax(self.score(states), dim=1) * states).sum(dim=1)
            case _:
                read = self.dropout(states)
        return self.dense(self.dropout(read) if self.readout == "last" else read)


def train(shape: Shape, data: Dataset) -> Iterator[None]:
    """Epoch after epoch: shuffled batches, Adam, then the validation images."""
    torch.manual_seed(0)
    network = Network(shape)
    optimizer = torch.optim.Adam(network.parameters())
    images, labels = _tensors(data.train)
    validation_images, validation_labels = _tensors(data.validation)
    while True:
        network.train()
        for places in torch.randperm(len(labels)).split(shape.batch_size):
            optimizer.zero_grad()
            _loss(network(images[places]), labels[places]).backward()
            optimizer.step()
        network.eval()
        with torch.no_grad():
            for first in range(0, len(validation_labels), 500):
                some = slice(first, first + 500)
                _loss(network(validation_images[some]), validation_labels[some]).item()
        yield


def _tensors(part: Split) -> tuple[Any, Any]:
    return torch.from_numpy(part.images_NSF).float() / 255, torch.from_numpy(part.labels_N).long()


def _loss(logits: Any, labels: Any) -> Any:
    if logits.ndim == 3:
        return nn.functional.cross_entropy(
            logits.flatten(0, 1), labels.repeat_interleave(FUNCTIONS)
        )
    return nn.functional.cross_entropy(logits, labels)


if __name__ == "__main__":
    serve(train)
