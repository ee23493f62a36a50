"""The page's look: figures of a phone's width, side by side where there is room."""

STYLESHEET = """
:root { --ink: #22252a; --muted: #6b7280; --rule: #dfe2e6; --accent: #1d5f8a; --best: #c2410c; }
* { box-sizing: border-box; }
html { color-scheme: light; -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body { margin: 0 auto; max-width: 1320px; padding: 28px 16px 80px; background: #fff;
  color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  overflow-wrap: anywhere; }
a { color: var(--accent); }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 12px; letter-spacing: -.01em; }
h2 { font-size: 19px; line-height: 1.3; margin: 0 0 6px; }
h3 { font: 600 14px/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; margin: 0 0
  2px; }
p { margin: 0 0 10px; max-width: 46em; }
.lede { font-size: 18px; max-width: 44em; }
.eyebrow { color: var(--muted); font-size: 14px; margin: 0 0 6px; }
section { border-top: 1px solid var(--rule); padding: 24px 0 14px; margin-top: 22px; }
.about { color: var(--muted); font-size: 14.5px; }
.panels { display: grid; gap: 26px 30px;
  grid-template-columns: repeat(auto-fill, minmax(min(340px, 100%), 1fr)); }
figure { margin: 0; min-width: 0; max-width: 520px; }
figure svg, figure img { display: block; width: 100%; height: auto; }
figure svg text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, sans-serif
  !important; }
figure svg a:hover path, figure svg a:hover use { stroke: var(--best) !important; stroke-width:
  2.5 !important; }
figcaption { color: var(--muted); font-size: 13.5px; line-height: 1.45; margin-top: 4px; }
.none { border-left: 3px solid var(--rule); color: var(--muted); font-size: 14.5px; margin: 4px 0;
  padding: 2px 0 2px 12px; }
.findings { list-style: none; margin: 0; padding: 0; max-width: 60em; }
.findings li { padding: 9px 0; border-bottom: 1px solid var(--rule); }
.findings li:last-child { border: 0; }
code, pre { font: 13.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
code { background: #f3f4f6; border-radius: 4px; padding: 1px 5px; }
pre { background: #f3f4f6; border-radius: 6px; padding: 12px 14px; white-space: pre-wrap; margin:
  0 0 14px; }
.scroll { overflow: auto; max-height: 75vh; border: 1px solid var(--rule); border-radius: 6px; }
table { border-collapse: collapse; font-size: 13.5px; line-height: 1.4; font-variant-numeric:
  tabular-nums; }
.scroll table { min-width: 100%; }
th, td { padding: 5px 10px; text-align: left; vertical-align: top; border-bottom: 1px solid
  var(--rule); }
.scroll th, .scroll td { white-space: nowrap; overflow-wrap: normal; }
.scroll td.reason { white-space: normal; min-width: 14em; overflow-wrap: anywhere; }
thead th { position: sticky; top: 0; background: #fff; color: var(--muted); font-weight: 600;
  box-shadow: 0 1px 0 var(--rule); }
td.number, th.number { text-align: right; }
tr:target { background: #fff3d6; scroll-margin-top: 40px; }
tr.best td { font-weight: 650; color: var(--best); }
.comparison th, .comparison td { overflow-wrap: normal; }
.comparison tbody th { font-weight: 400; color: var(--muted); }
.differs { font-weight: 650; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 20px; font-size: 14px; color: var(--muted);
  margin: 0; }
.legend span { display: inline-flex; align-items: center; gap: 6px; }
.legend svg { width: 22px; height: 12px; flex: none; }
@media (min-width: 1100px) {
  section { display: grid; grid-template-columns: 250px minmax(0, 1fr); gap: 0 40px; }
  section.wide { display: block; }
}
@media (max-width: 480px) { h1 { font-size: 24px; } .lede { font-size: 17px; } }
@media print { .scroll { max-height: none; overflow: visible; } section { break-inside:
  avoid-page; } }
"""
