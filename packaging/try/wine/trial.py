"""Try the Windows product in wine: install, use, kill, upgrade, uninstall, as the user 张 三.

    trial.py fast --work DIR [--tree DIR]     imports, one training step, one window
    trial.py whole --work DIR [--tree DIR]    everything; takes half an hour

Without ``--tree`` a tree is built in the work's folder. There is no network in wine, and the paths
have spaces and Chinese letters. ``DIR/try`` gets ``log.txt``, what the steps wrote, and pictures of
the screen.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from windows.installer import SetupBuild, build_setup
from windows.products import picture
from windows.trial.wine import SCRIPTS, USER, Wine, why_not, wine_root

CHECKOUT = Path(__file__).resolve().parents[3]
HOME = PureWindowsPath(rf"C:\users\{USER}")
INSTALLED = HOME / "程序 文件夹" / "Maskwright"
START_MENU = HOME / r"AppData\Roaming\Microsoft\Windows\Start Menu\Programs\Maskwright"
WORK = HOME / "我的 数据"
KEYS = (r"Software\Maskwright", r"Software\Microsoft\Windows\CurrentVersion\Uninstall\Maskwright")

# Takes a picture of the screen whenever a NAME.ask appears in one of the folders.
PHOTOGRAPHER = """
while sleep 0.3; do
    for asked in "$PICTURES"/*.ask; do
        [ -e "$asked" ] && maim "/shared/out/$(basename "$asked" .ask).png" && rm -f "$asked"
    done
done &
"""


class Trial:
    """The steps of one try, and their log.

    Args:
        out: folder for the log and the pictures; emptied.
    """

    def __init__(self, out: Path) -> None:
        self.out = out.absolute()
        shutil.rmtree(self.out, ignore_errors=True)
        self.shared = self.out / "shared"
        (self.shared / "out").mkdir(parents=True)
        shutil.copytree(SCRIPTS / "inside", self.shared / "inside")
        shutil.copy(CHECKOUT / "packaging" / "try" / "imports.py", self.shared / "inside")
        for path in (self.shared, self.shared / "out"):
            path.chmod(0o777)
        for parent in self.shared.parents:
            if parent != Path("/") and not parent.stat().st_mode & 0o005 == 0o005:
                raise SystemExit(f"{parent} must be readable for everyone")
        self.failures = 0
        self.wine = Wine(wine_root(), self.shared)

    def log(self, text: str) -> None:
        """Write a line to the screen and to the log."""
        print(text, flush=True)
        with (self.out / "log.txt").open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        """Do a step; a failure is logged and the next one is tried."""
        notes: list[str] = []
        began = time.monotonic()
        try:
            yield notes.append
            verdict = "ok    "
        except Exception as error:
            verdict = "FAILED"
            notes.append(f"{type(error).__name__}: {error}")
            self.failures += 1
        self.log(f"{verdict} {time.monotonic() - began:5.0f} s  {name}")
        for note in notes:
            self.log("".join(f"           {line}\n" for line in note.splitlines()).rstrip())

    def python(self, folder: str, script: str, *arguments: str, timeout_s: float) -> str:
        """Run one of the scripts in ``inside`` by the interpreter of an installation."""
        quoted = " ".join(f"'{one}'" for one in arguments)
        return self.wine.shell(
            f"PICTURES={pictures(arguments)!r}; {PHOTOGRAPHER}"
            f" wine '{folder}\\python\\python.exe' -B -X utf8"
            f" 'Z:\\shared\\inside\\{script}' {quoted}",
            timeout_s=timeout_s,
            exit_code=None,
        )


def pictures(arguments: tuple[str, ...]) -> str:
    """Return where in Linux the script's folder of pictures is."""
    if not arguments:
        return "/nowhere"
    path = PureWindowsPath(arguments[0])
    inside = "/".join(path.parts[1:])
    drive = f"/home/{USER}/.wine/drive_c/" if path.drive == "C:" else "/"
    return f"{drive}{inside}/pictures"


def require(condition: object, what: str) -> None:
    """Raise unless it is so."""
    if not condition:
        raise AssertionError(what)


def fast(trial: Trial, tree: Path) -> None:
    """Use a tree as it was built, without installing it."""
    link = trial.shared / "tree"
    subprocess.run(["cp", "-al", str(tree), str(link)], check=True)
    root = r"Z:\shared\tree"
    with trial.step("every module can be imported") as note:
        said = trial.python(root, "imports.py", timeout_s=900)
        note(said)
        require(" 0 broken" in said, "see above")
    with trial.step("one training step by the command line") as note:
        train_a_step(trial, root, note)
    with trial.step("the window, drawn into memory") as note:
        said = trial.wine.shell(
            "wine 'Z:\\shared\\tree\\python\\python.exe' -B -X utf8"
            " 'Z:\\shared\\inside\\window.py' 'Z:\\shared\\out\\窗口 window'"
            " --import-only --offscreen",
            timeout_s=600,
            exit_code=None,
        )
        told = read_result(trial.shared / "out" / "窗口 window", said)
        require(told.get("done"), str(told.get("failed", said)))
        require(told["platform"] == "offscreen", str(told["platform"]))
        note(f"window after {told['seconds to the window']} s, {told['images']} images imported")


def train_a_step(trial: Trial, root: str, note: Callable[[str], None]) -> None:
    """Train on four tiny images, one epoch of one step, by ``maskwright.com``."""
    script = trial.shared / "inside" / "tiny.py"
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from core.demo import DemoSettings, make_dataset\n"
        "make_dataset(Path(sys.argv[1]), DemoSettings(images=9, side=64))\n",
        encoding="utf-8",
    )
    trial.python(root, "tiny.py", r"Z:\shared\out\小 data", timeout_s=300)
    output = trial.wine.shell(
        f"cd /shared/out && wine '{root}\\maskwright.com' train --data '小 data' --out '训 练'"
        " --model FastSCNN --epochs 1 --batch-size 2 --image-size 64x64 --device cpu --json",
        timeout_s=900,
        exit_code=None,
    )
    (trial.out / "train.txt").write_text(output, encoding="utf-8")
    best = list((trial.shared / "out" / "训 练").rglob("model.pdparams"))
    require(best, output)
    note(output.strip().splitlines()[-1][:200])


def read_result(folder: Path, said: str) -> dict[str, object]:
    """Return what ``window.py`` wrote; raises with what it printed instead."""
    path = folder / "result.json"
    require(path.exists(), said)
    found: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return found


def whole(trial: Trial, tree: Path, version: str, later: str, *, kills: int) -> None:
    """Install, use, kill, upgrade, uninstall."""
    wine = trial.wine
    setups = make_setups(trial, tree, version, later)
    for place in (INSTALLED.parent, WORK, HOME / r"AppData\Local\maskwright"):
        shutil.rmtree(wine.local(place), ignore_errors=True)
    wine.forget(KEYS)
    root = str(INSTALLED)
    # /NCRC: the sum over a gigabyte takes minutes in wine, and was made a moment ago.
    installed = wine.local(INSTALLED)
    with trial.step(f"setup /S into {INSTALLED}") as note:
        wine.shell(f"wine cmd /c '{setups[version]} /NCRC /S /D={INSTALLED}'", timeout_s=1800)
        count = sum(path.is_file() for path in installed.rglob("*"))
        size = sum(path.stat().st_size for path in installed.rglob("*") if path.is_file())
        note(f"{count} files, {size / 1e6:.0f} MB")
        require((wine.local(START_MENU) / "Maskwright.lnk").exists(), "no entry in the start menu")
    with trial.step("the window by the start menu's entry") as note:
        note(open_from_start_menu(trial))
    with trial.step("in the window: import, a stroke, two epochs") as note:
        said = trial.python(root, "window.py", str(WORK / "窗口"), timeout_s=1800)
        told = read_result(wine.local(WORK / "窗口"), said)
        shown = {key: value for key, value in told.items() if key != "run"}
        note(json.dumps(shown, ensure_ascii=False))
        require(told.get("done"), str(told.get("failed")))
        run = told["run"]
        require(isinstance(run, dict) and run["state"] == "done", str(run))
    use_command_line(trial, root)
    with trial.step(f"window or worker killed at random, {kills} times") as note:
        said = trial.python(
            root,
            "kills.py",
            str(INSTALLED / "maskwright.exe"),
            str(WORK / "杀"),
            "--kills",
            str(kills),
            timeout_s=kills * 420,
        )
        path = wine.local(WORK / "杀" / "kills.json")
        require(path.exists(), said)
        ends = json.loads(path.read_text(encoding="utf-8"))
        for end in ends:
            note(json.dumps(end, ensure_ascii=False))
        require(len(ends) == kills and not any("failed" in end for end in ends), "see above")
    before = contents(wine.local(WORK)) | contents(wine.local(HOME / r"AppData\Local\maskwright"))
    with trial.step(f"upgrade from {version} to {later}") as note:
        wine.run(setups[later], "/NCRC", "/S", timeout_s=1800)
        output = wine.run(f"{root}\\maskwright.com", "--version", exit_code=None)
        note(output.strip())
        require(later in output, "another version answers")
        require(not (installed / "program" / "CHANGELOG.md").exists(), "an old file is left")
        require((installed / "program" / "new.txt").exists(), "a new file is missing")
    with trial.step("uninstall") as note:
        inside = installed.relative_to(wine.root)
        wine.shell(
            f"cd '/{inside}' && wine cmd /c 'uninstall.exe /S _?={INSTALLED}'", timeout_s=900
        )
        left = {path.name for path in installed.rglob("*")}
        require(left <= {"uninstall.exe"}, f"left: {sorted(left)[:20]}")
        require(not wine.local(START_MENU).exists(), "the start menu's entry is left")
        require(not any(wine.registry(key) for key in KEYS), "keys are left")
        after = contents(wine.local(WORK)) | contents(
            wine.local(HOME / r"AppData\Local\maskwright")
        )
        require(before == after, "projects or settings were touched")
        note(f"{len(after)} files of the user's are as they were")


def use_command_line(trial: Trial, root: str) -> None:
    """Predict, export and doctor by ``maskwright.com`` with the model of the window's training."""
    wine = trial.wine
    told = json.loads((wine.local(WORK / "窗口") / "result.json").read_text(encoding="utf-8"))
    best = (told.get("run") or {}).get("best_model")
    data = WORK / "窗口" / "数据 data"
    image = next(iter(sorted(wine.local(data).rglob("*.png"))), None)
    for name, arguments in {
        "predict": [
            "--model-dir",
            str(best),
            "--out",
            str(WORK / "预测"),
            windows_path(wine, image),
        ],
        "export": ["--model-dir", str(best), "--out", str(WORK / "导出")],
        "export --format paddle": ["--model-dir", str(best), "--out", str(WORK / "导出 paddle")],
        "doctor": [],
    }.items():
        with trial.step(f"maskwright {name}") as note:
            output = wine.run(
                f"{root}\\maskwright.com", *name.split(), *arguments, timeout_s=600, exit_code=None
            )
            (trial.out / f"{name}.txt").write_text(output, encoding="utf-8")
            if name == "doctor":
                require("bug of ours" not in output, output)
                note(f"{len(output.splitlines())} lines")
                continue
            made = wine.local(PureWindowsPath(arguments[3]))
            found = (
                [path.name for path in made.rglob("*") if path.is_file()] if made.exists() else []
            )
            require(found, output)
            note(", ".join(sorted(found)[:6]))


def windows_path(wine: Wine, path: Path | None) -> str:
    """Return the name in Windows of a file on drive C."""
    require(path is not None, "there is no image")
    assert path is not None
    return str(PureWindowsPath("C:\\", *path.relative_to(wine.drive_c).parts))


def contents(folder: Path) -> set[tuple[str, int, float]]:
    """Return name, size and time of every file below a folder."""
    return {
        (str(path.relative_to(folder)), path.stat().st_size, path.stat().st_mtime)
        for path in folder.rglob("*")
        if path.is_file()
    }


def open_from_start_menu(trial: Trial) -> str:
    """Start what the shortcut says, take a picture, ask the window to close.

    Wine itself cannot follow a shortcut whose target has letters that its code page lacks, so
    the target is read here.
    """
    target = INSTALLED / "maskwright.exe"
    shortcut = trial.wine.local(START_MENU / "Maskwright.lnk").read_bytes()
    require(str(target).encode("utf-16-le") in shortcut, "the shortcut has another target")
    program = f"/home/{USER}/.wine/drive_c/" + "/".join(target.parts[1:])
    output = trial.wine.shell(
        f"""
        began=$(date +%s%N)
        wine start /unix '{program}' &
        for i in $(seq 600); do
            window=$(xdotool search --onlyvisible --name Maskwright | head -n 1)
            [ -z "$window" ] || break
            sleep 0.1
        done
        echo "milliseconds: $(( ($(date +%s%N) - began) / 1000000 ))"
        [ -n "$window" ] || {{ maim /shared/out/no-window.png; echo no window; exit; }}
        sleep 4
        maim /shared/out/started.png
        xdotool getwindowname "$window"
        wine taskkill /IM maskwright.exe # asks the window to close
        for i in $(seq 300); do # by its name: this script's own command line has it, too
            pgrep -x maskwright.exe >/dev/null || {{ echo closed; break; }}
            sleep 0.2
        done
        cat "$HOME/.wine/drive_c/users/$USER/AppData/Local/Temp/maskwright-start.log"
        """,
        timeout_s=300,
    )
    require("closed" in output, output)
    return output.strip()


def make_setups(trial: Trial, tree: Path, version: str, later: str) -> dict[str, str]:
    """Make the setup of the tree and that of a later version, by version."""
    made = {}
    for name in (version, later):
        source = tree
        if name == later:
            source = trial.out / "later tree"
            subprocess.run(["cp", "-al", str(tree), str(source)], check=True)
            make_later(source, later)
        with trial.step(f"setup {name} is compiled") as note:
            build = SetupBuild(
                tree=source,
                version=name,
                picture=picture(CHECKOUT),
                source_date=int(time.time()),
                compression="none",
            )
            setup = build_setup(build, trial.shared / f"setup-{name}.exe")
            note(f"{setup.stat().st_size / 1e6:.0f} MB")
        made[name] = f"Z:\\shared\\setup-{name}.exe"
    return made


def make_later(tree: Path, version: str) -> None:
    """Turn a tree of hard links into that of a later version: one file less, one more."""
    for name, content in {
        "installation.json": None,
        "program/new.txt": "new in this version\n",
    }.items():
        path = tree / name
        text = path.read_text(encoding="utf-8") if content is None else content
        path.unlink(missing_ok=True)  # or the link's other end would change, too
        path.write_text(text, encoding="utf-8")
    described = tree / "installation.json"
    fields = json.loads(described.read_text(encoding="utf-8")) | {"version": version}
    described.write_text(json.dumps(fields), encoding="utf-8")
    (tree / "program" / "CHANGELOG.md").unlink()
    (about,) = (tree / "program").glob("maskwright-*.dist-info")
    renamed = about.with_name(f"maskwright-{version}.dist-info")
    text = (about / "METADATA").read_text(encoding="utf-8")
    shutil.rmtree(about)
    renamed.mkdir()
    lines = [
        f"Version: {version}" if one.startswith("Version:") else one for one in text.splitlines()
    ]
    (renamed / "METADATA").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> int:
    """Run the script; 0 when all steps went well, 77 where wine cannot be had."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=["fast", "whole"])
    parser.add_argument("--work", type=Path, required=True, help="folder for everything")
    parser.add_argument("--tree", type=Path, help="built already; else it is built")
    parser.add_argument("--kills", type=int, default=10)
    options = parser.parse_args()
    if reason := why_not():
        print(f"Windows is not tried: {reason}.")
        return 77
    os.umask(0o022)
    trial = Trial(options.work / "try")
    tree = options.tree or build_tree(trial, options.work)
    version = json.loads((tree / "installation.json").read_text(encoding="utf-8"))["version"]
    if options.part == "fast":
        fast(trial, tree)
    else:
        whole(trial, tree, version, later_than(version), kills=options.kills)
    for shot in sorted((trial.shared / "out").glob("*.png")):
        shutil.copy(shot, trial.out)
    trial.log(f"{trial.failures} steps failed" if trial.failures else "all steps went well")
    return 1 if trial.failures else 0


def later_than(version: str) -> str:
    """Return a version after this one."""
    numbers = version.split(".")
    return ".".join([*numbers[:-1], str(int(numbers[-1]) + 1)])


def build_tree(trial: Trial, work: Path) -> Path:
    """Build the tree of this checkout."""
    from product.command import build_of
    from windows.interpreter import InterpreterSource
    from windows.products import build_tree as lay

    tree = None
    with trial.step("the tree is built"):
        build = build_of("windows", None, None)
        tree = lay(build, InterpreterSource(official=False), work).root
    if tree is None:
        raise SystemExit(1)
    return tree


if __name__ == "__main__":
    sys.exit(main())
