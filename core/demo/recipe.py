"""How the demo trains: small enough for about two minutes on two processor cores."""

from __future__ import annotations

from typing import Any

EPOCHS = 18
_IMAGE_SIZE = (256, 256)
_BATCH_SIZE = 4


def training_fields(*, train_images: int, epochs: int, seed: int) -> dict[str, Any]:
    """Return the fields of the demo's ``TrainSpec``, without ``data_dir``.

    Surfaces have no up and down, so images are flipped both ways; defects are rare, so classes
    are weighted.
    """
    return {
        "kind": "train",
        "model": "FastSCNN",
        "epochs": epochs,
        "batch_size": max(2, min(_BATCH_SIZE, train_images // 4)),
        "image_size": _IMAGE_SIZE,
        "learning_rate": 0.03,
        "class_weights": "balanced",
        "save_interval_epochs": max(1, epochs // 9),
        "augmentation": {"horizontal_flip": 0.5, "vertical_flip": 0.5, "min_scale": 0.7},
        "device": "cpu",
        "seed": seed,
    }
