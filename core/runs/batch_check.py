"""Whether the training images make up one batch, which is known before a worker starts."""

from __future__ import annotations

from core.runs.kinds import PruneSpec, QuantizeSpec, TrainSpec
from core.runs.spec import JobSpec
from core.system.errors import InputError
from core.system.messages import Message, message


def batch_problem(batch: int, images: int, *, accumulate_steps: int = 1) -> Message | None:
    """Return a sentence where a step of the optimizer takes more images than there are.

    Args:
        batch: images computed at once, all devices together.
        images: in the training set; without any, the batch is not what is wrong.
        accumulate_steps: batches per step.
    """
    if batch * accumulate_steps <= max(images, 1):
        return None
    if accumulate_steps == 1:
        return message(
            "A batch of {batch} is larger than the {images} training {images:image|images}; "
            "choose at most {images}.",
            batch=batch,
            images=images,
        )
    return message(
        "{steps} {steps:batch|batches} of {batch}, which make one step, are more than the "
        "{images} training {images:image|images}; choose a batch of at most {most}, or a lower "
        "accumulate_steps.",
        steps=accumulate_steps,
        batch=batch,
        images=images,
        most=max(1, images // accumulate_steps),
    )


def check_batch(spec: JobSpec, images: int) -> None:
    """Refuse a job that would train on fewer images than one batch.

    Args:
        spec: any job; those that do not train pass.
        images: in the training set; 0 passes, which is said otherwise.

    Raises:
        InputError: names the number of images and the largest batch.
    """
    match spec:
        case TrainSpec():
            problem = batch_problem(spec.batch_size, images, accumulate_steps=spec.accumulate_steps)
        case PruneSpec(finetune_epochs=epochs) | QuantizeSpec(epochs=epochs) if epochs:
            problem = batch_problem(spec.batch_size, images)
        case _:
            problem = None
    if problem is not None and images:
        raise InputError(problem.template, **problem.params)
