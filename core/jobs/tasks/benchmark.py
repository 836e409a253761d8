"""Time exported models side by side."""

from __future__ import annotations

from typing import Any

from core.deploy.benchmark_advice import advice, recommendations
from core.deploy.benchmarking import benchmark_exports
from core.runs.kinds import BenchmarkSpec
from core.runs.run_folder import RunFolder
from core.system.reporting import Reporter


def run(spec: BenchmarkSpec, _folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Time exported models; ``advice`` has sentences with their places, to be translated."""
    result = benchmark_exports(spec.exports, seconds=spec.seconds, reporter=reporter)
    return {
        **result.to_dict(),
        "advice": [
            {"problem": str(one), "template": one.template, "params": dict(one.params)}
            for one in advice(result)
        ],
        "recommended": [
            {
                "export": str(one.export),
                "runtime": one.runtime,
                "device": one.device,
                "threads": one.threads,
            }
            for one in recommendations(result)
        ],
    }
