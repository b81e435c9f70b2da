/** Style and script of the page of annotated images. */

export const style = `
:root { color-scheme: light dark; font: 16px/1.55 system-ui, sans-serif; }
body { margin: 0; }
header { position: sticky; top: 0; z-index: 1; background: Canvas; border-bottom: 1px solid #8884; padding: .6rem 1.2rem; display: flex; flex-wrap: wrap; gap: .4rem 1.2rem; align-items: baseline; }
h1 { font-size: 1rem; margin: 0; } h2 { font-size: .9rem; margin: 0 0 .5rem; font-weight: 600; }
h2 span { opacity: .7; font-weight: 400; overflow-wrap: anywhere; } em { font-style: normal; border-radius: .3em; padding: 0 .4em; color: #000; }
em.done { background: #9fd89f; } em.filtered { background: #f0c674; } em.failed { background: #f19a8e; }
select { max-width: 16rem; } header label { display: flex; gap: .4rem; align-items: baseline; font-size: .9rem; } #count { font-size: .9rem; opacity: .7; }
main { padding: 1.2rem; display: grid; gap: 1.2rem; align-items: start; grid-template-columns: repeat(auto-fill, minmax(min(34rem, 100%), 1fr)); }
article { border: 1px solid #8884; border-radius: .5rem; padding: .8rem; } article[hidden] { display: none; }
.pair { display: flex; flex-wrap: wrap; gap: .8rem; }
figure { position: sticky; top: 4.2rem; margin: 0; flex: 1 1 16rem; align-self: flex-start; }
figure img { display: block; width: 100%; height: auto; } figure svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
section { flex: 1 1 14rem; min-width: 0; overflow-wrap: anywhere; } p { margin: 0 0 .5rem; } .question { opacity: .75; } .absent, .plain { opacity: .65; font-size: .85rem; }
.rejected { color: light-dark(#a93226, #f1948a); font-size: .85rem; } .rejected b { color: inherit; } li { margin-bottom: .35rem; } li div { font-size: .85rem; line-height: 1.4; } li b { font-weight: 500; opacity: .65; } ol { padding-left: 1.8rem; margin: 0; }
mark { color: #000; border-radius: .25em; padding: 0 .2em; cursor: default; }
rect { fill: transparent; vector-effect: non-scaling-stroke; stroke-width: 2.5; } rect:first-of-type { stroke: #0009; stroke-width: 5; }
article.lit [data-regions]:not(.on) { opacity: .15; } article.lit .on rect:last-of-type { stroke-width: 4; }
details { margin-top: .5rem; font-size: .85rem; } q { opacity: .7; } summary { cursor: pointer; }
@media (max-width: 44rem) {
  header { position: static; } h1 { flex-basis: 100%; overflow-wrap: anywhere; } main { padding: .6rem; }
  figure { position: relative; top: 0; flex-basis: 100%; }
}
`;

export const script = `
const cards = [...document.querySelectorAll('article')];
const by = (id) => document.getElementById(id);
const fill = (id, key) => {
  const values = [...new Set(cards.flatMap((card) => card.dataset[key].split('|')))].filter(Boolean).sort();
  for (const value of values) by(id).append(new Option(value, value));
};
fill('stage', 'stages');
fill('reason', 'reasons');
const show = () => {
  const words = by('words').value.trim().toLowerCase();
  let shown = 0;
  for (const card of cards) {
    const { state, stages, reasons } = card.dataset;
    const fits = (!by('state').value || state === by('state').value)
      && (!by('stage').value || stages.split('|').includes(by('stage').value))
      && (!by('reason').value || reasons.split('|').includes(by('reason').value))
      && (!words || card.textContent.toLowerCase().includes(words));
    card.hidden = !fits;
    if (fits) shown++;
  }
  by('count').textContent = shown + ' of ' + cards.length;
};
for (const id of ['state', 'stage', 'reason', 'words']) by(id).addEventListener('input', show);
show();
const light = (event) => {
  const of = event.target.closest('[data-regions]');
  const card = event.target.closest('article');
  for (const lit of document.querySelectorAll('article.lit')) lit.classList.remove('lit');
  for (const on of document.querySelectorAll('.on')) on.classList.remove('on');
  if (!of || !card) return;
  const wanted = of.dataset.regions.split(' ');
  card.classList.add('lit');
  for (const one of card.querySelectorAll('[data-regions]')) {
    if (one.dataset.regions.split(' ').some((region) => wanted.includes(region))) one.classList.add('on');
  }
};
document.addEventListener('mouseover', light);
document.addEventListener('focusin', light);
`;
