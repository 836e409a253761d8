"""Which mask belongs to which image: one rule for all folders that pair them by their names.

Both have the same place once folders such as ``images`` and ``masks`` are taken out of their paths,
and the same name without suffixes, ``_mask`` and the like. Unicode's normal form and letter case
do not count where they tell nothing apart.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.data.formats.conversion_report import ConversionReport
from core.data.formats.image_index import is_file
from core.data.formats.import_result import ImportedImage
from core.data.formats.mask_images import MASK_SUFFIXES
from core.data.formats.parsing import subset_of_path
from core.images.io import IMAGE_SUFFIXES
from core.system.folders import same_name
from core.system.messages import message

_MASK_WORDS = ("mask", "masks", "label", "labels", "gt", "seg", "segmentation", "annotation")
ENDINGS = tuple(f"{sign}{word}" for sign in "_-." for word in _MASK_WORDS)
_BEGINNINGS = ("mask_", "label_", "gt_", "seg_")
_IMAGE_BEGINNINGS = ("image_", "img_", "im_")
_IMAGE_ENDINGS = ("_image", "_img", "_rgb")
IMAGE_FOLDERS = frozenset({"images", "image", "imgs", "img", "jpegimages", "photos", "input"})
MASK_FOLDERS = frozenset(
    {"masks", "mask", "labels", "label", "annotations", "annotation", "gt", "ground_truth"}
    | {"groundtruth", "segmentation", "segmentationclass", "segmentationclasspng", "seg"}
)
_DOUBLE = IMAGE_SUFFIXES | {".ome"}


@dataclass(frozen=True, slots=True)
class Pairing:
    """``pairs`` (image, mask), mask None where there is none, and what has no image.

    ``lossy`` are images with a mask that is compressed with loss, and that mask.
    """

    pairs: list[tuple[Path, Path | None]]
    orphans: list[Path]
    lossy: dict[Path, Path]

    def report(self, report: ConversionReport) -> None:
        """Note the masks that are not used."""
        for mask in self.lossy.values():
            report.alike(
                "left out",
                message(
                    "{count} {count:mask is a JPEG|masks are JPEGs} or compressed with loss "
                    "otherwise, which changes the values; save as PNG (the first is {file})."
                ),
                mask,
            )
        for orphan in self.orphans:
            report.alike(
                "left out",
                message("{count} {count:mask has|masks have} no image (the first is {file})."),
                orphan,
            )
        counts = Counter(mask for _, mask in self.pairs if mask is not None)
        for image, shared in self.pairs:
            if shared is not None and counts[shared] > 1:
                report.alike(
                    "assumed",
                    message(
                        "{count} {count:image|images} {count:shares|share} a mask with another of "
                        "their name (the first is {file})."
                    ),
                    image,
                )


def pair_masks(images: Sequence[Path], masks: Sequence[Path], root: Path) -> Pairing:
    """Give each image its mask.

    The mask of the image's own place counts. One of another place is taken only if it is the only
    one of that name, belongs to no other image, and lies in no folder of another subset.

    Args:
        images: in the order of the result.
        masks: candidates.
        root: folder that both are in.
    """
    lossless = [path for path in masks if path.suffix.lower() in MASK_SUFFIXES]
    found = _matches(images, lossless, root)
    left = [image for image in images if image not in found]
    rest = [path for path in masks if path.suffix.lower() not in MASK_SUFFIXES]
    lossy = _matches(left, rest, root)
    used = set(found.values())
    pairs = [(image, found.get(image)) for image in images]
    return Pairing(pairs, [path for path in lossless if path not in used], lossy)


def pair_folder(files: Iterable[Path], root: Path) -> Pairing:
    """Tell the images of a folder from their masks and pair them.

    A mask lies in a folder called ``masks``, ``labels`` …, or its name ends with ``_mask`` …, or it
    is a PNG beside a photograph (a JPEG) of the same name.
    """
    images, masks = divide(files, root)
    paired = pair_masks(images, masks, root)
    without = [image for image, mask in paired.pairs if mask is None]
    photographs = [one for one in without if one.suffix.lower() not in MASK_SUFFIXES]
    beside = [one for one in without if one.suffix.lower() == ".png"]
    more = _exact(photographs, beside, root)
    taken = set(more.values())
    pairs = [(image, mask or more.get(image)) for image, mask in paired.pairs if image not in taken]
    return Pairing(pairs, paired.orphans, paired.lossy)


def divide(files: Iterable[Path], root: Path) -> tuple[list[Path], list[Path]]:
    """Return which files are images and which are masks by their names and folders.

    What can be no mask by its suffix is one only if it has an image: photographs lie in folders of
    any name.
    """
    images: list[Path] = []
    masks: list[Path] = []
    doubtful: list[Path] = []
    for path in files:
        if not is_named_mask(path, root):
            images.append(path)
        elif path.suffix.lower() in MASK_SUFFIXES:
            masks.append(path)
        else:
            doubtful.append(path)
    known = {_key(path, root, is_mask=False) for path in images}
    lossy = {path for path in doubtful if _key(path, root, is_mask=True) in known}
    return [*images, *(one for one in doubtful if one not in lossy)], [*masks, *lossy]


def is_named_mask(path: Path, root: Path) -> bool:
    """Whether a file's name or a folder between it and ``root`` says that it is a mask."""
    folders = [part.lower() for part in path.relative_to(root).parts[:-1]]
    return not MASK_FOLDERS.isdisjoint(folders) or _stem(path) != _without_ending(_stem(path))


def unlabelled(
    images: Iterable[Path],
    items: Sequence[ImportedImage],
    root: Path,
    report: ConversionReport,
) -> list[ImportedImage]:
    """Return the images that are not among ``items`` as ones of which nothing is known."""
    taken = {item.image_path for item in items}
    # Pipes and devices are called like images at times.
    found = [path for path in images if path not in taken and is_file(path)]
    for path in found:
        note_unlabelled(path, report)
    return [ImportedImage(path, None, subset_of_path(path, root)) for path in found]


def note_unlabelled(image: Path, report: ConversionReport) -> None:
    """Note that nothing is known of an image."""
    report.alike(
        "left out",
        message(
            "{count} {count:image has|images have} no annotation and {count:stays|stay} "
            "unlabelled (the first is {file})."
        ),
        image,
    )


def photographs(files: Iterable[Path], root: Path) -> list[Path]:
    """Return the images of a folder that are no masks, nor what labelme drew of them."""
    images, _ = divide(files, root)
    return [path for path in images if not path.parent.name.endswith("_json")]


def _stem(path: Path) -> str:
    """Return the name without suffixes: ``a.ome.tif`` and ``a.jpg.png`` are of ``a``."""
    name = path.stem
    while Path(name).suffix.lower() in _DOUBLE:
        name = Path(name).stem
    return name


def _without_ending(stem: str) -> str:
    lower = stem.lower()
    found = next((end for end in ENDINGS if lower.endswith(end) and lower != end), "")
    return stem[: len(stem) - len(found)]


def _key(path: Path, root: Path, *, is_mask: bool) -> tuple[str, str]:
    return _place(path, root), same_name(_without_ending(_stem(path)) if is_mask else _stem(path))


def _place(path: Path, root: Path) -> str:
    parts = [part.lower() for part in path.relative_to(root).parts[:-1]]
    return same_name("/".join(p for p in parts if p not in MASK_FOLDERS and p not in IMAGE_FOLDERS))


def _matches(images: Sequence[Path], masks: Sequence[Path], root: Path) -> dict[Path, Path]:
    found = _exact(images, masks, root)
    used = set(found.values())
    groups: defaultdict[str, list[Path]] = defaultdict(list)
    wanting: defaultdict[str, list[Path]] = defaultdict(list)
    for mask in masks:
        if mask not in used:
            groups[_core(_without_ending(_stem(mask)), is_mask=True)].append(mask)
    for image in images:
        if image not in found:
            wanting[_core(_stem(image), is_mask=False)].append(image)
    for name, places in wanting.items():
        candidates = groups.get(name, [])
        if len(places) == len(candidates) == 1:
            subsets = {subset_of_path(path, root) for path in (*places, *candidates)} - {None}
            if len(subsets) < 2:
                found[places[0]] = candidates[0]
    return found


def _core(stem: str, *, is_mask: bool) -> str:
    """Return the part of a name that image and mask share: ``image_001`` and ``mask_001``."""
    name = same_name(stem)
    for beginning in _BEGINNINGS if is_mask else _IMAGE_BEGINNINGS:
        name = name.removeprefix(beginning)
    for ending in () if is_mask else _IMAGE_ENDINGS:
        name = name.removesuffix(ending)
    return name


def _exact(images: Sequence[Path], masks: Sequence[Path], root: Path) -> dict[Path, Path]:
    """Pair by place and name; of several masks the one that is spelt as the image, and nearest."""
    groups: defaultdict[tuple[str, str], list[Path]] = defaultdict(list)
    for mask in masks:
        groups[_key(mask, root, is_mask=True)].append(mask)

    def rank(image: Path, mask: Path) -> tuple[bool, bool, str]:
        spelt = _without_ending(_stem(mask)) == _stem(image)
        return not spelt, mask.parent != image.parent, str(mask)

    return {
        image: min(candidates, key=lambda mask: rank(image, mask))
        for image in images
        if (candidates := groups.get(_key(image, root, is_mask=False)))
    }
