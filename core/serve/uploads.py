"""The image of a request: raw or in a form, never more of it in memory than is allowed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from core.serve.memory_budget import Held
from core.serve.refusals import Refusal
from core.system.messages import message

#: What a form may have around its file.
_FORM_BYTES: Final = 64 * 1024
_MOST_FIELDS: Final = 8
_IMAGE_TYPE: Final = re.compile(r"image/[a-z0-9][a-z0-9!#$&^_.+-]*")
_LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class Upload:
    """An image as it came.

    Attributes:
        data: the bytes of the file, at least one.
        name: of the file, as the client says; for sentences only.
    """

    data: bytes
    name: str = "image"


class _MemoryParser(MultiPartParser):
    """Keeps the file in memory, which is bounded, and off the disk, which is not ours to fill."""

    spool_max_size = 0  # of Python's spooled files: never


async def read_upload(request: Request, *, max_bytes: int, seconds: float, held: Held) -> Upload:
    """Read the image of a request.

    Args:
        request: nothing of its body has been read.
        max_bytes: largest file.
        seconds: in which all of it must have come.
        held: what it takes is added to it before it is read.

    Raises:
        Refusal: 400 a broken form, 408 too slow, 413 too large, 415 no image by its type, 422 no
            file in it, 503 no memory left.
        ClientDisconnect: the client went away.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_form = kind == "multipart/form-data"
    if not is_form and not _IMAGE_TYPE.fullmatch(kind):
        raise Refusal(
            415,
            message(
                "Send the image as the body with a content type such as image/png, or as the file"
                " of a form (multipart/form-data)."
            ),
        )
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Refusal(415, message("Send the image without a content encoding."))
    most = max_bytes + (_FORM_BYTES if is_form else 0)
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > most:
        raise too_many_bytes(max_bytes)
    chunks = _chunks(request, most=most, max_bytes=max_bytes, seconds=seconds, held=held)
    if is_form:
        upload = await _from_form(request, chunks)
    else:
        parts = [part async for part in chunks]
        upload = Upload(b"".join(parts))
    if not upload.data:
        raise Refusal(422, message("The request holds no image."))
    if len(upload.data) > max_bytes:
        raise too_many_bytes(max_bytes)
    return upload


def too_many_bytes(most: int) -> Refusal:
    """The refusal of a file that is too large."""
    return Refusal(413, message("The file has more than {count} bytes.", count=most))


async def _chunks(
    request: Request, *, most: int, max_bytes: int, seconds: float, held: Held
) -> AsyncGenerator[bytes, None]:
    end = asyncio.get_running_loop().time() + seconds
    received = 0
    while True:
        try:
            async with asyncio.timeout_at(end):
                part = await request.receive()
        except TimeoutError:
            raise Refusal(
                408,
                message("The image did not arrive within {seconds} seconds.", seconds=seconds),
            ) from None
        if part["type"] == "http.disconnect":
            raise ClientDisconnect
        body = part.get("body", b"")
        received += len(body)
        if received > most:
            raise too_many_bytes(max_bytes)
        held.add(len(body))
        if body:
            yield body
        if not part.get("more_body", False):
            return


async def _from_form(request: Request, chunks: AsyncGenerator[bytes, None]) -> Upload:
    parser = _MemoryParser(request.headers, chunks, max_files=1, max_fields=_MOST_FIELDS)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise Refusal(400, message("The form is broken: {reason}", reason=error.message)) from error
    try:
        for _, value in form.multi_items():
            if isinstance(value, UploadFile):
                name = (value.filename or "")[:_LONGEST_NAME] or "image"
                return Upload(await value.read(), name)
    finally:
        await form.close()
    raise Refusal(422, message("The form holds no file."))
