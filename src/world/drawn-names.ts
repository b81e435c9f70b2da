/**
 * Names of what RexWorld draws itself, in the notation of `category-list.ts` (without code points): holders, wholes
 * made of pieces, and the pieces that exist only as parts.
 */
export const CONTAINER_NAMES = 'basket; *bowl; plate; box; crate; *tray; *shelf|shelves; *cart; table';
export const COMPOSITE_NAMES = '*robot; train; bouquet; skewer; stack; pile';
export const PART_NAMES =
  'basket handle; cart handle; cart wheel; box flap; *shelf board; table leg; tabletop; *block; *robot head; *robot torso; *robot arm; *robot foot|robot feet; *wrapper; stick';

/** The sprite (`drawn-sprites.ts`) of each part; containers and composites are several sprites. */
export const PART_SPRITES: Readonly<Record<string, string>> = {
  'basket handle': 'basket-handle',
  'cart handle': 'cart-handle',
  'cart wheel': 'cart-wheel',
  'box flap': 'flap-left',
  'shelf board': 'board',
  'table leg': 'table-leg',
  tabletop: 'tabletop',
  block: 'block',
  'robot head': 'robot-head',
  'robot torso': 'robot-torso',
  'robot arm': 'robot-arm',
  'robot foot': 'robot-foot',
  wrapper: 'wrapper',
  stick: 'stick',
};
