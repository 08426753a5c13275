"""Figures as the page holds them: in the file itself, and no heavier than needed."""

import base64
import io
from dataclasses import dataclass

from PIL import Image

# JPEG keeps grey values of tissue legible from here on; below, small letters blur.
_QUALITY = 88


@dataclass(frozen=True)
class Picture:
    """A figure of the report.

    Attributes:
        title: what it shows.
        how_to_read: a sentence or two below it.
        png: the content of its PNG file.
    """

    title: str
    how_to_read: str
    png: bytes

    @property
    def source(self) -> str:
        """The picture as a data URI, without transparency.

        As PNG of 256 colours or as JPEG, whichever is smaller: charts are the one,
        pictures of tissue the other.
        """
        image = Image.open(io.BytesIO(self.png)).convert("RGB")
        kind, content = min(
            ("png", _encode(image.quantize(dither=Image.Dither.NONE), "png")),
            ("jpeg", _encode(image, "jpeg", quality=_QUALITY, subsampling=0)),
            key=lambda encoded: len(encoded[1]),
        )
        return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _encode(image: Image.Image, kind: str, **options: int) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, optimize=True, **options)
    return content.getvalue()
