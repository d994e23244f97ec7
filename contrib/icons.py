"""The icons that some systems want as PNG, drawn from ``static/icon.svg`` by Chromium: run it when that changes."""

from __future__ import annotations

import base64
from pathlib import Path

from familychat_web.screens import chromium

STATIC = Path(__file__).parents[1] / "web/familychat_web/static"
CORNERS = ' rx="16"'
"""Of the background. Systems that cut icons into a shape of their own want it without."""

SIZES = {
    "icon-192.png": (192, True),
    "icon-512.png": (512, True),
    "icon-maskable.png": (512, False),
    "icon-touch.png": (180, False),
}
"""Width and height in pixels, and whether it keeps its round corners."""


def main() -> None:
    drawing = (STATIC / "icon.svg").read_text("utf-8")
    with chromium() as driver:
        driver.execute_cdp_cmd(
            "Emulation.setDefaultBackgroundColorOverride", {"color": {"r": 0, "g": 0, "b": 0, "a": 0}}
        )
        for name, (size, round_corners) in SIZES.items():
            svg = drawing if round_corners else drawing.replace(CORNERS, "", 1)
            style = "html,body{margin:0}svg{display:block;width:100vw;height:100vh}"
            page = f"<!doctype html><style>{style}</style>{svg}".encode()
            metrics = {"width": size, "height": size, "deviceScaleFactor": 1, "mobile": False}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            driver.get("data:text/html;base64," + base64.b64encode(page).decode())
            shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
            (STATIC / name).write_bytes(base64.b64decode(shot["data"]))


if __name__ == "__main__":
    main()
