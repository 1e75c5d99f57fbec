"""The app's icon."""

from PIL import Image, ImageDraw

from pages.figures.palette import COLORS


def app_icon() -> Image.Image:
    """Return an icon with three clusters."""
    icon = Image.new("RGBA", (64, 64))
    draw = ImageDraw.Draw(icon)
    for (x, y, radius), color in zip([(18, 42, 15), (33, 16, 12), (50, 44, 11)], COLORS, strict=False):
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)
    return icon
