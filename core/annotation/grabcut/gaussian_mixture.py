"""Mixtures of Gaussians that tell foreground from background by colour."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Colors = npt.NDArray[np.float32]
Weights = npt.NDArray[np.float32]

_SAMPLES = 4000
_EM_STEPS = 2
_LEAST_VARIANCE = 4.0  # (Lab units)²: about what JPEG does to a flat area
_OUTLIER = 1e-7  # density of colours no component explains


@dataclass(frozen=True, slots=True, eq=False)
class ColorModel:
    """A mixture over Lab colours: ``whitening`` turns an offset from a mean into unit normal."""

    log_weights: npt.NDArray[np.float32]
    means: npt.NDArray[np.float32]
    whitening: npt.NDArray[np.float32]

    @classmethod
    def fit(cls, colors: Colors, weights: Weights, *, components: int) -> ColorModel:
        """Fit to at most a few thousand of the colours (N, 3); the same input gives the same model.

        Raises:
            ValueError: no colours.
        """
        if not len(colors):
            raise ValueError("no colours")
        step = len(colors) // _SAMPLES + 1
        colors = np.ascontiguousarray(colors[::step], np.float32)
        weights = np.ascontiguousarray(weights[::step], np.float32) + np.float32(1e-6)
        model = _from_shares(colors, weights, _first_shares(colors, components))
        for _ in range(_EM_STEPS):
            logs = model._component_logs(colors)
            shares = np.exp(logs - logs.max(axis=1, keepdims=True))
            shares /= shares.sum(axis=1, keepdims=True)
            model = _from_shares(colors, weights, shares)
        return model

    def log_density(self, colors: Colors) -> npt.NDArray[np.float32]:
        """Return the log density (N,) of colours (N, 3)."""
        logs = self._component_logs(colors)
        top = logs.max(axis=1)
        total = np.exp(logs - top[:, None]).sum(axis=1)
        density: npt.NDArray[np.float32] = np.logaddexp(
            top + np.log(total), np.float32(np.log(_OUTLIER))
        )
        return density

    def _component_logs(self, colors: Colors) -> npt.NDArray[np.float32]:
        logs = np.empty((len(colors), len(self.means)), np.float32)
        for k, (mean, whitening) in enumerate(zip(self.means, self.whitening, strict=True)):
            offset = (colors - mean) @ whitening.T
            logs[:, k] = self.log_weights[k] - 0.5 * np.einsum("ij,ij->i", offset, offset)
        return logs


def _first_shares(colors: Colors, components: int) -> npt.NDArray[np.float32]:
    count = min(components, len(colors))
    cv2.setRNGSeed(0)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 12, 0.5)
    nearest = np.zeros((len(colors), 1), np.int32)
    cv2.kmeans(colors, count, nearest, criteria, 1, cv2.KMEANS_PP_CENTERS)
    return np.asarray(np.eye(count, dtype=np.float32)[nearest[:, 0]])


def _from_shares(colors: Colors, weights: Weights, shares: npt.NDArray[np.float32]) -> ColorModel:
    shares = shares * weights[:, None]
    totals = shares.sum(axis=0)
    used = np.flatnonzero(totals > 1e-3 * totals.sum())
    logs, means, whitenings = [], [], []
    for k in used.tolist():
        share = shares[:, k : k + 1].astype(np.float64)
        mean = (colors * share).sum(axis=0) / share.sum()
        offset = colors - mean
        covariance = (offset * share).T @ offset / share.sum() + np.eye(3) * _LEAST_VARIANCE
        whitening = np.linalg.inv(np.linalg.cholesky(covariance))
        logs.append(np.log(totals[k] / totals.sum()) + np.log(np.diag(whitening)).sum())
        means.append(mean)
        whitenings.append(whitening)
    return ColorModel(
        np.array(logs, np.float32), np.array(means, np.float32), np.array(whitenings, np.float32)
    )
