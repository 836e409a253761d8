"""Which sizes of images suit the networks; needs no paddle.

A convolution of stride 2 rounds half sizes up, so three of them make 32 cells of 250 pixels, which
stand for 256. Resizing the cells' scores back to 250 squeezes them, and what was seen lies up to
six pixels off where it is. Networks learn the squeeze of the size they are trained at, and are
wrong at others: a FastSCNN trained at 128×128 (mIoU 0.90) comes to 0.66 at 130, and to 0.91 if the
image is continued to 136 and the result cut; one trained at 122×122 comes to 0.88 as it is and to
0.65 if continued. So only networks trained at multiples get their images continued to multiples.

FastSCNN and BiSeNetV2 end at a stride of 8, HRNet and DeepLabv3+ at 4; U-Net joins features of
every stride on its way up and rounds the deep ones only. Multiples of 8 are exact for all.
"""

from __future__ import annotations

from typing import Final

from core.system.messages import Message, message

#: Sides of an image that no network has to round.
SIZE_MULTIPLE: Final = 8


def good_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return the nearest (width, height) whose sides are multiples of ``SIZE_MULTIPLE``."""
    width, height = (
        max(SIZE_MULTIPLE, (side + SIZE_MULTIPLE // 2) // SIZE_MULTIPLE * SIZE_MULTIPLE)
        for side in size
    )
    return width, height


def size_warning(size: tuple[int, int] | None) -> Message | None:
    """Return what is wrong with a (width, height) that networks must round; None for good ones."""
    if size is None or good_size(size) == tuple(size):
        return None
    width, height = good_size(size)
    return message(
        "{width}×{height} pixels are no multiple of 8, and what the network sees is shifted by "
        "some pixels where it rounds: {better_width}×{better_height} would be better.",
        width=size[0],
        height=size[1],
        better_width=width,
        better_height=height,
    )


def known_multiple(size: tuple[int, int] | None) -> int:
    """Return what the images of a network trained at ``size`` (None: at any) may be continued to.

    1 where it learnt a rounded size, or may have.
    """
    return SIZE_MULTIPLE if size is not None and good_size(size) == tuple(size) else 1
