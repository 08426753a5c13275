"""Figures as the page holds them: in the file itself, and no heavier than needed."""

import base64
import io
from dataclasses import dataclass

from PIL import Image


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
        """The picture as a data URI: a PNG of 256 colours, a third of the weight.

        The octree keeps the few pure colours of charts and legends as they are, which
        a median cut does not. JPEG would be heavier, for pictures of tissue as well.
        """
        content = io.BytesIO()
        image = Image.open(io.BytesIO(self.png)).convert("RGB")
        image.quantize(method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
            content, "png"
        )
        return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
