/** The style sheet inside every SVG: one set of names, two sets of colours, chosen by the reader's own setting. */
export const STYLE = `
:root{--paper:#fbfcfd;--ink:#17212b;--quiet:#5b6b7b;--line:#7b8a99;--frame:#b9c4cf;--leaf:#fff;--d1:#eef3f7;--d2:#f8fafc;--d3:#edf2f6;--label:#fff;--event:#1d4f91;--delay:#8a5200;--guard:#6b3fa0;--action:#1f6b46;--accent:#1d6fb8}
@media (prefers-color-scheme:dark){:root{--paper:#0f151b;--ink:#e6edf3;--quiet:#97a6b5;--line:#7a8997;--frame:#3a4754;--leaf:#1b242d;--d1:#161e26;--d2:#1b2530;--d3:#161e26;--label:#202b36;--event:#8fc1ff;--delay:#f0b866;--guard:#cfa8ff;--action:#7fd6a8;--accent:#5aa9ee}}
.paper{fill:var(--paper)}
.frame{fill:var(--leaf);stroke:var(--frame);stroke-width:1.25}
.depth-0 .frame{fill:var(--paper)}.depth-1 .frame{fill:var(--d1)}.depth-2 .frame{fill:var(--d2)}.depth-3 .frame{fill:var(--d3)}
.open text{paint-order:stroke;stroke-width:5px;stroke-linejoin:round;stroke:var(--paper)}.depth-1 text{stroke:var(--d1)}.depth-2 text{stroke:var(--d2)}.depth-3 text{stroke:var(--d3)}
.region .frame{stroke-dasharray:5 4}
.supervisor .frame{stroke:var(--accent)}
.ring{fill:none;stroke:var(--ink);stroke-width:1.5}.dot{fill:var(--ink)}
.arrow{fill:none;stroke:var(--line);stroke-width:1.4}.head{fill:var(--line)}
.label{fill:var(--label);stroke:var(--frame);stroke-width:.75}
text{font:12px Helvetica,Arial,"Liberation Sans",system-ui,sans-serif;fill:var(--ink)}
.title{font-size:14px;font-weight:600}
.quiet{fill:var(--quiet)}.event{fill:var(--event)}.delay{fill:var(--delay)}.guard{fill:var(--guard)}.action{fill:var(--action)}
`.trim();
