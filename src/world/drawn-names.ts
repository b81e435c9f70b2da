/**
 * Names of what RexWorld draws itself, in the notation of `category-list.ts` (without code points): holders, wholes made
 * of pieces, and the pieces that exist only as parts.
 */
export const CONTAINER_NAMES = 'basket; *bowl; plate; box; crate; *tray; *shelf|shelves; *cart; table';
export const COMPOSITE_NAMES = '*robot; train; bouquet; skewer; stack; pile';
export const PART_NAMES =
  'handle; wheel; flap; *board; leg; tabletop; *block; *head; *torso; *arm; *foot|feet; *wrapper; stick';
