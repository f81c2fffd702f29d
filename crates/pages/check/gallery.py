"""Takes the pictures of docs/gallery.md from a run's page and a page that compares, in Chromium.

    python crates/pages/check/gallery.py runs/RUN/report.html compare.html [CHROMIUM]

Needs playwright and pillow.
"""

import io
import pathlib
import sys

from PIL import Image
from playwright.sync_api import sync_playwright

FOLDER = pathlib.Path(__file__).parents[3] / "docs/images"
WIDTH = 1060
SHOWN = 760
# Name, page, the heading it begins with and the one it ends before, colours.
PICTURES = [
    ("page-run", 0, None, "On the test images", 128),
    ("page-confusion", 0, "Confusion matrix", "The most confident mistakes", 128),
    ("page-mistakes", 0, "The most confident mistakes", "The least certain images", 128),
    ("page-weights", 0, "Weights", "What was run", 128),
    ("page-compare", 1, None, "Parallel coordinates", 128),
    ("page-parallel", 1, "Parallel coordinates", "Difference of two runs", 128),
]


def save(png, name, colours):
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image = image.resize((SHOWN, round(image.height * SHOWN / image.width)), Image.Resampling.LANCZOS)
    path = FOLDER / f"{name}.png"
    image.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path.name, image.size, path.stat().st_size)


def main(pages, chromium=None):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for number, page in enumerate(pages):
            tab = browser.new_page(viewport={"width": WIDTH, "height": 1400}, color_scheme="light")
            tab.goto(pathlib.Path(page).absolute().as_uri())
            tab.wait_for_timeout(800)
            tops = {heading.inner_text(): heading.bounding_box()["y"] for heading in tab.query_selector_all("h2,h3")}
            for name, of, first, end, colours in PICTURES:
                if of == number:
                    top = tops[first] - 12 if first else 0
                    clip = {"x": 0, "y": top, "width": WIDTH, "height": tops[end] - 12 - top}
                    save(tab.screenshot(clip=clip, full_page=True), name, colours)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:3], *sys.argv[3:4])
