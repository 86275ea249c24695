"""The style of an evaluation's page: light or dark, as the reader's system asks for."""

STYLE = """
:root { color-scheme: light dark; --page: #fcfcfb; --ink: #1b1c1e; --soft: #63666b;
  --line: #dfe0e2; --bar: #3b6fb6; --base: #b4692d; --muted: #a9adb2; --up: #1d7f4e;
  --down: #b8372e; }
@media (prefers-color-scheme: dark) { :root { --page: #17181a; --ink: #e9eaec; --soft: #9ca0a6;
  --line: #34363a; --bar: #6c9fe0; --base: #d99058; --muted: #6b6f75; --up: #5cc08c;
  --down: #ec7a70; } }
* { box-sizing: border-box; }
body { background: var(--page); color: var(--ink); max-width: 78rem; margin: 0 auto;
  padding: 2rem 1.2rem 4rem; font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.2rem; margin: 2.6rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
p { max-width: 50rem; margin: .5rem 0 1rem; } .soft { color: var(--soft); }
.sizes { display: flex; flex-wrap: wrap; gap: .4rem 2.2rem; margin: 1.2rem 0; }
.sizes dt { color: var(--soft); font-size: .8rem; } .sizes dd { margin: 0; font-size: 1.25rem; }
.terms { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.4rem; }
.terms dt { font-weight: 600; } .terms dd { margin: 0; max-width: 46rem; }
.scroll { overflow-x: auto; margin: .8rem 0; }
table { border-collapse: collapse; white-space: nowrap; font-size: .92rem; line-height: 1.35; }
th, td { padding: .32rem 1.2rem .32rem 0; border-bottom: 1px solid var(--line); text-align: right;
  font-variant-numeric: tabular-nums; vertical-align: top; }
th { font-weight: 600; vertical-align: bottom; } tbody tr:hover { background: #8881; }
th small, td small { display: block; color: var(--soft); font-weight: 400; }
th:first-child, td:first-child { text-align: left; }
td.best, td.clear { font-weight: 600; } .up { color: var(--up); } .down { color: var(--down); }
td.control { color: var(--soft); }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(23rem, 100%), 1fr));
  gap: 1.4rem 2rem; margin: .8rem 0; }
.plots.pair { grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); }
figure { margin: 0; } figcaption { font-weight: 600; font-size: .9rem; margin-bottom: .3rem; }
svg { width: 100%; height: auto; overflow: visible; }
svg text { fill: var(--ink); font-size: 12px; } svg .soft, svg .tick { fill: var(--soft); }
svg .tick { font-size: 11px; } svg path { fill: none; }
svg .grid { stroke: var(--line); } svg .zero { stroke: var(--soft); }
svg .leader { stroke: var(--muted); } svg .mark { stroke: var(--base); stroke-dasharray: 3 3; }
svg .bar { fill: var(--bar); opacity: .55; } svg .bar.control { fill: var(--muted); }
svg .bar.baseline { fill: var(--base); } svg .whisker { stroke: var(--ink); stroke-width: 1.3; }
svg g .whisker { stroke: currentColor; } svg g circle, svg g .arrow { fill: currentColor; }
svg g.system { color: var(--bar); } svg g.baseline { color: var(--base); }
svg g.control, svg g.level { color: var(--muted); }
svg g.up { color: var(--up); } svg g.down { color: var(--down); }
details { margin: 1rem 0; } summary { cursor: pointer; font-weight: 600; }
pre { overflow-x: auto; font-size: .85rem; }
"""
