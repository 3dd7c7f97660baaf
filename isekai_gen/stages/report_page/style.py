"""How the report looks: on paper, and on a screen in light and in dark."""

STYLE = """
:root { color-scheme: light dark;
  --page: #faf9f6; --panel: #ffffff; --ink: #202124; --muted: #5b5b59; --rule: #d6d3cc;
  --kept: #1d6f8a; --dropped: #b9471f; --across: #8a6a14; }
@media (prefers-color-scheme: dark) { :root {
  --page: #17181a; --panel: #1f2124; --ink: #ececea; --muted: #a9a9a6; --rule: #43454a;
  --kept: #6cb8d3; --dropped: #ec8a64; --across: #d8b24a; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; background: var(--page);
  color: var(--ink); }
header, nav, main, footer { max-width: 860px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 40px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 22px; line-height: 1.25; margin: 0 0 10px; }
h3 { font-size: 17px; margin: 18px 0 4px; overflow-wrap: anywhere; }
h3 small { display: block; font-weight: 400; font-size: 13px; color: var(--muted); }
p { margin: 0 0 10px; }
p.facts, footer p { color: var(--muted); font-size: 14px; }
p.sums { font-variant-numeric: tabular-nums; }
p.missing, p.note { border-left: 4px solid var(--across); background: var(--panel);
  padding: 8px 12px; }
a { color: var(--kept); }
code { font: 0.92em ui-monospace, monospace; background: var(--page); padding: 1px 4px;
  border: 1px solid var(--rule); border-radius: 4px; overflow-wrap: anywhere; }
nav ul { list-style: none; margin: 14px 0 0; padding: 0; display: flex; flex-wrap: wrap;
  gap: 4px 16px; font-size: 15px; }
dl.figures { display: flex; flex-wrap: wrap; gap: 10px; margin: 20px 0; }
dl.figures div { flex: 1 1 120px; background: var(--panel); border: 1px solid var(--rule);
  border-radius: 8px; padding: 10px 14px; }
dl.figures dt { color: var(--muted); font-size: 14px; }
dl.figures dd { margin: 0; font-size: 26px; font-weight: 600;
  font-variant-numeric: tabular-nums; }
section { background: var(--panel); border: 1px solid var(--rule); border-radius: 10px;
  padding: 20px 22px; margin: 22px 0; }
figure { margin: 10px 0 14px; }
figcaption { color: var(--muted); font-size: 14px; }
svg { display: block; width: 100%; height: auto; stroke-linejoin: round; stroke-linecap: butt; }
details { margin: 8px 0; }
summary { cursor: pointer; color: var(--kept); }
.scroll { overflow-x: auto; margin: 8px 0; }
table { border-collapse: collapse; min-width: min(100%, 420px); font-size: 14px; }
caption { text-align: left; color: var(--muted); padding: 4px 0; }
th, td { text-align: left; padding: 4px 14px 4px 0; border-bottom: 1px solid var(--rule);
  vertical-align: top; }
thead th { color: var(--muted); font-weight: 600; }
tbody th { font-weight: 400; }
th, td { overflow-wrap: break-word; }
td:not(.n) { min-width: 9em; }
.n { text-align: right; font-variant-numeric: tabular-nums; }
td.n { white-space: nowrap; }
td:last-child, th:last-child { padding-right: 2px; }
img { display: block; border-radius: 5px; width: 100%; height: auto; }
.group { display: grid; grid-template-columns: repeat(auto-fill, minmax(88px, 1fr)); gap: 8px;
  margin: 14px 0; }
.group p { grid-column: 1 / -1; margin: 0; }
.group figure { margin: 0; max-width: 128px; }
.group figcaption { font-size: 12px; overflow-wrap: anywhere; }
.sheet { display: grid; grid-template-columns: 2fr 1fr; gap: 4px 26px; padding: 4px 0 16px;
  border-bottom: 1px solid var(--rule); }
.sheet:last-child { border-bottom: 0; }
.fictional h3 { border-top: 3px solid var(--dropped); padding-top: 6px; }
.real h3 { border-top: 3px solid var(--rule); padding-top: 6px; }
.tiles { display: grid; grid-template-columns: repeat(4, minmax(0, 128px)); gap: 6px; }
.real .tiles { grid-template-columns: repeat(2, minmax(0, 128px)); }
footer { padding-bottom: 48px; }
@media (max-width: 620px) {
  .sheet { grid-template-columns: 1fr; }
  .real .tiles { grid-template-columns: repeat(4, minmax(0, 128px)); }
  section { padding: 16px 14px; } }
@media print {
  :root { color-scheme: light; --page: #ffffff; --panel: #ffffff; --ink: #000000;
    --muted: #444444; --rule: #bbbbbb; --kept: #1d6f8a; --dropped: #b9471f; --across: #8a6a14;
    }
  body { font-size: 10.5pt; }
  nav { display: none; }
  section { border: 0; padding: 0; margin: 18pt 0; }
  .scroll { overflow: visible; }
  h2, h3, summary, section > p { break-after: avoid; }
  figure, .sheet, .group, tr { break-inside: avoid; } }
"""
