"""What an image file says of itself before a pixel of it is decoded; damage as one sentence."""

from __future__ import annotations

import io
import itertools
import logging
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image, ImageFile, TiffImagePlugin
from PIL.ExifTags import Base as Tag

from core.portable.picture_headers import MAX_PIXELS, end_of_jpeg
from core.system.errors import InputError, MissingFilesError, UnreadableFilesError
from core.system.files import open_regular

Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow's own limit, 89 million, refuses large scans
# Pillow only warns up to twice the limit; here all that is larger is refused, in one sentence.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
_TURNED = (5, 6, 7, 8)
_UNSIGNED = 1
_WHITE_IS_ZERO = 0
_SEPARATE_PLANES = 2
_TIFF_SUFFIXES = (".tif", ".tiff")
_FILM_SUFFIXES = (".gif", ".webp", ".avif", ".apng")
_MOST_PAGES = 10_000
_GDAL_NODATA = 42113
_COLOR_BANDS = (3, 4)
_GREY = (_WHITE_IS_ZERO, 1)
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of an image before it is decoded.

    Attributes:
        width: pixels, upright.
        height: pixels, upright.
        is_deep: whether a channel has more than 8 bits, a sign, or fractions.
        format: "PNG", "TIFF" …
        channels: how many; alpha counts.
        is_inverted: whether 0 is white.
        needs_tifffile: whether OpenCV would mix up or refuse its pixels.
        no_data: the value that stands for none, as GDAL writes it.
    """

    width: int
    height: int
    is_deep: bool
    format: str
    channels: int = 1
    is_inverted: bool = False
    needs_tifffile: bool = False
    no_data: float | None = None


def read_header(path: Path | str, data: bytes) -> Header:
    """Return the header; refuse what is no image, too large to decode, or cut short.

    Raises:
        InputError: with the reason.
    """
    try:
        opened: ImageFile.ImageFile | None = Image.open(io.BytesIO(data))
    except Exception as error:
        if not data.startswith(_TIFF_STARTS):
            raise unreadable(path, error) from error
        opened = None
    try:
        if opened is None:  # 16-bit and 64-bit fractions, colours in 32 bits
            header, is_cut_short = _tiff_header(data), False
        else:
            with opened as image:
                header, is_cut_short = _pillow_header(image, data), _is_cut_short(image, data)
    except Exception as error:  # tags of a damaged header
        raise unreadable(path, error) from error
    if header.width * header.height > MAX_PIXELS:
        raise too_large(path)
    if is_cut_short:
        # Decoders fill what is missing with grey and say nothing.
        raise cut_short(path)
    return header


def size_from_header(path: Path | str) -> tuple[int, int]:
    """Return (width, height), upright; reads no more of the file than it must.

    Raises:
        InputError: missing or no image.
    """
    try:
        with open_regular(path) as file, Image.open(file) as image:
            return upright_size(image)
    except FileNotFoundError as error:
        raise unreadable(path, error) from error
    except Exception as error:
        try:
            with open_regular(path) as file:
                if not file.read(4).startswith(_TIFF_STARTS):
                    raise unreadable(path, error) from error
                file.seek(0)
                header = _tiff_header(file.read())
        except Exception as second:
            raise unreadable(path, error) from second
        return header.width, header.height


def count_pages(path: Path | str) -> int:
    """Return how many full images a file holds, at most 10 000: pages of a TIFF, frames of a film.

    Only the first one is ever read. Smaller copies of an image and transparency masks, which TIFF
    keeps as pages too, do not count.
    """
    file = Path(path)
    if file.suffix.lower() in _FILM_SUFFIXES:
        return _count_frames(file)
    if file.suffix.lower() not in _TIFF_SUFFIXES:
        return 1
    try:
        with import_tifffile().TiffFile(file) as tiff:
            pages = itertools.islice(tiff.pages, _MOST_PAGES)
            return max(1, sum(not (page.is_reduced or page.is_mask) for page in pages))
    except Exception:  # damage that readers of the first page may well put up with
        return 1


def _count_frames(file: Path) -> int:
    try:
        with open_regular(file) as stream, Image.open(stream) as image:
            return int(getattr(image, "n_frames", 1))
    except Exception:  # damage that readers of the first frame may well put up with
        return 1


def import_tifffile() -> Any:
    """Return the module: rarely needed, and slow to start."""
    import tifffile

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # damage is told in one sentence
    return tifffile


def _pillow_header(image: ImageFile.ImageFile, data: bytes) -> Header:
    header = Header(
        *upright_size(image), _is_deep(image, data), image.format or "", len(image.getbands())
    )
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return header
    tags = image.tag_v2
    if tags.get(Tag.SamplesPerPixel, 1) in _COLOR_BANDS and header.channels == 1:
        return _tiff_header(data)  # Pillow would take the first band alone
    return replace(
        header,
        is_inverted=tags.get(Tag.PhotometricInterpretation) == _WHITE_IS_ZERO,
        needs_tifffile=header.channels > 1
        and tags.get(Tag.PlanarConfiguration) == _SEPARATE_PLANES,
        no_data=_number(tags.get(_GDAL_NODATA)),
    )


def _number(text: Any) -> float | None:
    try:
        return float(str(text).strip().strip("\0"))
    except ValueError:
        return None


def _tiff_header(data: bytes) -> Header:
    tifffile = import_tifffile()
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        width, height = int(page.imagewidth), int(page.imagelength)
        orientation = page.tags.get(int(Tag.Orientation))
        if orientation is not None and orientation.value in _TURNED:
            width, height = height, width
        channels = int(page.samplesperpixel)
        no_data = page.tags.get(_GDAL_NODATA)
        # Satellites' and GDAL's three bands are often said to be grey with something besides.
        is_grey_in_name = channels in _COLOR_BANDS and page.photometric in _GREY
        return Header(
            width,
            height,
            page.dtype != "uint8",
            "TIFF",
            channels,
            page.photometric == _WHITE_IS_ZERO,
            page.dtype == "float16"
            or is_grey_in_name
            or (channels > 1 and page.planarconfig == _SEPARATE_PLANES),
            None if no_data is None else _number(no_data.value),
        )


def _is_deep(image: ImageFile.ImageFile, data: bytes) -> bool:
    if image.format == "PNG":
        return png_bits(data) > 8
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        bits = image.tag_v2.get(Tag.BitsPerSample, (1,))
        kinds = image.tag_v2.get(Tag.SampleFormat, (_UNSIGNED,))
        return max(bits) > 8 or any(kind != _UNSIGNED for kind in kinds)
    return image.mode.startswith(("I", "F"))


def png_bits(data: bytes) -> int:
    """Bits of each channel of a PNG; 8 for everything else."""
    return data[24] if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) > 24 else 8


def open_header(path: Path | str, data: bytes) -> ImageFile.ImageFile:
    """Open with Pillow; raises ``InputError`` as ``read_header``."""
    try:
        return Image.open(io.BytesIO(data))
    except Exception as error:
        raise unreadable(path, error) from error


def _is_cut_short(image: ImageFile.ImageFile, data: bytes) -> bool:
    if image.format in ("JPEG", "MPO"):
        return not _is_whole_jpeg(data)
    if image.format == "PNG":
        return b"IEND" not in data
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        for offsets, lengths in (
            (Tag.StripOffsets, Tag.StripByteCounts),
            (Tag.TileOffsets, Tag.TileByteCounts),
        ):
            starts, sizes = image.tag_v2.get(offsets, ()), image.tag_v2.get(lengths, ())
            if any(start + size > len(data) for start, size in zip(starts, sizes, strict=False)):
                return True
    return False


def _is_whole_jpeg(data: bytes) -> bool:
    place = end_of_jpeg(data)
    # What is no marker can only be judged by a decoder; it ends two bytes early where the end is
    # all that lacks.
    return data[place : place + 2] == b"\xff\xd9" or (place < len(data) and _is_decodable(data))


def _is_decodable(data: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    except Exception:
        return False
    return True


def unreadable(path: Path | str, error: Exception) -> InputError:
    """Return the sentence for what a decoder raised."""
    if isinstance(error, FileNotFoundError):
        return MissingFilesError("{file} does not exist.", file=path, files=[Path(path)])
    if isinstance(error, Image.DecompressionBombError):
        return too_large(path)
    return UnreadableFilesError(
        "{file} is unreadable: it is damaged or no image in a known format.",
        file=path,
        files=[Path(path)],
    )


def cut_short(path: Path | str) -> InputError:
    """Return the sentence for an image whose end is missing."""
    return UnreadableFilesError(
        "{file} is cut short; copy or export it again.", file=path, files=[Path(path)]
    )


def too_large(path: Path | str) -> InputError:
    """Return the sentence for an image of more than ``MAX_PIXELS``."""
    return InputError(
        "{file} has more than {count} million pixels, too many to open at once; cut it into tiles.",
        file=path,
        count=MAX_PIXELS // 1_000_000,
    )


def upright_size(image: ImageFile.ImageFile) -> tuple[int, int]:
    """Return (width, height) as they are once the camera's orientation is applied."""
    width, height = image.size
    if image.format != "TIFF" and orientation_of(image) in _TURNED:
        return height, width  # Pillow turns the size of a TIFF itself
    return width, height


def orientation_of(image: ImageFile.ImageFile) -> int:
    """Return how the camera was held, 1 … 8 as EXIF counts; 1 where nothing is said."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return int(image.tag_v2.get(Tag.Orientation, 1))
    exif = Image.Exif()
    exif.load(image.info.get("exif") or _late_exif(image))
    return int(exif.get(Tag.Orientation, 1))


def stored_orientation(path: Path | str) -> int:
    """Return ``orientation_of`` a file; 1 where it cannot be read."""
    try:
        with open_regular(path) as file, Image.open(file) as image:
            return orientation_of(image)
    except Exception:  # decoders of damaged files raise anything; reading the image tells
        return 1


def _late_exif(image: ImageFile.ImageFile) -> bytes:
    """Return the EXIF block that a PNG holds behind its pixels, where Pillow does not look yet."""
    file = image.fp
    if image.format != "PNG" or file is None:
        return b""
    file.seek(8)
    while len(head := file.read(8)) == 8:
        size = int.from_bytes(head[:4], "big")
        if head[4:] == b"eXIf":
            return file.read(size)
        file.seek(size + 4, io.SEEK_CUR)
    return b""
