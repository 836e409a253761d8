"""Batches in an order, and with random changes, that depend on seed and epoch alone."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import paddle

from core.system.errors import InputError
from core.system.prefetching import prefetch
from core.training.sampling import ImageSampler, Sampling

if TYPE_CHECKING:
    from core.datasets import SegDataset

Batch = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]
Workers = Literal["threads", "processes"]
_Place = tuple[int, int]  # epoch, place in it

_BATCHES_AHEAD = 2
_MAX_AUTO_PROCESSES = 8


class BatchLoader:
    """Training batches of a dataset.

    Each sample's random changes come from (seed, epoch, index), and for one that an epoch shows
    again how often it did, so neither the number of workers nor an interruption changes what the
    network sees.

    Args:
        dataset: training set; ``shuffle`` and ``num_workers`` are its own.
        batch_size: images per optimizer step, over all ranks and parts; the last incomplete
            batch of an epoch is dropped.
        seed: of order and random changes.
        parts: into how many equal parts, one after the other, a batch is cut.
        rank: which share of each part this process loads.
        ranks: how many shares there are; the order of the images does not depend on it.
        workers: threads, which cost least beside a network on the same CPU, or processes, which
            keep a GPU fed; None chooses by the current device.
        sampling: which images an epoch shows, see ``ImageSampler``.
        epoch_images: how many; None for as many as there are.
    """

    def __init__(
        self,
        dataset: SegDataset,
        *,
        batch_size: int,
        seed: int,
        parts: int = 1,
        rank: int = 0,
        ranks: int = 1,
        workers: Workers | None = None,
        sampling: Sampling = "each",
        epoch_images: int | None = None,
    ) -> None:
        self._parts, self._rank, self._ranks = parts, rank, ranks
        self._dataset = dataset
        self._sampler = ImageSampler(
            dataset,
            sampling=sampling,
            epoch_images=epoch_images,
            batch_size=batch_size,
            seed=seed,
        )
        self._batch_size = batch_size
        self._seed = seed
        on_gpu = not paddle.get_device().startswith("cpu")
        self._workers = workers or ("processes" if on_gpu else "threads")
        self._count = _worker_count(dataset.num_workers, self._workers)

    @property
    def parts(self) -> int:
        """Into how many parts a batch is cut."""
        return self._parts

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch."""
        return self._sampler.steps_per_epoch

    def order(self, epoch: int) -> list[list[int]]:
        """Return the places of each batch's samples in an epoch, see ``_Samples``."""
        count = len(self._dataset)
        places = [index + again * count for index, again in self._sampler.epoch(epoch)]
        return [
            places[start : start + self._batch_size]
            for start in range(0, len(places), self._batch_size)
        ]

    def _shares(self, batch: list[int]) -> list[list[int]]:
        """Cut a batch of all ranks into this rank's share of each part."""
        shares: list[list[int]] = np.reshape(batch, (self._parts, self._ranks, -1))[
            :, self._rank
        ].tolist()
        return shares

    def batches(
        self, epoch: int, *, start: int = 0, end: int | None = None
    ) -> Generator[tuple[Any, Any], None, None]:
        """This rank's shares of the parts of the batches, from batch ``start`` of an epoch on.

        Loading goes on from one epoch into the next: nothing waits where epochs are short, and
        while a network is evaluated the first batches after that are made ready.

        Args:
            epoch: the first one.
            start: batches of it to leave out.
            end: the epoch before which to end; None: after the first one.

        Yields:
            images (N, 3, H, W) float32 and masks (N, H, W) int64 tensors.
        """
        places = self._places(range(epoch, epoch + 1 if end is None else end), start)
        samples = _Samples(self._dataset, seed=self._seed)
        if self._workers == "processes" and self._count > 0:
            yield from paddle.io.DataLoader(
                samples,
                batch_sampler=places,
                collate_fn=collate,
                num_workers=self._count,
                return_list=True,
            )
            return
        for images, masks in prefetch(
            lambda batch: collate([samples[place] for place in batch]),
            places,
            threads=self._count,
            ahead=max(_BATCHES_AHEAD, self._count),
        ):
            yield paddle.to_tensor(images), paddle.to_tensor(masks)

    def _places(self, epochs: Iterable[int], start: int) -> Iterator[list[_Place]]:
        """Yield the places of this rank's share of each part."""
        for epoch in epochs:
            for batch in self.order(epoch)[start:]:
                for share in self._shares(batch):
                    yield [(epoch, place) for place in share]
            start = 0


class BatchStream:
    """The batches of a training, one after the other, across epochs.

    Args:
        loader: loads them.
        end: the epoch before which to end.
    """

    def __init__(self, loader: BatchLoader, *, end: int) -> None:
        self._loader = loader
        self._end = end
        self._open: Generator[tuple[Any, Any], None, None] | None = None
        self._next = (0, 0)

    def take(self, epoch: int, batch: int) -> list[tuple[Any, Any]]:
        """Return the parts of a batch of an epoch; the one after the last is there soonest."""
        if self._open is None or self._next != (epoch, batch):
            self.close()
            self._open = self._loader.batches(epoch, start=batch, end=self._end)
        ends_epoch = batch + 1 == self._loader.steps_per_epoch
        self._next = (epoch + 1, 0) if ends_epoch else (epoch, batch + 1)
        return list(islice(self._open, self._loader.parts))

    def close(self) -> None:
        """Load no more."""
        if self._open is not None:
            self._open.close()
            self._open = None


class _Samples(paddle.io.Dataset):
    """A dataset whose random changes are fixed by seed, epoch and index.

    Places in an epoch beyond its length are the same images once more, with other random changes.
    """

    def __init__(self, dataset: SegDataset, *, seed: int) -> None:
        self._dataset = dataset
        self._seed = seed

    def __getitem__(self, place: _Place) -> Batch:
        epoch, in_epoch = place
        again, index = divmod(in_epoch, len(self._dataset))
        key = [self._seed, epoch, index, again] if again else [self._seed, epoch, index]
        return self._dataset.get(index, np.random.default_rng(key))

    def __len__(self) -> int:
        return len(self._dataset)


def collate(samples: Sequence[Batch]) -> Batch:
    """Stack samples.

    Raises:
        InputError: they differ in size.
    """
    images, masks = zip(*samples, strict=True)
    sizes = {image.shape[1:] for image in images}
    if len(sizes) > 1:
        raise InputError(
            "The training transforms give images of different sizes ({sizes}): end them with "
            "Resize or RandomCrop and Padding to one size.",
            sizes=", ".join(f"{width}x{height}" for height, width in sorted(sizes)),
        )
    return np.stack(images), np.stack(masks)


def _worker_count(wanted: int | str, workers: Workers) -> int:
    if wanted != "auto":
        return int(wanted)
    if workers == "threads":
        return 1
    return min(_MAX_AUTO_PROCESSES, max(1, (os.cpu_count() or 2) // 2))
