"""The Windows setup in wine, with a tree of a few files: what it lays down, and what it removes."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path, PureWindowsPath

import pytest

from windows.authenticode import Signer, read_signature
from windows.installer import SetupBuild, build_setup
from windows.trial import wine as trial

ROOT = Path(__file__).resolve().parents[2]
_MISSING = trial.why_not() or (None if shutil.which("makensis") else "makensis is not installed")
pytestmark = [
    pytest.mark.thorough,  # a folder with wine is made first
    pytest.mark.skipif(_MISSING is not None, reason=str(_MISSING)),
    pytest.mark.timeout(1200),
]

KEY = r"HKCU\Software\Maskwright"
UNINSTALL_KEY = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall\Maskwright"
FOLDER = PureWindowsPath(rf"C:\users\{trial.USER}\AppData\Local\Programs\Maskwright")
ELSEWHERE = PureWindowsPath(rf"C:\users\{trial.USER}\工具 箱\Maskwright")
FIRST = {
    "maskwright.exe": "",
    "maskwright.com": "c",
    "python/python311.dll": "d",
    "packages/numpy/__init__.py": "one",
    "packages/numpy/old part/gone.py": "gone",
    "packages/numpy/old part/deep/gone.py": "gone",
    "program/main.py": "one",
    "zeta.txt": "z",
}
SECOND = {
    "maskwright.exe": "",
    "maskwright.com": "c",
    "python/python311.dll": "d",
    "packages/numpy/__init__.py": "two, longer",
    "packages/numpy/_new.py": "new",
    "packages/numpy/newer/a.py": "new",
    "program/main.py": "two",
    "zeta.txt": "z",
}
SLEEPER = """
#include <windows.h>
int main(void) { Sleep(600000); return 0; }
"""

MakeSetup = Callable[..., Path]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shared")
    source = folder / "sleeper.c"
    source.write_text(SLEEPER)
    command = [
        "x86_64-w64-mingw32-gcc",
        "-mwindows",
        "-o",
        str(folder / "sleeper.exe"),
        str(source),
    ]
    subprocess.run(command, check=True)
    for path in (folder, *folder.parents[:-1]):
        path.chmod(path.stat().st_mode | 0o055)
    return folder


@pytest.fixture(scope="module")
def make_setup(shared: Path) -> MakeSetup:
    def make(version: str, files: dict[str, str], *, signer: Signer | None = None) -> Path:
        tree = shared / f"tree {version}"
        for name, content in files.items():
            path = tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        shutil.copy(shared / "sleeper.exe", tree / "maskwright.exe")
        build = SetupBuild(
            tree=tree,
            version=version,
            picture=ROOT / "resources" / "icons" / "maskwright.svg",
            source_date=1_700_000_000,
            compression="none",
            signer=signer,
        )
        return build_setup(build, shared / f"setup-{version}.exe")

    return make


@pytest.fixture(scope="module")
def setups(make_setup: MakeSetup) -> dict[str, str]:
    made = {"1.0.0": FIRST, "1.1.0": SECOND}
    return {
        version: f"Z:\\shared\\{make_setup(version, files).name}" for version, files in made.items()
    }


@pytest.fixture
def wine(shared: Path) -> Iterator[trial.Wine]:
    session = trial.Wine(trial.wine_root(), shared)

    def clear() -> None:
        session.forget([r"Software\Maskwright", UNINSTALL_KEY.removeprefix("HKCU\\")])
        for folder in (FOLDER, ELSEWHERE.parent):
            shutil.rmtree(session.local(folder), ignore_errors=True)

    clear()
    yield session
    clear()


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def laid_down(files: dict[str, str]) -> set[str]:
    return {*files, "uninstall.exe", "uninstall/files.txt", "uninstall/directories.txt"}


def uninstall(wine: trial.Wine, folder: PureWindowsPath) -> None:
    """Remove; ``_?=`` keeps it from copying itself elsewhere and returning at once."""
    run_in(wine, folder, f"uninstall.exe /S _?={folder}")


def run_in(wine: trial.Wine, folder: PureWindowsPath, line: str, *, exit_code: int = 0) -> None:
    """Run a line as it is: the last option of setups takes the rest of it, without quotes."""
    place = wine.local(folder).relative_to(wine.root)
    wine.shell(f"cd '/{place}' && wine cmd /c '{line}'", exit_code=exit_code)


def test_lays_down_updates_and_removes_what_is_its_own(
    wine: trial.Wine, setups: dict[str, str]
) -> None:
    installed = wine.local(FOLDER)
    wine.run(setups["1.0.0"], "/S")
    assert files_below(installed) == laid_down(FIRST)
    shortcut = wine.profile / "AppData/Roaming/Microsoft/Windows/Start Menu/Programs/Maskwright"
    assert {path.name for path in shortcut.iterdir()} == {
        "Maskwright.lnk",
        "Maskwright command line.lnk",
    }
    entry = wine.registry(UNINSTALL_KEY)
    assert entry["DisplayVersion"] == "1.0.0"
    assert entry["InstallLocation"] == str(FOLDER)
    assert entry["QuietUninstallString"] == f'"{FOLDER}\\uninstall.exe" /S'

    mine = {"notes.txt", "packages/numpy/old part/mine.py"}
    for name in mine:
        (installed / name).write_text("the user's")
    wine.run(setups["1.1.0"], "/S")
    assert files_below(installed) == laid_down(SECOND) | mine
    assert not (installed / "packages/numpy/old part/deep").exists()
    assert (installed / "packages/numpy/__init__.py").read_text() == "two, longer"
    assert wine.registry(UNINSTALL_KEY)["DisplayVersion"] == "1.1.0"

    uninstall(wine, FOLDER)
    # With _?= the uninstaller itself cannot go.
    assert files_below(installed) - {"uninstall.exe"} == mine
    assert {path.name for path in installed.iterdir()} - {"uninstall.exe"} == {
        "notes.txt",
        "packages",
    }
    assert not shortcut.exists()
    assert not wine.registry(UNINSTALL_KEY)
    assert not wine.registry(KEY)


def test_uninstalling_by_itself_leaves_no_folder(wine: trial.Wine, setups: dict[str, str]) -> None:
    wine.run(setups["1.0.0"], "/S")
    installed = wine.local(FOLDER)
    wine.shell(
        f"wine '{FOLDER}\\uninstall.exe' /S; for i in $(seq 60); do"
        f' [ -e "$HOME/.wine/drive_c/users/{trial.USER}/AppData/Local/Programs/Maskwright" ]'
        " || break; sleep 0.5; done"
    )
    assert not installed.exists()


def test_repairs(wine: trial.Wine, setups: dict[str, str]) -> None:
    wine.run(setups["1.1.0"], "/S")
    installed = wine.local(FOLDER)
    (installed / "program/main.py").unlink()
    (installed / "zeta.txt").write_text("")
    wine.run(setups["1.1.0"], "/S")
    assert files_below(installed) == laid_down(SECOND)
    assert (installed / "zeta.txt").read_text() == "z"


def test_what_was_interrupted_is_cleared_up(wine: trial.Wine, setups: dict[str, str]) -> None:
    wine.run(setups["1.0.0"], "/S")
    installed = wine.local(FOLDER)
    extra = installed / "packages/numpy/unfinished/part.py"
    extra.parent.mkdir()
    extra.write_text("of a version that was not laid down to its end")
    for path in (extra, extra.parent):
        shutil.chown(path, 1000, 1000)
    lists = installed / "uninstall"
    (lists / "files.new.txt").write_bytes(
        b"maskwright.exe\r\npackages\\numpy\\unfinished\\part.py\r\nzeta.txt\r\n"
    )
    (lists / "directories.new.txt").write_bytes(
        b"packages\\numpy\\unfinished\r\npackages\\numpy\r\npackages\r\n"
    )
    wine.run(setups["1.1.0"], "/S")
    assert files_below(installed) == laid_down(SECOND)
    assert not extra.parent.exists()


def test_refuses_while_the_program_runs(wine: trial.Wine, setups: dict[str, str]) -> None:
    wine.run(setups["1.0.0"], "/S")
    before = files_below(wine.local(FOLDER))
    output = wine.shell(
        f"cd '/{wine.local(FOLDER).relative_to(wine.root)}'; wine maskwright.exe & sleep 3;"
        f" wine '{setups['1.1.0']}' /S; echo setup $?;"
        f" wine cmd /c 'uninstall.exe /S _?={FOLDER}'; echo uninstall $?",
    )
    assert "setup 3" in output
    assert "uninstall 3" in output
    assert files_below(wine.local(FOLDER)) == before
    said = (wine.profile / "AppData/Local/Temp/maskwright-setup.log").read_text("utf-16")
    assert "Maskwright is running" in said


def test_goes_back_only_where_it_is_asked_to(wine: trial.Wine, setups: dict[str, str]) -> None:
    wine.run(setups["1.1.0"], "/S")
    wine.run(setups["1.0.0"], "/S", exit_code=4)
    assert files_below(wine.local(FOLDER)) == laid_down(SECOND)
    wine.run(setups["1.0.0"], "/S", "/DOWNGRADE")
    assert files_below(wine.local(FOLDER)) == laid_down(FIRST)


def test_another_folder_takes_the_place_of_the_first(
    wine: trial.Wine, setups: dict[str, str]
) -> None:
    wine.run(setups["1.0.0"], "/S")
    kept = wine.local(FOLDER) / "notes.txt"
    kept.write_text("the user's")
    run_in(wine, FOLDER, f"{setups['1.1.0']} /S /D={ELSEWHERE}")
    assert files_below(wine.local(ELSEWHERE)) == laid_down(SECOND)
    assert files_below(wine.local(FOLDER)) == {"notes.txt"}
    assert wine.registry(KEY)["Folder"] == str(ELSEWHERE)
    uninstall(wine, ELSEWHERE)
    assert files_below(wine.local(ELSEWHERE)) <= {"uninstall.exe"}


def test_folders_that_cannot_be_used(wine: trial.Wine, setups: dict[str, str]) -> None:
    theirs = wine.local(ELSEWHERE) / "python" / "python311.dll"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("somebody's own")
    for path in (wine.local(ELSEWHERE).parent, *wine.local(ELSEWHERE).parent.rglob("*")):
        shutil.chown(path, 1000, 1000)
    for folder in (ELSEWHERE, PureWindowsPath("C:\\") / ("long" * 55)):
        run_in(wine, ELSEWHERE, f"{setups['1.0.0']} /S /D={folder}", exit_code=6)
    assert files_below(wine.local(ELSEWHERE)) == {"python/python311.dll"}
    assert theirs.read_text() == "somebody's own"


def test_choices_are_kept_until_taken_back(wine: trial.Wine, setups: dict[str, str]) -> None:
    verb = r"HKCU\Software\Classes\Directory\shell\Maskwright\command"
    icon = wine.profile / "Desktop" / "Maskwright.lnk"
    wine.run(setups["1.0.0"], "/S")
    assert not icon.exists()
    assert not wine.registry(verb)
    wine.run(setups["1.0.0"], "/S", "/DESKTOP", "/OPENWITH")
    assert icon.exists()
    assert f'"{FOLDER}\\maskwright.exe" open "%V"' in wine.registry(verb).values()
    wine.run(setups["1.1.0"], "/S", "/DESKTOP=0")
    assert not icon.exists()
    assert wine.registry(verb)
    uninstall(wine, FOLDER)
    assert not wine.registry(verb)


def test_signed_by_the_packagers_command(
    wine: trial.Wine, make_setup: MakeSetup, shared: Path
) -> None:
    certificate, key = shared / "own.crt", shared / "own.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"),
            *("-subj", "/O=Own Works/CN=Own Works", "-addext", "extendedKeyUsage=codeSigning"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    signer = Signer(
        f"osslsigncode sign -certs '{certificate}' -key '{key}' -h sha256 -n Maskwright"
        " -in {input} -out {output}"
    )
    setup = make_setup("1.2.0", SECOND, signer=signer)
    assert read_signature(setup, authorities=certificate).organization == "Own Works"
    wine.run(f"Z:\\shared\\{setup.name}", "/S")
    uninstaller = wine.local(FOLDER / "uninstall.exe")
    assert read_signature(uninstaller, authorities=certificate).organization == "Own Works"
    uninstall(wine, FOLDER)
