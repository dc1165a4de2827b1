"""A page as a PNG file, by a browser of the Chromium family without a window."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from cli.result_file import finished_file
from market.errors import UserError

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
)
WIDTH = 1280
SECONDS_MAX = 60


def write_picture(page: str, target: Path, *, height: int) -> Path:
    """Write the HTML text `page`, drawn `WIDTH` by `height` pixels, to the PNG file `target`.

    Raises `UserError` where no browser is found, it does not draw within `SECONDS_MAX`, or `target` cannot be
    written.
    """
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise UserError(
            f"--png needs one of the browsers {', '.join(BROWSERS)}, and none is installed. "
            "Use --html, or install Chromium."
        )
    with tempfile.TemporaryDirectory(prefix="harvester-") as folder:
        source, drawn = Path(folder) / "page.html", Path(folder) / "page.png"
        source.write_text(page, encoding="utf-8")
        command = [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--hide-scrollbars",
            f"--user-data-dir={folder}/profile",
            f"--window-size={WIDTH},{height}",
            "--virtual-time-budget=3000",
            f"--screenshot={drawn}",
            source.as_uri(),
        ]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=SECONDS_MAX)
            picture = drawn.read_bytes()
        except (subprocess.SubprocessError, OSError) as error:
            raise UserError(f"{browser} did not draw the picture: {error}. Use --html instead.") from None
    with finished_file(target, option="--png") as unfinished:
        unfinished.write_bytes(picture)
    return target
