"""What computes an exported model: ONNX Runtime or OpenVINO, on the processor."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from .manifest import Manifest
from .onnx_sessions import first_line, open_session
from .portable_error import PortableError

Images = npt.NDArray[np.uint8]
LabelMaps = npt.NDArray[np.uint8]
Scores = npt.NDArray[np.float32]
Shape: TypeAlias = tuple[int, ...]

#: Runtimes that read a format, the first one unless another is asked for.
RUNTIMES: Final = {"onnx": ("onnxruntime", "openvino"), "openvino": ("openvino",)}
_LABEL_MAP: Final = "label_map"
_SCORES: Final = "scores"
#: OpenVINO is up to twice as fast on images whose shape it knows. It is told one that has come so
#: often, and so many of them for each output: each costs the memory of a model.
_OFTEN: Final = 3
_MOST_FIXED: Final = 2
_MOST_COUNTED: Final = 1000
_ELEMENTS: Final = {"f32": "float32", "f16": "float16", "bf16": "bfloat16"}


class Runtime(Protocol):
    """Computes batches of images of one size."""

    @property
    def name(self) -> str:
        """``"onnxruntime"``, ``"openvino"`` or ``"paddle"``."""

    @property
    def version(self) -> str:
        """Of the library."""

    @property
    def compute_precision(self) -> str:
        """What most numbers are on the way, such as ``"float32"`` or ``"int8"``."""

    @property
    def threads(self) -> int:
        """How many threads compute one batch."""

    def label_maps(self, images: Images) -> LabelMaps:
        """Images (N, H, W, 3) uint8 BGR → class ids (N, H, W)."""

    def scores(self, images: Images) -> Scores:
        """Images (N, H, W, 3) uint8 BGR → probabilities (N, C, H, W) float32."""


def open_runtime(
    folder: str | Path,
    manifest: Manifest,
    *,
    runtime: str = "auto",
    threads: int | None = None,
    spinning: bool = True,
) -> Runtime:
    """Open the model of an export folder whose graph is complete.

    Args:
        folder: of the export.
        manifest: its ``manifest.json``.
        runtime: ``"onnxruntime"``, ``"openvino"``, or ``"auto"`` for the first one that reads the
            format and is installed.
        threads: that compute one batch; None for one on each core that this process may use.
        spinning: whether threads of ONNX Runtime that wait keep their core busy: faster where
            nothing else needs it.

    Raises:
        PortableError: the runtime is unknown, not installed, or does not read the format; the
            graph is not complete; the model is damaged or not what the manifest says.
    """
    if manifest.graph != "complete" or manifest.format not in RUNTIMES:
        raise PortableError(
            "{folder} holds a model that needs its preprocessing done elsewhere ({format}, {graph}"
            " graph): export it as a complete graph to run it here.",
            folder=folder,
            format=manifest.format,
            graph=manifest.graph,
        )
    if threads is not None and threads < 1:
        raise PortableError("threads is {value}: give 1 or more.", value=threads)
    name = _chosen(runtime, RUNTIMES[manifest.format])
    file = Path(folder) / manifest.model_file
    count = threads or _cores()
    if name == "openvino":
        return OpenVinoRuntime(file, manifest, threads=count)
    return OnnxRuntime(file, manifest, threads=count, spinning=spinning)


def _chosen(asked: str, able: Sequence[str]) -> str:
    if asked not in ("auto", *able):
        raise PortableError(
            "The runtime {name} does not read this model: choose one of {names}.",
            name=asked,
            names=", ".join(("auto", *able)),
        )
    wanted = able if asked == "auto" else (asked,)
    for name in wanted:
        if find_spec(name) is not None:
            return name
    raise PortableError(
        "{name} is not installed: install it with “pip install {name}”.", name=wanted[0]
    )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _CheckedRuntime:
    """What both runtimes have in common: inputs and outputs are looked at."""

    def __init__(self, file: Path, manifest: Manifest, *, threads: int) -> None:
        self._file = file
        self._manifest = manifest
        self._threads = threads

    @property
    def threads(self) -> int:
        """How many threads compute one batch."""
        return self._threads

    @property
    def compute_precision(self) -> str:
        """What most numbers are on the way."""
        return self._manifest.precision

    def label_maps(self, images: Images) -> LabelMaps:
        """Images (N, H, W, 3) uint8 BGR → class ids (N, H, W)."""
        result = self._computed(_LABEL_MAP, images)
        if result.shape != images.shape[:3] or result.dtype != np.uint8:
            raise self._contradiction(f"{_LABEL_MAP} {result.dtype} {result.shape}")
        return result

    def scores(self, images: Images) -> Scores:
        """Images (N, H, W, 3) uint8 BGR → probabilities (N, C, H, W) float32."""
        result = self._computed(_SCORES, images)
        number, height, width = images.shape[:3]
        expected = (number, self._manifest.num_classes, height, width)
        if result.shape != expected or result.dtype != np.float32:
            raise self._contradiction(f"{_SCORES} {result.dtype} {result.shape}")
        return result

    def _compute(self, output: str, images: Images) -> npt.NDArray[Any]:
        raise NotImplementedError

    def _computed(self, output: str, images: Images) -> npt.NDArray[Any]:
        own = self._manifest.input
        height, width = images.shape[1:3]
        if own.height not in (None, height) or own.width not in (None, width):
            raise PortableError(
                "{file} takes images of {width}×{height} pixels, and this one has {other}.",
                file=self._file,
                width=own.width or width,
                height=own.height or height,
                other=f"{width}×{height}",
            )
        if own.color_order == "RGB":
            images = images[..., ::-1]
        try:
            return self._compute(self._tensor(output), np.ascontiguousarray(images))
        except MemoryError:
            raise
        except Exception as error:  # the runtimes' own kinds, which have no common base
            raise PortableError(
                "{file} cannot compute an image of {width}×{height} pixels: {reason}.",
                file=self._file,
                width=width,
                height=height,
                reason=first_line(error),
            ) from error

    def _tensor(self, output: str) -> str:
        return str(self._manifest.outputs[output])

    def _check(self, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        """Refuse a model whose tensors are not called as the manifest says."""
        missing = {self._tensor(name) for name in (_LABEL_MAP, _SCORES)} - set(outputs)
        if list(inputs) != [self._manifest.input.name] or missing:
            raise self._contradiction(f"{', '.join(inputs)} → {', '.join(outputs)}")

    def _contradiction(self, found: str) -> PortableError:
        return PortableError(
            "{file} is not the model that {manifest} describes ({found}): export it again.",
            file=self._file,
            manifest="manifest.json",
            found=found,
        )


class OnnxRuntime(_CheckedRuntime):
    """ONNX Runtime; see ``open_runtime``."""

    name: Final = "onnxruntime"

    def __init__(
        self,
        file: Path,
        manifest: Manifest,
        *,
        threads: int,
        spinning: bool = True,
        session: Any = None,
    ) -> None:
        super().__init__(file, manifest, threads=threads)
        self._session = session or open_session(file, threads=threads, spinning=spinning)
        self._check(
            [one.name for one in self._session.get_inputs()],
            [one.name for one in self._session.get_outputs()],
        )

    @property
    def version(self) -> str:
        """Of the library."""
        import onnxruntime

        return str(onnxruntime.__version__)

    def _compute(self, output: str, images: Images) -> npt.NDArray[Any]:
        feeds = {self._manifest.input.name: images}
        result: npt.NDArray[Any] = self._session.run([output], feeds)[0]
        return result


class OpenVinoRuntime(_CheckedRuntime):
    """OpenVINO; see ``open_runtime``. Left alone it computes in 16 bits where it can."""

    name: Final = "openvino"

    def __init__(self, file: Path, manifest: Manifest, *, threads: int) -> None:
        import openvino

        super().__init__(file, manifest, threads=threads)
        if not file.is_file():
            raise PortableError("{file} does not exist.", file=file)
        self._core = openvino.Core()
        self._requests: dict[tuple[str, Shape | None], Any] = {}
        self._seen: Counter[tuple[str, Shape]] = Counter()
        self._turn = threading.Lock()
        try:
            self._model = self._core.read_model(file)
        except Exception as error:
            raise self._refused(error) from error
        self._check(
            [name for one in self._model.inputs for name in sorted(one.names)[:1]],
            [name for one in self._model.outputs for name in one.names],
        )
        try:
            self._request(self._tensor(_LABEL_MAP))
        except Exception as error:
            raise self._refused(error) from error

    def _refused(self, error: Exception) -> PortableError:
        return PortableError(
            "{file} is no model that OpenVINO can run here: {reason}.",
            file=self._file,
            reason=first_line(error),
        )

    @property
    def version(self) -> str:
        """Of the library."""
        import openvino

        return str(openvino.__version__).split("-")[0]

    @property
    def compute_precision(self) -> str:
        """What most numbers are on the way, as the compiled model says."""
        if self._manifest.precision != "float32":
            return self._manifest.precision
        compiled = self._request(self._tensor(_LABEL_MAP)).get_compiled_model()
        element = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
        return _ELEMENTS.get(element, str(element))

    def _request(self, output: str, shape: Shape | None = None) -> Any:
        """Return what computes one of the outputs and nothing else; compiled when first needed.

        Args:
            output: name of its tensor.
            shape: of the only images that it is to take; None for any.
        """
        key = (output, shape)
        if key not in self._requests:
            model = self._model.clone()
            for result in [one for one in model.outputs if output not in one.names]:
                model.remove_result(result.get_node())
            if shape is not None:
                model.reshape({self._manifest.input.name: list(shape)})
            config = {
                "INFERENCE_PRECISION_HINT": "f32",
                "PERFORMANCE_HINT": "LATENCY",
                # Every process would tie its threads to the same cores, from the first one on.
                "ENABLE_CPU_PINNING": False,
                "INFERENCE_NUM_THREADS": self._threads,
            }
            compiled = self._core.compile_model(model, "CPU", config)
            self._requests[key] = compiled.create_infer_request()
        return self._requests[key]

    def _repeated(self, output: str, shape: Shape) -> Shape | None:
        """Return the shape where it comes again and again: compiled for it, it is done sooner."""
        if (output, shape) in self._requests:
            return shape
        if len(self._seen) > _MOST_COUNTED:
            self._seen.clear()
        self._seen[output, shape] += 1
        fixed = sum(name == output and known is not None for name, known in self._requests)
        enough = self._seen[output, shape] >= _OFTEN and fixed < _MOST_FIXED
        return shape if enough else None

    def _compute(self, output: str, images: Images) -> npt.NDArray[Any]:
        with self._turn:  # a request computes one batch at a time
            request = self._request(output, self._repeated(output, images.shape))
            results = request.infer({self._manifest.input.name: images})
            return np.array(results[output])
