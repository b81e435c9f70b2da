/** How the page of a run looks, by day and by night, on a wide screen and on a telephone. */

export const reportStyle = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif;
  --text: #1d232a; --quiet: #5b6672; --page: #fff; --card: #f5f7f9; --line: #d9dfe5; --own: #e6f0fb; --note: #fff4d6; --better: #1a6e3c; --worse: #b3261e; }
@media (prefers-color-scheme: dark) { :root {
  --text: #e6eaee; --quiet: #9aa6b2; --page: #14181d; --card: #1d232a; --line: #343d47; --own: #1d3550; --note: #3a3118; --better: #6fcf97; --worse: #f2918b; } }
* { box-sizing: border-box; }
body { max-width: 76rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; color: var(--text); background: var(--page); }
h1 { margin: 0 0 .5rem; font-size: 1.6rem; overflow-wrap: anywhere; }
h2 { margin: 2.5rem 0 .75rem; font-size: 1.2rem; }
p { margin: .5rem 0; }
.quiet { color: var(--quiet); font-size: .9rem; }
code { overflow-wrap: anywhere; }
.notes { margin: 1rem 0; padding: .6rem 1rem .6rem 2rem; border-radius: .4rem; background: var(--note); overflow-wrap: anywhere; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .5rem; margin: 0; }
.figures div { padding: .5rem .75rem; border-radius: .4rem; background: var(--card); }
.figures dt { color: var(--quiet); font-size: .8rem; overflow-wrap: anywhere; }
.figures dd { margin: 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.rules { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 1rem 0; font-size: .9rem; }
.rules dt { color: var(--quiet); }
.rules dd { margin: 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .95rem; }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--quiet); font-weight: 500; vertical-align: bottom; }
td:first-child, th:first-child, .text { text-align: left; }
td.source { min-width: 11rem; text-align: left; white-space: normal; color: var(--quiet); font-size: .85rem; }
tr.own td { background: var(--own); font-weight: 600; }
td.value { text-align: left; white-space: normal; overflow-wrap: anywhere; }
td.whisker { min-width: 11rem; }
.whisker svg { width: 10rem; height: 1rem; border-radius: 0; }
.whisker line { stroke: var(--quiet); }
.whisker rect { fill: var(--quiet); opacity: .45; }
.whisker circle { fill: var(--text); }
th.group { text-align: left; padding-left: 1.6rem; }
.groups td:nth-child(3n + 2), .groups tr:nth-child(2) th:nth-child(3n + 2) { padding-left: 1.6rem; }
td.better { color: var(--better); }
td.worse { color: var(--worse); }
h3.part { margin: 1.5rem 0 .5rem; font-size: 1.05rem; }
details { margin: 1.5rem 0; }
summary { cursor: pointer; font-size: 1.05rem; }
svg { display: block; width: 100%; max-width: 60rem; height: auto; border-radius: .4rem; }
figure { margin: 1.5rem 0; padding: .75rem; border-radius: .5rem; background: var(--card); }
figcaption { margin-bottom: .6rem; overflow-wrap: anywhere; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; }
.pair.of-3 { grid-template-columns: 1fr 1fr 1fr; }
.pair.words { grid-template-columns: minmax(0, 20rem) 1fr; }
.pair h3 { margin: 0 0 .25rem; color: var(--quiet); font-size: .85rem; font-weight: 500; }
.pair img { display: block; width: 100%; height: auto; border-radius: .3rem; }
.pair.words img { width: auto; max-width: 100%; max-height: 20rem; }
.pair dl { margin: 0; overflow-wrap: anywhere; }
.pair dt { color: var(--quiet); font-size: .85rem; }
.pair dd { margin: 0 0 .6rem; white-space: pre-line; }
@media (max-width: 40rem) {
  th, td { padding: .3rem .45rem; }
  td:first-child { min-width: 6.5rem; max-width: 9rem; white-space: normal; }
  .curves { overflow-x: auto; }
  .curves svg { min-width: 40rem; }
  .pair, .pair.of-3, .pair.words { grid-template-columns: 1fr; }
  .rules { grid-template-columns: 1fr; }
  .rules dd { margin-bottom: .4rem; }
}`;
