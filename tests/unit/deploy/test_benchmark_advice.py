"""What times advise: runtime, threads, batches, and how far to trust them."""

from __future__ import annotations

from pathlib import Path

from core.deploy.benchmark_advice import advice, recommendations
from core.deploy.benchmarking import Benchmark, Measured, Timing
from core.system.messages import message


def timing(ms, *, threads=1, batch=1, stage="file_to_mask"):
    return Timing(
        stage=stage,
        threads=threads,
        batch=batch,
        p50_ms=ms,
        p95_ms=1.2 * ms,
        images_per_second=1e3 * batch / ms,
        runs=50,
    )


def measured(name, *timings, runtime="onnxruntime", **values):
    own = {"export": Path("/exports") / name, "name": name, "format": "onnx", "runtime": runtime}
    return Measured(**(own | values), timings=timings)


def benchmark(*all_measured, idle=4.0):
    return Benchmark(
        measured=all_measured,
        image_size=(640, 480),
        processor="a processor",
        cores=4,
        idle_cores=idle,
        seconds=12.0,
    )


def sentences(*all_measured, **options):
    return [str(one) for one in advice(benchmark(*all_measured, **options))]


def test_the_fastest_runtime_with_its_threads():
    result = benchmark(
        measured("a", timing(30.0), timing(14.0, threads=4)),
        measured("a", timing(20.0), timing(10.0, threads=4), runtime="openvino"),
    )
    (best,) = recommendations(result)
    assert (best.name, best.runtime, best.threads, best.p50_ms) == ("a", "openvino", 4, 10.0)
    said = [str(one) for one in advice(result)]
    assert said == [
        "a: run it in OpenVINO with 4 threads: 10.0 ms from file to mask, 12.0 ms or less in 95 "
        "of 100.",
        "a in ONNX Runtime takes 1.40 times as long.",
    ]


def test_threads_that_bring_nothing_are_left_to_others():
    (best,) = recommendations(benchmark(measured("a", timing(10.2), timing(10.0, threads=4))))
    assert best.threads == 1
    (best,) = recommendations(benchmark(measured("a", timing(11.0), timing(10.0, threads=4))))
    assert best.threads == 4


def test_of_runtimes_that_are_alike_the_first_one():
    (best,) = recommendations(
        benchmark(measured("a", timing(10.2)), measured("a", timing(10.0), runtime="openvino"))
    )
    assert best.runtime == "onnxruntime"
    assert "a in OpenVINO takes as long." in sentences(
        measured("a", timing(10.2)), measured("a", timing(10.0), runtime="openvino")
    )


def test_the_network_alone_decides_nothing():
    (best,) = recommendations(
        benchmark(
            measured("a", timing(10.0), timing(1.0, stage="network")),
            measured("a", timing(9.0), timing(5.0, stage="network"), runtime="openvino"),
        )
    )
    assert best.runtime == "openvino"


def test_models_are_compared():
    said = sentences(measured("float", timing(20.0)), measured("int8", timing(8.0)))
    assert said[0].startswith("int8: run it in ONNX Runtime with 1 thread: 8.0 ms")
    assert "int8 is the fastest, float takes 2.50 times as long." in said


def test_batches_where_they_bring_something():
    assert (
        "a: where images may wait for each other, 4 at once make 200.0 a second instead of 100.0."
        in sentences(measured("a", timing(10.0), timing(20.0, batch=4)))
    )
    assert "a: several images at once are not faster than one after the other." in sentences(
        measured("a", timing(10.0), timing(39.0, batch=4))
    )


def test_a_busy_machine_is_said():
    said = sentences(measured("a", timing(10.0)), idle=1.5)
    assert said[-1].startswith("2.5 of 4 cores were busy with other work")
    assert "busy" not in " ".join(sentences(measured("a", timing(10.0)), idle=3.8))


def test_what_could_not_run_is_not_recommended():
    broken = measured("b", problem=message("It cannot be run here: {reason}.", reason="odd"))
    (best,) = recommendations(benchmark(broken, measured("a", timing(10.0))))
    assert best.name == "a"
    assert recommendations(benchmark(broken)) == ()
    assert sentences(broken) == []


def test_another_device_is_named():
    said = sentences(measured("a", timing(10.0)), measured("a", timing(2.0), device="CUDA"))
    assert said[0].startswith("a: run it in ONNX Runtime (CUDA) with 1 thread: 2.0 ms")
    assert said[1] == "a in ONNX Runtime takes 5.00 times as long."
