"""Pages as a browser shows them: a headless Chromium measures each in a frame of a width."""

import html
import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
# What every headless Chromium of the tests is started with, whoever drives it.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND"  # what the page needs, it must have
# Boxes are made a little smaller: letters do not fill theirs, and touching is not overlapping.
MEASURE = """
const measure = (page) => {
// matplotlib turns every text, most of them by -0 degrees. Boxes of slanted texts do overlap.
const TURNED = /rotate\\((-?[\\d.]+)/;
const angle = (element) =>
  parseFloat(((element.getAttribute('transform') || '').match(TURNED) || [0, 0])[1]);
const box = (element) => {
  const r = element.getBoundingClientRect();
  return {left: r.left + 1, right: r.right - 1, top: r.top + 2, bottom: r.bottom - 2,
          text: element.textContent.trim(), slanted: Math.abs(angle(element)) % 90 > 1};
};
const apart = (a, b) =>
  a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
const overlaps = [], outside = [];
for (const svg of page.querySelectorAll('figure svg')) {
  const edge = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll('text')].map(box).filter((t) => t.text);
  texts.forEach((a, i) => {
    if (a.left < edge.left - 1 || a.right > edge.right + 1 || a.top < edge.top - 1 ||
        a.bottom > edge.bottom + 1) outside.push(a.text);
    for (const b of texts.slice(i + 1))
      if (!apart(a, b) && !(a.slanted && b.slanted)) overlaps.push(a.text + ' | ' + b.text);
  });
}
const blocks = [...page.querySelectorAll('h1, h2, h3, p, li, figure, table, pre')]
  .filter((e) => !e.closest('.scroll') && !e.closest('.legend'));
const room = page.documentElement.clientWidth + 1;
const wide = blocks.filter((e) => e.getBoundingClientRect().right > room)
  .map((e) => e.textContent.trim().slice(0, 60));
const figures = [...page.querySelectorAll('figure')].map((figure) => {
  const svg = figure.querySelector('svg'), edge = svg.getBoundingClientRect();
  const marks = figure.querySelectorAll('svg use, svg path, svg image').length;
  return {title: svg.getAttribute('aria-label'), width: edge.width, height: edge.height, marks};
});
return {overlaps, outside, wide, figures, scrolls: page.documentElement.scrollWidth -
  page.documentElement.clientWidth};
};
// One frame after the other: of all pages at once none would be drawn in time.
const frames = [...document.querySelectorAll('iframe')], found = [];
const next = () => {
  const frame = frames[found.length];
  if (!frame) {
    document.body.innerHTML = '<pre id="result"></pre>';
    document.getElementById('result').textContent = JSON.stringify(found);
    return;
  }
  frame.onload = () => { found.push(measure(frame.contentDocument)); frame.remove(); next(); };
  frame.srcdoc = frame.dataset.page;
};
next();
"""


def measure(pages: Sequence[tuple[str, int]], folder: Path) -> list[dict[str, Any]]:
    """What frames of some widths show, each of a page.

    Returns
    -------
    list of dict
        `overlaps` and `outside`: texts of figures that run into another, or out of their figure;
        `wide`: blocks wider than the page; `scrolls`: pixels that the page is wider than the
        frame; `figures`: title, size and number of marks of each.
    """
    wrapper = folder / "frames.html"
    frames = "".join(
        f'<iframe style="border:0;width:{width}px;height:3000px" '
        f'data-page="{html.escape(page)}"></iframe>'
        for page, width in pages
    )
    wrapper.write_text(
        '<!DOCTYPE html><meta charset="utf-8"><body style="margin:0">'
        f"{frames}<script>{MEASURE}</script>",
        encoding="utf-8",
    )
    assert CHROMIUM is not None
    done = subprocess.run(
        [
            *(CHROMIUM, "--headless", *FLAGS, OFFLINE, f"--user-data-dir={folder / 'profile'}"),
            *("--dump-dom", "--virtual-time-budget=100000", wrapper.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found = re.search(r'<pre id="result">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stdout[-500:] + done.stderr[-500:]
    results: list[dict[str, Any]] = json.loads(html.unescape(found.group(1)))
    assert len(results) == len(pages)
    return results
