"""Losses for logits (N, C, H, W) and labels (N, H, W); semantics are PaddleX 2.1's."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import paddle
import paddle.nn.functional as F  # noqa: N812
from paddle import Tensor, nn
from paddle.autograd import PyLayer

from core.images.io import IGNORE_INDEX
from core.system.errors import InputError

#: What ``use_mixed_loss=True`` stands for.
DEFAULT_MIXED_LOSS: Final = (("CrossEntropyLoss", 0.8), ("LovaszSoftmaxLoss", 0.2))


@dataclass(frozen=True, slots=True)
class Part:
    """What a loss must know of the whole batch when it sees a part of it.

    The losses of all parts then add up to the loss of the whole batch. Cross entropy is exactly
    that of the whole batch, Dice that of what all ranks compute at the same time; of accumulated
    parts it becomes the mean, and Lovász-softmax that of all parts.

    Attributes:
        pixels: how many pixels of the whole batch are not ignored, float scalar of 1 or more.
        share: one over the number of parts.
        ranks: how many compute parts at the same time.
        sum_over_ranks: replaces a tensor by its sum over them, and returns it.
    """

    pixels: Tensor
    share: float
    ranks: int = 1
    sum_over_ranks: Callable[[Tensor], Tensor] = lambda tensor: tensor


class CrossEntropyLoss(nn.Layer):
    """Mean cross entropy over the pixels that are not ignored.

    Args:
        weight: factor per class; the sum is still divided by the plain number of pixels, as in
            PaddleX, so weights also scale the loss.
        ignore_index: label that takes no part.
    """

    def __init__(
        self, weight: Sequence[float] | None = None, ignore_index: int = IGNORE_INDEX
    ) -> None:
        super().__init__()
        self.ignore_index = ignore_index
        self.weight = None if weight is None else paddle.to_tensor(list(weight), dtype="float32")

    def forward(
        self,
        logits: Tensor,
        labels: Tensor,
        part: Part | None = None,
        terms: PixelTerms | None = None,
    ) -> Tensor:
        """Return the scalar loss; 0 with zero gradient when every pixel is ignored."""
        if self.weight is not None and self.weight.shape[0] != logits.shape[1]:
            raise InputError(
                "There are {weights} class {weights:weight|weights} for {classes} "
                "{classes:class|classes}; give one for each.",
                weights=self.weight.shape[0],
                classes=logits.shape[1],
            )
        labels = labels.astype("int64")
        terms = terms or pixel_terms(logits, labels, ignore_index=self.ignore_index)
        loss = terms.cross_entropy
        if self.weight is not None:
            valid = labels != self.ignore_index
            class_ids = paddle.where(valid, labels, paddle.zeros_like(labels))
            factors = paddle.gather(self.weight, class_ids.flatten()).reshape(labels.shape)
            loss = loss * factors
        # Ignored pixels have loss 0 already.
        if part is not None:
            return loss.sum() / part.pixels
        return loss.sum() / terms.pixels.sum().clip(min=1.0)


class PixelTerms(NamedTuple):
    """What losses are made of, from one look at the pixels that are not ignored.

    Attributes:
        cross_entropy: (N, H, W) of each pixel, 0 where ignored.
        intersection: (C,) probability of each class, added up over the pixels of that class.
        probability: (C,) the same over all pixels.
        pixels: (C,) of each class; without a gradient.
    """

    cross_entropy: Tensor
    intersection: Tensor
    probability: Tensor
    pixels: Tensor


def pixel_terms(logits: Tensor, labels: Tensor, *, ignore_index: int) -> PixelTerms:
    """Look at logits (N, C, H, W) and ``labels`` (N, H, W) int64 once for all losses.

    Equals ``F.cross_entropy`` and ``F.softmax`` to float rounding (the former's values end at 64).
    Paddle's CPU kernels take a third of a small network's training step; numpy's vectorised
    exponential does the same in a fifth of the time.
    """
    if (
        paddle.in_dynamic_mode()
        and logits.place.is_cpu_place()
        and logits.dtype == paddle.float32
        and not logits.stop_gradient
    ):
        arrays = np.from_dlpack(labels.contiguous())
        return PixelTerms(*_PixelTerms.apply(logits, arrays, ignore_index))
    # axis=1 spares the transposed copy of the logits that the default axis needs.
    cross_entropy = F.cross_entropy(
        logits, labels.unsqueeze(1), ignore_index=ignore_index, reduction="none", axis=1
    ).squeeze(1)
    valid = (labels != ignore_index).astype(logits.dtype).unsqueeze(1)
    class_ids = paddle.arange(logits.shape[1], dtype="int64").reshape([1, -1, 1, 1])
    truth = (labels.unsqueeze(1) == class_ids).astype(logits.dtype) * valid
    probabilities = F.softmax(logits, axis=1) * valid
    pixels = [0, 2, 3]
    return PixelTerms(
        cross_entropy,
        (probabilities * truth).sum(axis=pixels),
        probabilities.sum(axis=pixels),
        truth.sum(axis=pixels),
    )


class _PixelTerms(PyLayer):
    """``PixelTerms`` on the CPU; arrays are shared with Paddle, not copied.

    Takes one backward pass: a second one crashes in Paddle 3.2, as with any ``PyLayer``.
    """

    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, labels: npt.NDArray[np.int64], ignore_index: int
    ) -> tuple[Tensor, ...]:
        scores = np.from_dlpack(logits.detach().contiguous())
        scores = scores.reshape(*scores.shape[:2], -1)
        labels = labels.reshape(len(labels), -1)
        classes = scores.shape[1]
        valid = labels != ignore_index
        class_ids = np.where(valid, labels, 0)
        probabilities = np.empty(scores.shape, dtype=np.float32)
        losses = np.empty(labels.shape, dtype=np.float32)
        chosen = np.empty(labels.shape, dtype=np.float32)
        sums = np.zeros((3, classes), np.float64)
        # Image by image: what one needs stays in the processor's cache. A diverged network's
        # infinities become NaN, which training notices in the loss.
        with np.errstate(invalid="ignore"):
            for index, (image, out, ids, counted) in enumerate(
                zip(scores, probabilities, class_ids, valid, strict=True)
            ):
                peak = image.max(axis=0)
                np.exp(np.subtract(image, peak, out=out), out=out)
                total = out.sum(axis=0)
                out /= total
                own = ids * ids.size + np.arange(ids.size)
                np.add(np.log(total), peak - image.reshape(-1)[own], out=losses[index])
                chosen[index] = out.reshape(-1)[own]
                sums[0] += np.bincount(ids, chosen[index] * counted, minlength=classes)
                sums[1] += out @ counted.astype(np.float32)
                sums[2] += np.bincount(ids, counted, minlength=classes)
        losses *= valid
        ctx.shape = logits.shape
        ctx.probabilities, ctx.chosen = probabilities, chosen
        ctx.class_ids, ctx.valid = class_ids, valid
        height, width = logits.shape[2:]
        made = [
            paddle.from_dlpack(losses.reshape(-1, height, width)),
            *(paddle.to_tensor(one, dtype="float32") for one in sums),
        ]
        ctx.mark_non_differentiable(made[3])
        return tuple(made)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        by_loss, by_intersection, by_probability = (
            np.from_dlpack(one.detach().contiguous()) for one in gradients[:3]
        )
        result = np.empty_like(ctx.probabilities)
        factors = by_loss.reshape(ctx.valid.shape) * ctx.valid
        for out, probabilities, ids, valid, chosen, factor in zip(
            result,
            ctx.probabilities,
            ctx.class_ids,
            ctx.valid,
            ctx.chosen,
            factors,
            strict=True,
        ):
            # Of the softmax p with gradients d of its values: p (d - sum of p d); d is
            # by_probability, and by_intersection more for the pixel's own class.
            own = by_intersection[ids] * chosen
            common = factor - by_probability @ probabilities - own
            np.add(by_probability[:, None], common, out=out)
            out *= probabilities
            places = ids * ids.size + np.arange(ids.size)
            out.reshape(-1)[places] += own - factor
            if not valid.all():
                out *= valid
        return paddle.from_dlpack(result.reshape(ctx.shape))


class DiceLoss(nn.Layer):
    """One minus the mean soft Dice coefficient of all classes, each over the whole batch.

    A class that the batch lacks counts as coefficient 0 (PaddleX's ``smooth=0``).
    """

    def __init__(self, ignore_index: int = IGNORE_INDEX, smooth: float = 0.0) -> None:
        super().__init__()
        self.ignore_index = ignore_index
        self.smooth = smooth
        self.eps = 1e-5

    def forward(
        self,
        logits: Tensor,
        labels: Tensor,
        part: Part | None = None,
        terms: PixelTerms | None = None,
    ) -> Tensor:
        """Return the scalar loss; 1 with zero gradient when every pixel is ignored."""
        if terms is None:
            terms = pixel_terms(logits, labels.astype("int64"), ignore_index=self.ignore_index)
        intersection = terms.intersection
        cardinality = terms.probability + terms.pixels
        if part is not None and part.ranks > 1:
            return self._share(intersection, cardinality, part)
        dice = (2.0 * intersection + self.smooth) / (cardinality + self.smooth + self.eps)
        loss = 1.0 - dice.mean()
        return loss if part is None else loss * part.share

    def _share(self, intersection: Tensor, cardinality: Tensor, part: Part) -> Tensor:
        """This rank's share of the loss of all ranks' pixels: its value, and the exact gradient."""
        with paddle.no_grad():
            sums = part.sum_over_ranks(paddle.stack([intersection, cardinality]))
            numerator = 2.0 * sums[0] + self.smooth
            denominator = sums[1] + self.smooth + self.eps
            loss = 1.0 - (numerator / denominator).mean()
            by_intersection = 2.0 / denominator
            by_cardinality = numerator / denominator**2
        # What other ranks add does not depend on this one's logits: the loss is linear around
        # the sums, and the line's gradient is the loss's.
        line = (by_cardinality * cardinality - by_intersection * intersection).mean()
        return loss * part.share + (line - line.detach()) * (part.share * part.ranks)


class LovaszSoftmaxLoss(nn.Layer):
    """Lovász-softmax (Berman et al. 2018, arXiv:1705.08790): a convex surrogate of 1 - IoU.

    Args:
        ignore_index: label that takes no part.
        classes: "present" averages over the classes that the batch's labels contain, "all"
            over every class.
    """

    def __init__(self, ignore_index: int = IGNORE_INDEX, classes: str = "present") -> None:
        super().__init__()
        if classes not in ("present", "all"):
            raise ValueError(f"classes must be 'present' or 'all', not {classes!r}")
        self.ignore_index = ignore_index
        self.classes = classes

    def forward(self, logits: Tensor, labels: Tensor, part: Part | None = None) -> Tensor:
        """Return the scalar loss; 0 with zero gradient when every pixel is ignored."""
        num_classes = logits.shape[1]
        labels = labels.astype("int64").flatten()
        places = paddle.nonzero(labels != self.ignore_index).flatten()
        if places.shape[0] == 0:
            return (logits * 0.0).sum()
        probabilities = F.softmax(logits, axis=1).transpose([1, 0, 2, 3]).flatten(1)
        probabilities = paddle.gather(probabilities, places, axis=1)
        labels = paddle.gather(labels, places)
        losses = []
        for class_id in range(num_classes):
            truth = labels == class_id
            if self.classes == "present" and not bool(truth.any()):
                continue
            errors = (truth.astype(probabilities.dtype) - probabilities[class_id]).abs()
            losses.append((errors * lovasz_gradient(errors.detach(), truth)).sum())
        loss = paddle.stack(losses).mean()
        return loss if part is None else loss * part.share


def lovasz_gradient(errors: Tensor, truth: Tensor) -> Tensor:
    """Gradient of the Lovász extension of the Jaccard loss, in the order of ``errors``.

    Args:
        errors: (P,) float, |truth - probability|.
        truth: (P,) bool, the pixels of the class.

    Returns:
        (P,) of ``errors``'s type: what each error weighs. Constant between changes of the order
        of the errors, so the loss is their sum of products.
    """
    with paddle.no_grad():
        order = paddle.argsort(errors, descending=True)
        hits = paddle.gather(truth, order).astype("int64")
        # float64: differences of Jaccard indices are of the order 1/P.
        remaining = (hits.sum() - paddle.cumsum(hits)).astype("float64")
        union = (hits.sum() + paddle.cumsum(1 - hits)).astype("float64")
        jaccard_loss = 1.0 - remaining / union
        steps = paddle.diff(jaccard_loss, prepend=paddle.zeros([1], dtype="float64"))
        return paddle.scatter(paddle.zeros_like(errors), order, steps.astype(errors.dtype))


class MixedLoss(nn.Layer):
    """Weighted sum of losses.

    Args:
        losses: losses of (logits, labels).
        coef: one factor per loss.
    """

    def __init__(self, losses: Sequence[nn.Layer], coef: Sequence[float]) -> None:
        super().__init__()
        if len(losses) != len(coef):
            raise InputError(
                "A mixed loss has {losses} {losses:loss|losses} but {factors} "
                "{factors:factor|factors}; give one for each.",
                losses=len(losses),
                factors=len(coef),
            )
        self.losses = nn.LayerList(losses)
        self.coef = [float(factor) for factor in coef]

    def forward(self, logits: Tensor, labels: Tensor, part: Part | None = None) -> Tensor:
        """Return the scalar loss."""
        taking = [loss for loss in self.losses if isinstance(loss, (CrossEntropyLoss, DiceLoss))]
        shared: dict[int, PixelTerms] = {}
        if len(taking) > 1:
            shared = {
                index: pixel_terms(logits, labels.astype("int64"), ignore_index=index)
                for index in {loss.ignore_index for loss in taking}
            }

        def value(loss: nn.Layer) -> Tensor:
            if loss in taking and shared:
                return loss(logits, labels, part, shared[loss.ignore_index])
            return loss(logits, labels, part)

        return sum(
            factor * value(loss) for factor, loss in zip(self.coef, self.losses, strict=True)
        )


class HeadsLoss(nn.Layer):
    """Sum of one loss over a network's heads, each with its factor.

    Args:
        loss: loss of (logits, labels).
        coef: one factor per head.
    """

    def __init__(self, loss: nn.Layer, coef: Sequence[float]) -> None:
        super().__init__()
        self.loss = loss
        self.coef = [float(factor) for factor in coef]

    def forward(
        self, logits_list: Sequence[Tensor], labels: Tensor, part: Part | None = None
    ) -> Tensor:
        """Return the scalar loss for a network's list of logits."""
        if len(logits_list) != len(self.coef):
            raise ValueError(f"{len(logits_list)} heads, {len(self.coef)} factors")
        return sum(
            factor * self.loss(logits, labels, part)
            for factor, logits in zip(self.coef, logits_list, strict=True)
        )


def build_loss(
    use_mixed_loss: bool | Sequence[tuple[str, float]],
    num_heads_coef: Sequence[float],
    *,
    class_weights: Sequence[float] | None = None,
    ignore_index: int = IGNORE_INDEX,
) -> HeadsLoss:
    """Build the training loss for a network's list of logits.

    Args:
        use_mixed_loss: False: cross entropy. True: 0.8 cross entropy + 0.2 Lovász-softmax.
            Otherwise (name, factor) pairs with names CrossEntropyLoss, DiceLoss,
            LovaszSoftmaxLoss.
        num_heads_coef: factor of each head's loss, main head first.
        class_weights: factor per class in the cross entropy.
        ignore_index: label that takes no part.

    Raises:
        InputError: an unknown loss name or a factor that is no number.
    """
    chosen = checked_mixed_loss(use_mixed_loss)
    if isinstance(chosen, bool):
        parts: Sequence[tuple[str, float]] = (
            DEFAULT_MIXED_LOSS if chosen else (("CrossEntropyLoss", 1.0),)
        )
    else:
        parts = chosen
    makers: dict[str, Callable[[], nn.Layer]] = {
        "CrossEntropyLoss": lambda: CrossEntropyLoss(class_weights, ignore_index),
        "DiceLoss": lambda: DiceLoss(ignore_index),
        "LovaszSoftmaxLoss": lambda: LovaszSoftmaxLoss(ignore_index),
    }
    losses = [makers[name]() for name, _ in parts]
    mixed = MixedLoss(losses, [factor for _, factor in parts])
    return HeadsLoss(mixed, num_heads_coef)


def checked_mixed_loss(value: Any) -> bool | list[tuple[str, float]]:
    """Return ``use_mixed_loss`` as plain values, whatever numbers it was made of.

    Raises:
        InputError: it is none of what ``build_loss`` takes.
    """
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if not isinstance(value, (list, tuple)):
        raise InputError(
            "use_mixed_loss is {value}: give True, False, or a list of pairs of a loss and a "
            "factor.",
            value=repr(value)[:100],
        )
    if not value:
        raise InputError("use_mixed_loss is an empty list; name at least one loss.")
    parts = [_checked_part(part) for part in value]
    if not any(factor for _, factor in parts):
        raise InputError("All factors in use_mixed_loss are 0: nothing would be learnt.")
    return parts


def _checked_part(part: Any) -> tuple[str, float]:
    """One pair of ``use_mixed_loss``, which may come from a YAML or JSON file."""
    names = ("CrossEntropyLoss", "DiceLoss", "LovaszSoftmaxLoss")
    if not (isinstance(part, (list, tuple)) and len(part) == 2 and part[0] in names):
        raise InputError(
            "use_mixed_loss contains {part}; give pairs of a name ({names}) and a factor.",
            part=repr(part),
            names=", ".join(names),
        )
    name, factor = part
    number = isinstance(factor, Real) and not isinstance(factor, bool)
    if not number or not math.isfinite(factor) or factor < 0:
        raise InputError(
            "The factor of {name} in use_mixed_loss is {factor}; give a number of 0 or more.",
            name=name,
            factor=repr(factor),
        )
    return name, float(factor)
