"""Compression beside PaddleSlim 2.6.0, on the CPU.

    python benchmarks/compression.py grouping    [--networks NAME …] [--timeout SECONDS]
    python benchmarks/compression.py sensitivity [--model-dir DIR --data DIR] [--groups N]
    python benchmarks/compression.py variants    [--networks NAME …] [--model-dir DIR --data DIR]

grouping: time to find which channels go together, and how many convolutions that reaches.
sensitivity: time of the full and the fast analysis, how well their rankings of the groups agree
(Spearman's correlation at each ratio), and PaddleSlim's ``sensitive`` on the same data.
variants: size, operations and latency of a network as it is, pruned, in 8 bits (by ONNX Runtime's
own tool, too), and both.

Without a model, networks have drawn weights and predict the synthetic images perfectly, so that
there is something to lose. Each measurement runs in a process of its own. PaddleSlim needs what
scripts/make_compression_oracle.py gives it. Close other programs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "FastSCNN": ("FastSCNN", {}),
    "BiSeNetV2": ("BiSeNetV2", {}),
    "UNet": ("UNet", {}),
    "UNet-deconv": ("UNet", {"use_deconv": True}),
    "DeepLabV3P-R50": ("DeepLabV3P", {"backbone": "ResNet50_vd"}),
    "DeepLabV3P-R101": ("DeepLabV3P", {"backbone": "ResNet101_vd"}),
    "HRNet-18": ("HRNet", {"width": 18}),
    "HRNet-48": ("HRNet", {"width": 48}),
    "EfficientNetFPN": ("EfficientNetFPN", {}),
}
NUM_CLASSES = 3


def main() -> None:
    """Run the part asked for and print its table."""
    parser = argparse.ArgumentParser(description="Compression beside PaddleSlim.")
    parser.add_argument("part", choices=("grouping", "sensitivity", "variants"))
    parser.add_argument("--networks", nargs="+", choices=tuple(NETWORKS), metavar="NAME")
    parser.add_argument("--timeout", type=float, default=60, help="PaddleSlim's seconds (60)")
    parser.add_argument("--model-dir", type=Path, help="a trained model")
    parser.add_argument("--data", type=Path, help="its data, in SEG layout")
    parser.add_argument("--images", type=int, default=60, help="synthetic images (60)")
    parser.add_argument("--size", type=int, default=128, help="their side in pixels (128)")
    parser.add_argument("--groups", type=int, help="analyse so many groups; default all")
    parser.add_argument("--runs", type=int, default=30, help="timed runs of a file (30)")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(CHILDREN[arguments.child](arguments)))
        return
    {"grouping": grouping, "sensitivity": sensitivity, "variants": variants}[arguments.part](
        arguments
    )


def grouping(arguments: argparse.Namespace) -> None:
    """Print how long it takes to find the groups."""
    print(f"{'network':16} {'ours':>8} {'groups':>7} {'convs':>9}   PaddleSlim")
    for name in arguments.networks or NETWORKS:
        one = argparse.Namespace(**{**vars(arguments), "networks": [name]})
        ours = child("groups", one, timeout=600)
        theirs = child("walk", one, timeout=arguments.timeout)
        beside = (
            f"{theirs['seconds']:.1f} s, {theirs['groups']} groups, {theirs['convs']} convolutions"
            if "seconds" in theirs
            else theirs["failed"]
        )
        print(
            f"{name:16} {ours['seconds']:6.2f} s {ours['groups']:>7} "
            f"{ours['convs']:>4}/{ours['all']:<4}   {beside}",
            flush=True,
        )


def sensitivity(arguments: argparse.Namespace) -> None:
    """Print how long the analyses take, and how far their rankings agree."""
    results = {}
    for name in ("full", "fast", "sensitive"):
        results[name] = child(name, arguments, timeout=None)
        result = results[name]
        if "failed" in result:
            print(f"{name:10} {result['failed']}")
            continue
        label = "PaddleSlim" if name == "sensitive" else name
        print(
            f"{label:10} {result['seconds']:8.1f} s  {len(result['losses'])} groups, "
            f"{result['images']} images, mIoU {result['miou']:.4f}",
            flush=True,
        )
    full, fast, slim = (results[name].get("losses", {}) for name in ("full", "fast", "sensitive"))
    ratios = next(iter(full.values()), {})
    for other, losses in (("fast", fast), ("PaddleSlim", slim)):
        names = [name for name in full if name in losses]
        agreement = ", ".join(
            f"{ratio}: {spearman([(full[n][ratio], losses[n][ratio]) for n in names]):.3f}"
            for ratio in ratios
        )
        print(f"full and {other} rank {len(names)} groups alike (Spearman)  {agreement}")


def variants(arguments: argparse.Namespace) -> None:
    """Print what variants cost."""
    print(f"{'network':16} {'variant':18} {'MB':>7} {'÷':>5} {'FLOPs ÷':>8} {'ms':>8} {'÷':>5}")
    for name in arguments.networks or (
        ("FastSCNN",) if arguments.model_dir is None else ("model",)
    ):
        one = argparse.Namespace(**{**vars(arguments), "networks": [name]})
        found = child("variants", one, timeout=None)
        if "failed" in found:
            print(f"{name:16} {found['failed']}")
            continue
        first = found["rows"][0]
        for row in found["rows"]:
            print(
                f"{name:16} {row['variant']:18} {row['size'] / 1e6:7.2f} "
                f"{row['size'] / first['size']:5.2f} {row['flops'] / first['flops']:8.3f} "
                f"{row['ms']:8.2f} {row['ms'] / first['ms']:5.2f}",
                flush=True,
            )


def child(name: str, arguments: argparse.Namespace, *, timeout: float | None) -> dict[str, Any]:
    """Result of one measurement in a fresh process, or why there is none."""
    command = [sys.executable, str(Path(__file__).resolve()), arguments.part, "--child", name]
    for key in ("model_dir", "data", "images", "size", "groups", "runs"):
        if (value := getattr(arguments, key)) is not None:
            command += [f"--{key.replace('_', '-')}", str(value)]
    if arguments.networks and arguments.networks[0] in NETWORKS:
        command += ["--networks", *arguments.networks]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=timeout, cwd=ROOT
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"not done after {timeout:.0f} s"}
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return {"failed": f"fails: {lines[-1][:120] if lines else done.returncode}"}
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def spearman(pairs: list[tuple[float, float]]) -> float:
    """Rank correlation of the pairs' two sides; equal values share their mean rank."""
    from scipy.stats import spearmanr

    return float(spearmanr(*zip(*pairs, strict=True)).statistic)


# What the processes do.


def prepare() -> None:
    """Make this project and its tests' samples importable."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support"), str(ROOT / "scripts")]
    import paddle

    paddle.set_device("cpu")


def make_model(arguments: argparse.Namespace) -> Any:
    """The model given, or a network with drawn weights."""
    if arguments.model_dir is not None:
        from core.seg.loading import load_model

        return load_model(arguments.model_dir)
    import compression_samples

    from core import seg

    name, options = NETWORKS[(arguments.networks or ["FastSCNN"])[0]]
    model = getattr(seg, name)(num_classes=NUM_CLASSES, **options)
    compression_samples.draw_weights(model.net)
    return model


@contextlib.contextmanager
def evaluation_set(arguments: argparse.Namespace, model: Any) -> Any:
    """The validation images given, or synthetic ones."""
    if arguments.data is not None:
        from core.datasets import open_data_folder

        yield open_data_folder(arguments.data).dataset("val", model.test_transforms)
        return
    import compression_samples
    import tiny_dataset

    with tempfile.TemporaryDirectory() as folder:
        compression_samples.write_predicted_folder(
            Path(folder), model, images_count=arguments.images, size=arguments.size
        )
        yield tiny_dataset.dataset(Path(folder), "val", size=arguments.size)


def measure_groups(arguments: argparse.Namespace) -> dict[str, Any]:
    """Our groups."""
    prepare()
    from core.compression.channel_groups import find_groups

    net = make_model(arguments).net
    start = time.perf_counter()
    groups = find_groups(net)
    seconds = time.perf_counter() - start
    convs = convolutions(net)
    reached = {member.path for group in groups for member in group.members if member.side == "out"}
    return {
        "seconds": seconds,
        "groups": len(groups),
        "convs": len(reached & convs),
        "all": len(convs),
    }


def convolutions(net: Any) -> set[str]:
    """Paths of all convolutions."""
    import paddle

    kinds = (paddle.nn.Conv2D, paddle.nn.Conv2DTranspose)
    return {path for path, layer in net.named_sublayers() if isinstance(layer, kinds)}


def measure_walk(arguments: argparse.Namespace) -> dict[str, Any]:
    """PaddleSlim's groups."""
    prepare()
    import make_compression_oracle as slim

    net = make_model(arguments).net
    start = time.perf_counter()
    pruner = slim.make_pruner("l1_norm", net)
    seconds = time.perf_counter() - start
    kernels = {value.name for value in net.parameters() if len(value.shape) == 4}
    reached = {
        detail.name
        for collection in pruner.collections
        for detail in collection.all_pruning_details()
        if detail.axis == 0 and detail.name in kernels
    }
    return {"seconds": seconds, "groups": len(list(pruner.collections)), "convs": len(reached)}


def measure_full(arguments: argparse.Namespace) -> dict[str, Any]:
    """The full analysis."""
    return measure_analysis(arguments, fast=False)


def measure_fast(arguments: argparse.Namespace) -> dict[str, Any]:
    """The fast analysis."""
    return measure_analysis(arguments, fast=True)


def measure_analysis(arguments: argparse.Namespace, *, fast: bool) -> dict[str, Any]:
    """One of our analyses."""
    prepare()
    from core.compression.sensitivity.analysis import analyze

    model = make_model(arguments)
    with evaluation_set(arguments, model) as data, tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        found = analyze(
            model, data, save_dir=folder, fast=fast, groups=chosen_groups(arguments, model.net)
        )
        seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "images": found.images,
        "miou": found.baseline,
        "losses": found.losses,
    }


def chosen_groups(arguments: argparse.Namespace, net: Any) -> list[str] | None:
    """Names of the groups to analyse, spread over the network; None for all."""
    from core.compression.sensitivity.analysis import analyzable_groups

    names = [group.name for group in analyzable_groups(net)]
    if arguments.groups is None:
        return None
    step = max(1, len(names) // arguments.groups)
    return names[::step][: arguments.groups]


def measure_sensitive(arguments: argparse.Namespace) -> dict[str, Any]:
    """PaddleSlim's analysis, of those of our groups that it knows."""
    prepare()
    import make_compression_oracle as slim

    from core.compression.criteria import master_name
    from core.compression.sensitivity.analysis import analyzable_groups

    model = make_model(arguments)
    names = chosen_groups(arguments, model.net)
    masters = {master_name(model.net, group): group.name for group in analyzable_groups(model.net)}
    with evaluation_set(arguments, model) as data, tempfile.TemporaryDirectory() as folder:
        scores: list[float] = []

        def evaluate() -> float:
            scores.append(model.evaluate(data, batch_size=8)["miou"])
            return scores[-1]

        start = time.perf_counter()
        pruner = slim.make_pruner("l1_norm", model.net, size=(arguments.size, arguments.size))
        named = {
            value.name: masters[name]
            for name, value in model.net.named_parameters()
            if name in masters
        }
        wanted = [key for key, name in named.items() if names is None or name in names]
        losses = pruner.sensitive(
            eval_func=evaluate, sen_file=str(Path(folder) / "status"), target_vars=wanted
        )
        seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "images": len(data),
        "miou": scores[0],
        "losses": {
            named[key]: {str(float(ratio)): loss for ratio, loss in by_ratio.items()}
            for key, by_ratio in losses.items()
        },
    }


def measure_variants(arguments: argparse.Namespace) -> dict[str, Any]:
    """Export and time a network as it is, pruned, in 8 bits, and both."""
    prepare()
    from peer_quantization import quantized_by_peer

    from core.compression.flops import flops_of
    from core.compression.trace import trace
    from core.deploy.latency import latency
    from core.deploy.model_export import export_model

    size = (arguments.size, arguments.size)
    rows = []
    for pruned, int8 in ((0.0, False), (0.3, False), (0.5, False), (0.0, True), (0.5, True)):
        model = make_model(arguments)
        with evaluation_set(arguments, model) as data, tempfile.TemporaryDirectory() as folder:
            model.test_transforms = model.test_transforms or data.transforms
            if pruned:
                model.prune(pruned, strategy="global", image_size=size)
            flops = flops_of(trace(model.net, (size[1], size[0])).deployed())
            if int8:
                model.quantize_post_training(data, images=16, image_size=size)
            exported = export_model(model, Path(folder) / "export", size=size)
            name = " + ".join([f"pruned {pruned:.0%}"] * bool(pruned) + ["int8"] * int8) or "float"
            files = {name: exported.model}
            if name == "float":
                files["int8 (peer)"] = quantized_by_peer(exported.model, data)
            rows += [
                {
                    "variant": variant,
                    "size": file.stat().st_size,
                    "flops": flops,
                    "ms": latency(file, size=size, runs=arguments.runs).median_ms,
                }
                for variant, file in files.items()
            ]
    return {"rows": rows}


CHILDREN = {
    "groups": measure_groups,
    "walk": measure_walk,
    "full": measure_full,
    "fast": measure_fast,
    "sensitive": measure_sensitive,
    "variants": measure_variants,
}


if __name__ == "__main__":
    main()
