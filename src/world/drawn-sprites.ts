/**
 * The sprites that RexWorld draws itself, as SVG: bodies of containers and pieces of composites.
 *
 * Everything repaintable is drawn in shades of red, because painting replaces the hue of saturated pixels and keeps
 * light and shade (`paint.ts`). A container has a back (behind its contents) and a front (before them).
 */

const WICKER = pattern(
  'w',
  24,
  24,
  '<rect width="24" height="24" fill="#a86f33"/><path d="M0 6h12M12 18h12" stroke="#d9a35c" stroke-width="9"/><path d="M0 18h12M12 6h12" stroke="#c08945" stroke-width="9"/>',
);
const SHADE =
  '<linearGradient id="s" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#fff" stop-opacity=".3"/><stop offset=".45" stop-color="#fff" stop-opacity="0"/><stop offset="1" stop-color="#300" stop-opacity=".4"/></linearGradient>';
const GLOSS =
  '<radialGradient id="g" cx=".35" cy=".3" r=".8"><stop offset="0" stop-color="#fff" stop-opacity=".55"/><stop offset=".5" stop-color="#fff" stop-opacity="0"/><stop offset="1" stop-color="#200" stop-opacity=".45"/></radialGradient>';

/** SVG of every drawn sprite, 256 x 256 before it is cropped to what is opaque. */
export const DRAWN_SPRITES: Readonly<Record<string, string>> = {
  'basket-back': svg(
    WICKER,
    '<ellipse cx="128" cy="70" rx="124" ry="40" fill="#6d4319"/><ellipse cx="128" cy="74" rx="108" ry="30" fill="#472a0e"/>',
  ),
  'basket-front': svg(
    WICKER + SHADE,
    twice('<path d="M4 70C14 118 242 118 252 70L222 200Q216 216 196 216H60Q40 216 34 200Z"', 'url(#w)') +
      '<path d="M4 70C14 120 242 120 252 70" fill="none" stroke="#8a5724" stroke-width="14" stroke-linecap="round"/>',
  ),
  'basket-handle': svg(
    '',
    '<path d="M18 250C10 20 246 20 238 250" fill="none" stroke="#7c4d1e" stroke-width="22"/><path d="M18 250C10 20 246 20 238 250" fill="none" stroke="#c08945" stroke-width="10"/>',
  ),
  'bowl-back': svg(
    '',
    '<ellipse cx="128" cy="80" rx="124" ry="34" fill="#c81e2c"/><ellipse cx="128" cy="84" rx="110" ry="26" fill="#7d1019"/>',
  ),
  'bowl-front': svg(
    SHADE,
    twice('<path d="M4 80C20 116 236 116 252 80C250 160 196 214 128 214C60 214 6 160 4 80Z"', '#e0323f'),
  ),
  plate: svg(
    '',
    '<ellipse cx="128" cy="132" rx="126" ry="70" fill="#b9bcc9"/><ellipse cx="128" cy="126" rx="126" ry="70" fill="#f2f3f8"/><ellipse cx="128" cy="126" rx="88" ry="46" fill="#dcdfe9"/><ellipse cx="128" cy="128" rx="84" ry="43" fill="#fafbff"/>',
  ),
  tray: svg(
    SHADE,
    '<rect x="2" y="66" width="252" height="134" rx="34" fill="#8e1520"/>' +
      twice('<rect x="2" y="58" width="252" height="134" rx="34"', '#d92b3a') +
      '<rect x="20" y="74" width="216" height="100" rx="22" fill="#b4202d"/>',
  ),
  'box-back': svg(
    '',
    '<path d="M4 96L40 56H216L252 96Z" fill="#6b4a28"/><path d="M40 56H216V100H40Z" fill="#8a6237"/>',
  ),
  'box-front': svg(
    SHADE,
    `${twice('<path d="M4 96H252V220H4Z"', '#c9965a')}<path d="M112 96H144V132H112Z" fill="#e6c592"/>`,
  ),
  'flap-left': svg(SHADE, twice('<path d="M250 90L150 250L4 200L90 40Z"', '#d8a96d')),
  'crate-back': svg('', '<path d="M4 60H252V90H4ZM4 100H252V130H4ZM4 140H252V170H4Z" fill="#7a5326"/>'),
  'crate-front': svg(
    SHADE,
    ['100', '144', '188'].map((y) => twice(`<rect x="2" y="${y}" width="252" height="30" rx="4"`, '#b9833f')).join('') +
      '<rect x="8" y="92" width="24" height="132" rx="3" fill="#9a6a2e"/><rect x="224" y="92" width="24" height="132" rx="3" fill="#9a6a2e"/>',
  ),
  'shelf-frame': svg('', '<path d="M6 4H250V252H6Z" fill="#b3222e"/><path d="M20 18H236V240H20Z" fill="#6e131b"/>'),
  board: svg(SHADE, twice('<rect x="2" y="118" width="252" height="20" rx="3"', '#d83643')),
  'cart-back': svg('', '<path d="M10 70H246V120H10Z" fill="#7d1019"/>'),
  'cart-front': svg(
    SHADE,
    `${twice('<path d="M4 96H252L226 196H34Z"', '#da2f3d')}<path d="M4 96H252V112H4Z" fill="#f06570"/>`,
  ),
  'cart-handle': svg(
    '',
    '<path d="M10 40L120 40L236 236" fill="none" stroke="#59606e" stroke-width="22" stroke-linecap="round" stroke-linejoin="round"/>',
  ),
  'cart-wheel': svg(
    '',
    '<circle cx="128" cy="128" r="124" fill="#24262c"/><circle cx="128" cy="128" r="82" fill="#8e95a3"/><circle cx="128" cy="128" r="26" fill="#3c404a"/><path d="M128 50V206M50 128H206M73 73L183 183M183 73L73 183" stroke="#5d636f" stroke-width="14"/>',
  ),
  tabletop: svg(
    SHADE,
    `${twice('<path d="M40 96H216L252 134V156H4V134Z"', '#b07a44')}<path d="M4 134H252V156H4Z" fill="#855527"/>`,
  ),
  'table-leg': svg(
    '',
    '<path d="M104 4H152L144 252H112Z" fill="#7a4c22"/><path d="M104 4H122L120 252H112Z" fill="#9a6532"/>',
  ),
  block: svg(GLOSS, twice('<rect x="6" y="36" width="244" height="184" rx="26"', '#e23440', 'g')),
  'robot-head': svg(
    GLOSS,
    '<path d="M128 6V50" stroke="#9aa0ac" stroke-width="12"/><circle cx="128" cy="16" r="14" fill="#e2e5ec"/>' +
      twice('<rect x="24" y="48" width="208" height="180" rx="40"', '#e23440', 'g') +
      '<circle cx="86" cy="124" r="28" fill="#f4f6fa"/><circle cx="170" cy="124" r="28" fill="#f4f6fa"/><circle cx="88" cy="126" r="13" fill="#22252b"/><circle cx="168" cy="126" r="13" fill="#22252b"/><rect x="82" y="174" width="92" height="18" rx="9" fill="#33373f"/>',
  ),
  'robot-torso': svg(
    GLOSS,
    twice('<path d="M22 30Q128 6 234 30L214 236Q128 252 42 236Z"', '#d92c39', 'g') +
      '<rect x="74" y="76" width="108" height="74" rx="10" fill="#2d3139"/><circle cx="100" cy="112" r="14" fill="#ecf0f6"/><path d="M126 112H166" stroke="#c9ced8" stroke-width="12"/>',
  ),
  'robot-arm': svg(
    GLOSS,
    twice('<path d="M92 10Q128 -6 164 10L156 190H100Z"', '#cf2733', 'g') +
      '<path d="M88 186H168V210Q168 250 148 250V222H108V250Q88 250 88 210Z" fill="#8b91a0"/>',
  ),
  'robot-foot': svg(
    GLOSS,
    '<rect x="86" y="4" width="70" height="140" fill="#8b91a0"/>' +
      twice('<path d="M60 140H180Q232 156 236 222H60Z"', '#cf2733', 'g'),
  ),
  wrapper: svg(
    SHADE,
    twice('<path d="M6 30L60 4L128 26L196 4L250 30L160 248Q128 262 96 248Z"', '#ea5a66') +
      '<path d="M60 4L116 250M196 4L140 250" stroke="#b9303b" stroke-width="5"/><path d="M92 170L164 170L160 196L96 196Z" fill="#f7f0dd"/>',
  ),
  stick: svg(
    '',
    '<path d="M4 122H238L252 128L238 134H4Z" fill="#b98b52"/><path d="M4 122H238L252 128H4Z" fill="#dcb57d"/>',
  ),
};

function svg(definitions: string, body: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256" viewBox="0 0 256 256"><defs>${definitions}</defs>${body}</svg>`;
}

/** A shape in a base colour and again as a layer of light and shade (`s` from above, `g` a gloss). */
function twice(shape: string, fill: string, shade: 's' | 'g' = 's'): string {
  return `${shape} fill="${fill}"/>${shape} fill="url(#${shade})"/>`;
}

function pattern(id: string, width: number, height: number, body: string): string {
  return `<pattern id="${id}" width="${width}" height="${height}" patternUnits="userSpaceOnUse">${body}</pattern>`;
}
