/**
 * Names of what RexWorld draws itself, in the notation of `category-list.ts` (without code points): holders, wholes made
 * of pieces, and the pieces that exist only as parts.
 */
export const CONTAINER_NAMES = 'basket; *bowl; plate; box; crate; *tray; *shelf|shelves; *cart; table';
export const COMPOSITE_NAMES = '*robot; train; bouquet; skewer; stack; pile';
export const PART_NAMES =
  'basket handle; cart handle; cart wheel; box flap; *shelf board; table leg; tabletop; *block; *robot head; *robot torso; *robot arm; *robot foot|robot feet; *wrapper; stick';
